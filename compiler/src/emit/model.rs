//! `src/model.rs`: constants, the arena's buffers, one function per step, and `Model` with its `run`.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::names::Names;
use super::pieces::{CALLS, CALLS_LINE, Pieces, format, ident, mentions, spaced};
use super::ports::{array_type, port_doc, shapes};
use super::words::in_doc;
use super::{Source, map};
use crate::config::Alloc;
use crate::footprint::arena_bytes;
use crate::ir::DType;
use crate::program::{Block, Port, Program, Step};

/// Where the model's code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A file of a crate.
    Crate,
    /// A module within the one file that `include!` accepts.
    Module,
}

/// What the code around the steps may take from the runtime.
const RUNTIME: [&str; 10] = [
    "Cpu",
    "arena::Arena",
    "arena::Block",
    "arena::Buffer",
    "arena::Read",
    "arena::Truths",
    "arena::Write",
    "arena::as_bool_array",
    "arena::bools_as_bytes",
    "error::DataError",
];

/// Arenas above this many bytes are shown as statics only.
pub(super) const STACK_LIMIT: usize = 64 << 10;

/// The text of the module.
pub(super) fn model(source: &Source<'_>, names: &Names, form: Form) -> String {
    let writer = Writer { program: source.program, names, source };
    let mut pieces = Pieces::default();
    let constants = pieces.items(writer.constants());
    let model = pieces.items([writer.model()]);
    let stepping = writer.steps_type(&mut pieces);
    let calls = pieces.calls(writer.calls());
    let model = model.replacen(CALLS_LINE, &calls, 1);
    let (steps, regions) = (pieces.items(writer.steps()), pieces.items(writer.regions()));
    let buffers = pieces.items(writer.buffers());
    let imports = format(writer.imports(&pieces.mentioned));
    let mut text = map::generated(source) + "\n";
    if form == Form::Crate {
        text += "//! The model: its steps in the order of execution, and where their buffers lie.\n#![forbid(unsafe_code)]\n\n";
    }
    text += &map::memory_map(source, names);
    text.push('\n');
    // Part by part, each gone when it has been copied: models of many steps have megabytes of them.
    let parts = [imports, constants, model, stepping, regions, steps, buffers].into_iter().filter(|t| !t.is_empty());
    for (n, part) in parts.enumerate() {
        text.push_str(if n > 0 { "\n" } else { "" });
        text += &spaced(&part);
    }
    text
}

pub(super) struct Writer<'a> {
    pub(super) program: &'a Program,
    pub(super) names: &'a Names,
    pub(super) source: &'a Source<'a>,
}

impl Writer<'_> {
    /// Imports of what the code mentions, and of the traits that its steps use.
    fn imports(&self, mentioned: &BTreeSet<String>) -> TokenStream {
        let mut uses: BTreeSet<&str> = self.program.steps.iter().flat_map(|s| s.call.uses()).collect();
        let name = |path: &str| path.rsplit("::").next().unwrap_or(path).to_string();
        uses.extend(RUNTIME.into_iter().filter(|path| mentioned.contains(&name(path))));
        // One line per module.
        let mut modules: BTreeMap<&str, Vec<Ident>> = BTreeMap::new();
        for u in uses {
            let (module, item) = u.rsplit_once("::").unwrap_or(("", u));
            modules.entry(module).or_default().push(ident(item));
        }
        let paths = modules.into_iter().map(|(module, items)| {
            let parts = module.split("::").filter(|p| !p.is_empty()).map(ident);
            match items.as_slice() {
                [one] => quote!(use super::rt #(::#parts)* ::#one;),
                many => quote!(use super::rt #(::#parts)* ::{#(#many),*};),
            }
        });
        let weights = mentioned.contains("WEIGHTS").then(|| {
            quote!(
                use super::weights::WEIGHTS;
            )
        });
        quote!(#(#paths)* #weights)
    }

    fn constants(&self) -> impl Iterator<Item = TokenStream> {
        let arena = Literal::usize_unsuffixed(arena_bytes(self.program));
        let macs = Literal::u64_unsuffixed(self.program.macs());
        let weights = Literal::usize_unsuffixed(self.program.weights_bytes());
        let inputs = shapes(self.program, "input", &self.program.inputs, &self.names.inputs);
        let outputs = shapes(self.program, "output", &self.program.outputs, &self.names.outputs);
        let figures = quote! {
            /// Bytes of the arena: every buffer and all working memory of a run.
            pub const ARENA_BYTES: usize = #arena;
            /// Bytes of the constants.
            pub const WEIGHT_BYTES: usize = #weights;
            /// Multiply-adds of one run.
            pub const MACS: u64 = #macs;
        };
        std::iter::once(figures)
            .chain(inputs)
            .chain(outputs)
            .chain(self.quantization_consts())
            .chain(self.label_consts())
    }

    /// `Model`, its inputs and outputs, and `run`.
    fn model(&self) -> TokenStream {
        let inputs = self.inputs_struct();
        let outputs = self.outputs_struct();
        let (state, new) = self.state();
        let run = self.run();
        let stepped = self.stepped_runs();
        let conversions = self.conversions();
        let kept = self.kept();
        let own_inputs = self.own_inputs();
        let debug = (self.source.config.alloc != Alloc::Caller).then(|| {
            quote! {
                impl core::fmt::Debug for Model {
                    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                        f.debug_struct("Model").finish_non_exhaustive()
                    }
                }
            }
        });
        quote! {
            #inputs
            #outputs
            #state
            impl Model {
                #new
                #run
                #own_inputs
                #stepped
                #(#conversions)*
                #kept
            }
            #debug
            impl Default for Model {
                fn default() -> Self {
                    Self::new()
                }
            }
        }
    }

    /// `Model` and its `new`.
    fn state(&self) -> (TokenStream, TokenStream) {
        let doc = format!(" The model {}.", in_doc(self.source.title()));
        match self.source.config.alloc {
            Alloc::Static => (
                quote! {
                    #[doc = #doc]
                    pub struct Model {
                        arena: Arena<ARENA_BYTES>,
                    }
                },
                quote! {
                    /// A model of zero bytes: a `static` of it lies in `.bss`.
                    pub const fn new() -> Self {
                        Model { arena: Arena::new() }
                    }
                },
            ),
            Alloc::Caller => (
                quote! {
                    #[doc = #doc]
                    ///
                    /// The caller lends its arena, see [`Model::run`].
                    #[derive(Clone, Copy, Debug)]
                    pub struct Model;
                },
                quote! {
                    /// A model; it has no memory of its own.
                    pub const fn new() -> Self {
                        Model
                    }
                },
            ),
            Alloc::Heap => (
                quote! {
                    #[doc = #doc]
                    pub struct Model {
                        arena: alloc::boxed::Box<[Block]>,
                    }
                },
                quote! {
                    /// A model with a zeroed arena on the heap.
                    pub fn new() -> Self {
                        Model { arena: alloc::vec![Block::ZERO; ARENA_BYTES.div_ceil(size_of::<Block>())].into_boxed_slice() }
                    }
                },
            ),
        }
    }

    fn run(&self) -> TokenStream {
        let input = match self.program.inputs.as_slice() {
            _ if self.is_lent_nothing() => quote!(),
            [one] => {
                let (name, ty) = (ident(&self.names.inputs[0]), array_type(one));
                quote!(#name: &#ty)
            }
            _ => quote!(inputs: Inputs<'_>),
        };
        let (result, lifetime) = self.result_type();
        let unpack = (self.program.inputs.len() > 1 && !self.is_lent_nothing()).then(|| {
            let names = self.names.inputs.iter().map(|n| ident(n));
            quote!(let Inputs { #(#names),* } = inputs;)
        });
        let lends = !self.is_lent_nothing();
        let bools = self.program.inputs.iter().zip(&self.names.inputs);
        let bools = bools.filter(|(p, _)| lends && p.ty.dtype == DType::Bool);
        let bools = bools.map(|(_, n)| {
            let name = ident(n);
            quote!(let #name = bools_as_bytes(#name);)
        });
        let observed = self.source.config.observed;
        let observer = observed.then(|| quote!(observe: &mut impl FnMut(),));
        let cpu = self.cpu().map(|cpu| quote!(let cpu = #cpu;));
        let calls = (!self.program.steps.is_empty()).then(|| {
            let calls = ident(CALLS);
            quote!(#calls;)
        });
        let unused = self.unused_inputs();
        let (prepare, results) = self.results();
        let results = if self.program.is_fallible() { quote!(Ok(#results)) } else { results };
        let arena = match self.source.config.alloc {
            Alloc::Static => Some(quote!(let arena = &mut self.arena;)),
            Alloc::Caller => None,
            Alloc::Heap => Some(quote!(let arena = Arena::<ARENA_BYTES>::from_blocks(&mut self.arena);)),
        };
        let receiver = match self.source.config.alloc {
            Alloc::Static | Alloc::Heap => quote!(&mut self),
            Alloc::Caller => quote!(&self, arena: &#lifetime mut Arena<ARENA_BYTES>),
        };
        let generics = (self.source.config.alloc == Alloc::Caller).then(|| quote!(<#lifetime>));
        let doc = self.run_doc();
        // One attribute a line: a text of several lines is printed as a block comment.
        let doc = doc.lines();
        quote! {
            #(#[doc = #doc])*
            pub fn run #generics (#receiver, #observer #input) -> #result {
                #arena
                #cpu
                #unpack
                #(#bools)*
                #unused
                #calls
                #prepare
                #results
            }
        }
    }

    fn run_doc(&self) -> String {
        let mut doc = " Computes the model once.\n".to_string();
        let (program, names) = (self.program, self.names);
        for (port, name) in program.inputs.iter().zip(&names.inputs) {
            doc += &format!("\n - `{name}`:{}", port_doc(program, port));
        }
        for (port, name) in program.outputs.iter().zip(&names.outputs) {
            doc += &format!("\n - gives `{name}`:{}", port_doc(program, port));
        }
        if self.program.is_fallible() {
            doc += "\n\n # Errors\n If the data cannot be computed with: an index is out of range, or an integer is divided by zero.";
            if !self.program.states.is_empty() {
                doc += "\n Some states may have been updated then: see [`Model::reset`].";
            }
        }
        doc
    }

    /// The calls of the steps, and of what observes them.
    fn calls(&self) -> impl Iterator<Item = TokenStream> {
        let observe = self.source.config.observed.then(|| quote!(observe();));
        self.program.blocks().into_iter().map(move |block| match block {
            Block::Step(i) => {
                let call = self.step_call(i);
                quote!(#call #observe)
            }
            // All that a region takes is its first step's, to who observes.
            Block::Region(i) => {
                let call = self.region_call(i);
                let observed = observe.iter().cycle().take(self.program.regions[i].steps.len());
                let observed = observed.filter(|_| observe.is_some());
                quote!(#call #(#observed)*)
            }
        })
    }

    pub(super) fn step_call(&self, index: usize) -> TokenStream {
        let step = &self.program.steps[index];
        let name = ident(&self.names.steps[index]);
        let cpu = takes_cpu(step).then(|| quote!(cpu,));
        let inputs = self.inputs_of(step).into_iter().map(|n| ident(&self.names.inputs[n]));
        let question = step.call.is_fallible().then(|| quote!(?));
        quote!(#name(#cpu arena, #(#inputs),*) #question;)
    }

    /// The bytes of the outputs that are truth values; several may lie in the same ones.
    pub(super) fn bool_ranges(&self) -> Vec<Range<usize>> {
        let bools = self.program.outputs.iter().filter(|p| p.ty.dtype == DType::Bool);
        let mut ranges: Vec<Range<usize>> = bools.map(|p| self.range(p)).collect();
        ranges.sort_by_key(|r| (r.start, r.end));
        ranges.dedup();
        ranges
    }

    pub(super) fn range(&self, p: &Port) -> Range<usize> {
        self.program.arena_range(p.view).unwrap_or(0..0)
    }
}

/// Whether a step's kernel is called with the CPU.
pub(super) fn takes_cpu(step: &Step) -> bool {
    let args: Vec<TokenStream> = step.args.iter().map(|_| quote!(&[])).collect();
    mentions(&step.call.call(&args), "cpu")
}
