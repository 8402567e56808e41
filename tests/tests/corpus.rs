//! Every small hostile model of `tests/corpus` through the whole compiler: what must compile does, what must not gives
//! diagnostics; nothing panics, nothing takes long, and no name becomes code.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use proc_macro2::{TokenStream, TokenTree};
use zant_tests::cases;
use zantc::config::{Alloc, Config};
use zantc::diag::Diagnostic;
use zantc::emit::{Package, Source, crate_name, emit_crate, emit_module};
use zantc::pipeline::compile;
use zantc::project::read;

/// The slowest one fills a gigabyte before the limit is reached, which an unoptimised build does slowly.
const PATIENCE: Duration = Duration::from_secs(120);

fn corpus() -> PathBuf {
    cases::workspace().join("tests/corpus")
}

/// File, whether it must compile, why.
fn expectations() -> Vec<(String, bool, String)> {
    let text = std::fs::read_to_string(corpus().join("expect.json")).expect("the corpus is part of the project");
    let list: Vec<serde_json::Value> = serde_json::from_str(&text).expect("it is JSON");
    let field = |v: &serde_json::Value, name: &str| v[name].as_str().expect("a text").to_string();
    let expectation = |v: &serde_json::Value| {
        let file = field(v, "file");
        (file, field(v, "expect") == "ok", field(v, "why"))
    };
    list.iter().map(expectation).collect()
}

/// A model as a crate and as a module.
fn emitted(path: &Path, alloc: Alloc) -> Result<[Package; 2], Vec<Diagnostic>> {
    let config = Config::new().alloc(alloc);
    let compiled = compile(&read(path)?, &config)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let source = Source {
        program: &compiled.program,
        config: &config,
        name: &crate_name(&stem),
        file: "",
        model_sha256: "",
        vectors: &[],
    };
    Ok([emit_crate(&source), emit_module(&source)])
}

#[test]
fn every_model_compiles_or_is_refused() {
    let mut faults = Vec::new();
    for (file, ok, why) in expectations() {
        let path = corpus().join(&file);
        let start = Instant::now();
        match std::panic::catch_unwind(|| emitted(&path, Alloc::Static)) {
            Err(_) => faults.push(format!("{file}: panics ({why})")),
            Ok(Ok(_)) if !ok => faults.push(format!("{file}: compiles ({why})")),
            Ok(Err(e)) if ok => faults.push(format!("{file}: refused ({why}): {e:?}")),
            Ok(Err(e)) if e.iter().any(|d| zantc::diag::codes::find(d.code).is_none() || d.message.is_empty()) => {
                faults.push(format!("{file}: a diagnostic without meaning: {e:?}"));
            }
            Ok(_) => {}
        }
        if start.elapsed() > PATIENCE {
            faults.push(format!("{file}: takes {:?}", start.elapsed()));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Names are identifiers made of the letters, digits and underscores of ASCII, and text in documentation: nothing else.
#[test]
fn names_never_become_code() {
    let plain = corpus().join("names_case_only.onnx");
    let allowed = punctuation(&plain);
    for (file, _, _) in expectations().into_iter().filter(|(f, ok, _)| *ok && f.starts_with("name")) {
        for package in emitted(&corpus().join(&file), Alloc::Static).expect("it compiles") {
            for (name, bytes) in package.files.iter().filter(|(name, _)| name.ends_with(".rs")) {
                let text = std::str::from_utf8(bytes).unwrap_or_else(|_| panic!("{file}: {name} is no text"));
                let tree = syn::parse_file(text).unwrap_or_else(|e| panic!("{file}: {name}: {e}"));
                assert!(tree.shebang.is_none(), "{file}: {name}");
                assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c)) && !name.contains(".."));
                if name.ends_with("model.rs") {
                    let tokens: TokenStream = text.parse().expect("it has been parsed");
                    check_tokens(&file, tokens, &allowed);
                }
                // Neither control nor direction characters: what a person reads is what compiles.
                assert!(text.chars().all(|c| c == '\n' || (' '..='~').contains(&c)), "{file}: {name}");
            }
        }
    }
}

/// The literals outside of documentation of a model whose names do no harm.
fn punctuation(path: &Path) -> Vec<String> {
    let [package, _] = emitted(path, Alloc::Static).expect("it compiles");
    let text = String::from_utf8(package.files["src/model.rs"].clone()).expect("it is text");
    let mut strings = Vec::new();
    collect_strings(text.parse().expect("it is Rust"), &mut strings);
    strings
}

fn collect_strings(tokens: TokenStream, strings: &mut Vec<String>) {
    for t in without_docs(tokens) {
        match &t {
            TokenTree::Group(g) => collect_strings(g.stream(), strings),
            TokenTree::Literal(l) if l.to_string().starts_with(['"', 'r', 'b', 'c']) => strings.push(l.to_string()),
            TokenTree::Literal(_) | TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// The tokens without `#[doc = ".."]` and `#![doc = ".."]`.
fn without_docs(tokens: TokenStream) -> Vec<TokenTree> {
    let mut out: Vec<TokenTree> = Vec::new();
    for t in tokens {
        let is_doc = matches!(&t, TokenTree::Group(g) if g.stream().to_string().starts_with("doc ="));
        if is_doc {
            while matches!(out.last(), Some(TokenTree::Punct(p)) if p.as_char() == '#' || p.as_char() == '!') {
                out.pop();
            }
        } else {
            out.push(t);
        }
    }
    out
}

fn check_tokens(file: &str, tokens: TokenStream, allowed: &[String]) {
    let mut strings = Vec::new();
    collect_strings(tokens.clone(), &mut strings);
    assert!(strings.iter().all(|s| allowed.contains(s)), "{file}: {strings:?}");
    check_idents(file, tokens);
}

fn check_idents(file: &str, tokens: TokenStream) {
    for t in without_docs(tokens) {
        match t {
            TokenTree::Group(g) => check_idents(file, g.stream()),
            TokenTree::Ident(i) => {
                let name = i.to_string();
                assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{file}: {name}");
                assert!(
                    !["unsafe", "include", "include_str", "std", "asm", "extern"].contains(&&*name),
                    "{file}: {name}"
                );
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// The compiler of Rust agrees, for the models whose names are most like code.
#[test]
fn hostile_names_build() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut library = String::new();
    for stem in ["name_code_newline", "names_keywords", "names_emitted"] {
        let [_, module] = emitted(&corpus().join(format!("{stem}.onnx")), Alloc::Caller).expect("it compiles");
        module.write(folder.path()).expect("the folder is ours");
        let name = module.files.keys().find(|n| n.ends_with(".rs")).expect("a module");
        library += &format!("include!({name:?});\n");
    }
    std::fs::write(folder.path().join("lib.rs"), library).expect("the folder is ours");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut rustc = Command::new(rustc);
    rustc.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "-Dwarnings", "lib.rs"]);
    let output = rustc.current_dir(folder.path()).output().expect("rustc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
