//! Words for emitted code: text from a model as ASCII identifiers, as names of crates, and within documentation.

/// Words that emitted code must not redefine: Rust's keywords, and the names its own text uses.
pub(super) const RESERVED: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "Self", "trait",
    "true", "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while",
    "yield", // names of the text
    "arena", "cpu", "new", "run", "take", "model", "weights", "rt", "buffers", "main", "core", "alloc", "std",
    "inputs", "outputs", "bool", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "usize", "str",
    "ok", "err", "step", "steps",
];

/// Longest identifier that is made from a name.
pub(super) const MAX_LEN: usize = 40;

/// Longest name of the model that is an identifier within a step.
const TELLING_LEN: usize = 16;

/// Whether a name is a word or several ones of ASCII letters and digits, the first a letter.
pub(super) fn is_plain(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    name.bytes().all(fits) && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
}

/// Whether a name is short and tells more than a number would: exporters number what has no name.
pub(super) fn is_telling(name: &str) -> bool {
    let counted = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_number = counted.len() < name.len() && counted.ends_with(['_', '.', '-']);
    is_plain(name) && name.len() <= TELLING_LEN && !is_number
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
pub(super) fn snake(name: &str, default: &str) -> String {
    let joined = words(name).join("_");
    match joined.chars().next() {
        None => default.to_string(),
        Some(c) if c.is_ascii_digit() => format!("{default}_{joined}"),
        Some(_) => joined,
    }
}

/// A type's name.
pub(super) fn camel(name: &str, default: &str) -> String {
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

/// Longest name that documentation has; what is longer is data, not a name.
const DOC_LEN: usize = 1000;

/// A name within a doc comment: whole, on one line, no backtick, not empty.
pub(super) fn in_doc(name: &str) -> String {
    format!("`{}`", in_comment(name))
}

/// A name within a comment of one line.
pub(super) fn in_comment(name: &str) -> String {
    if name.is_empty() {
        return "\"\"".into();
    }
    let clean: String = name.escape_default().take(DOC_LEN).collect();
    clean.replace('`', "'")
}
