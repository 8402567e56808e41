// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Part of the runtime.
pub mod avx2;
pub mod avx512;
pub mod floats;
pub mod found;
pub mod host;
