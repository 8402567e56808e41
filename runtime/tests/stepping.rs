//! What emitted crates offer their users beside kernels.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use zant_runtime::math::argmax::argmax;
use zant_runtime::stepping::Turn;

#[test]
fn a_turn_is_given_once() {
    let mut turn = pin!(Turn::new());
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(turn.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(turn.as_mut().poll(&mut context), Poll::Ready(()));
}

#[test]
fn the_first_of_the_largest_numbers_is_found() {
    assert_eq!(argmax(&[1, 5, 5, 2]), 1);
    assert_eq!(argmax(&[f32::NAN, -3.0, f32::NAN, -2.0]), 3);
    assert_eq!(argmax(&[f32::NAN]), 0);
    assert_eq!(argmax::<f32>(&[]), 0);
    assert_eq!(argmax(&[f32::NEG_INFINITY, f32::NEG_INFINITY]), 0);
}
