// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sparse weights become dense ones on x86-64, in plain Rust.
use super::super::isa::Numerics;
use super::super::unpack::UnpackCpu;
use super::host::Host;

impl<N: Numerics, const MORE: bool> UnpackCpu for Host<N, MORE> {}
