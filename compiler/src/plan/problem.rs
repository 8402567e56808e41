//! The memory planning problem: buffers, steps that read and write them, and what may share memory.
//!
//! A [`Problem`] knows nothing of operators or kernels. Its invariants, checked by [`Problem::check`]:
//! - the steps stand in an order that is already correct: a step reads only what earlier steps wrote (or
//!   what lives from the start), and [`StepSpec::after`] names earlier steps;
//! - all ids exist, the alignment is a power of two, and all sizes together fit in [`MAX_TOTAL_BYTES`].
//!
//! The order given is what the steps mean. The planner may choose another one in which every read still
//! sees the same writes: steps that only write a buffer may change places among themselves (they write
//! disjoint pieces of it), so may steps that only read it, and everything else keeps its order.

use std::fmt;

/// The most bytes that all buffers and all scratch of a problem may add up to, rounded up to the alignment.
/// No sum that the planner forms can overflow below it.
pub const MAX_TOTAL_BYTES: usize = isize::MAX as usize / 4;

/// In-place candidates of one step beyond this many are not considered, unless they are mandatory.
pub const MAX_OPTIONAL_IN_PLACE: usize = 8;

/// Index of a buffer in [`Problem::buffers`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BufferIx(pub usize);

/// Index of a step in [`Problem::steps`]: its place in the order given, not in the order chosen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StepIx(pub usize);

/// What is to be planned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Alignment in bytes of every buffer and every scratch; a power of two.
    pub align: usize,
    /// The buffers that lie in the arena.
    pub buffers: Vec<BufferSpec>,
    /// The steps, in an order that is correct.
    pub steps: Vec<StepSpec>,
}

/// One buffer. It is live from the step that first writes it to the last step that touches it, both included.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct BufferSpec {
    /// Size in bytes. Zero is allowed; such a buffer takes no room.
    pub bytes: usize,
    /// It holds a value before the first step: state, or an input that was copied in.
    pub live_from_start: bool,
    /// Its value is needed after the last step: state, or an output of the model.
    pub live_to_end: bool,
}

/// One step: a kernel call. All that it touches is live, and apart, while it runs; only a pair that it
/// declares in [`StepSpec::in_place`] may share memory.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct StepSpec {
    /// Buffers that it reads.
    pub reads: Vec<BufferIx>,
    /// Buffers that it writes, wholly or a piece of. A buffer that it both reads and writes is updated.
    pub writes: Vec<BufferIx>,
    /// Sizes in bytes of the scratch areas that live only while it runs.
    pub scratch: Vec<usize>,
    /// Which of its writes may, or must, lie over one of its reads.
    pub in_place: Vec<InPlace>,
    /// Steps that must run before it besides those whose results it reads; earlier in the given order.
    pub after: Vec<StepIx>,
}

/// `write` may start at the address of `read`, when this step is the last that touches `read` and the
/// first that touches `write`. Their sizes may differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InPlace {
    /// The buffer that dies at this step; never one that lives to the end.
    pub read: BufferIx,
    /// The buffer that is born at this step; never one that lives from the start.
    pub write: BufferIx,
    /// The step is wrong unless the two share their start (it accumulates into its operand).
    pub mandatory: bool,
}

/// Why a problem cannot be planned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PlanError {
    /// The alignment is not a power of two.
    Align {
        /// The alignment asked for.
        align: usize,
    },
    /// A step names a buffer that does not exist.
    UnknownBuffer {
        /// The step.
        step: StepIx,
        /// What it names.
        buffer: BufferIx,
    },
    /// A step shall run after one that does not stand before it.
    After {
        /// The step.
        step: StepIx,
        /// What it names.
        after: StepIx,
    },
    /// A buffer is read, or needed at the end, and nothing has written it.
    NeverWritten {
        /// The buffer.
        buffer: BufferIx,
        /// The first step that reads it; `None` if it is only needed at the end.
        step: Option<StepIx>,
    },
    /// An in-place pair whose `read` is not only read or whose `write` is not only written by its step.
    InPlaceUnrelated {
        /// The step.
        step: StepIx,
        /// The pair.
        pair: InPlace,
    },
    /// A mandatory in-place pair that no order makes possible.
    MandatoryInPlace {
        /// The step.
        step: StepIx,
        /// The pair.
        pair: InPlace,
        /// What stands against it.
        conflict: Conflict,
    },
    /// All sizes together exceed [`MAX_TOTAL_BYTES`].
    TooLarge,
    /// More dependencies between steps than can be planned.
    TooManyDependencies {
        /// The limit.
        limit: usize,
    },
}

/// What makes a mandatory in-place pair impossible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conflict {
    /// The operand is needed after the last step.
    ReadLivesToEnd,
    /// The result holds a value before the first step.
    WriteLivesFromStart,
    /// Another mandatory pair of the same step takes one of the two buffers.
    AnotherPair,
    /// This step touches the operand and must run later, or touches the result and must run earlier.
    Step(StepIx),
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Align { align } => write!(f, "alignment {align} is not a power of two"),
            Self::UnknownBuffer { step, buffer } => {
                write!(f, "step {} names buffer {}, which does not exist", step.0, buffer.0)
            }
            Self::After { step, after } => {
                write!(f, "step {} shall run after step {}, which does not stand before it", step.0, after.0)
            }
            Self::NeverWritten { buffer, step: Some(step) } => {
                write!(f, "step {} reads buffer {} before any step has written it", step.0, buffer.0)
            }
            Self::NeverWritten { buffer, step: None } => {
                write!(f, "buffer {} is needed at the end and no step writes it", buffer.0)
            }
            Self::InPlaceUnrelated { step, pair } => write!(
                f,
                "step {} declares buffer {} in place of buffer {}, which it does not only write and only read",
                step.0, pair.write.0, pair.read.0
            ),
            Self::MandatoryInPlace { step, pair, conflict } => {
                write!(f, "step {} must write buffer {} over buffer {}, but ", step.0, pair.write.0, pair.read.0)?;
                match conflict {
                    Conflict::ReadLivesToEnd => {
                        write!(f, "buffer {} is needed at the end", pair.read.0)
                    }
                    Conflict::WriteLivesFromStart => {
                        write!(f, "buffer {} holds a value from the start", pair.write.0)
                    }
                    Conflict::AnotherPair => {
                        write!(f, "another mandatory pair takes one of the two")
                    }
                    Conflict::Step(other) => {
                        write!(f, "step {} needs one of the two in every order of the steps", other.0)
                    }
                }
            }
            Self::TooLarge => write!(f, "the buffers together exceed {MAX_TOTAL_BYTES} bytes"),
            Self::TooManyDependencies { limit } => {
                write!(f, "there are more than {limit} dependencies between steps")
            }
        }
    }
}

impl std::error::Error for PlanError {}

impl Problem {
    /// `bytes` rounded up to the alignment. For sizes of a problem that passed [`Problem::check`].
    pub fn round_up(&self, bytes: usize) -> usize {
        bytes.next_multiple_of(self.align)
    }

    /// The room that a buffer takes: its size rounded up to the alignment.
    pub fn room(&self, buffer: BufferIx) -> usize {
        self.round_up(self.buffers[buffer.0].bytes)
    }

    /// The room that all scratch of a step takes together.
    pub fn scratch_room(&self, step: StepIx) -> usize {
        self.steps[step.0].scratch.iter().map(|&bytes| self.round_up(bytes)).sum()
    }

    /// Checks the invariants that the module's header lists, except that mandatory pairs are possible.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn check(&self) -> Result<(), PlanError> {
        if !self.align.is_power_of_two() {
            return Err(PlanError::Align { align: self.align });
        }
        self.check_sizes().ok_or(PlanError::TooLarge)?;
        let mut written: Vec<bool> = self.buffers.iter().map(|b| b.live_from_start).collect();
        for (index, step) in self.steps.iter().enumerate() {
            let at = StepIx(index);
            self.check_step(at, step)?;
            for &buffer in &step.reads {
                if !written[buffer.0] {
                    return Err(PlanError::NeverWritten { buffer, step: Some(at) });
                }
            }
            for &buffer in &step.writes {
                written[buffer.0] = true;
            }
        }
        let missing = (0..self.buffers.len()).find(|&b| self.buffers[b].live_to_end && !written[b]);
        match missing {
            Some(b) => Err(PlanError::NeverWritten { buffer: BufferIx(b), step: None }),
            None => Ok(()),
        }
    }

    /// `None` if the sizes, rounded up, add up to more than [`MAX_TOTAL_BYTES`].
    fn check_sizes(&self) -> Option<()> {
        let scratch = self.steps.iter().flat_map(|s| s.scratch.iter().copied());
        let mut total = 0usize;
        for bytes in self.buffers.iter().map(|b| b.bytes).chain(scratch) {
            total = total.checked_add(bytes.checked_next_multiple_of(self.align)?)?;
        }
        (total <= MAX_TOTAL_BYTES).then_some(())
    }

    /// The ids and the in-place pairs of one step.
    fn check_step(&self, at: StepIx, step: &StepSpec) -> Result<(), PlanError> {
        let pairs = step.in_place.iter().flat_map(|p| [p.read, p.write]);
        for buffer in step.reads.iter().chain(&step.writes).copied().chain(pairs) {
            if buffer.0 >= self.buffers.len() {
                return Err(PlanError::UnknownBuffer { step: at, buffer });
            }
        }
        if let Some(&after) = step.after.iter().find(|after| after.0 >= at.0) {
            return Err(PlanError::After { step: at, after });
        }
        let related = |pair: &&InPlace| {
            step.reads.contains(&pair.read)
                && step.writes.contains(&pair.write)
                && !step.writes.contains(&pair.read)
                && !step.reads.contains(&pair.write)
        };
        match step.in_place.iter().find(|pair| !related(pair)) {
            Some(&pair) => Err(PlanError::InPlaceUnrelated { step: at, pair }),
            None => Ok(()),
        }
    }
}
