// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Elementary functions of f32, and a few of f64: one per file, with its error bound and its special values.
//!
//! Only IEEE additions, multiplications, divisions and integer operations, each rounded by itself: the results
//! have the same bits on every target and under both numerics. No libm, no tables in the functions that run per
//! element (`exp`, `tanh`, `erf`, `sigmoid`, `log`), which are straight-line code that a loop vectorises.
//! The files use each other by `super::file::function` alone, because a part of them is copied into other crates.

pub mod acos;
pub mod acosh;
pub mod asin;
pub mod asinh;
pub mod atan;
pub mod atanh;
pub mod ceil;
pub mod cos;
pub mod cosh;
pub mod double;
pub mod erf;
pub mod exp;
pub mod expm1;
pub mod floor;
pub mod fma;
pub mod log;
pub mod log1p;
pub mod minmax;
pub mod pow;
pub mod round_even;
pub mod sigmoid;
pub mod sin;
pub mod sinh;
pub mod softplus;
pub mod sqrt;
pub mod tan;
pub mod tanh;
pub mod trig;
pub mod trunc;

pub use acos::acos;
pub use acosh::acosh;
pub use asin::asin;
pub use asinh::asinh;
pub use atan::atan;
pub use atanh::atanh;
pub use ceil::ceil;
pub use cos::cos;
pub use cosh::cosh;
pub use erf::erf;
pub use exp::exp;
pub use expm1::expm1;
pub use floor::floor;
pub use fma::fma;
pub use log::log;
pub use log1p::log1p;
pub use minmax::{clamp, max, min};
pub use pow::pow;
pub use round_even::round_even;
pub use sigmoid::sigmoid;
pub use sin::sin;
pub use sinh::sinh;
pub use softplus::softplus;
pub use sqrt::sqrt;
pub use tan::tan;
pub use tanh::tanh;
pub use trunc::trunc;
