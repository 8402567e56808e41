//! A function that can panic: what the test looks for is there to be found.
#![no_std]

#[inline(never)]
pub fn element(x: &[f32], at: usize) -> f32 {
    x[at]
}
