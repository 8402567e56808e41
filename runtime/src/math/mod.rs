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
pub mod acos_f64;
pub mod acosh;
pub mod acosh_f64;
pub mod argmax;
pub mod asin;
pub mod asin_f64;
pub mod asinh;
pub mod asinh_f64;
pub mod atan;
pub mod atan_f64;
pub mod atanh;
pub mod atanh_f64;
pub mod brain;
pub mod ceil;
pub mod ceil_f64;
pub mod cos;
pub mod cos_f64;
pub mod cosh;
pub mod cosh_f64;
pub mod double;
pub mod double_f64;
pub mod erf;
pub mod erf_f64;
pub mod exp;
pub mod exp_f64;
pub mod expm1;
pub mod expm1_f64;
pub mod floor;
pub mod floor_f64;
pub mod fma;
pub mod half;
pub mod log;
pub mod log1p;
pub mod log1p_f64;
pub mod log_f64;
pub mod minifloat;
pub mod minmax;
pub mod minmax_f64;
pub mod pow;
pub mod pow_f64;
pub mod quantize;
pub mod round_even;
pub mod round_even_f64;
pub mod sigmoid;
pub mod sigmoid_f64;
pub mod sin;
pub mod sin_f64;
pub mod sinh;
pub mod sinh_f64;
pub mod softplus;
pub mod softplus_f64;
pub mod sqrt;
pub mod sqrt_f64;
pub mod tan;
pub mod tan_f64;
pub mod tanh;
pub mod tanh_f64;
pub mod trig;
pub mod trig_f64;
pub mod trunc;
pub mod trunc_f64;

pub use acos::acos;
pub use acos_f64::acos_f64;
pub use acosh::acosh;
pub use acosh_f64::acosh_f64;
pub use asin::asin;
pub use asin_f64::asin_f64;
pub use asinh::asinh;
pub use asinh_f64::asinh_f64;
pub use atan::atan;
pub use atan_f64::atan_f64;
pub use atanh::atanh;
pub use atanh_f64::atanh_f64;
pub use brain::{from_bf16, to_bf16};
pub use ceil::ceil;
pub use ceil_f64::ceil_f64;
pub use cos::cos;
pub use cos_f64::cos_f64;
pub use cosh::cosh;
pub use cosh_f64::cosh_f64;
pub use erf::erf;
pub use erf_f64::erf_f64;
pub use exp::exp;
pub use exp_f64::exp_f64;
pub use expm1::expm1;
pub use expm1_f64::expm1_f64;
pub use floor::floor;
pub use floor_f64::floor_f64;
pub use fma::fma;
pub use half::{from_f16, to_f16};
pub use log::log;
pub use log_f64::log_f64;
pub use log1p::log1p;
pub use log1p_f64::log1p_f64;
pub use minmax::{clamp, max, min};
pub use minmax_f64::{clamp_f64, max_f64, min_f64};
pub use pow::pow;
pub use pow_f64::pow_f64;
pub use quantize::quantize;
pub use round_even::round_even;
pub use round_even_f64::round_even_f64;
pub use sigmoid::sigmoid;
pub use sigmoid_f64::sigmoid_f64;
pub use sin::sin;
pub use sin_f64::sin_f64;
pub use sinh::sinh;
pub use sinh_f64::sinh_f64;
pub use softplus::softplus;
pub use softplus_f64::softplus_f64;
pub use sqrt::sqrt;
pub use sqrt_f64::sqrt_f64;
pub use tan::tan;
pub use tan_f64::tan_f64;
pub use tanh::tanh;
pub use tanh_f64::tanh_f64;
pub use trunc::trunc;
pub use trunc_f64::trunc_f64;
