//! Names from a model as identifiers. Whatever the model says, the result is an ASCII identifier that is no keyword, and
//! unique among its kind.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;

use crate::program::{Arg, Program, Storage, View};

/// Words that emitted code must not redefine: Rust's keywords, and the names its own text uses.
const RESERVED: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "Self", "trait",
    "true", "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while",
    "yield", // names of the text
    "arena", "cpu", "new", "run", "take", "model", "weights", "rt", "buffers", "main", "core", "alloc", "std",
    "inputs", "outputs", "bool", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "usize", "str",
    "ok", "err",
];

/// Longest identifier that is made from a name.
const MAX_LEN: usize = 40;

/// The identifiers of one emitted model.
pub(crate) struct Names {
    /// Function of each step.
    pub(super) steps: Vec<String>,
    /// Field of each weight.
    pub(super) weights: Vec<String>,
    /// The weights that lie among another model's, by their positions, and how they are reached.
    pub(super) elsewhere: BTreeMap<usize, TokenStream>,
    /// Whether other models reach weights of this one.
    pub(super) lends: bool,
    /// Field or parameter of each input.
    pub(crate) inputs: Vec<String>,
    /// Field of each output.
    pub(crate) outputs: Vec<String>,
    /// Method that gives each state.
    pub(crate) states: Vec<String>,
    /// Type alias of each buffer.
    pub(super) buffers: Vec<String>,
}

impl Names {
    pub(crate) fn new(program: &Program) -> Names {
        let kernels = program.steps.iter().flat_map(|s| s.call.uses());
        let imported: Vec<&str> = kernels.filter_map(|u| u.rsplit("::").next()).collect();
        let mut functions = Unique::new(imported.iter().copied());
        let mut fields = Unique::new([]);
        let mut results = Unique::new([]);
        let mut methods = Unique::new([]);
        let own = ["Model", "Inputs", "Outputs", "Arena", "Buffer", "Read", "Write", "Cpu", "Block", "DataError"];
        // What every module sees without an import, as far as emitted code uses it.
        let prelude = ["Result", "Ok", "Err", "Option", "Some", "None", "Default"];
        let mut types = Unique::types(own.into_iter().chain(prelude).chain(imported.iter().copied()));
        let step_name = |i: usize| program.steps[i].origin.first().map_or("copy", |o| o.name.as_str());
        let steps: Vec<String> = (0..program.steps.len()).map(|i| functions.add(snake(step_name(i), "step"))).collect();
        // A parameter must not hide a function.
        let mut ports = functions;
        Names {
            steps,
            elsewhere: BTreeMap::new(),
            lends: false,
            weights: program.weights.iter().map(|w| fields.add(snake(&w.name, "constant"))).collect(),
            inputs: program.inputs.iter().map(|p| ports.add(snake(&p.name, "input"))).collect(),
            outputs: program.outputs.iter().map(|p| results.add(snake(&p.name, "output"))).collect(),
            states: program.states.iter().map(|s| methods.add(format!("state_{}", snake(&s.name, "value")))).collect(),
            buffers: program
                .buffers
                .iter()
                .map(|b| match b.storage {
                    Storage::Arena => types.add(camel(&b.name, "Scratch")),
                    Storage::Input(_) => String::new(),
                })
                .collect(),
        }
    }

    /// A weight's place within the typed static.
    pub(super) fn weight(&self, at: usize) -> TokenStream {
        let field = super::pieces::ident(&self.weights[at]);
        quote::quote!(#field)
    }

    /// The alias of a view: that of its buffer where it is all of it.
    pub(super) fn view(&self, program: &Program, v: View) -> String {
        let name = &self.buffers[v.buffer.index()];
        if v.offset == 0 && v.len == program.buffer(v.buffer).elements {
            name.clone()
        } else {
            format!("{name}From{}To{}", v.offset, v.offset + v.len)
        }
    }

    /// Every view of the arena that the program's steps and outputs use, once, in the order of their addresses.
    pub(super) fn views(&self, program: &Program) -> Vec<(String, View)> {
        let args = program.steps.iter().flat_map(|s| &s.args).filter_map(|a| {
            let Arg::Buffer(v, _) = *a else { return None };
            (program.buffer(v.buffer).storage == Storage::Arena).then_some(v)
        });
        let kept = program.kept().into_iter().map(|b| program.whole(b));
        let used = args.chain(program.outputs.iter().map(|o| o.view)).chain(kept);
        let mut views: Vec<(String, View)> = used.map(|v| (self.view(program, v), v)).collect();
        views.sort_by_key(|(name, v)| (v.buffer, v.offset, v.len, name.clone()));
        views.dedup();
        views
    }
}

/// Identifiers in use.
struct Unique {
    taken: BTreeSet<String>,
    /// Per name that was asked for, the least number that may be free.
    next: BTreeMap<String, usize>,
    /// Between a name and its number: Rust's types have no underscores.
    joint: &'static str,
}

impl Unique {
    fn new<'a>(taken: impl IntoIterator<Item = &'a str>) -> Unique {
        let taken = RESERVED.iter().copied().chain(taken).map(str::to_string).collect();
        Unique { taken, next: BTreeMap::new(), joint: "_" }
    }

    fn types<'a>(taken: impl IntoIterator<Item = &'a str>) -> Unique {
        Unique { joint: "", ..Unique::new(taken) }
    }

    /// The name, with a number behind it where it is taken.
    fn add(&mut self, name: String) -> String {
        if self.taken.insert(name.clone()) {
            return name;
        }
        let next = self.next.entry(name.clone()).or_insert(2);
        loop {
            let numbered = format!("{name}{}{next}", self.joint);
            *next += 1;
            if self.taken.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}

/// The words of a name: runs of ASCII letters and digits, split where a capital follows a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let starts = c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        if starts || !c.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if c.is_ascii_alphanumeric() {
            words.last_mut().expect("not empty").push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words.retain(|w| !w.is_empty());
    let mut length = 0;
    let keep = words.iter().rev().take_while(|w| {
        length += w.len() + 1;
        length <= MAX_LEN
    });
    // The end of a long name tells more than its beginning: exporters prefix the path of the layer.
    let kept = keep.count().max(1);
    words.drain(..words.len().saturating_sub(kept));
    if let Some(w) = words.first_mut() {
        w.truncate(MAX_LEN);
    }
    words
}

/// A function's, field's or variable's name.
fn snake(name: &str, default: &str) -> String {
    let joined = words(name).join("_");
    match joined.chars().next() {
        None => default.to_string(),
        Some(c) if c.is_ascii_digit() => format!("{default}_{joined}"),
        Some(_) => joined,
    }
}

/// A type's name.
fn camel(name: &str, default: &str) -> String {
    let capital = |w: &String| w[..1].to_ascii_uppercase() + &w[1..];
    let joined: String = words(name).iter().map(capital).collect();
    match joined.chars().next() {
        None => default.to_string(),
        Some(c) if c.is_ascii_digit() => format!("{default}{joined}"),
        Some(_) => joined,
    }
}

/// The name of a crate: small letters, digits and hyphens, starting with a letter.
pub fn crate_name(name: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty()) {
        parts.push(part.to_ascii_lowercase());
    }
    let mut joined = parts.join("-");
    joined.truncate(MAX_LEN);
    let joined = joined.trim_end_matches('-').to_string();
    let starts_well = joined.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let name = if starts_well { joined } else { format!("model-{joined}").trim_end_matches('-').to_string() };
    if is_crate_name(&name) { name } else { format!("{name}-model") }
}

/// Whether cargo takes a name for a package and Rust for a crate: ASCII letters, digits, `_` and `-`, not a digit first, no keyword, no
/// crate of Rust's own and no primitive type.
pub fn is_crate_name(name: &str) -> bool {
    const LENGTH: usize = 64;
    const TAKEN: [&str; 24] = [
        "test",
        "core",
        "std",
        "alloc",
        "proc_macro",
        "proc-macro",
        "bool",
        "char",
        "str",
        "f16",
        "f32",
        "f64",
        "f128",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
    ];
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let starts_well = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let says_something = name.bytes().any(|b| b.is_ascii_alphanumeric());
    let is_word = syn::parse_str::<syn::Ident>(&name.replace('-', "_")).is_ok() && name != "gen";
    plain
        && starts_well
        && says_something
        && is_word
        && name.len() <= LENGTH
        && name != "usize"
        && !TAKEN.contains(&name)
}

/// Whether Rust warns of a crate or module of this name.
pub(super) fn is_unusual(name: &str) -> bool {
    let name = name.replace('-', "_");
    name.trim_start_matches('_').contains("__") || name.bytes().any(|b| b.is_ascii_uppercase())
}

/// A type within a doc comment, where its brackets would be a link.
pub(super) fn type_in_doc(ty: &crate::ir::Type) -> String {
    format!("`{ty}`")
}

/// A name within a doc comment: one line, no backtick, not long, not empty.
pub(super) fn in_doc(name: &str) -> String {
    if name.is_empty() {
        return "`\"\"`".into();
    }
    let clean: String = name.escape_default().take(MAX_LEN * 2).collect();
    format!("`{}`", clean.replace('`', "'"))
}
