// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! A step of products of bytes on Armv7E-M and Armv8-M with DSP instructions.

/// Four inputs of a pixel times the weights of four columns.
// r0 to r3: the sums of the four columns
// r4, r5: the first and third input, the second and fourth
// r6 to r9: four weights of each column
// r10: the next weights
// r11: the next inputs
// r12: the first and third weight of a column
macro_rules! quad_of_columns {
    () => {
        block! {
            "ldmia r10!, {{r6-r9}}",
            "ldrd r4, r5, [r11], #8",
            "sxtb16 r12, r6",
            "smlad r0, r4, r12, r0",
            "sxtb16 r6, r6, ror #8",
            "smlad r0, r5, r6, r0",
            "sxtb16 r12, r7",
            "smlad r1, r4, r12, r1",
            "sxtb16 r7, r7, ror #8",
            "smlad r1, r5, r7, r1",
            "sxtb16 r12, r8",
            "smlad r2, r4, r12, r2",
            "sxtb16 r8, r8, ror #8",
            "smlad r2, r5, r8, r2",
            "sxtb16 r12, r9",
            "smlad r3, r4, r12, r3",
            "sxtb16 r9, r9, ror #8",
            "smlad r3, r5, r9, r3",
        }
    };
}
pub(super) use quad_of_columns;
