//! The options, one table for the command line and for `zant.toml`.
//!
//! An option is a line here, a field of [`Options`] with its line in [`Options::apply`], and a method of [`super::Config`]. Tests fail
//! where the line is there and the rest is not.

use super::Options;
use super::values::{Word, board_named, dim, section, size, state, target_named};

/// An option.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// Its key in a `zant.toml`, and behind two hyphens on a command line.
    pub name: &'static str,
    /// What its value looks like on a command line; nothing where it has none.
    pub value: &'static str,
    /// What it does.
    pub help: &'static str,
    /// How it is written.
    pub form: Form,
}

/// How an option is written, and where its value goes.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A text.
    Text(fn(&mut Options, &str) -> Result<(), String>),
    /// Bytes: a text, or in a `zant.toml` a number.
    Bytes(fn(&mut Options) -> &mut Option<usize>),
    /// Numbers by their names: on a command line one at a time, in a `zant.toml` a table.
    Numbers(fn(&mut Options) -> &mut Vec<(String, usize)>),
    /// Names by other names, in the same way.
    Names(fn(&mut Options) -> &mut Vec<(String, String)>),
    /// Said or not; in a `zant.toml` true or false.
    Flag(fn(&mut Options) -> &mut Option<bool>),
}

/// All options.
pub const OPTIONS: [Choice; 19] = [
    Choice {
        name: "name",
        value: "NAME",
        help: "Name of the emitted crate [default: from the model's file]",
        form: Form::Text(|o, text| set(&mut o.name, Ok(text.to_string()))),
    },
    Choice {
        name: "dim",
        value: "NAME=K",
        help: "Value of a symbolic dimension; `INPUT[AXIS]` names one that has no name",
        form: Form::Numbers(|o| &mut o.dim),
    },
    Choice {
        name: "bound",
        value: "NAME=N",
        help: "How often a loop runs at most whose trip count is data: by the name of that, or of the loop",
        form: Form::Numbers(|o| &mut o.bound),
    },
    Choice {
        name: "state",
        value: "INPUT=OUTPUT",
        help: "Keep an input inside `Model`: after each run it becomes the output",
        form: Form::Names(|o| &mut o.state),
    },
    Choice {
        name: "target",
        value: "TARGET",
        help: "Where the crate runs: a target, or Rust's triple of one [default: host]",
        form: Form::Text(|o, text| set(&mut o.target, target_named(text))),
    },
    Choice {
        name: "board",
        value: "BOARD",
        help: "The board that it runs on: sets the target, and its memories as budgets",
        form: Form::Text(|o, text| set(&mut o.board, board_named(text))),
    },
    Choice {
        name: "optimize",
        value: "speed|size",
        help: "What is preferred: speed or size [default: speed]",
        form: Form::Text(|o, text| set(&mut o.optimize, Word::of_word(text))),
    },
    Choice {
        name: "alloc",
        value: "static|caller|heap",
        help: "Who owns the arena: static (inside `Model`), caller or heap [default: static]",
        form: Form::Text(|o, text| set(&mut o.alloc, Word::of_word(text))),
    },
    Choice {
        name: "inputs",
        value: "arena|slice",
        help: "Where inputs are: arena (filled there, their memory is used again) or slice (lent to a run) [default: arena for firmware]",
        form: Form::Text(|o, text| set(&mut o.inputs, Word::of_word(text))),
    },
    Choice {
        name: "numerics",
        value: "fused|separate",
        help: "How products are rounded: fused or separate [default: the target's way]",
        form: Form::Text(|o, text| set(&mut o.numerics, Word::of_word(text))),
    },
    Choice {
        name: "low-bit",
        value: "auto|off",
        help: "Whether weights of few bits stay such, and zeros are left out where that pays: auto, or off for plain ones [default: auto]",
        form: Form::Text(|o, text| set(&mut o.low_bit, Word::of_word(text))),
    },
    Choice {
        name: "cache",
        value: "float|int8",
        help: "How caches of floats are kept, attention's keys and values: as floats, or as bytes with a scale for each row [default: float]",
        form: Form::Text(|o, text| set(&mut o.cache, Word::of_word(text))),
    },
    Choice {
        name: "max-ram",
        value: "BYTES",
        help: "Fail where arena, inputs and stack need more bytes; K and M are 1024 and 1024 times that",
        form: Form::Bytes(|o| &mut o.max_ram),
    },
    Choice {
        name: "max-flash",
        value: "BYTES",
        help: "Fail where weights and code need more bytes",
        form: Form::Bytes(|o| &mut o.max_flash),
    },
    Choice {
        name: "weights-section",
        value: "NAME",
        help: "Link section of the weights",
        form: Form::Text(|o, text| set(&mut o.weights_section, section(text))),
    },
    Choice {
        name: "arena-section",
        value: "NAME",
        help: "Link section of the arena of the crate's own model, which `take` gives",
        form: Form::Text(|o, text| set(&mut o.arena_section, section(text))),
    },
    Choice {
        name: "share-arena",
        value: "",
        help: "Let models that are compiled together work in one arena, one after the other",
        form: Form::Flag(|o| &mut o.share_arena),
    },
    Choice {
        name: "class-labels",
        value: "FILE",
        help: "Names of the classes that an output has the scores of, one a line [default: from the model's metadata]",
        form: Form::Text(|o, text| set(&mut o.labels, Ok(text.to_string()))),
    },
    Choice {
        name: "member",
        value: "",
        help: "Make a crate that can be a member, or a dependency by path, of the workspace that it lies in",
        form: Form::Flag(|o| &mut o.member),
    },
];

/// The names of all.
pub(super) const NAMES: [&str; OPTIONS.len()] = {
    let mut names = [""; OPTIONS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = OPTIONS[i].name;
        i += 1;
    }
    names
};

/// The option of a name.
pub(super) fn find(name: &str) -> Option<&'static Choice> {
    const { &OPTIONS }.iter().find(|c| c.name == name)
}

fn set<T>(field: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    *field = Some(value?);
    Ok(())
}

impl Choice {
    /// Takes its value from a command line.
    ///
    /// # Errors
    /// What is wrong with the value.
    pub fn take(&self, options: &mut Options, text: &str) -> Result<(), String> {
        match self.form {
            Form::Text(take) => take(options, text)?,
            Form::Bytes(field) => *field(options) = Some(size(text)?),
            Form::Numbers(field) => field(options).push(dim(text)?),
            Form::Names(field) => field(options).push(state(text)?),
            Form::Flag(field) => *field(options) = Some(true),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{NAMES, OPTIONS, find};
    use crate::config::{Alloc, Config, Optimize, Options, Word};
    use crate::diag::codes;
    use crate::ir::{Cache, LowBit, Numerics};

    /// A value of each option that is not what it is by default, as both write it.
    const VALUES: [(&str, &str, &str); OPTIONS.len()] = [
        ("name", "net", "\"net\""),
        ("dim", "batch=2", "{ batch = 2 }"),
        ("bound", "count=8", "{ count = 8 }"),
        ("state", "past=present", "{ past = \"present\" }"),
        ("target", "cortex-m4", "\"cortex-m4\""),
        ("board", "stm32h743zi", "\"stm32h743zi\""),
        ("optimize", "size", "\"size\""),
        ("alloc", "heap", "\"heap\""),
        ("inputs", "arena", "\"arena\""),
        ("numerics", "separate", "\"separate\""),
        ("low-bit", "off", "\"off\""),
        ("cache", "int8", "\"int8\""),
        ("max-ram", "64K", "\"64K\""),
        ("max-flash", "1M", "1048576"),
        ("weights-section", ".psram", "\".psram\""),
        ("arena-section", ".axi", "\".axi\""),
        ("share-arena", "true", "true"),
        ("class-labels", "classes.txt", "\"classes.txt\""),
        ("member", "true", "true"),
    ];

    #[test]
    fn every_option_is_written_in_both_ways_and_changes_something() {
        for ((name, said, written), listed) in VALUES.into_iter().zip(NAMES) {
            assert_eq!(name, listed);
            let mut options = Options::default();
            find(name).unwrap().take(&mut options, said).unwrap();
            assert_ne!(options, Options::default(), "{name}");
            assert_eq!(Options::from_toml(&format!("{name} = {written}")), Ok(options.clone()), "{name}");
            // Compared without what was chosen, which stands at the end.
            let text = |config: Config| format!("{config:?}").split("chosen:").next().map(str::to_string);
            assert_ne!(text(Config::new().with_options(&options)), text(Config::new()), "{name}");
            assert_eq!(
                text(Config::new().choose(options.clone())),
                text(Config::new().with_options(&options)),
                "{name}"
            );
        }
    }

    #[test]
    fn what_explains_a_bad_option_lists_all() {
        let text = codes::find(codes::BAD_OPTION).unwrap().text;
        let listed: Vec<&str> = text.split("in front:").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        assert_eq!(listed, NAMES);
    }

    #[test]
    fn values_are_shown_as_they_are_read() {
        fn words<T: Word>() -> String {
            T::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>().join("|")
        }
        let choices = [
            ("optimize", words::<Optimize>()),
            ("alloc", words::<Alloc>()),
            ("numerics", words::<Numerics>()),
            ("low-bit", words::<LowBit>()),
            ("cache", words::<Cache>()),
        ];
        for (name, shown) in choices {
            assert_eq!(find(name).unwrap().value, shown);
        }
    }
}
