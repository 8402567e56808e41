// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Part of the runtime.
pub mod fpu;
