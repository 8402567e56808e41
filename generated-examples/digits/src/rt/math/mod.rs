// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Elementary functions.
pub mod argmax;
pub mod exp;
pub mod fma;
pub mod log;
pub mod minmax;
