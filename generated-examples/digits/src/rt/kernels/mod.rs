// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The kernels.
pub mod conv;
pub mod copy;
pub mod matmul_packed;
pub mod number;
pub mod pool;
pub mod reduce;
pub mod reduce_f32;
pub mod softmax;
