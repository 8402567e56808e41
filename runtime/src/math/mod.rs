// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Elementary functions of f32, and a few of f64: one per file, with its error bound and its special values.
//!
//! Computed by IEEE additions, multiplications, divisions and integer operations, each rounded by itself: results have
//! the same bits on every target and with both numerics. Functions of f32 use no libm and, apart from `fma`, no f64.
//! All of them but `sin`, `cos` and `tan` are straight-line code without tables, which a loop vectorises. Files use
//! each other only by `super::file::function`, because some of them are copied into other crates.
//!
//! An error in ULP is |computed - exact| divided by the distance of neighbouring numbers at the exact value (for
//! subnormal numbers: below the normal ones); correct rounding has 0.5. The stated errors of functions of one f32 hold
//! for every f32: `tests/math_accuracy.rs` measures them.

pub mod acos;
pub mod acosh;
pub mod asin;
pub mod asinh;
pub mod atan;
pub mod atanh;
pub mod ceil;
pub mod ceil_f64;
pub mod cos;
pub mod cosh;
pub mod double;
pub mod double_f64;
pub mod erf;
pub mod exp;
pub mod exp_f64;
pub mod expm1;
pub mod floor;
pub mod floor_f64;
pub mod fma;
pub mod log;
pub mod log1p;
pub mod log_f64;
pub mod minmax;
pub mod minmax_f64;
pub mod pow;
pub mod pow_f64;
pub mod quantize;
pub mod round_even;
pub mod round_even_f64;
pub mod sigmoid;
pub mod sin;
pub mod sinh;
pub mod softplus;
pub mod sqrt;
pub mod sqrt_f64;
pub mod tan;
pub mod tanh;
pub mod tanh_f64;
pub mod trig;
pub mod trunc;
pub mod trunc_f64;

pub use acos::acos;
pub use acosh::acosh;
pub use asin::asin;
pub use asinh::asinh;
pub use atan::atan;
pub use atanh::atanh;
pub use ceil::ceil;
pub use ceil_f64::ceil_f64;
pub use cos::cos;
pub use cosh::cosh;
pub use erf::erf;
pub use exp::exp;
pub use exp_f64::exp_f64;
pub use expm1::expm1;
pub use floor::floor;
pub use floor_f64::floor_f64;
pub use fma::fma;
pub use log::log;
pub use log_f64::log_f64;
pub use log1p::log1p;
pub use minmax::{clamp, max, min};
pub use minmax_f64::{clamp_f64, max_f64, min_f64};
pub use pow::pow;
pub use pow_f64::pow_f64;
pub use quantize::quantize;
pub use round_even::round_even;
pub use round_even_f64::round_even_f64;
pub use sigmoid::sigmoid;
pub use sin::sin;
pub use sinh::sinh;
pub use softplus::softplus;
pub use sqrt::sqrt;
pub use sqrt_f64::sqrt_f64;
pub use tan::tan;
pub use tanh::tanh;
pub use tanh_f64::tanh_f64;
pub use trunc::trunc;
pub use trunc_f64::trunc_f64;
