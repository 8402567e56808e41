//! One function: how deep its stack is at each instruction, whom it calls, and whether it always comes back.

use std::collections::{BTreeMap, BTreeSet};

use super::image::{Image, Symbol};
use super::registers::Way;
use super::thumb::{Flow, Instruction, Stack, decode};

/// More stack than any target has: where a function goes deeper, it does so at each turn of a loop.
const BOTTOMLESS: u32 = 1 << 24;

/// Instructions between the computation of a new stack pointer and its use.
const NEAR: usize = 6;

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// The address of the instruction.
    pub(super) at: u32,
    /// The function's address.
    pub(super) to: u32,
    /// Bytes of stack of the caller at that point.
    pub(super) depth: u32,
}

/// A call or a jump to what a register holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Register {
    pub(super) at: u32,
    pub(super) register: u32,
    pub(super) depth: u32,
}

/// What a function does.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    /// The most bytes of stack that it takes by itself.
    pub(super) frame: u32,
    /// What it calls, or jumps to outside of itself.
    pub(super) calls: Vec<Call>,
    /// Where it calls or jumps to what a register holds.
    pub(super) registers: Vec<Register>,
    /// Where it jumps to what memory holds, or to what a register holds that nobody knows.
    pub(super) indirect: Vec<u32>,
    /// The ways through it.
    pub(super) way: Way,
    /// Where it goes on for ever, or stops.
    pub(super) endless: Vec<u32>,
    /// Where its stack cannot be followed.
    pub(super) unknown_stack: Vec<u32>,
}

/// An instruction with what those around it make of it.
struct Placed {
    instruction: Instruction,
    /// Other instructions than the next one that it goes to.
    targets: Vec<u32>,
    /// Whether it may not be executed.
    conditional: bool,
    /// Bytes that it adds to the stack; negative where it takes them away.
    grows: Option<i64>,
}

impl Body {
    /// Reads a function.
    pub(super) fn read(image: &Image<'_>, function: &Symbol) -> Body {
        let code = placed(image, function);
        let mut body = Body::default();
        let mut depths = BTreeMap::from([(function.start, 0u32)]);
        let mut open = vec![function.start];
        while let Some(at) = open.pop() {
            let Some(placed) = code.get(&at) else { continue };
            let before = depths[&at];
            let after = placed.grows.map_or(before, |by| (i64::from(before) + by).max(0) as u32);
            body.frame = body.frame.max(before.max(after));
            for next in successors(placed, at, function) {
                let known = depths.get(&next).copied();
                if code.contains_key(&next) && known.is_none_or(|d| d < after) && after < BOTTOMLESS {
                    depths.insert(next, after);
                    open.push(next);
                }
            }
        }
        let before = before(&code, &depths, function);
        let conditional = code.iter().filter(|(_, p)| p.conditional).map(|(&at, _)| at).collect();
        body.way = Way { start: function.start, before, conditional };
        for (&at, &depth) in &depths {
            let Some(placed) = code.get(&at) else { continue };
            body.note(placed, (at, depth), function);
        }
        body.endless = endless(&code, &depths, &body.way.before, function);
        body
    }

    fn note(&mut self, placed: &Placed, (at, depth): (u32, u32), function: &Symbol) {
        let outside = |to: &u32| !(function.start..function.end).contains(to);
        let call = |to| Call { at, to, depth };
        match placed.instruction.flow {
            Flow::Call(to) => self.calls.push(call(to)),
            Flow::Branch { to, .. } if outside(&to) => self.calls.push(call(to)),
            Flow::CallRegister(register) | Flow::JumpRegister(register) => {
                self.registers.push(Register { at, register, depth });
            }
            Flow::Jump => self.indirect.push(at),
            Flow::Branch { .. } | Flow::Next | Flow::Return | Flow::Table { .. } | Flow::Stop => {}
        }
        if placed.grows.is_none() || depth >= BOTTOMLESS / 2 {
            self.unknown_stack.push(at);
        }
    }
}

/// The instructions of a function.
fn placed(image: &Image<'_>, function: &Symbol) -> BTreeMap<u32, Placed> {
    let mut code = BTreeMap::new();
    let mut conditional = 0;
    // Registers that hold what the stack pointer may become: bytes below it, and how long ago.
    let mut copies: BTreeMap<u8, (u32, usize)> = BTreeMap::new();
    let mut at = function.start;
    let mut count = 0;
    while at < function.end {
        let decoded = image.is_code(at).then(|| image.bytes(at)).flatten().and_then(|bytes| decode(at, bytes));
        let Some(instruction) = decoded else {
            at += 2;
            continue;
        };
        count += 1;
        let grows = grows(instruction.stack, &mut copies, count);
        let targets = match instruction.flow {
            Flow::Branch { to, .. } => vec![to],
            Flow::Table { halfwords } => table(image, at + 4, halfwords, function),
            _ => Vec::new(),
        };
        code.insert(at, Placed { instruction, targets, conditional: conditional > 0, grows });
        conditional = if instruction.conditional > 0 { instruction.conditional } else { conditional.saturating_sub(1) };
        at += instruction.bytes;
    }
    code
}

/// What an instruction adds to the stack. A pointer that was not computed just before restores an earlier one, which is
/// above: nothing is added.
fn grows(stack: Stack, copies: &mut BTreeMap<u8, (u32, usize)>, count: usize) -> Option<i64> {
    copies.retain(|_, (_, since)| count - *since <= NEAR);
    match stack {
        Stack::Same => Some(0),
        Stack::Push(bytes) => Some(i64::from(bytes)),
        Stack::Pop(bytes) => Some(-i64::from(bytes)),
        Stack::Copy { to, minus } => {
            copies.insert(to, (minus, count));
            Some(0)
        }
        Stack::Align { register, to } => {
            if let Some((bytes, since)) = copies.get_mut(&register) {
                (*bytes, *since) = (bytes.saturating_add(to.saturating_sub(1)), count);
            }
            Some(0)
        }
        Stack::Set { from } => Some(copies.get(&from).map_or(0, |(bytes, _)| i64::from(*bytes))),
        Stack::Unknown => None,
    }
}

/// The targets of a table that begins at an address and ends where code begins again.
fn table(image: &Image<'_>, start: u32, halfwords: bool, function: &Symbol) -> Vec<u32> {
    let size = if halfwords { 2 } else { 1 };
    let mut targets = BTreeSet::new();
    let mut at = start;
    while at < function.end && !image.is_code(at) {
        let Some(bytes) = image.bytes(at) else { break };
        let entry = match (halfwords, bytes) {
            (false, [byte, ..]) => u32::from(*byte),
            (true, [low, high, ..]) => u32::from(u16::from_le_bytes([*low, *high])),
            _ => break,
        };
        targets.insert(start.wrapping_add(2 * entry));
        at += size;
    }
    // Bytes that fill the table up point into it.
    targets.into_iter().filter(|&t| image.is_code(t) && (function.start..function.end).contains(&t)).collect()
}

/// The instructions of the function that may come next.
fn successors(placed: &Placed, at: u32, function: &Symbol) -> Vec<u32> {
    let falls = match placed.instruction.flow {
        Flow::Next | Flow::Call(_) | Flow::CallRegister(_) | Flow::Branch { always: false, .. } => true,
        _ => placed.conditional,
    };
    let next = falls.then_some(at + placed.instruction.bytes);
    let inside = |to: &u32| (function.start..function.end).contains(to);
    placed.targets.iter().copied().chain(next).filter(inside).collect()
}

/// Whether the function may end at an instruction.
fn leaves(placed: &Placed, function: &Symbol) -> bool {
    match placed.instruction.flow {
        // What a register holds is reported by itself.
        Flow::Return | Flow::JumpRegister(_) | Flow::Jump => true,
        Flow::Branch { to, .. } => !(function.start..function.end).contains(&to),
        Flow::Next | Flow::Call(_) | Flow::CallRegister(_) | Flow::Table { .. } | Flow::Stop => false,
    }
}

/// The instructions that come before each of those that are reached.
fn before(code: &BTreeMap<u32, Placed>, reached: &BTreeMap<u32, u32>, function: &Symbol) -> BTreeMap<u32, Vec<u32>> {
    let mut before: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (&at, placed) in reached.keys().filter_map(|at| code.get_key_value(at)) {
        for next in successors(placed, at, function) {
            before.entry(next).or_default().push(at);
        }
    }
    before
}

/// Where the function gets and never leaves it: the first instruction of each such piece.
fn endless(
    code: &BTreeMap<u32, Placed>,
    reached: &BTreeMap<u32, u32>,
    before: &BTreeMap<u32, Vec<u32>>,
    function: &Symbol,
) -> Vec<u32> {
    let last = |(at, placed): (&u32, &Placed)| leaves(placed, function).then_some(*at);
    let mut open: Vec<u32> = reached.keys().filter_map(|at| code.get_key_value(at)).filter_map(last).collect();
    let mut ends: BTreeSet<u32> = open.iter().copied().collect();
    while let Some(at) = open.pop() {
        for &earlier in before.get(&at).into_iter().flatten() {
            if ends.insert(earlier) {
                open.push(earlier);
            }
        }
    }
    let lost = |at: &u32| code.contains_key(at) && !ends.contains(at);
    // What another lost instruction leads to is the same piece, unless it leads back.
    let entered = |at: &u32| before.get(at).is_none_or(|b| b.iter().all(|e| ends.contains(e) || e >= at));
    reached.keys().copied().filter(|at| lost(at) && entered(at)).collect()
}
