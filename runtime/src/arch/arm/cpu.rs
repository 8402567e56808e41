// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What assembly outside of functions says of the processor.

/// Allows the instructions of the DSP extension and of the FPU, which assembly outside of functions may not use otherwise.
macro_rules! cpu {
    () => {
        concat!(".arch armv7e-m\n", ".fpu fpv4-sp-d16\n")
    };
}
pub(super) use cpu;
