//! The table of diagnostic codes: one line each, the single source of `zantc explain` and `docs/errors.md`.
//!
//! Codes are stable: a code is never given another meaning, and none is used again after it has gone.

/// What a code means.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// E.g. `ZA0204`.
    pub code: &'static str,
    /// A short title.
    pub title: &'static str,
    /// The explanation: when it happens and what to do.
    pub text: &'static str,
}

/// The entry of a code.
pub fn find(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|c| c.code.eq_ignore_ascii_case(code))
}

/// Makes the table: codes that are written where they are found, and codes with names.
macro_rules! codes {
    ([$($plain:literal, $plain_title:literal, $plain_text:literal;)*]
        $($(#[$doc:meta])* $name:ident = $code:literal, $title:literal, $text:literal;)*) => {
        $($(#[$doc])*
        pub const $name: &str = $code;)*

        /// All codes, in ascending order.
        pub const CODES: &[Code] = &[
            $(Code { code: $plain, title: $plain_title, text: $plain_text },)*
            $(Code { code: $code, title: $title, text: $text },)*
        ];
    };
}

codes! {
    [
        "ZA0001", "a file cannot be read",
            "The operating system refused to open or read a file, or it is not a regular file. Folders, pipes and devices are\n\
             never read. Check the path and your rights.";
        "ZA0002", "a file is not of the kind expected",
            "The bytes are no ONNX model (or no TensorProto, where a `.pb` file of data was read): a field is cut off, has a\n\
             wrong wire type, or text is not UTF-8. What is known by how it begins (a pointer of\n\
             Git LFS, a page, an archive, the file of another framework) is named; else the download is most often incomplete.\n\
             Fetch or export the model again.";
        "ZA0003", "a file exceeds a limit",
            "Every count and size in a file is bounded before memory is spent on it: 4 GiB for a file, 1,000,000 nodes, 32\n\
             dimensions, graphs nested 16 deep. Honest models are far below; check that the file is not damaged.";
        "ZA0004", "external data outside the model's folder",
            "A tensor names a file for its data by an absolute path, with `..`, or through a link that leads out of the model's\n\
             folder. Models are untrusted, so such files are never opened. Put the data into the model's folder and name them\n\
             by a relative path, as `onnx.save_model(.., save_as_external_data=True)` does.";
        "ZA0005", "external data are too short",
            "The file with a tensor's data ends before the tensor does: it is incomplete, or belongs to another model.";
        "ZA0006", "data do not fit the shape",
            "A tensor's shape and element type ask for another number of bytes or entries than its data have. The file is\n\
             damaged or its exporter has a bug; export the model again.";
        "ZA0007", "an element type cannot be stored",
            "The number of the element type is unknown to ONNX 1.23, or it is one without a fixed width (strings). Store the\n\
             tensor in a numeric type.";
        "ZA0008", "a tensor contradicts itself",
            "A stored tensor breaks a rule of the format: a negative dimension, data in two places at once, a truth value other\n\
             than 0 and 1. Export the model again with a current exporter.";
        "ZA0009", "external data cannot be used",
            "The entries that say where a tensor's external data lie make no sense, or their checksum does not match.\n\
             Export the model again, and copy model and data together.";
        "ZA0010", "a .npy file cannot be used",
            "The file is no NumPy array, or an array of a kind that is not read: structures, objects, strings, big-endian\n\
             numbers. Save it by `numpy.save` as bool, integers or floats.";
        "ZA0011", "a file cannot be written",
            "The operating system refused to create, write or rename a file. Check that the folder exists, that you may write\n\
             there, and that the disk is not full. The files that were there before are still the old ones.";
    ]
    /// An operator, or this opset of it, is not supported.
    UNSUPPORTED_OPERATOR = "ZA0201", "an operator is not supported",
        "The model uses an operator that has no translation, or one from a domain that is not known. `zantc ops` lists what\n\
         is supported. Often the exporter can write the same computation with other operators: choose another opset,\n\
         simplify the model (onnxsim folds what is constant), or cut pre- and postprocessing off.";
    /// An element type has no kernel or no counterpart.
    UNSUPPORTED_TYPE = "ZA0202", "an element type has no kernel",
        "An operator is supported, but not for elements of this type. Arithmetic is done on float32; integers and bools are\n\
         compared, moved and computed elementwise; strings and 8-bit floats have no counterpart. Convert the model, or put\n\
         a Cast around the operator.";
    /// An attribute or input of a supported operator has a form that is not supported.
    UNSUPPORTED_FORM = "ZA0203", "a form of an operator is not supported",
        "The operator is supported, but not with this value of an attribute or this optional input. The message says which\n\
         and the help what does the same.";
    /// Operands do not fit the operator.
    SHAPE_MISMATCH = "ZA0204", "operands do not fit the operator",
        "The shapes or element types of the operands break the operator's rules: dimensions that do not broadcast, inner\n\
         dimensions of a product that differ, an axis that does not exist. The model is malformed, or a symbolic dimension\n\
         was given a value (`--dim`) that it cannot have.";
    /// A symbolic dimension has no value.
    UNBOUND_DIMENSION = "ZA0205", "a symbolic dimension has no value",
        "Memory is planned at compile time, so every dimension must be a number. The model leaves one open, such as `batch`.\n\
         Give it a value: `--dim batch=1`, `dim = { batch = 1 }` in zant.toml, or `.dim(\"batch\", 1)` in a build script. A\n\
         dimension without a name is called `INPUT[AXIS]`.";
    /// A shape or another parameter must be known at compile time and is not.
    NOT_CONSTANT = "ZA0206", "a parameter is not known at compile time",
        "A shape, an axis, a length or another parameter is computed from the model's input, so that memory cannot be\n\
         planned. Values that follow from shapes alone are folded; this one does not. Export the model with static shapes,\n\
         or cut off the part that depends on the data (non-maximum suppression, dynamic slices).";
    /// An attribute is missing or has another type than the operator's.
    BAD_ATTRIBUTE = "ZA0207", "an attribute is missing or wrong",
        "A node lacks an attribute that its operator requires, or the attribute has another type or an impossible value.\n\
         `onnx.checker.check_model` says the same; export the model again.";
    /// An input of a node is missing.
    MISSING_INPUT = "ZA0208", "an input of a node is missing",
        "A node has fewer inputs than its operator requires, or leaves out one that is not optional.";
    /// The graph's structure is broken.
    MALFORMED_GRAPH = "ZA0209", "the graph is malformed",
        "The structure of the graph is broken: a value that nothing makes, two nodes that make the same value, nodes out of\n\
         order or in a cycle, a function that calls itself, an output that does not exist. Export the model again.";
    /// A tensor is larger than the limits allow.
    TOO_LARGE = "ZA0210", "a tensor is too large",
        "A value would have more elements than any target holds, or the buffers together more bytes. Most often a symbolic\n\
         dimension was given too large a value, or a shape in the file is damaged.";
    /// A scale or a zero point makes no sense, or sums of bytes could overflow.
    BAD_QUANTIZATION = "ZA0211", "a quantization makes no sense",
        "A scale is zero, negative, infinite or not a number, or the weights of a product of bytes are so many and so large that\n\
         its 32-bit sums could overflow. The quantizer had no data for the tensor, or the file is damaged: calibrate again.";
    /// The batch has no value and is taken as 1.
    BATCH_OF_ONE = "ZA0212", "the batch is taken as 1",
        "The model leaves one dimension open, the number of examples: the leading one of all inputs, or one whose name says so.\n\
         On a device that is 1. `--dim NAME=N`, `dim = { NAME = N }` in zant.toml, or `.dim(\"NAME\", N)` in a build script gives it\n\
         another value, and this note goes where that is 1 as well.";
    /// A budget of RAM or flash is exceeded.
    OVER_BUDGET = "ZA0301", "a budget is exceeded",
        "The arena, the inputs and, where they are estimated, stack (RAM) or constants and code (flash) are larger than `--max-ram` or\n\
         `--max-flash` allows; a board's largest memories are budgets as well, and so is what a target can address (1 GiB in one\n\
         piece on a Cortex-M, 2 GiB on other machines of 32 bits). Nothing is written. The message says what the sum is made\n\
         of, names the step at the peak and what is live there; a smaller input,\n\
         fewer channels at the peak, or quantized weights help. `zantc compare --budget` says the same of a limit in\n\
         `zant.budget.toml`, and of one that the report has nothing for.";
    /// Fused products on a target that has no instruction for them.
    SOFTWARE_FMA = "ZA0302", "fused products in software",
        "The model is compiled with `--numerics fused` for a target that has no instruction for fused multiply-adds. The\n\
         results have the promised bits, but every product is computed in exact software, which is many times slower.\n\
         `--numerics separate` rounds products and sums apart; verify the model with the same choice.";
    /// An option, or the file of options, makes no sense.
    BAD_OPTION = "ZA0401", "an option makes no sense",
        "An option on the command line or a line of zant.toml cannot be used: an unknown key, a target or a choice that does\n\
         not exist, a size that is no number. The keys of zant.toml are the long options without their hyphens in front:\n\
         `name`, `dim`, `bound`, `state`, `target`, `board`, `optimize`, `alloc`, `inputs`, `numerics`, `low-bit`, `cache`,\n\
          `max-ram`, `max-flash`, `weights-section`, `arena-section`, `share-arena`, `class-labels`, `member`.";
    /// Something in a folder is not zantc's, and would be written over.
    NOT_OURS = "ZA0402", "a folder or file is not zantc's",
        "`zantc compile` replaces folders that it has written, and nothing else: the folder has no `zant.json` of zantc's, or\n\
         a file in it is another's or was changed since. Choose a new folder by `-o`, move the file away, or insist by\n\
         `--force`. Files of other names stay in any case.";
    /// There is no data set to check a model with.
    NO_VECTOR = "ZA0501", "nothing to verify with",
        "A data set has no outputs, or there is none and the model is too heavy for zantc's naive reference, with which it is\n\
         compared on seeded inputs then. A check that compares nothing must not pass. Make a set with the framework the model\n\
         comes from: `input_0.pb`, .. and `output_0.pb`, .., each a TensorProto; or insist on the reference by `--seeded 1`.\n\
         As a warning of `compile`: the crate has no `tests/golden.rs`, because the model fails on all data there are, or\n\
         because a run takes more than 2^35 multiply-adds, 4 GiB of arena, or 1 MiB of inputs and outputs, which are not\n\
         spent while compiling.";
    /// Outputs differ from the reference by more than the tolerance.
    BEYOND_TOLERANCE = "ZA0502", "outputs differ from the reference",
        "An output differs from the reference by more than the tolerance. `zantc verify --per-node` names the first step that\n\
         differs. Sums in another order differ in the last bits, which deep float models make visible: `--tolerance` changes what\n\
         is accepted. Outputs that are quantized are measured in quanta (`--quanta`); what is beyond passes where all differences\n\
         are shown to start in rounding ties, and was not shown here.";
    /// The emitted crate could not be built or run.
    BUILD_FAILED = "ZA0503", "the emitted crate does not build or run",
        "`cargo`, a target of Rust or an emulator is missing (the message has the command that installs it), or cargo refused the\n\
         emitted crate, or the crate stopped while running. The output of cargo says\n\
         why. An emitted crate that does not build is a bug in zantc; please report it with the model.";
    /// The emitted crate computes other bits than this process.
    BITS_DIFFER = "ZA0504", "the emitted crate computes other bits",
        "The emitted crate and this process run the same kernels and must agree to the bit, at every optimisation level. A\n\
         difference is a bug in zantc or in the Rust compiler; please report it with the model.";
    /// A data file does not fit the model.
    BAD_DATA = "ZA0505", "data do not fit the model",
        "A file of data names no input of the model, or has another element type or shape than the input. Where a symbolic\n\
         dimension was bound by `--dim`, the data must have the same value.";
    /// The data make the model fail.
    RUN_FAILED = "ZA0506", "the data make the model fail",
        "An index that is computed at run time lies outside its dimension, or an integer is divided by zero. Nothing is\n\
         clamped silently: the emitted `run` returns an error for the same data.";
    /// The linked firmware can do what it must not.
    BROKEN_PROMISE = "ZA0507", "the linked firmware breaks a promise",
        "`zantc certify` reads the instructions of the linked firmware. What the model calls must not be able to panic, allocate,\n\
         compute floats in software, recurse, jump to an address in a register or go on for ever, and its stack must have a\n\
         bound. The message names the function and the calls that lead to it. It is a bug in zantc or a new trait of the Rust\n\
         compiler; please report it with the model.";
    /// A report cannot be read, or two cannot be compared.
    BAD_REPORT = "ZA0508", "a report cannot be read or compared",
        "The file is no report, was written by another version of the format, or has a field that is missing, unknown or no\n\
         measurement; the message names it. Reports by different commands, and such that have no row in common, cannot be\n\
         compared. Measure both again with the same version of zantc.";
    /// A report is worse than an older one.
    REGRESSED = "ZA0509", "a report is worse than an older one",
        "`zantc compare` found counts that are larger, or times that are longer than both spreads explain, by more than the\n\
         threshold. The comparison lists them. `--threshold` allows more, `--fail-on never` only compares.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::CODES;

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            match path.extension() {
                _ if path.is_dir() => sources(&path, found),
                Some(e) if e == "rs" => found.push(path),
                Some(_) | None => {}
            }
        }
    }

    /// Codes in a text: `ZA` and four digits.
    fn codes(text: &str) -> impl Iterator<Item = &str> {
        text.match_indices("ZA")
            .filter_map(|(at, _)| text.get(at..at + 6).filter(|c| c[2..].bytes().all(|b| b.is_ascii_digit())))
    }

    #[test]
    fn every_code_in_the_sources_is_explained() {
        let mut files = Vec::new();
        // The commands have codes of their own.
        for folder in ["src", "../cli/src"] {
            sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
        }
        let explained: BTreeSet<&str> = CODES.iter().map(|c| c.code).collect();
        let mut used = BTreeSet::new();
        for path in files {
            let text = fs::read_to_string(&path).unwrap();
            for code in codes(&text) {
                assert!(explained.contains(code), "{code} in {} has no explanation", path.display());
                used.insert(code.to_string());
            }
        }
        assert!(used.contains("ZA0001") && used.contains("ZA0301"), "the sources were not read: {used:?}");
    }

    #[test]
    fn codes_ascend_and_say_something() {
        assert!(CODES.windows(2).all(|w| w[0].code < w[1].code));
        for c in CODES {
            assert!(!c.title.ends_with('.') && c.text.ends_with('.'), "{}", c.code);
        }
    }
}
