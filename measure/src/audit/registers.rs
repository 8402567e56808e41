//! Which registers an instruction may write, and which constants reach a call through a register: at `"z"` the compiler calls a
//! function that it calls often by a register, because the instruction is shorter.

use std::collections::{BTreeMap, BTreeSet};

use super::image::Image;

/// Registers that a call does not preserve: r0 to r3, r12, lr.
const CALL_CLOBBERS: u32 = 0x500F;

/// A set of registers, a bit each, that the instruction may write. Comparisons may be counted as writes.
pub(super) fn written(first: u32, second: u32) -> u32 {
    let bit = |register: u32| 1 << (register & 15);
    if first >> 11 < 0b11101 {
        return narrow(first);
    }
    let (base, high, low) = (bit(first), bit(second >> 12), bit(second >> 8));
    let loads = first & 0x10 != 0;
    match first >> 8 {
        // Lists and pairs with their base.
        0xE8 | 0xE9 if first & 0x40 == 0 => base | if loads { second } else { 0 },
        // Pairs, which are indexed or written back; the rest of the group is exclusive access.
        0xE8 | 0xE9 if first & 0x120 != 0 => {
            (if loads { high | low } else { 0 }) | if first & 0x20 == 0 { 0 } else { base }
        }
        0xE8 | 0xE9 => base | high | low | bit(second),
        0xEA | 0xEB => low,
        0xEC..=0xEF if second & 0x0E00 == 0x0A00 => float(first, second),
        0xEC..=0xEF | 0xFC..=0xFF => base | high,
        0xF0..=0xF7 if second & 0xD000 == 0xD000 => CALL_CLOBBERS,
        // Branches, whose offset stands where others have a register; not so `mrs` beside them.
        0xF0..=0xF7 if second & 0x8000 != 0 && (second & 0x1000 != 0 || first & 0x0380 != 0x0380) => 0,
        0xF0..=0xF7 => low,
        0xF8 | 0xF9 => {
            let back = if second & 0x0900 == 0x0900 { base } else { 0 };
            back | if loads { high } else { 0 }
        }
        0xFA => low,
        // A long product has two results.
        _ => low | if first & 0x80 == 0 { 0 } else { high },
    }
}

/// Of an instruction of the FPU: most write its own registers only.
fn float(first: u32, second: u32) -> u32 {
    let (base, high) = (1 << (first & 15), 1 << (second >> 12));
    let (registers, set) = match first {
        // Two registers to or from the FPU.
        _ if first & 0xFFE0 == 0xEC40 => (base | high, first & 0x10),
        // Loads and stores, with their base where it is written back.
        _ if first & 0xFE00 == 0xEC00 => (base, first & 0x20),
        // One register from it.
        _ => (high, first & second & 0x10),
    };
    if set == 0 { 0 } else { registers }
}

fn narrow(h: u32) -> u32 {
    let bit = |register: u32| 1 << (register & 15);
    let (low, middle) = (bit(h & 7), bit(h >> 8 & 7));
    match h >> 12 {
        0x0 | 0x1 | 0x5..=0x8 => low,
        0x2 | 0x3 | 0x9 | 0xA => middle,
        0x4 if h & 0xFF80 == 0x4780 => CALL_CLOBBERS,
        0x4 if h & 0xFC00 == 0x4400 => bit((h >> 4 & 8) | (h & 7)),
        0x4 if h & 0x0800 != 0 => middle,
        0x4 => low,
        0xB if h & 0xFE00 == 0xBC00 => h & 0xFF,
        0xB if h & 0xFE00 == 0xB400 => 0,
        0xB => low,
        0xC => middle | h & 0xFF,
        _ => 0,
    }
}

/// The constant that an instruction puts into a register.
enum Constant {
    /// All of it.
    Whole(u32),
    /// Its upper half; the lower one stays.
    Upper(u32),
}

fn constant(image: &Image<'_>, at: u32, first: u32, second: u32) -> Option<Constant> {
    let literal = |address: u32| {
        let word = image.bytes(address)?.first_chunk()?;
        Some(Constant::Whole(u32::from_le_bytes(*word)))
    };
    let base = at.wrapping_add(4) & !3;
    let half = (first & 15) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF;
    match first {
        _ if first & 0xF800 == 0x4800 => literal(base.wrapping_add(4 * (first & 0xFF))),
        0xF8DF => literal(base.wrapping_add(second & 0xFFF)),
        0xF85F => literal(base.wrapping_sub(second & 0xFFF)),
        _ if first & 0xFBF0 == 0xF240 && second >> 15 == 0 => Some(Constant::Whole(half)),
        _ if first & 0xFBF0 == 0xF2C0 && second >> 15 == 0 => Some(Constant::Upper(half << 16)),
        _ => None,
    }
}

/// What a register may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Values {
    /// These constants.
    pub(super) constants: BTreeSet<u32>,
    /// What these registers held when the function was entered: the compiler moves ends of functions into ones of their own.
    pub(super) entry: BTreeSet<u32>,
}

/// The edges of a function's instructions, backwards, and which of them are conditional.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    /// Where the function begins.
    pub(super) start: u32,
    /// The instructions that come before one.
    pub(super) before: BTreeMap<u32, Vec<u32>>,
    /// Instructions that may not be executed.
    pub(super) conditional: BTreeSet<u32>,
}

impl Way {
    /// All that a register may hold when an instruction is reached; `None` where that is not known.
    pub(super) fn values(&self, image: &Image<'_>, at: u32, register: u32) -> Option<Values> {
        let mut values = Values::default();
        let mut seen = BTreeSet::from([(at, register)]);
        let mut open = vec![(at, register)];
        while let Some((at, register)) = open.pop() {
            values.entry.extend((at == self.start).then_some(register));
            for &at in self.before.get(&at).into_iter().flatten() {
                let code = image.bytes(at)?;
                let half = |i: usize| Some(u32::from(u16::from_le_bytes(*code.get(i..)?.first_chunk()?)));
                let (first, second) = (half(0)?, half(2).unwrap_or(0));
                if written(first, second) >> register & 1 == 0 {
                    open.extend(seen.insert((at, register)).then_some((at, register)));
                } else if self.conditional.contains(&at) {
                    return None;
                } else if first & 0xFF00 == 0x4600 {
                    let from = first >> 3 & 15;
                    open.extend(seen.insert((at, from)).then_some((at, from)));
                } else {
                    values.constants.insert(self.constant(image, at, (first, second), register)?);
                }
            }
        }
        Some(values)
    }

    /// What an instruction puts into the register that it writes.
    fn constant(&self, image: &Image<'_>, at: u32, (first, second): (u32, u32), register: u32) -> Option<u32> {
        match constant(image, at, first, second)? {
            Constant::Whole(value) => Some(value),
            // The lower half comes from just before.
            Constant::Upper(high) => {
                let &[earlier] = self.before.get(&at)?.as_slice() else { return None };
                let code = image.bytes(earlier)?;
                let half = |i: usize| Some(u32::from(u16::from_le_bytes(*code.get(i..)?.first_chunk()?)));
                let (first, second) = (half(0)?, half(2)?);
                let same = written(first, second) == 1 << register && !self.conditional.contains(&earlier);
                match constant(image, earlier, first, second)? {
                    Constant::Whole(low) if same && at != self.start => Some(high | low & 0xFFFF),
                    Constant::Whole(_) | Constant::Upper(_) => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn destinations_are_known() {
        for (first, second, registers) in [
            (0x4615, 0, 1 << 5),               // mov r5, r2
            (0x46A1, 0, 1 << 9),               // mov r9, r4
            (0x4D03, 0, 1 << 5),               // ldr r5, [pc, #12]
            (0x47A8, 0, 0x500F),               // blx r5
            (0xF000, 0xF87E, 0x500F),          // bl
            (0xF000, 0x8B23, 0),               // beq.w
            (0xF43F, 0xAB23, 0),               // beq.w, backwards
            (0xF000, 0xBB23, 0),               // b.w
            (0xF3EF, 0x8B10, 1 << 11),         // mrs r11, primask
            (0xB5F0, 0, 0),                    // push {r4-r7, lr}
            (0xBC30, 0, 0x30),                 // pop {r4, r5}
            (0xF240, 0x1534, 1 << 5),          // movw r5, #308
            (0xF2C0, 0x0501, 1 << 5),          // movt r5, #1
            (0xEB01, 0x0502, 1 << 5),          // add.w r5, r1, r2
            (0xF8D1, 0x5004, 1 << 5),          // ldr.w r5, [r1, #4]
            (0xF8C1, 0x5004, 0),               // str.w r5, [r1, #4]
            (0xF841, 0x5B04, 1 << 1),          // str.w r5, [r1], #4
            (0xFB20, 0x1503, 1 << 5),          // smlad r5, r0, r3, r1
            (0xFBA1, 0x4502, 1 << 5 | 1 << 4), // umull r4, r5, r1, r2
            (0xE9CD, 0x5006, 0),               // strd r5, r0, [sp, #24]
            (0xE9D1, 0x5606, 3 << 5),          // ldrd r5, r6, [r1, #24]
            (0xE96D, 0x4502, 1 << 13),         // strd r4, r5, [sp, #-8]!
            (0xE8A1, 0x00F0, 1 << 1),          // stmia.w r1!, {r4-r7}
            (0xEDD0, 0x9A02, 0),               // vldr s19, [r0, #8]
            (0xECB5, 0x0A04, 1 << 5),          // vldmia r5!, {s0-s3}
            (0xEE11, 0x5A10, 1 << 5),          // vmov r5, s2
            (0xEE0E, 0x5A90, 0),               // vmov s29, r5
            (0xE8B1, 0x00F0, 0xF0 | 1 << 1),   // ldmia.w r1!, {r4-r7}
        ] {
            assert_eq!(written(first, second), registers, "{first:04x} {second:04x}");
        }
    }
}
