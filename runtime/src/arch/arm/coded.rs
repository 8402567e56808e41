// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of one row with coded weights on Armv7E-M and Armv8-M, four columns at once.
//!
//! A code becomes a float without a conversion: added to the bits of 2^23 it is their last bits, and 2^23 plus the zero point
//! is subtracted again, which is exact.
use super::super::super::terms::coding::{Block, Coding, FOUR, Kind};
use super::super::coded::{CodedCpu, CodedIsa, CodedKernel, four};
use super::super::isa::Numerics;
use super::asm::block;
use super::dsp::Dsp;
use core::arch::naked_asm;

impl<N: Numerics> CodedCpu for Dsp<N> {
    #[inline(always)]
    fn run_coded<K: CodedKernel>(self, kernel: K) {
        kernel.run(self);
    }
}

/// 2^23: the distance of neighbouring floats is 1 from here on.
const UNIT: f32 = 8_388_608.0;

/// What the loops keep in registers.
#[repr(C)]
struct Columns {
    sums: [f32; FOUR],
    scales: [f32; FOUR],
    /// Zero points, with [`UNIT`] added.
    zeros: [f32; FOUR],
}

impl<N: Numerics> CodedIsa for Dsp<N> {
    #[inline(always)]
    fn add_four<C: Coding>(self, x: &[f32], block: &Block<'_, C>, sums: &mut [f32; FOUR]) {
        // Units of 16 bits are taken two and two.
        let pairs = if C::SCALED { 1 } else { 2 };
        let whole = x.len() / (C::CODES * pairs) * pairs;
        let is_there = whole > 0 && block.units.len() >= whole * FOUR;
        let has_loop = matches!(C::KIND, Kind::Bits2 | Kind::Bits4 | Kind::Bits8 | Kind::Half);
        if !N::FUSED || !has_loop || !is_there {
            four(self, x, block, sums);
            return;
        }
        let mut columns = Columns { sums: *sums, scales: block.scales(), zeros: block.zeros().map(|zero| zero + UNIT) };
        let (x_at, units, state) = (x.as_ptr(), block.units.as_ptr(), &mut columns);
        // SAFETY: there are so many inputs and units, of the kind that the loop is for.
        unsafe {
            match C::KIND {
                Kind::Bits2 => add_bits2(x_at, units.cast(), whole, state),
                Kind::Bits4 => add_bits4(x_at, units.cast(), whole, state),
                Kind::Bits8 => add_bits8(x_at, units.cast(), whole, state),
                _ => add_halves(x_at, units.cast(), whole / 2, state),
            }
        }
        *sums = columns.sums;
        four(self, x.get(whole * C::CODES..).unwrap_or(&[]), &block.behind(whole * FOUR), sums);
    }
}

/// The products of an input and the four codes that a mask leaves of the word, or of the whole word.
macro_rules! products {
    ($x:literal) => { products!(@ $x, "", "r4") };
    ($x:literal, $masked:literal) => { products!(@ $x, concat!("and lr, ", $masked), "lr") };
    (@ $x:literal, $mask:expr, $codes:literal) => {
        block!(
            $mask,
            concat!("uxtab r5, r12, ", $codes),
            concat!("uxtab r6, r12, ", $codes, ", ror #8"),
            "vmov s12, s13, r5, r6",
            concat!("uxtab r5, r12, ", $codes, ", ror #16"),
            concat!("uxtab r6, r12, ", $codes, ", ror #24"),
            "vmov s14, s15, r5, r6",
            "vsub.f32 s12, s12, s8",
            "vsub.f32 s13, s13, s9",
            "vsub.f32 s14, s14, s10",
            "vsub.f32 s15, s15, s11",
            "vmul.f32 s12, s12, s4",
            "vmul.f32 s13, s13, s5",
            "vmul.f32 s14, s14, s6",
            "vmul.f32 s15, s15, s7",
            concat!("vfma.f32 s0, ", $x, ", s12"),
            concat!("vfma.f32 s1, ", $x, ", s13"),
            concat!("vfma.f32 s2, ", $x, ", s14"),
            concat!("vfma.f32 s3, ", $x, ", s15"),
        )
    };
}

/// A loop over words of codes, with the inputs of each word and what is done with it.
macro_rules! words {
    ($mask:literal, $inputs:literal, $($products:expr),* $(,)?) => {
        naked_asm! {
            ".arch armv7e-m",
            ".fpu fpv4-sp-d16",
            "push {{r4-r7, lr}}",
            "vpush {{s16-s19}}",
            "vldmia r3, {{s0-s11}}",
            "mov r12, #0x4b000000",
            $mask,
            "20:",
            "ldr r4, [r1], #4",           // they may lie anywhere
            $inputs,
            $($products,)*
            "subs r2, #1",
            "bne 20b",
            "vstmia r3, {{s0-s3}}",
            "vpop {{s16-s19}}",
            "pop {{r4-r7, pc}}",
        }
    };
}

/// Adds the products of inputs and codes of two bits, of `words * 4` inputs. So do the others of theirs.
///
/// # Safety
/// So many inputs and words of codes may be read; `words` is at least 1.
// r0: inputs
// r1: codes
// r2: words left
// r3: columns
// r4: a word of codes
// r5, r6: weights
// r7: mask
// r12: the bits of 2^23
// lr: the codes of an input
// s0-s3: sums
// s4-s7: scales
// s8-s11: zero points
// s12-s15: weights
// s16-s19: inputs
#[unsafe(naked)]
unsafe extern "C" fn add_bits2(x: *const f32, codes: *const u8, words: usize, columns: &mut Columns) {
    words! {
        "mov r7, #0x03030303",
        "vldmia r0!, {{s16-s19}}",
        products!("s16", "r7, r4"),
        products!("s17", "r7, r4, lsr #2"),
        products!("s18", "r7, r4, lsr #4"),
        products!("s19", "r7, r4, lsr #6"),
    }
}

/// Of codes of four bits, and `words * 2` inputs.
///
/// # Safety
/// As of [`add_bits2`].
#[unsafe(naked)]
unsafe extern "C" fn add_bits4(x: *const f32, codes: *const u8, words: usize, columns: &mut Columns) {
    words! {
        "mov r7, #0x0f0f0f0f",
        "vldmia r0!, {{s16-s17}}",
        products!("s16", "r7, r4"),
        products!("s17", "r7, r4, lsr #4"),
    }
}

/// Of codes of eight bits, and as many inputs as words.
///
/// # Safety
/// As of [`add_bits2`].
#[unsafe(naked)]
unsafe extern "C" fn add_bits8(x: *const f32, codes: *const u8, words: usize, columns: &mut Columns) {
    words! {
        "",
        "vldmia r0!, {{s16}}",
        products!("s16"),
    }
}

/// The products of an input and four halves.
macro_rules! halves {
    ($x:literal) => {
        block!(
            "ldr r4, [r1], #4",
            "ldr r5, [r1], #4",
            "vmov s4, s5, r4, r5",
            "vcvtb.f32.f16 s12, s4",
            "vcvtt.f32.f16 s13, s4",
            "vcvtb.f32.f16 s14, s5",
            "vcvtt.f32.f16 s15, s5",
            concat!("vfma.f32 s0, ", $x, ", s12"),
            concat!("vfma.f32 s1, ", $x, ", s13"),
            concat!("vfma.f32 s2, ", $x, ", s14"),
            concat!("vfma.f32 s3, ", $x, ", s15"),
        )
    };
}

/// Adds the products of inputs and halves, of `pairs * 2` inputs.
///
/// # Safety
/// So many inputs and four times as many halves may be read; `pairs` is at least 1.
// r0: inputs
// r1: halves
// r2: pairs of inputs left
// r3: columns
// r4, r5, s4, s5: four halves
// s0-s3: sums
// s12-s15: weights
// s6, s7: inputs
#[unsafe(naked)]
unsafe extern "C" fn add_halves(x: *const f32, halves: *const u16, pairs: usize, columns: &mut Columns) {
    naked_asm! {
        ".arch armv7e-m",
        ".fpu fpv4-sp-d16",
        "push {{r4, r5}}",
        "vldmia r3, {{s0-s3}}",
        "20:",
        "vldmia r0!, {{s6-s7}}",
        halves!("s6"),
        halves!("s7"),
        "subs r2, #1",
        "bne 20b",
        "vstmia r3, {{s0-s3}}",
        "pop {{r4, r5}}",
        "bx lr",
    }
}
