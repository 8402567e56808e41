// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Plain data that loops and kernels share.
pub mod conv2d;
pub mod epilogue;
pub mod line;
pub mod panels;
pub mod pool2d;
pub mod regions;
pub mod rows;
pub mod sizes;
pub mod steps;
pub mod window;
