// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Armv8-A.
pub mod fpu;
