// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The kernels.
pub mod conv;
pub mod conv2d;
pub mod copy;
pub mod epilogue;
pub mod index;
pub mod matmul_packed;
pub mod number;
pub mod pool;
pub mod pool2d;
pub mod reduce;
pub mod reduce_f32;
pub mod regions;
pub mod rows;
pub mod softmax;
pub mod tile;
pub mod window;
