//! What a user can choose. One table, used by the command line, by `zant.toml` and by build scripts.

mod check;
mod file;
mod options;
mod table;
mod values;

use std::collections::BTreeMap;

pub use file::{BadToml, FILE_NAME, file_beside};
pub use options::Options;
pub use table::{Choice, Form, OPTIONS};
pub use values::{Word, dim, state, target_named};

use crate::ir::{Cache, LowBit, Numerics};
use crate::targets::{Board, HOST, Target};

/// What is preferred where the two conflict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optimize {
    /// Fewer instructions.
    #[default]
    Speed,
    /// Fewer bytes of code.
    Size,
}

/// Who owns the arena of an emitted model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alloc {
    /// It lies inside `Model`.
    #[default]
    Static,
    /// The caller lends it to each run.
    Caller,
    /// `Model::new` takes it from the heap (`alloc`).
    Heap,
}

/// Where the inputs of a run are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inputs {
    /// In the arena, where they are filled before a run, which takes their memory once they are dead.
    Arena,
    /// Lent by the caller as slices.
    #[default]
    Slice,
}

/// What to make of a model.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of the emitted crate; by default made from the file's name.
    pub name: Option<String>,
    /// Values of symbolic dimensions.
    pub dims: BTreeMap<String, usize>,
    /// How often loops run at most whose trip counts are data, by the names of those or of the loops.
    pub bounds: BTreeMap<String, usize>,
    /// Pairs of an input and an output, by their names, that a model keeps from run to run.
    pub states: Vec<(String, String)>,
    /// Where the crate runs; in a build script by default where cargo's `TARGET` says.
    pub target: &'static Target,
    /// The board that it runs on: its target, and its memories as budgets.
    pub board: Option<&'static Board>,
    /// What is preferred.
    pub optimize: Optimize,
    /// Who owns the arena.
    pub alloc: Alloc,
    /// Where the inputs of a run are; by default in the arena of firmware, and lent elsewhere.
    pub inputs: Option<Inputs>,
    /// How products are rounded; by default the target's way.
    pub numerics: Option<Numerics>,
    /// Whether weights of few bits stay such.
    pub low_bit: LowBit,
    /// How caches of floats are kept.
    pub cache: Cache,
    /// Bytes of RAM that a model may take, with its inputs and, where it is estimated, the stack; more is an error.
    pub max_ram: Option<usize>,
    /// Bytes of flash that constants and, where it is estimated, code may take; more is an error.
    pub max_flash: Option<usize>,
    /// The link section of the constants.
    pub weights_section: Option<String>,
    /// The link section of the arena, where the crate owns it.
    pub arena_section: Option<String>,
    /// Whether models that are compiled together work in one arena, which the caller lends to each.
    pub share_arena: bool,
    /// The file with the names of the classes that an output has the scores of; by default those in the model's metadata.
    pub labels: Option<String>,
    /// Whether the crate is to be a member of another workspace, or a dependency by path of one that it lies in.
    pub member: bool,
    /// Whether `run` calls an observer after each step, which it is given: what profiles are made with.
    #[doc(hidden)]
    pub observed: bool,
    /// Whether a processor with AVX-512 computes by the loops for AVX2: what others' AVX2 is compared with.
    #[doc(hidden)]
    pub avx2: bool,
    /// What was set by a method of this type, and what a file of options does not change therefore.
    chosen: Options,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            name: None,
            dims: BTreeMap::new(),
            bounds: BTreeMap::new(),
            states: Vec::new(),
            target: HOST,
            board: None,
            optimize: Optimize::default(),
            alloc: Alloc::default(),
            inputs: None,
            numerics: None,
            low_bit: LowBit::default(),
            cache: Cache::default(),
            max_ram: None,
            max_flash: None,
            weights_section: None,
            arena_section: None,
            share_arena: false,
            labels: None,
            member: false,
            observed: false,
            avx2: false,
            chosen: Options::default(),
        }
    }
}

/// Makes the methods that choose: each notes its choice and applies it.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*) => |$chosen:ident| $set:expr;)*) => {
        /// Each method sets one option.
        impl Config {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(mut self $(, $arg: $ty)*) -> Config {
                let $chosen = &mut self.chosen;
                $set;
                self.settled()
            })*
        }
    };
}

choices! {
    /// Names the emitted crate.
    name(name: impl Into<String>) => |chosen| chosen.name = Some(name.into());
    /// Gives a symbolic dimension a value.
    dim(name: impl Into<String>, value: usize) => |chosen| chosen.dim.push((name.into(), value));
    /// Keeps an input inside the model: after each run it becomes the output.
    state(input: impl Into<String>, output: impl Into<String>) => |chosen| chosen.state.push((input.into(), output.into()));
    /// Chooses the target. Without this, a build script takes the one that fits cargo's `TARGET`, everything else the host.
    target(target: &'static Target) => |chosen| chosen.target = Some(target);
    /// Chooses the board, and with it the target and, where nothing else is said, the budgets.
    board(board: &'static Board) => |chosen| chosen.board = Some(board);
    /// Chooses between speed and size.
    optimize(optimize: Optimize) => |chosen| chosen.optimize = Some(optimize);
    /// Chooses who owns the arena.
    alloc(alloc: Alloc) => |chosen| chosen.alloc = Some(alloc);
    /// Chooses where the inputs of a run are.
    inputs(inputs: Inputs) => |chosen| chosen.inputs = Some(inputs);
    /// Chooses how products are rounded.
    numerics(numerics: Numerics) => |chosen| chosen.numerics = Some(numerics);
    /// Chooses whether weights of few bits stay such.
    low_bit(low_bit: LowBit) => |chosen| chosen.low_bit = Some(low_bit);
    /// Chooses how caches of floats are kept.
    cache(cache: Cache) => |chosen| chosen.cache = Some(cache);
    /// Refuses models that need more RAM.
    max_ram(bytes: usize) => |chosen| chosen.max_ram = Some(bytes);
    /// Refuses models whose constants and code need more flash.
    max_flash(bytes: usize) => |chosen| chosen.max_flash = Some(bytes);
    /// Puts the constants into a link section.
    weights_section(name: impl Into<String>) => |chosen| chosen.weights_section = Some(name.into());
    /// Puts the arena of the crate's own model, which `take` gives, into a link section.
    arena_section(name: impl Into<String>) => |chosen| chosen.arena_section = Some(name.into());
    /// Lets models that are compiled together work in one arena.
    share_arena() => |chosen| chosen.share_arena = Some(true);
    /// Names the file with the names of the classes: a line each, or a list.
    labels(path: impl Into<String>) => |chosen| chosen.labels = Some(path.into());
    /// Makes a crate that can be a member of another workspace: it has none of its own.
    member() => |chosen| chosen.member = Some(true);
}

impl Config {
    /// The target as it is to be built for: kernels have one body where small code is preferred.
    pub(crate) fn machine(&self) -> Target {
        Target { compact: self.target.compact || self.optimize == Optimize::Size, ..*self.target }
    }

    /// The defaults.
    pub fn new() -> Config {
        Config::default()
    }

    /// Sets all that was chosen.
    fn settled(mut self) -> Config {
        let chosen = std::mem::take(&mut self.chosen);
        chosen.apply(&mut self);
        self.chosen = chosen;
        self
    }

    /// Makes choices that later files of options do not change: those of a command line.
    #[doc(hidden)]
    #[must_use]
    pub fn choose(mut self, options: Options) -> Config {
        self.chosen = options;
        self.settled()
    }

    /// Takes from a file of options what was not chosen.
    #[doc(hidden)]
    #[must_use]
    pub fn with_options(mut self, file: &Options) -> Config {
        file.apply(&mut self);
        self.settled()
    }

    /// Sets the target, unless it or the board was chosen.
    #[must_use]
    pub(crate) fn with_usual_target(mut self, target: &'static Target) -> Config {
        // A field may have been set as well as a method called.
        if self.board.is_none() && self.target.name == HOST.name {
            self.target = target;
        }
        self.settled()
    }

    /// Takes the name away, whoever chose it.
    pub(crate) fn take_name(&mut self) -> Option<String> {
        self.chosen.name = None;
        self.name.take()
    }

    /// Where the inputs of a run are: as chosen, else in the arena of firmware.
    pub fn effective_inputs(&self) -> Inputs {
        let is_firmware = self.target.triple.is_some_and(|triple| triple.contains("-none-"));
        self.inputs.unwrap_or(if is_firmware { Inputs::Arena } else { Inputs::Slice })
    }

    /// How products are rounded: as chosen, else the target's way.
    pub fn effective_numerics(&self) -> Numerics {
        self.numerics.unwrap_or(self.target.numerics)
    }
}
