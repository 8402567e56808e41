// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The kernels, one file each, and what several of them share.
pub mod arg;
pub mod columns;
pub mod conv;
pub mod conv2d;
pub mod copy;
pub mod cumulative;
pub mod depthwise;
pub mod epilogue;
pub mod gather;
pub mod index;
pub mod map;
pub mod matmul;
pub mod matmul_int;
pub mod matmul_packed;
pub mod number;
pub mod pool;
pub mod pool2d;
pub mod reduce;
pub mod reduce_f32;
pub mod regions;
pub mod rows;
pub mod scatter;
pub mod softmax;
pub mod tile;
pub mod topk;
pub mod window;
