//! The options as a user writes them: long options of the command line and keys of `zant.toml`, one table for both.
//!
//! ```toml
//! name = "mnist"
//! target = "cortex-m7"     # or Rust's triple: "thumbv7em-none-eabihf"
//! board = "stm32h743zi"    # its target, and its memories as budgets
//! optimize = "size"        # or "speed"
//! alloc = "static"         # or "caller", "heap"
//! numerics = "separate"    # or "fused"
//! max-ram = "64K"
//! max-flash = "1M"
//! weights-section = ".psram"
//! arena-section = ".bss.axi"
//! member = true            # of the workspace that it lies in
//! dim = { batch = 1 }
//! state = { past_k_0 = "present_k_0" }
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use super::{Alloc, Config, Optimize};
use crate::diag::nearest;
use crate::ir::Numerics;
use crate::targets::{self, BOARDS, Board, TARGETS, Target};

/// Name of the file of options beside a model.
pub const FILE_NAME: &str = "zant.toml";

/// What a user has chosen; the rest is left open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct Options {
    /// Name of the emitted crate [default: from the model's file]
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME"))]
    pub name: Option<String>,
    /// Value of a symbolic dimension; `INPUT[AXIS]` names one that has no name
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME=K", value_parser = dim))]
    #[serde(deserialize_with = "dims")]
    pub dim: Vec<(String, usize)>,
    /// Keep an input inside `Model`: after each run it becomes the output
    #[cfg_attr(feature = "clap", arg(long, value_name = "INPUT=OUTPUT", value_parser = state))]
    #[serde(deserialize_with = "states")]
    pub state: Vec<(String, String)>,
    /// Where the crate runs: a target, or Rust's triple of one [default: host]
    #[cfg_attr(feature = "clap", arg(long, value_parser = target_named))]
    #[serde(deserialize_with = "text")]
    pub target: Option<&'static Target>,
    /// The board that it runs on: sets the target, and its memories as budgets
    #[cfg_attr(feature = "clap", arg(long, value_parser = board_named))]
    #[serde(deserialize_with = "text")]
    pub board: Option<&'static Board>,
    /// What is preferred: speed or size [default: speed]
    #[cfg_attr(feature = "clap", arg(long, value_name = "speed|size"))]
    #[serde(deserialize_with = "text")]
    pub optimize: Option<Optimize>,
    /// Who owns the arena: static (inside `Model`), caller or heap [default: static]
    #[cfg_attr(feature = "clap", arg(long, value_name = "static|caller|heap"))]
    #[serde(deserialize_with = "text")]
    pub alloc: Option<Alloc>,
    /// How products are rounded: fused or separate [default: the target's way]
    #[cfg_attr(feature = "clap", arg(long, value_name = "fused|separate", value_parser = numerics))]
    #[serde(deserialize_with = "text")]
    pub numerics: Option<Numerics>,
    /// Fail where arena, inputs and stack need more bytes; K and M are 1024 and 1024 times that
    #[cfg_attr(feature = "clap", arg(long, value_name = "BYTES", value_parser = size))]
    #[serde(deserialize_with = "bytes")]
    pub max_ram: Option<usize>,
    /// Fail where constants and code need more bytes
    #[cfg_attr(feature = "clap", arg(long, value_name = "BYTES", value_parser = size))]
    #[serde(deserialize_with = "bytes")]
    pub max_flash: Option<usize>,
    /// Link section of the constants
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", value_parser = section))]
    #[serde(deserialize_with = "text")]
    pub weights_section: Option<String>,
    /// Link section of the arena of the crate's own model, which `take` gives
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", value_parser = section))]
    #[serde(deserialize_with = "text")]
    pub arena_section: Option<String>,
    /// Make a crate that can be a member, or a dependency by path, of the workspace that it lies in
    #[cfg_attr(feature = "clap", arg(long, num_args = 0, default_missing_value = "true"))]
    pub member: Option<bool>,
}

impl Options {
    /// Options from the text of a `zant.toml`.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn from_toml(text: &str) -> Result<Options, String> {
        Options::parse(text).map_err(|e| e.to_string())
    }

    /// The same, with the place of what is wrong.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Options, BadToml> {
        toml::from_str(text).map_err(|e: toml::de::Error| BadToml::new(text, &e))
    }

    /// Sets what is chosen here; the rest stays.
    pub fn apply(&self, config: &mut Config) {
        config.name = self.name.clone().or(config.name.take());
        config.dims.extend(self.dim.iter().cloned());
        if !self.state.is_empty() {
            config.states.clone_from(&self.state);
        }
        config.board = self.board.or(config.board);
        config.target = self.target.or(self.board.map(Board::target)).unwrap_or(config.target);
        config.optimize = self.optimize.unwrap_or(config.optimize);
        config.alloc = self.alloc.unwrap_or(config.alloc);
        config.numerics = self.numerics.or(config.numerics);
        config.max_ram = self.max_ram.or(config.max_ram);
        config.max_flash = self.max_flash.or(config.max_flash);
        config.weights_section = self.weights_section.clone().or(config.weights_section.take());
        config.arena_section = self.arena_section.clone().or(config.arena_section.take());
        config.member = self.member.unwrap_or(config.member);
    }
}

/// What is wrong with a text of options, in words of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadToml {
    /// What is wrong, on one line.
    pub message: String,
    /// Number of the line, from 1.
    pub line: usize,
    /// The line.
    pub text: String,
    /// The part of the line that is at fault: byte offset and length.
    pub span: (usize, usize),
}

impl BadToml {
    fn new(text: &str, error: &toml::de::Error) -> BadToml {
        let span = error.span().unwrap_or(0..0);
        let at = (0..=span.start.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        let begin = text[..at].rfind('\n').map_or(0, |n| n + 1);
        let line = text[begin..].lines().next().unwrap_or_default().to_string();
        let start = (at - begin).min(line.len());
        // Of what spans several lines, the first.
        let end = span.end.saturating_sub(begin).clamp(start, line.len());
        let message = error.message().lines().map(str::trim).collect::<Vec<_>>().join(", ");
        BadToml { message, line: text[..begin].matches('\n').count() + 1, text: line, span: (start, end - start) }
    }
}

impl std::fmt::Display for BadToml {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {} in `{}`", self.line, self.message, self.text.trim())
    }
}

/// Where the options of a model may lie.
pub fn file_beside(model: &Path) -> PathBuf {
    model.with_file_name(FILE_NAME)
}

/// `NAME=K` of the command line; the name may itself contain `=`.
///
/// # Errors
/// What is wrong with it.
#[cfg(feature = "clap")]
pub fn dim(text: &str) -> Result<(String, usize), String> {
    let (name, value) = text.rsplit_once('=').ok_or("expected NAME=K")?;
    let value = value.trim().parse().map_err(|_| format!("{:?} is not a whole number", value.trim()))?;
    match name.trim() {
        "" => Err("the name is missing".into()),
        name => Ok((name.to_string(), value)),
    }
}

/// `INPUT=OUTPUT` of the command line.
///
/// # Errors
/// What is wrong with it.
#[cfg(feature = "clap")]
pub fn state(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((input, output)) if !input.is_empty() && !output.is_empty() => Ok((input.to_string(), output.to_string())),
        _ => Err("expected INPUT=OUTPUT".into()),
    }
}

/// A number of bytes: `65536`, `64K`, `64KiB`, `1M`, `1G`.
fn size(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let shift = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        unit => return Err(format!("unknown unit {unit:?}; use K, M or G")),
    };
    let number: usize = text[..digits].parse().map_err(|_| "expected a number of bytes, such as 64K".to_string())?;
    number.checked_mul(1 << shift).ok_or_else(|| "the number is too large".into())
}

/// A target of the command line, by its name or by Rust's triple.
///
/// # Errors
/// Where there is none of that name.
pub fn target_named(text: &str) -> Result<&'static Target, String> {
    let found = targets::find(text).or_else(|| targets::of_triple(text));
    found.ok_or_else(|| match text.split('-').count() {
        3.. if text.len() < 64 => {
            format!("no target fits {text:?}, if it is a triple of Rust's; `portable` is plain Rust for any machine")
        }
        _ => unknown("target", text, TARGETS.iter().map(|t| t.name)),
    })
}

fn board_named(text: &str) -> Result<&'static Board, String> {
    targets::find_board(text).ok_or_else(|| unknown("board", text, BOARDS.iter().map(|b| b.name)))
}

/// What a name may have meant, and all that there are.
fn unknown(kind: &str, given: &str, names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<&str> = names.collect();
    let near = nearest(given, names.iter().copied()).unwrap_or_default();
    format!("unknown {kind}; the nearest is {near}; there are {}", names.join(", "))
}

/// The name of a link section, as linkers of all kinds take it; it becomes a string in emitted code.
fn section(text: &str) -> Result<String, String> {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '$' | ',');
    match text {
        "" => Err("the name is empty".into()),
        _ if text.len() > 64 => Err("the name is longer than 64 characters".into()),
        _ if text.chars().all(usable) => Ok(text.to_string()),
        _ => Err("a section's name has letters, digits and `. _ - $ ,` only".into()),
    }
}

fn numerics(text: &str) -> Result<Numerics, String> {
    match text {
        "fused" => Ok(Numerics::Fused),
        "separate" => Ok(Numerics::Separate),
        _ => Err("expected fused or separate".into()),
    }
}

impl std::str::FromStr for Optimize {
    type Err = String;

    fn from_str(text: &str) -> Result<Optimize, String> {
        match text {
            "speed" => Ok(Optimize::Speed),
            "size" => Ok(Optimize::Size),
            _ => Err("expected speed or size".into()),
        }
    }
}

impl std::str::FromStr for Alloc {
    type Err = String;

    fn from_str(text: &str) -> Result<Alloc, String> {
        match text {
            "static" => Ok(Alloc::Static),
            "caller" => Ok(Alloc::Caller),
            "heap" => Ok(Alloc::Heap),
            _ => Err("expected static, caller or heap".into()),
        }
    }
}

/// A choice that is written as a word.
trait Word: Sized {
    fn parse(text: &str) -> Result<Self, String>;
}

impl Word for Optimize {
    fn parse(text: &str) -> Result<Optimize, String> {
        text.parse()
    }
}

impl Word for Alloc {
    fn parse(text: &str) -> Result<Alloc, String> {
        text.parse()
    }
}

impl Word for Numerics {
    fn parse(text: &str) -> Result<Numerics, String> {
        numerics(text)
    }
}

impl Word for &'static Board {
    fn parse(text: &str) -> Result<&'static Board, String> {
        board_named(text)
    }
}

/// The only texts that are words are names of sections.
impl Word for String {
    fn parse(text: &str) -> Result<String, String> {
        section(text)
    }
}

impl Word for &'static Target {
    fn parse(text: &str) -> Result<&'static Target, String> {
        target_named(text)
    }
}

fn text<'de, D: Deserializer<'de>, T: Word>(deserializer: D) -> Result<Option<T>, D::Error> {
    let word = String::deserialize(deserializer)?;
    T::parse(&word).map(Some).map_err(serde::de::Error::custom)
}

fn dims<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, usize)>, D::Error> {
    Ok(BTreeMap::deserialize(deserializer)?.into_iter().collect())
}

fn states<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    Ok(BTreeMap::deserialize(deserializer)?.into_iter().collect())
}

/// A size as a number or a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Size {
    Number(usize),
    Text(String),
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    match Size::deserialize(deserializer)? {
        Size::Number(n) => Ok(Some(n)),
        Size::Text(t) => size(&t).map(Some).map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, size};
    use crate::config::{Alloc, Config, Optimize};
    use crate::ir::Numerics;
    use crate::targets;

    #[test]
    fn sizes_have_suffixes() {
        assert_eq!(size("65536"), Ok(65536));
        assert_eq!(size("64K"), Ok(65536));
        assert_eq!(size("1 MiB"), Ok(1 << 20));
        assert!(size("").is_err() && size("-1").is_err() && size("1T").is_err() && size("é").is_err());
        assert!(size("99999999999999999G").is_err());
    }

    #[cfg(feature = "clap")]
    #[test]
    fn dimensions_are_named() {
        use super::dim;
        assert_eq!(dim("batch=2"), Ok(("batch".into(), 2)));
        assert_eq!(dim("x[0]=3"), Ok(("x[0]".into(), 3)));
        assert_eq!(dim("a=b=3"), Ok(("a=b".into(), 3)));
        assert!(dim("batch").is_err() && dim("=1").is_err() && dim("batch=").is_err() && dim("batch=-1").is_err());
    }

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
    fn unknown_names_have_neighbours_and_sections_are_plain() {
        let unknown = Options::from_toml("target = \"cortexm7\"").unwrap_err();
        assert!(unknown.contains("nearest is cortex-m7") && unknown.contains("riscv32imc"), "{unknown}");
        let unknown = Options::from_toml("board = \"stm32h743\"").unwrap_err();
        assert!(unknown.contains("nearest is stm32h743zi"), "{unknown}");
        for bad in ["", "a b", "a\\\"", "x\\n", &"a".repeat(65)] {
            assert!(Options::from_toml(&format!("arena-section = \"{bad}\"")).is_err(), "{bad:?}");
        }
        assert!(Options::from_toml("arena-section = \".bss.axi\"").is_ok());
    }

    #[test]
    fn states_are_pairs_of_names() {
        let file = Options::from_toml("state = { past_k = \"present_k\", h = \"h_out\" }").unwrap();
        let pairs = [("h".to_string(), "h_out".to_string()), ("past_k".into(), "present_k".into())];
        assert_eq!(Config::new().with_options(&file).states, pairs);
        let chosen = Config::new().state("a", "b").with_options(&file);
        assert_eq!(chosen.states, [("a".to_string(), "b".to_string())]);
        assert!(Options::from_toml("state = [\"past_k\"]").is_err());
    }

    #[cfg(feature = "clap")]
    #[test]
    fn a_state_on_the_command_line_has_two_names() {
        use super::state;
        assert_eq!(state("past=present"), Ok(("past".into(), "present".into())));
        assert!(state("past").is_err() && state("=present").is_err() && state("past=").is_err());
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

    #[test]
    fn what_is_wrong_is_text_with_its_place() {
        let bad = Options::parse("name = \"a\"\n\n  nane = 3 # no\n").unwrap_err();
        assert!(bad.message.starts_with("unknown field `nane`") && !bad.message.contains('\n'), "{bad:?}");
        assert_eq!((bad.line, bad.text.as_str(), bad.span), (3, "  nane = 3 # no", (2, 4)));
        let bad = Options::parse("alloc = \n").unwrap_err();
        assert_eq!((bad.line, bad.text.as_str()), (1, "alloc = "), "{bad:?}");
        let bad = Options::parse("name = \"a").unwrap_err();
        assert_eq!(bad.line, 1, "{bad:?}");
        let bad = Options::parse("max-ram = \"a lot\"").unwrap_err();
        assert_eq!((bad.line, bad.span), (1, (10, 7)), "{bad:?}");
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        for text in [
            "nane = \"a\"",
            "target = \"pdp-11\"",
            "alloc = 3",
            "max-ram = \"a lot\"",
            "max-ram = -1",
            "dim = 3",
            "dim = { a = -1 }",
        ] {
            let error = Options::from_toml(text).unwrap_err();
            assert!(error.contains("line 1"), "{text}: {error}");
        }
    }
}
