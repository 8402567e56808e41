//! What a user has chosen, of all that [`super::OPTIONS`] lists.

use super::{Alloc, Config, Inputs, Optimize};
use crate::ir::{Cache, LowBit, Numerics};
use crate::targets::{Board, Target};

/// What a user has chosen; the rest is left open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `name`.
    pub name: Option<String>,
    /// `dim`.
    pub dim: Vec<(String, usize)>,
    /// `bound`.
    pub bound: Vec<(String, usize)>,
    /// `state`.
    pub state: Vec<(String, String)>,
    /// `target`.
    pub target: Option<&'static Target>,
    /// `board`.
    pub board: Option<&'static Board>,
    /// `optimize`.
    pub optimize: Option<Optimize>,
    /// `alloc`.
    pub alloc: Option<Alloc>,
    /// `inputs`.
    pub inputs: Option<Inputs>,
    /// `numerics`.
    pub numerics: Option<Numerics>,
    /// `low-bit`.
    pub low_bit: Option<LowBit>,
    /// `cache`.
    pub cache: Option<Cache>,
    /// `max-ram`, in bytes.
    pub max_ram: Option<usize>,
    /// `max-flash`, in bytes.
    pub max_flash: Option<usize>,
    /// `weights-section`.
    pub weights_section: Option<String>,
    /// `arena-section`.
    pub arena_section: Option<String>,
    /// `share-arena`.
    pub share_arena: Option<bool>,
    /// `class-labels`.
    pub labels: Option<String>,
    /// `member`.
    pub member: Option<bool>,
}

impl Options {
    /// Sets what is chosen here; the rest stays.
    pub fn apply(&self, config: &mut Config) {
        config.name = self.name.clone().or(config.name.take());
        config.dims.extend(self.dim.iter().cloned());
        config.bounds.extend(self.bound.iter().cloned());
        if !self.state.is_empty() {
            config.states.clone_from(&self.state);
        }
        config.board = self.board.or(config.board);
        config.target = self.target.or(self.board.map(Board::target)).unwrap_or(config.target);
        config.optimize = self.optimize.unwrap_or(config.optimize);
        config.alloc = self.alloc.unwrap_or(config.alloc);
        config.inputs = self.inputs.or(config.inputs);
        config.numerics = self.numerics.or(config.numerics);
        config.low_bit = self.low_bit.unwrap_or(config.low_bit);
        config.cache = self.cache.unwrap_or(config.cache);
        config.max_ram = self.max_ram.or(config.max_ram);
        config.max_flash = self.max_flash.or(config.max_flash);
        config.weights_section = self.weights_section.clone().or(config.weights_section.take());
        config.arena_section = self.arena_section.clone().or(config.arena_section.take());
        config.share_arena = self.share_arena.unwrap_or(config.share_arena);
        config.labels = self.labels.clone().or(config.labels.take());
        config.member = self.member.unwrap_or(config.member);
    }
}

#[cfg(test)]
mod tests {
    use super::Options;
    use crate::config::{Alloc, Config, Optimize};
    use crate::ir::Numerics;
    use crate::targets;

    #[test]
    fn a_board_sets_the_target_unless_that_is_chosen() {
        let board = targets::find_board("stm32h743zi").unwrap();
        let config = Config::new().board(board);
        assert_eq!((config.target.name, config.board), ("cortex-m7", Some(board)));
        let file = Options::from_toml("board = \"nrf52840\"\nweights-section = \".psram\"").unwrap();
        let config = Config::new().target(targets::find("wasm32").unwrap()).with_options(&file);
        assert_eq!((config.target.name, config.weights_section.as_deref()), ("wasm32", Some(".psram")));
    }

    #[test]
    fn a_file_gives_what_was_not_chosen() {
        let text = "name = \"a\"\ntarget = \"cortex-m4\"\nalloc = \"heap\"\nmax-ram = \"64K\"\nmax-flash = 9\nnumerics = \"fused\"\noptimize = \"size\"\n[dim]\nbatch = 1\nlength = 7\n";
        let file = Options::from_toml(text).unwrap();
        let config = Config::new().alloc(Alloc::Static).dim("batch", 2).with_options(&file);
        assert_eq!(config.name.as_deref(), Some("a"));
        assert_eq!((config.alloc, config.optimize), (Alloc::Static, Optimize::Size));
        assert_eq!((config.dims["batch"], config.dims["length"]), (2, 7));
        assert_eq!((config.max_ram, config.max_flash), (Some(65536), Some(9)));
        assert_eq!((config.target.name, config.numerics), ("cortex-m4", Some(Numerics::Fused)));
    }
}
