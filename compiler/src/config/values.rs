//! The values of options as a user writes them.

use std::str::FromStr;

use super::{Alloc, Inputs, Optimize};
use crate::diag::nearest;
use crate::ir::{Cache, LowBit, Numerics};
use crate::targets::{self, BOARDS, Board, TARGETS, Target};

/// A choice among few, each of which is a word.
pub trait Word: Copy + PartialEq + 'static {
    /// All words and what they mean.
    const WORDS: &'static [(&'static str, Self)];

    /// The word for it.
    fn word(self) -> &'static str {
        let (word, _) = Self::WORDS.iter().find(|(_, choice)| *choice == self).expect("each choice has a word");
        word
    }

    /// What a word means.
    ///
    /// # Errors
    /// The words that there are.
    fn of_word(text: &str) -> Result<Self, String> {
        let found = Self::WORDS.iter().find(|(word, _)| *word == text);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<&str> = Self::WORDS.iter().map(|(word, _)| *word).collect();
            let (last, others) = words.split_last().expect("there is a choice");
            format!("expected {} or {last}", others.join(", "))
        })
    }
}

impl Word for Optimize {
    const WORDS: &'static [(&'static str, Optimize)] = &[("speed", Optimize::Speed), ("size", Optimize::Size)];
}

impl Word for Alloc {
    const WORDS: &'static [(&'static str, Alloc)] =
        &[("static", Alloc::Static), ("caller", Alloc::Caller), ("heap", Alloc::Heap)];
}

impl Word for Inputs {
    const WORDS: &'static [(&'static str, Inputs)] = &[("arena", Inputs::Arena), ("slice", Inputs::Slice)];
}

impl Word for Numerics {
    const WORDS: &'static [(&'static str, Numerics)] = &[("fused", Numerics::Fused), ("separate", Numerics::Separate)];
}

impl Word for LowBit {
    const WORDS: &'static [(&'static str, LowBit)] = &[("auto", LowBit::Auto), ("off", LowBit::Off)];
}

impl Word for Cache {
    const WORDS: &'static [(&'static str, Cache)] = &[("float", Cache::Float), ("int8", Cache::Int8)];
}

impl FromStr for Optimize {
    type Err = String;

    fn from_str(text: &str) -> Result<Optimize, String> {
        Optimize::of_word(text)
    }
}

impl FromStr for Alloc {
    type Err = String;

    fn from_str(text: &str) -> Result<Alloc, String> {
        Alloc::of_word(text)
    }
}

/// `NAME=K` of the command line; the name may itself contain `=`.
///
/// # Errors
/// What is wrong with it.
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
pub fn state(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((input, output)) if !input.is_empty() && !output.is_empty() => Ok((input.to_string(), output.to_string())),
        _ => Err("expected INPUT=OUTPUT".into()),
    }
}

/// A number of bytes: `65536`, `64K`, `64KiB`, `1M`, `1G`.
pub(super) fn size(text: &str) -> Result<usize, String> {
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

/// A board, by its name.
pub(super) fn board_named(text: &str) -> Result<&'static Board, String> {
    targets::find_board(text).ok_or_else(|| unknown("board", text, BOARDS.iter().map(|b| b.name)))
}

/// What a name may have meant, and all that there are.
fn unknown(kind: &str, given: &str, names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<&str> = names.collect();
    let near = nearest(given, names.iter().copied()).unwrap_or_default();
    format!("unknown {kind}; the nearest is {near}; there are {}", names.join(", "))
}

/// The name of a link section, as linkers of all kinds take it; it becomes a string in emitted code.
pub(super) fn section(text: &str) -> Result<String, String> {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '$' | ',');
    match text {
        "" => Err("the name is empty".into()),
        _ if text.len() > 64 => Err("the name is longer than 64 characters".into()),
        _ if text.chars().all(usable) => Ok(text.to_string()),
        _ => Err("a section's name has letters, digits and `. _ - $ ,` only".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Word, dim, section, size, state};
    use crate::config::Alloc;

    #[test]
    fn sizes_have_suffixes() {
        assert_eq!(size("65536"), Ok(65536));
        assert_eq!(size("64K"), Ok(65536));
        assert_eq!(size("1 MiB"), Ok(1 << 20));
        assert!(size("").is_err() && size("-1").is_err() && size("1T").is_err() && size("é").is_err());
        assert!(size("99999999999999999G").is_err());
    }

    #[test]
    fn dimensions_are_named() {
        assert_eq!(dim("batch=2"), Ok(("batch".into(), 2)));
        assert_eq!(dim("x[0]=3"), Ok(("x[0]".into(), 3)));
        assert_eq!(dim("a=b=3"), Ok(("a=b".into(), 3)));
        assert!(dim("batch").is_err() && dim("=1").is_err() && dim("batch=").is_err() && dim("batch=-1").is_err());
    }

    #[test]
    fn a_state_on_the_command_line_has_two_names() {
        assert_eq!(state("past=present"), Ok(("past".into(), "present".into())));
        assert!(state("past").is_err() && state("=present").is_err() && state("past=").is_err());
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for (word, choice) in Alloc::WORDS {
            assert_eq!((choice.word(), word.parse()), (*word, Ok(*choice)));
        }
        assert_eq!("stack".parse::<Alloc>(), Err("expected static, caller or heap".into()));
    }

    #[test]
    fn sections_have_plain_names() {
        for bad in ["", "a b", "a\"", "x\n", &"a".repeat(65)] {
            assert!(section(bad).is_err(), "{bad:?}");
        }
        assert_eq!(section(".bss.axi").as_deref(), Ok(".bss.axi"));
    }
}
