//! Several models that have one state, as one thing: a module for each, `Session` over their one arena, and their constants once.
//!
//! Invariants: all models have the same arena, which begins with what they keep; a constant that several have lies among those of one.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use sha2::{Digest, Sha256};

use super::library::{self, QUIET, title};
use super::manifest;
use super::module::{MODULE_MARK, attributes, identifier, indented, model_modules, runtime};
use super::names::Names;
use super::pieces::{format, ident, spaced};
use super::ports::array_type;
use super::{Package, SessionRun, Source, VERSION, hex, session_golden};
use crate::config::{Alloc, Config};
use crate::footprint::arena_bytes;
use crate::program::{Program, Weight};

/// The type that has the models' arena.
pub const SESSION: &str = "Session";

/// Bytes below which a constant is no part of another one: nothing is gained.
const LEAST_PART: usize = 64;

/// `NAME.rs` with a module `NAME`, and the constants beside it. The models have names of their own and round products alike; whoever is
/// first says who owns the arena.
pub fn emit_session_module(name: &str, sources: &[Source<'_>]) -> Package {
    let mut package = Package::default();
    let (configs, body) = (lent(sources), String::new());
    let body = body + &session(&sourced(sources, &configs), alloc(sources), &mut package);
    let module = identifier(name);
    let text = format!("/// {}\n{}pub mod {module} {{\n{}}}\n", about(sources), attributes(name), indented(&body));
    package.text(&format!("{module}.rs"), text);
    package
}

/// A crate of the same, which tests itself by `runs`.
pub fn emit_session_crate(name: &str, sources: &[Source<'_>], runs: &[SessionRun]) -> Package {
    let mut package = Package::default();
    let configs = lent(sources);
    let mut blobs = Package::default();
    let body = session(&sourced(sources, &configs), alloc(sources), &mut blobs);
    for (path, content) in blobs.files {
        package.bytes(&format!("src/{path}"), content);
    }
    let head = format!(
        "//! {}\n//!\n{}#![no_std]\n#![deny(unsafe_code)]\n\n#[cfg(target_endian = \"big\")]\ncompile_error!(\"the constants are little-endian; \
         big-endian targets are not supported\");\n\n",
        about(sources),
        sources.iter().map(|s| format!("//! - [`{}`]: {}\n", identifier(s.name), title(s))).collect::<String>()
    );
    package.text("src/lib.rs", head + &body);
    if let Some(first) = sources.first() {
        let named = Source { name, ..*first };
        package.text("Cargo.toml", manifest::cargo_toml(&named));
    }
    package.text("rustfmt.toml", manifest::RUSTFMT.into());
    package.text("README.md", readme(name, sources));
    session_golden::add_test(&mut package, name, sources, runs);
    let manifest = manifest::session_json(name, sources, &package);
    package.text("zant.json", manifest);
    package
}

fn alloc(sources: &[Source<'_>]) -> Alloc {
    sources.first().map_or(Alloc::Static, |source| source.config.alloc)
}

/// The choices of the models for themselves: each is lent the arena.
fn lent(sources: &[Source<'_>]) -> Vec<Config> {
    let lent = |source: &Source<'_>| {
        let mut config = source.config.clone();
        config.alloc = Alloc::Caller;
        config
    };
    sources.iter().map(lent).collect()
}

fn sourced<'a>(sources: &[Source<'a>], configs: &'a [Config]) -> Vec<Source<'a>> {
    sources.iter().zip(configs).map(|(source, config)| Source { config, ..*source }).collect()
}

/// One line that says what it is.
fn about(sources: &[Source<'_>]) -> String {
    let names: Vec<String> = sources.iter().map(|s| format!("`{}`", identifier(s.name))).collect();
    format!("Neural networks that have one state, {}, {MODULE_MARK}{VERSION} from ONNX models.", names.join(" and "))
}

/// Everything but what is around it.
fn session(sources: &[Source<'_>], alloc: Alloc, package: &mut Package) -> String {
    let names = shared_names(sources);
    let mut body = String::new();
    if alloc != Alloc::Caller {
        body += &owner(sources, &names, alloc);
    }
    if let Some(source) = sources.first().filter(|_| alloc == Alloc::Static) {
        let states = sources.iter().any(|s| !s.program.states.is_empty());
        body += &library::take_static(source, SESSION, states);
        body.push('\n');
    }
    body += &model_modules(sources, &names, package);
    body += &sources.first().map_or(String::new(), |first| runtime(first, &body));
    body
}

/// The identifiers of the models, with the constants that one has for another.
fn shared_names(sources: &[Source<'_>]) -> Vec<Names> {
    let mut names: Vec<Names> = sources.iter().map(|source| Names::new(source.program)).collect();
    let programs: Vec<&Program> = sources.iter().map(|source| source.program).collect();
    for (to, program) in programs.iter().enumerate() {
        for at in 0..program.weights.len() {
            let Some((from, of)) = holder(&programs, (to, at)) else { continue };
            let module = ident(&identifier(sources[from].name));
            let field = names[from].weight(of);
            let (len, whole) = (program.weights[at].data.len(), programs[from].weights[of].data.len());
            let path = quote!(super::super::#module::weights::WEIGHTS.#field);
            let len_of_part = Literal::usize_unsuffixed(len);
            let part = if len == whole { quote!(&#path) } else { quote!(#path.split_at(#len_of_part).0) };
            names[to].elsewhere.insert(at, part);
            names[from].lends = true;
        }
    }
    names
}

/// Who has a constant for a model: the first of those that have it, or have it as the beginning of a longer one.
fn holder(programs: &[&Program], (to, at): (usize, usize)) -> Option<(usize, usize)> {
    let wanted = &programs[to].weights[at];
    let begins = |w: &Weight| {
        let same = w.data.data().len() == wanted.data.data().len();
        let roomy = wanted.data.data().len() >= LEAST_PART;
        w.data.dtype() == wanted.data.dtype() && (same || roomy) && w.data.data().starts_with(wanted.data.data())
    };
    let all = programs.iter().enumerate().filter(|(from, _)| *from != to);
    let found = all.flat_map(|(from, p)| {
        p.weights.iter().enumerate().filter(|(_, w)| begins(w)).map(move |(of, w)| (from, of, w.data.data().len()))
    });
    // Of equal ones the first model's stays; a longer one stays wherever it is.
    let longest = found.max_by_key(|(from, of, bytes)| (*bytes, std::cmp::Reverse((*from, *of))))?;
    let (from, of, bytes) = longest;
    (bytes > wanted.data.data().len() || from < to).then_some((from, of))
}

/// The type that has the arena, and a method for each model.
fn owner(sources: &[Source<'_>], names: &[Names], alloc: Alloc) -> String {
    let arena = Literal::usize_unsuffixed(sources.iter().map(|s| arena_bytes(s.program)).max().unwrap_or(0));
    let boxed = alloc == Alloc::Heap;
    let (field, new) = match boxed {
        false => (
            quote!(Arena<ARENA_BYTES>),
            quote! {
                /// A session of zero bytes: a `static` of it lies in `.bss`.
                pub const fn new() -> Self {
                    Session { arena: Arena::new() }
                }
            },
        ),
        true => (
            quote!(alloc::boxed::Box<[super::rt::arena::Block]>),
            quote! {
                /// A session with a zeroed arena on the heap.
                pub fn new() -> Self {
                    let blocks = ARENA_BYTES.div_ceil(size_of::<super::rt::arena::Block>());
                    Session { arena: alloc::vec![super::rt::arena::Block::ZERO; blocks].into_boxed_slice() }
                }
            },
        ),
    };
    let arena_of =
        if boxed { quote!(Arena::<ARENA_BYTES>::from_blocks(&mut self.arena)) } else { quote!(&mut self.arena) };
    let runs = sources.iter().zip(names).map(|(source, names)| run(source, names, &arena_of));
    let kept = kept(sources, names, &arena_of);
    let external = boxed.then(|| {
        quote!(
            extern crate alloc;
        )
    });
    let tokens = quote! {
        #external
        use super::rt::arena::Arena;

        /// Bytes of the arena: what is kept, and the working memory of one run.
        pub const ARENA_BYTES: usize = #arena;

        /// The models over one arena: what one of them keeps is there for the others.
        pub struct Session {
            arena: #field,
        }

        impl Session {
            #new
            #(#runs)*
            #kept
        }

        impl core::fmt::Debug for Session {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct("Session").finish_non_exhaustive()
            }
        }

        impl Default for Session {
            fn default() -> Self {
                Self::new()
            }
        }
    };
    let text = spaced(&format(tokens));
    format!("pub use session::*;\n\n#[forbid(unsafe_code)]\n{QUIET}mod session {{\n{}}}\n", indented(&text))
}

/// The method that runs a model.
fn run(source: &Source<'_>, names: &Names, arena: &TokenStream) -> TokenStream {
    let (program, module) = (source.program, ident(&identifier(source.name)));
    let (parameter, argument) = match (program.inputs.as_slice(), names.inputs.as_slice()) {
        ([], _) => (quote!(), quote!()),
        ([one], [name]) => {
            let (name, ty) = (ident(name), array_type(one));
            (quote!(#name: &#ty), quote!(#name))
        }
        _ => (quote!(inputs: super::#module::Inputs<'_>), quote!(inputs)),
    };
    let result = match program.outputs.as_slice() {
        [one] => {
            let ty = array_type(one);
            quote!(&#ty)
        }
        _ => quote!(super::#module::Outputs<'_>),
    };
    let result = if program.is_fallible() { quote!(Result<#result, super::#module::DataError>) } else { result };
    let doc = format!(" Runs `{module}` once: see [`run`](super::{module}::Model::run).");
    let errors = program.is_fallible().then(|| quote!(#[doc = "\n # Errors\n As that."]));
    quote! {
        #[doc = #doc]
        #errors
        pub fn #module(&mut self, #parameter) -> #result {
            super::#module::Model.run(#arena, #argument)
        }
    }
}

/// `reset`, `rewind`, and a method for each state.
fn kept(sources: &[Source<'_>], names: &[Names], arena: &TokenStream) -> TokenStream {
    let own = |source: &Source<'_>| source.program.states.iter().any(|s| !s.is_begun());
    let module = |source: &Source<'_>| ident(&identifier(source.name));
    let resets = sources.iter().filter(|s| own(s)).map(|s| {
        let module = module(s);
        quote!(super::#module::Model.reset(#arena);)
    });
    let counted = |s: &&Source<'_>| {
        s.program.states.iter().filter(|s| !s.is_begun()).any(|s| s.ring.as_ref().is_some_and(|r| r.slot.is_some()))
    };
    let rewinds: Vec<TokenStream> = sources
        .iter()
        .filter(counted)
        .map(|s| {
            let module = module(s);
            quote!(super::#module::Model.rewind(#arena, part);)
        })
        .collect();
    let rewind = (!rewinds.is_empty()).then(|| {
        quote! {
            /// Makes the next run write this part of each ring, counted from 0: what stands there and behind is given up. Behind a prompt
            /// that was filled up, it is the prompt's length.
            pub fn rewind(&mut self, part: u32) {
                #(#rewinds)*
            }
        }
    });
    let mut known = BTreeSet::new();
    let mut states = Vec::new();
    for (source, names) in sources.iter().zip(names) {
        for (state, name) in source.program.states.iter().zip(&names.states).filter(|(s, _)| !s.is_begun()) {
            if !known.insert(state.name.clone()) {
                continue;
            }
            let (module, name) = (module(source), ident(name));
            let element = crate::program::rust_type(state.ty.dtype);
            let len = Literal::usize_unsuffixed(state.memory.iter().product());
            let doc = format!(" {}", super::state::state_doc(state));
            states.push(quote! {
                #[doc = #doc]
                pub fn #name(&mut self) -> &mut [#element; #len] {
                    super::#module::Model.#name(#arena)
                }
            });
        }
    }
    quote! {
        /// Sets all states to zeros, as in a new session.
        pub fn reset(&mut self) {
            #(#resets)*
        }
        #rewind
        #(#states)*
    }
}

/// Bytes of the constants of all models, those that several have counted once.
pub fn weights_bytes(programs: &[&Program]) -> usize {
    let mut sum = 0;
    for (n, program) in programs.iter().enumerate() {
        for (at, weight) in program.weights.iter().enumerate() {
            sum += if holder(programs, (n, at)).is_none() { weight.data.data().len() } else { 0 };
        }
    }
    sum
}

fn readme(name: &str, sources: &[Source<'_>]) -> String {
    let programs: Vec<&Program> = sources.iter().map(|s| s.program).collect();
    let arena = sources.iter().map(|s| arena_bytes(s.program)).max().unwrap_or(0);
    let mut text = format!("# {name}\n\n{}\n\n", about(sources));
    text += "`no_std`, no heap, no dependencies, no `unsafe` in the models' own code. What one model keeps from run to run is there for the\nothers: a decoder goes on where the reader of its prompt has stopped.\n\n";
    text += "| | |\n| --- | --- |\n";
    for source in sources {
        text += &format!("| `{}` | {} multiply-adds |\n", identifier(source.name), source.program.macs());
    }
    let kept: BTreeMap<&str, usize> =
        programs.iter().flat_map(|p| &p.states).map(|s| (s.name.as_str(), s.bytes())).collect();
    text += &format!(
        "| arena (RAM) | {arena} bytes |\n| of it kept from run to run | {} bytes |\n",
        kept.values().sum::<usize>()
    );
    text += &format!("| constants (flash) | {} bytes |\n\n", weights_bytes(&programs));
    text += &format!(
        "Made by zantc {VERSION}. The code may be used under 0BSD, MIT or Apache-2.0, at your choice; the\nconstants have the license of the models.\n"
    );
    text
}

/// SHA-256 over those of the models.
pub(super) fn sha256(sources: &[Source<'_>]) -> String {
    let mut hash = Sha256::new();
    sources.iter().for_each(|s| hash.update(s.model_sha256));
    hex(&hash.finalize())
}
