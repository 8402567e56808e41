// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Plain data that loops and kernels share: parameters, windows, lines, and what loops in assembly are told.
pub mod codes;
pub mod coding;
pub mod conv2d;
pub mod dots;
pub mod dual;
pub mod dynamic;
pub mod each_quad_row;
pub mod epilogue;
pub mod fives;
pub mod line;
pub mod lines;
pub mod matmul;
pub mod pool2d;
pub mod qconv2d;
pub mod qmap;
pub mod quads;
pub mod quant;
pub mod regions;
pub mod rows;
pub mod sizes;
pub mod sparse;
pub mod steps;
pub mod taps;
pub mod ternary;
pub mod tile;
pub mod window;
