// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Softmax of f64 and its logarithm, in plain loops: the operations of `softmax`, in their order.
use super::super::math::exp_f64::exp_f64;
use super::super::math::log_f64::log_f64;
use super::super::terms::sizes::LANES;
use super::number::Number;
use super::reduce::join;
use super::softmax::Softmax;

/// `y = softmax(x)`.
pub fn softmax_f64(p: &Softmax, x: &[f64], y: &mut [f64]) {
    run(p, x, y, false);
}

/// `y = log(softmax(x))`.
pub fn log_softmax_f64(p: &Softmax, x: &[f64], y: &mut [f64]) {
    run(p, x, y, true);
}

fn run(p: &Softmax, x: &[f64], y: &mut [f64], log: bool) {
    debug_assert!(x.len() == p.outer * p.n * p.inner && y.len() == x.len());
    for o in 0..p.outer {
        for column in 0..p.inner {
            let place = |i: usize| (o * p.n + i) * p.inner + column;
            let element = |i: usize| x.get(place(i)).copied();
            let largest = (0..p.n).filter_map(element).fold(f64::LOWEST, Number::max);
            let lane =
                |lane| (lane..p.n).step_by(LANES).filter_map(element).fold(0.0, |sum, x| sum + exp_f64(x - largest));
            let lanes: [f64; LANES] = core::array::from_fn(lane);
            let sum = join(lanes, |a, b| a + b);
            let (logarithm, factor) = (log_f64(sum), 1.0 / sum);
            for i in 0..p.n {
                if let (Some(x), Some(y)) = (element(i), y.get_mut(place(i))) {
                    let difference = x - largest;
                    *y = if log { difference - logarithm } else { exp_f64(difference) * factor };
                }
            }
        }
    }
}
