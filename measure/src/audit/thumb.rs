//! What an instruction of Thumb-2 does to control flow and to the stack pointer; the rest of it does not matter here.
//!
//! Encodings: Armv7-M and Armv8-M Architecture Reference Manuals, chapter A7.7 (C2.4); the names of encodings (T1 ..) are theirs.

/// Where an instruction goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// To the next one.
    Next,
    /// To an address; to the next one as well, unless always.
    Branch { to: u32, always: bool },
    /// To a function, and back.
    Call(u32),
    /// To a function whose address is in a register, and back.
    CallRegister(u32),
    /// To an address in a register or in memory.
    JumpRegister(u32),
    /// To an address that an instruction of another kind finds in memory.
    Jump,
    /// To the caller.
    Return,
    /// To an entry of the table that follows, of bytes or of halfwords.
    Table { halfwords: bool },
    /// Nowhere.
    Stop,
}

/// What an instruction does to the stack pointer, and to registers that become it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stack {
    Same,
    /// Lowers it.
    Push(u32),
    /// Raises it.
    Pop(u32),
    /// A register becomes the stack pointer less some bytes.
    Copy {
        to: u8,
        minus: u32,
    },
    /// A register is rounded down to a multiple.
    Align {
        register: u8,
        to: u32,
    },
    /// It becomes what a register holds.
    Set {
        from: u8,
    },
    /// It changes by what a register holds.
    Unknown,
}

/// A decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    pub(super) bytes: u32,
    pub(super) flow: Flow,
    pub(super) stack: Stack,
    /// So many instructions that follow are conditional.
    pub(super) conditional: u32,
}

const SP: u32 = 13;
const LR: u32 = 14;
const PC: u32 = 15;

/// Decodes the instruction at an address.
pub(super) fn decode(at: u32, code: &[u8]) -> Option<Instruction> {
    let half = |i: usize| Some(u32::from(u16::from_le_bytes(*code.get(i..)?.first_chunk()?)));
    let first = half(0)?;
    if first >> 11 < 0b11101 {
        return Some(narrow(at, first));
    }
    let second = half(2)?;
    let (flow, stack) = wide(at, first, second);
    Some(Instruction { bytes: 4, flow, stack, conditional: 0 })
}

/// A number of `bits` bits with its sign.
fn signed(value: u32, bits: u32) -> u32 {
    ((value << (32 - bits)) as i32 >> (32 - bits)) as u32
}

/// The register of a move or an addition to a register, T1 of 16 bits.
fn written(h: u32) -> u32 {
    (h >> 4 & 8) | (h & 7)
}

fn narrow(at: u32, h: u32) -> Instruction {
    let pc = at.wrapping_add(4);
    let branch = |offset: u32, always: bool| Flow::Branch { to: pc.wrapping_add(offset), always };
    let from = h >> 3 & 15;
    let list = 4 * (h & 0xFF).count_ones() + 4 * (h >> 8 & 1);
    let (flow, stack) = match h {
        _ if h & 0xFF00 == 0xDE00 => (Flow::Stop, Stack::Same),
        _ if h & 0xFF00 == 0xDF00 => (Flow::Next, Stack::Same),
        _ if h & 0xF000 == 0xD000 => (branch(signed((h & 0xFF) << 1, 9), false), Stack::Same),
        _ if h & 0xF800 == 0xE000 => (branch(signed((h & 0x7FF) << 1, 12), true), Stack::Same),
        _ if h & 0xF500 == 0xB100 => (branch((h >> 3 & 0x40) | (h >> 2 & 0x3E), false), Stack::Same),
        _ if h & 0xFF80 == 0x4780 => (Flow::CallRegister(from), Stack::Same),
        _ if h & 0xFF80 == 0x4700 => (if from == LR { Flow::Return } else { Flow::JumpRegister(from) }, Stack::Same),
        _ if h & 0xFE00 == 0xB400 => (Flow::Next, Stack::Push(list)),
        _ if h & 0xFE00 == 0xBC00 => (if h & 0x100 != 0 { Flow::Return } else { Flow::Next }, Stack::Pop(list)),
        _ if h & 0xFF80 == 0xB080 => (Flow::Next, Stack::Push(4 * (h & 0x7F))),
        _ if h & 0xFF80 == 0xB000 => (Flow::Next, Stack::Pop(4 * (h & 0x7F))),
        _ if h & 0xFF00 == 0x4600 => match (written(h), from) {
            (PC, LR) => (Flow::Return, Stack::Same),
            (PC, _) => (Flow::JumpRegister(from), Stack::Same),
            (SP, _) => (Flow::Next, Stack::Set { from: from as u8 }),
            (to, SP) => (Flow::Next, Stack::Copy { to: to as u8, minus: 0 }),
            _ => (Flow::Next, Stack::Same),
        },
        _ if h & 0xFF00 == 0x4400 => match written(h) {
            PC => (Flow::Jump, Stack::Same),
            SP => (Flow::Next, Stack::Unknown),
            _ => (Flow::Next, Stack::Same),
        },
        _ => (Flow::Next, Stack::Same),
    };
    // IT: as many instructions as the mask's lowest bit is away from its top.
    let conditional = if h & 0xFF00 == 0xBF00 && h & 0xF != 0 { 4 - (h & 0xF).trailing_zeros() } else { 0 };
    Instruction { bytes: 2, flow, stack, conditional }
}

/// An instruction of 32 bits.
fn wide(at: u32, h: u32, g: u32) -> (Flow, Stack) {
    match wide_flow(at, h, g) {
        Flow::Next => (Flow::Next, wide_stack(h, g)),
        Flow::Return => (Flow::Return, if h == 0xE8BD { Stack::Pop(4 * g.count_ones()) } else { Stack::Pop(4) }),
        flow => (flow, Stack::Same),
    }
}

fn wide_flow(at: u32, h: u32, g: u32) -> Flow {
    let pc = at.wrapping_add(4);
    let sign = h >> 10 & 1;
    let bits = |j1: u32, j2: u32, high: u32, width: u32| {
        let value =
            (sign << (width - 1)) | (j1 << (width - 2)) | (j2 << (width - 3)) | (high << 12) | ((g & 0x7FF) << 1);
        pc.wrapping_add(signed(value, width))
    };
    let (j1, j2) = (g >> 13 & 1, g >> 11 & 1);
    // BL and B.W, T4: 25 bits, of which two are stored beside the sign.
    let far = || bits(1 ^ j1 ^ sign, 1 ^ j2 ^ sign, h & 0x3FF, 25);
    match h {
        _ if h & 0xF800 == 0xF000 && g & 0xD000 == 0xD000 => Flow::Call(far()),
        _ if h & 0xF800 == 0xF000 && g & 0xD000 == 0x9000 => Flow::Branch { to: far(), always: true },
        _ if h & 0xFFF0 == 0xF7F0 && g & 0xF000 == 0xA000 => Flow::Stop,
        _ if h & 0xF800 == 0xF000 && g & 0xD000 == 0x8000 && h >> 7 & 7 != 7 => {
            Flow::Branch { to: bits(j2, j1, h & 0x3F, 21), always: false }
        }
        _ if h & 0xFFF0 == 0xE8D0 && g & 0xFFE0 == 0xF000 => Flow::Table { halfwords: g & 0x10 != 0 },
        _ if h == 0xE8BD && g >> 15 == 1 => Flow::Return,
        // LDM of the program counter.
        _ if matches!(h & 0xFFD0, 0xE890 | 0xE910) && g >> 15 == 1 => Flow::Jump,
        // LDR of it.
        _ if h & 0xFF70 == 0xF850 && g >> 12 == PC => match (h, g & 0xFFF) {
            (0xF85D, 0xB04) => Flow::Return,
            _ => Flow::Jump,
        },
        _ => Flow::Next,
    }
}

fn wide_stack(h: u32, g: u32) -> Stack {
    let (from, to) = (h & 15, g >> 8 & 15);
    let plain = (h >> 10 & 1) << 11 | (g >> 12 & 7) << 8 | (g & 0xFF);
    let immediate = if h & 0x0200 != 0 { plain } else { expand(plain) };
    match h {
        0xE92D => Stack::Push(4 * g.count_ones()),
        0xE8BD => Stack::Pop(4 * g.count_ones()),
        0xF84D if g & 0xF00 == 0xD00 => Stack::Push(g & 0xFF),
        0xF85D if g & 0xF00 == 0xB00 => Stack::Pop(g & 0xFF),
        0xE96D => Stack::Push(4 * (g & 0xFF)),
        0xE8FD => Stack::Pop(4 * (g & 0xFF)),
        // VPUSH, VPOP.
        _ if h & 0xFFBF == 0xED2D && g & 0x0E00 == 0x0A00 => Stack::Push(4 * (g & 0xFF)),
        _ if h & 0xFFBF == 0xECBD && g & 0x0E00 == 0x0A00 => Stack::Pop(4 * (g & 0xFF)),
        // SUB and ADD of an immediate, T3 and T4.
        _ if g >> 15 == 0 && matches!(h & 0xFBE0, 0xF1A0 | 0xF2A0) => match (from, to) {
            (SP, SP) => Stack::Push(immediate),
            (SP, to) => Stack::Copy { to: to as u8, minus: immediate },
            (from, SP) => Stack::Set { from: from as u8 },
            _ => Stack::Same,
        },
        _ if g >> 15 == 0 && matches!(h & 0xFBE0, 0xF100 | 0xF200) => match (from, to) {
            (SP, SP) => Stack::Pop(immediate),
            (from, SP) => Stack::Set { from: from as u8 },
            _ => Stack::Same,
        },
        // BFC of the lowest bits, BIC of an immediate.
        0xF36F if g & 0x70C0 == 0 => Stack::Align { register: to as u8, to: 2 << (g & 31) },
        _ if g >> 15 == 0 && h & 0xFBE0 == 0xF020 => {
            Stack::Align { register: to as u8, to: expand(plain).saturating_add(1) }
        }
        // MOV.W, and SUB and ADD of registers.
        0xEA4F if g & 0xFFF0 == 0x0D00 => Stack::Set { from: (g & 15) as u8 },
        _ if to == SP && matches!(h & 0xFFE0, 0xEBA0 | 0xEB00) => Stack::Unknown,
        _ => Stack::Same,
    }
}

/// `ThumbExpandImm`.
fn expand(bits: u32) -> u32 {
    let byte = bits & 0xFF;
    match bits >> 8 {
        0 => byte,
        1 => byte << 16 | byte,
        2 => byte << 24 | byte << 8,
        3 => byte * 0x0101_0101,
        _ => (0x80 | bits & 0x7F).rotate_right(bits >> 7),
    }
}

#[cfg(test)]
mod tests {
    use super::{Flow, Instruction, Stack, decode};

    /// At address 0x1000, from halfwords as an assembler lists them.
    fn at_1000(halves: &[u16]) -> Instruction {
        let code: Vec<u8> = halves.iter().flat_map(|h| h.to_le_bytes()).collect();
        let found = decode(0x1000, &code).unwrap();
        assert_eq!(found.bytes as usize, code.len());
        found
    }

    #[test]
    fn branches_go_where_the_assembler_meant() {
        let always = |to| Flow::Branch { to, always: true };
        let maybe = |to| Flow::Branch { to, always: false };
        // As GNU objdump 2.40 lists them at 0x1000.
        for (halves, flow) in [
            (&[0xE7FE][..], always(0x1000)),                       // b .
            (&[0xE00E], always(0x1020)),                           // b .+0x20
            (&[0xD0FD], maybe(0x0FFE)),                            // beq .-2
            (&[0xDD02], maybe(0x1008)),                            // ble .+8
            (&[0xB108], maybe(0x1006)),                            // cbz r0, .+6
            (&[0xBB9A], maybe(0x106A)),                            // cbnz r2, .+0x6a
            (&[0xF000, 0xF87E], Flow::Call(0x1100)),               // bl .+0x100
            (&[0xF7FF, 0xFF7E], Flow::Call(0x0F00)),               // bl .-0x100
            (&[0xF000, 0xB87E], always(0x1100)),                   // b.w .+0x100
            (&[0xF000, 0x807E], maybe(0x1100)),                    // beq.w .+0x100
            (&[0xF47F, 0xAF7E], maybe(0x0F00)),                    // bne.w .-0x100
            (&[0x4770], Flow::Return),                             // bx lr
            (&[0x4718], Flow::JumpRegister(3)),                    // bx r3
            (&[0x4798], Flow::CallRegister(3)),                    // blx r3
            (&[0x46F7], Flow::Return),                             // mov pc, lr
            (&[0x4687], Flow::JumpRegister(0)),                    // mov pc, r0
            (&[0xBD80], Flow::Return),                             // pop {r7, pc}
            (&[0xE8BD, 0x8FF0], Flow::Return),                     // pop.w {r4-fp, pc}
            (&[0xF85D, 0xFB04], Flow::Return),                     // ldr pc, [sp], #4
            (&[0xF852, 0xF021], Flow::Jump),                       // ldr pc, [r2, r1, lsl #2]
            (&[0xE8DF, 0xF000], Flow::Table { halfwords: false }), // tbb [pc, r0]
            (&[0xE8DF, 0xF011], Flow::Table { halfwords: true }),  // tbh [pc, r1, lsl #1]
            (&[0xDEFE], Flow::Stop),                               // udf #254
            (&[0xF7F0, 0xA000], Flow::Stop),                       // udf.w #0
            (&[0xF3BF, 0x8F5F], Flow::Next),                       // dmb sy
            (&[0xFB20, 0x1203], Flow::Next),                       // smlad r2, r0, r3, r1
            (&[0xEEE0, 0x0A81], Flow::Next),                       // vfma.f32 s1, s1, s2
        ] {
            assert_eq!(at_1000(halves).flow, flow, "{halves:04x?}");
        }
    }

    #[test]
    fn the_stack_pointer_is_followed() {
        for (halves, stack) in [
            (&[0xB5F0][..], Stack::Push(20)),                          // push {r4-r7, lr}
            (&[0xBDF0], Stack::Pop(20)),                               // pop {r4-r7, pc}
            (&[0xB082], Stack::Push(8)),                               // sub sp, #8
            (&[0xB002], Stack::Pop(8)),                                // add sp, #8
            (&[0xE92D, 0x4FF0], Stack::Push(36)),                      // push.w {r4-fp, lr}
            (&[0xE8BD, 0x8FF0], Stack::Pop(36)),                       // pop.w {r4-fp, pc}
            (&[0xF84D, 0xBD04], Stack::Push(4)),                       // str.w fp, [sp, #-4]!
            (&[0xF85D, 0xBB04], Stack::Pop(4)),                        // ldr.w fp, [sp], #4
            (&[0xE96D, 0x4502], Stack::Push(8)),                       // strd r4, r5, [sp, #-8]!
            (&[0xED2D, 0x8B10], Stack::Push(64)),                      // vpush {d8-d15}
            (&[0xECBD, 0x8B10], Stack::Pop(64)),                       // vpop {d8-d15}
            (&[0xF5AD, 0x7D00], Stack::Push(512)),                     // sub.w sp, sp, #512
            (&[0xF2AD, 0x4D44], Stack::Push(1092)),                    // subw sp, sp, #1092
            (&[0xF50D, 0x7D00], Stack::Pop(512)),                      // add.w sp, sp, #512
            (&[0xF1AD, 0x0430], Stack::Copy { to: 4, minus: 48 }),     // sub.w r4, sp, #48
            (&[0x466C], Stack::Copy { to: 4, minus: 0 }),              // mov r4, sp
            (&[0xF36F, 0x0404], Stack::Align { register: 4, to: 32 }), // bfc r4, #0, #5
            (&[0xF024, 0x040F], Stack::Align { register: 4, to: 16 }), // bic r4, r4, #15
            (&[0x46A5], Stack::Set { from: 4 }),                       // mov sp, r4
            (&[0xF1A7, 0x0D1C], Stack::Set { from: 7 }),               // sub.w sp, r7, #28
            (&[0xEBAD, 0x0D04], Stack::Unknown),                       // sub.w sp, sp, r4
            (&[0x44A5], Stack::Unknown),                               // add sp, r4
            (&[0x4604], Stack::Same),                                  // mov r4, r0
        ] {
            assert_eq!(at_1000(halves).stack, stack, "{halves:04x?}");
        }
    }

    #[test]
    fn conditions_reach_as_far_as_the_mask_says() {
        for (it, count) in [(0xBF08, 1), (0xBF04, 2), (0xBF0C, 2), (0xBF16, 3), (0xBF01, 4), (0xBF00, 0), (0xBF10, 0)] {
            assert_eq!(at_1000(&[it]).conditional, count, "{it:04x}");
        }
        assert_eq!(decode(0, &[0x70]), None);
        assert_eq!(decode(0, &[0x00, 0xF0]), None);
    }
}
