//! Figures that others measured or published, which stand in a report beside ours with their source.
//!
//! Invariant: each says where it comes from; none is judged.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Unreadable;

/// Bytes of the longest file that is read.
const LONGEST: u64 = 1 << 20;

/// What somebody else's tool takes for a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Other {
    /// The model, as reports name it.
    pub model: String,
    /// The tool: `TFLM with CMSIS-NN`.
    pub name: String,
    /// `host`, or a target's name.
    pub target: String,
    /// Instructions of one inference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<u64>,
    /// Microseconds of one inference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    /// Bytes of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ram: Option<u64>,
    /// Bytes of flash, or of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash: Option<u64>,
    /// Where the figures come from, and what they hold for.
    pub source: String,
}

/// A file of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    peer: Vec<Other>,
}

impl Other {
    /// Reads a file of `[[peer]]` tables.
    ///
    /// # Errors
    /// What the file system refuses, fields that are missing or unknown, one without any figure or with a time that is none.
    pub fn read(path: &Path) -> Result<Vec<Other>, Unreadable> {
        use std::io::Read;
        let named = |why: &dyn std::fmt::Display| Unreadable(format!("{}: {why}", path.display()));
        let file = std::fs::File::open(path).map_err(|e| named(&e))?;
        let mut text = String::new();
        file.take(LONGEST + 1).read_to_string(&mut text).map_err(|e| named(&e))?;
        Other::from_toml(&text).map_err(|e| named(&e))
    }

    /// Reads text.
    ///
    /// # Errors
    /// As [`Other::read`].
    pub fn from_toml(text: &str) -> Result<Vec<Other>, Unreadable> {
        if text.len() as u64 > LONGEST {
            return Err(Unreadable(format!("longer than such files are ({LONGEST} bytes)")));
        }
        let File { peer } = toml::from_str(text).map_err(|e| Unreadable(e.to_string().trim_end().to_string()))?;
        match peer.iter().find_map(Other::fault) {
            Some(why) => Err(Unreadable(why)),
            None => Ok(peer),
        }
    }

    /// What is wrong with it.
    pub(super) fn fault(&self) -> Option<String> {
        let who = format!("`{}` for {}", self.name, self.model);
        let none = self.instructions.is_none() && self.time.is_none() && self.ram.is_none() && self.flash.is_none();
        if none {
            return Some(format!("{who} has none of `instructions`, `time`, `ram` and `flash`"));
        }
        let wrong = self.time.is_some_and(|t| !(t.is_finite() && t > 0.0)) || self.source.trim().is_empty();
        wrong.then(|| format!("{who} has a time that is none, or no source"))
    }
}

#[cfg(test)]
mod tests {
    use super::Other;

    const GOOD: &str =
        "[[peer]]\nmodel = \"kws\"\nname = \"TFLM\"\ntarget = \"cortex-m7\"\nram = 23000\nsource = \"a paper\"\n";

    #[test]
    fn figures_have_a_source() {
        let read = Other::from_toml(GOOD).unwrap();
        assert_eq!((read[0].ram, read[0].flash, read[0].source.as_str()), (Some(23000), None, "a paper"));
        for (from, to, says) in [
            ("source = \"a paper\"", "", "missing field `source`"),
            ("source = \"a paper\"", "source = \" \"", "no source"),
            ("ram = 23000", "", "has none of"),
            ("ram = 23000", "time = -1.0", "a time that is none"),
            ("ram = 23000", "ram = -1", "invalid value"),
            ("ram", "rum", "unknown field `rum`"),
            ("[[peer]]", "[peer", "unclosed"),
        ] {
            let why = Other::from_toml(&GOOD.replace(from, to)).unwrap_err().0;
            assert!(why.contains(says), "{why}");
        }
    }
}
