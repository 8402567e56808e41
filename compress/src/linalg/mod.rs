//! Dense linear algebra with the same bits on every machine: sums have one order, whatever the CPU and the number of threads.
//!
//! Libraries choose blocks by the caches that they find, so that the last bits differ from machine to machine, and with them now and then
//! a rounded weight. Products of floats are the compiler's own kernels; the rest is small.

mod cholesky;
mod gradient;
mod products;

pub use cholesky::{Cholesky, pivots};
pub use gradient::least_squares;
pub use products::{add_products, multiply};

/// Lanes of sums: what two vectors of 64-bit floats hold on most machines.
const LANES: usize = 8;

/// The sum of products of two rows, in lanes.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0f64; LANES];
    let (a_parts, a_rest) = a.as_chunks::<LANES>();
    let (b_parts, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_parts.iter().zip(b_parts) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + rest
}
