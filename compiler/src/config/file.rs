//! The file of options beside a model.
//!
//! ```toml
//! name = "mnist"
//! target = "cortex-m7"     # or Rust's triple: "thumbv7em-none-eabihf"
//! board = "stm32h743zi"    # its target, and its memories as budgets
//! optimize = "size"        # or "speed"
//! alloc = "static"         # or "caller", "heap"
//! numerics = "separate"    # or "fused"
//! low-bit = "off"          # or "auto"
//! cache = "int8"           # or "float"
//! max-ram = "64K"
//! max-flash = "1M"
//! weights-section = ".psram"
//! arena-section = ".bss.axi"
//! member = true            # of the workspace that it lies in
//! dim = { batch = 1 }
//! state = { past_k_0 = "present_k_0" }
//! data = { scale = 0.0039 }  # of examples, for `zantc eval`
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Options;
use super::table::{Choice, Form, NAMES, find};
use super::values::size;

/// Name of the file of options beside a model.
pub const FILE_NAME: &str = "zant.toml";

/// Where the options of a model may lie.
pub fn file_beside(model: &Path) -> PathBuf {
    model.with_file_name(FILE_NAME)
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

/// Keys and values of the table of options.
impl<'de> Deserialize<'de> for Options {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Options, D::Error> {
        struct Table;

        impl<'de> Visitor<'de> for Table {
            type Value = Options;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of options")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Options, A::Error> {
                let mut options = Options::default();
                while let Some(choice) = map.next_key_seed(Key)? {
                    match choice {
                        Some(choice) => map.next_value_seed(Value { choice, options: &mut options })?,
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(options)
            }
        }

        deserializer.deserialize_struct("Options", &NAMES, Table)
    }
}

/// The table of what becomes of examples, which is not the compiler's: see `zantc eval`.
const DATA: &str = "data";

/// The name of an option, or of what is for others.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<&'static Choice>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<&'static Choice>, D::Error> {
        let key = String::deserialize(deserializer)?;
        if key == DATA {
            return Ok(None);
        }
        find(&key).map(Some).ok_or_else(|| Error::unknown_field(&key, &NAMES))
    }
}

/// The value of an option, which becomes one of the options.
struct Value<'a> {
    choice: &'static Choice,
    options: &'a mut Options,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Value { choice, options } = self;
        match choice.form {
            Form::Text(set) => set(options, &String::deserialize(deserializer)?).map_err(Error::custom)?,
            Form::Bytes(field) => *field(options) = Some(bytes(deserializer)?),
            Form::Numbers(field) => *field(options) = pairs(deserializer)?,
            Form::Names(field) => *field(options) = pairs(deserializer)?,
            Form::Flag(field) => *field(options) = Some(bool::deserialize(deserializer)?),
        }
        Ok(())
    }
}

/// The entries of a table.
fn pairs<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<(String, T)>, D::Error> {
    Ok(BTreeMap::deserialize(deserializer)?.into_iter().collect())
}

/// A size as a number or a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Size {
    Number(usize),
    Text(String),
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    match Size::deserialize(deserializer)? {
        Size::Number(n) => Ok(n),
        Size::Text(t) => size(&t).map_err(Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::Options;
    use crate::config::Config;

    #[test]
    fn states_are_pairs_of_names() {
        let file = Options::from_toml("state = { past_k = \"present_k\", h = \"h_out\" }").unwrap();
        let pairs = [("h".to_string(), "h_out".to_string()), ("past_k".into(), "present_k".into())];
        assert_eq!(Config::new().with_options(&file).states, pairs);
        let chosen = Config::new().state("a", "b").with_options(&file);
        assert_eq!(chosen.states, [("a".to_string(), "b".to_string())]);
        assert!(Options::from_toml("state = [\"past_k\"]").is_err());
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
}
