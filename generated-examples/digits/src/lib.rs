//! The neural network `digits`, compiled by zantc 0.1.0 from an ONNX model.
//!
//! - input `image`: `f32[1,1,8,8]` (`image`)
//! - output `probabilities`: `f32[1,10]` (`probabilities`)
//!
//! 2048 bytes of arena, 7592 bytes of constants, 23680 multiply-adds a run; no heap.
//!
//! ```
//! let model = digits::take().expect("taken once");
//! let result = model.run(&[0.0f32; 64]);
//! assert_eq!(result.len(), 10);
//! ```
#![no_std]
#![deny(unsafe_code)]

#[cfg(target_endian = "big")]
compile_error!("weights.bin is little-endian; big-endian targets are not supported");

mod model;
/// The kernels. A file may hold more functions than the model uses.
#[allow(dead_code)]
mod rt;
#[allow(unsafe_code)]
mod weights;

pub use model::*;

/// Lends the only model of the program the first time; returns `None` afterwards. It lies in `.bss`, never on the stack.
#[cfg(target_has_atomic = "8")]
pub fn take() -> Option<&'static mut Model> {
    static MODEL: rt::once::Once<Model> = rt::once::Once::new(Model::new());
    MODEL.take()
}
