// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The kernels of the model, and the files that they need.
#[allow(unsafe_code)]
pub mod arch;
#[allow(unsafe_code)]
pub mod arena;
pub mod kernels;
#[allow(unsafe_code)]
pub mod loops;
pub mod math;
#[allow(unsafe_code)]
pub mod once;
pub mod stepping;
pub mod terms;

/// The CPU, with the best instruction set that was found; every product is rounded once, together with the sum it is added to.
pub type Cpu = arch::host::Host<arch::isa::Fused>;
