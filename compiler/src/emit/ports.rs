//! Inputs and outputs of an emitted model: their structures, what `run` takes and gives.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};
use std::collections::BTreeSet;
use std::ops::Range;

use super::model::Writer;
use super::numbers;
use super::pieces::ident;
use super::words::{in_doc, type_in_doc};
use crate::config::Alloc;
use crate::ir::{DType, Labels};
use crate::program::{Port, Program, rust_type};

impl Writer<'_> {
    pub(super) fn inputs_struct(&self) -> Option<TokenStream> {
        if self.is_lent_nothing() {
            return None;
        }
        structure(self.program, "Inputs", " The inputs of a run.", &self.program.inputs, &self.names.inputs)
    }

    pub(super) fn outputs_struct(&self) -> Option<TokenStream> {
        let doc = " The outputs of a run. They lie in the arena until the next run.";
        structure(self.program, "Outputs", doc, &self.program.outputs, &self.names.outputs)
    }

    /// Whether a run takes no inputs: they lie in the arena, or there are none.
    pub(super) fn is_lent_nothing(&self) -> bool {
        self.program.inputs.is_empty() || self.program.has_own_inputs()
    }

    /// Inputs that no step reads are allowed, and no warning.
    pub(super) fn unused_inputs(&self) -> Option<TokenStream> {
        if self.is_lent_nothing() {
            return None;
        }
        let mut read: BTreeSet<usize> = self.program.steps.iter().flat_map(|s| self.inputs_of(s)).collect();
        read.extend(self.program.regions.iter().filter_map(|r| self.input_of(r.condition()?)));
        let unused: Vec<Ident> = (0..self.program.inputs.len())
            .filter(|n| !read.contains(n))
            .map(|n| ident(&self.names.inputs[n]))
            .collect();
        (!unused.is_empty()).then(|| quote!(let _ = (#(#unused,)*);))
    }

    /// `OUTPUT_Y_LABELS`: what outputs' numbers or columns stand for.
    pub(super) fn label_consts(&self) -> impl Iterator<Item = TokenStream> {
        self.program.labels.iter().map(|(&n, labels)| {
            let port = &self.program.outputs[n];
            let id = match matches!(labels, Labels::Classes(_)) {
                true => ident("LABELS"),
                false => port_const("output", &self.names.outputs, n, "LABELS"),
            };
            let of = in_doc(&port.name);
            let (doc, ty, values): (String, TokenStream, Vec<TokenStream>) = match labels {
                Labels::Names(names) => {
                    let doc = format!(" The strings that the numbers of the output {of} stand for, by position.");
                    (doc, quote!(&str), names.iter().map(|n| quote!(#n)).collect())
                }
                Labels::ColumnNames(names) => {
                    let doc = format!(" The classes that the columns of the output {of} are the scores of.");
                    (doc, quote!(&str), names.iter().map(|n| quote!(#n)).collect())
                }
                Labels::Classes(names) => {
                    let doc = format!(" The classes that the output {of} has the scores of, in their order.");
                    (doc, quote!(&str), names.iter().map(|n| quote!(#n)).collect())
                }
                Labels::ColumnNumbers(numbers) => {
                    let doc = format!(" The classes that the columns of the output {of} are the scores of.");
                    let number = |n: &i64| Literal::i64_unsuffixed(*n);
                    (doc, quote!(i64), numbers.iter().map(|n| number(n).into_token_stream()).collect())
                }
            };
            let len = Literal::usize_unsuffixed(values.len());
            quote!(#[doc = #doc] pub const #id: [#ty; #len] = [#(#values),*];)
        })
    }

    /// The type of a run's result, and the lifetime of what it borrows.
    pub(super) fn result_type(&self) -> (TokenStream, TokenStream) {
        let lifetime = if self.source.config.alloc == Alloc::Caller { quote!('a) } else { quote!('_) };
        let borrow = if self.source.config.alloc == Alloc::Caller { quote!('a) } else { quote!() };
        let result = match self.program.outputs.as_slice() {
            [one] => {
                let ty = array_type(one);
                quote!(&#borrow #ty)
            }
            _ => quote!(Outputs<#lifetime>),
        };
        let result = if self.program.is_fallible() { quote!(Result<#result, DataError>) } else { result };
        (result, lifetime)
    }

    /// The outputs, borrowed from the arena: what is done before, and the value.
    pub(super) fn results(&self) -> (Option<TokenStream>, TokenStream) {
        let view = |p: &Port| ident(&self.names.view(self.program, p.view));
        let bools = self.bool_ranges();
        match self.program.outputs.as_slice() {
            [one] if one.ty.dtype == DType::Bool => {
                let v = view(one);
                (None, quote!(as_bool_array(arena.get_mut::<#v>())))
            }
            [one] => {
                let v = view(one);
                (None, quote!(arena.get::<#v>()))
            }
            many => {
                let from = ident(if bools.is_empty() { "arena" } else { "results" });
                let fields = many.iter().zip(&self.names.outputs).map(|(p, n)| {
                    let (name, v) = (ident(n), view(p));
                    let range = self.range(p);
                    let key = |r: &Range<usize>| (r.start, r.end);
                    let nth = bools.binary_search_by_key(&key(&range), key).ok();
                    match nth.filter(|_| p.ty.dtype == DType::Bool) {
                        Some(nth) => {
                            let nth = Literal::usize_unsuffixed(nth);
                            quote!(#name: #from.bools::<#v, #nth>())
                        }
                        None => quote!(#name: #from.get::<#v>()),
                    }
                });
                let ranges = bools.iter().map(|r| {
                    let (start, end) = (Literal::usize_unsuffixed(r.start), Literal::usize_unsuffixed(r.end));
                    quote!((#start, #end))
                });
                let prepare = quote! {
                    struct Bools;
                    impl Truths for Bools {
                        const RANGES: &'static [(usize, usize)] = &[#(#ranges),*];
                    }
                    let results = arena.results::<Bools>();
                };
                ((!bools.is_empty()).then_some(prepare), quote! { Outputs { #(#fields),* } })
            }
        }
    }
}

/// The structure of several inputs or outputs.
fn structure(program: &Program, name: &str, doc: &str, ports: &[Port], names: &[String]) -> Option<TokenStream> {
    let name = ident(name);
    let fields = ports.iter().zip(names).map(|(p, n)| {
        let (doc, name, ty) = (port_doc(program, p), ident(n), array_type(p));
        quote!(#[doc = #doc] pub #name: &'a #ty)
    });
    (ports.len() > 1)
        .then(|| quote! { #[doc = #doc] #[derive(Clone, Copy, Debug)] pub struct #name<'a> { #(#fields),* } })
}

/// The Rust type of an input or output: a flat array.
pub(super) fn array_type(p: &Port) -> TokenStream {
    let len = Literal::usize_unsuffixed(p.ty.elements());
    let element = if p.ty.dtype == DType::Bool { quote!(bool) } else { rust_type(p.ty.dtype) };
    quote!([#element; #len])
}

/// What an input or output is.
pub(super) fn port_doc(program: &Program, p: &Port) -> String {
    let bits = if p.ty.dtype == DType::F16 {
        ", the bits of IEEE binary16 numbers".to_string()
    } else if p.ty.dtype == DType::BF16 {
        ", the bits of bfloat16 numbers".to_string()
    } else if let DType::Mini(format) = p.ty.dtype {
        format!(", the bits of {} numbers", format.name())
    } else {
        String::new()
    };
    let dimensions = numbers::dimensions(program, p).map_or_else(String::new, |d| format!(": {d}"));
    let quantized = numbers::quantized(program, p).map_or_else(String::new, |q| format!("; {q}"));
    format!(" {}, {}, row-major{dimensions}{bits}{quantized}.", in_doc(&p.name), type_in_doc(&p.ty))
}

/// The name of a constant of an input or output: `INPUT_SHAPE`, or `INPUT_X_SHAPE` where there are several.
pub(super) fn port_const(kind: &str, names: &[String], at: usize, what: &str) -> Ident {
    let kind = kind.to_ascii_uppercase();
    let own = names[at].to_ascii_uppercase();
    match names {
        [_] => ident(&format!("{kind}_{what}")),
        // What has no name of its own has the kind's and a number.
        _ if own == format!("{kind}_{at}") => ident(&format!("{own}_{what}")),
        _ => ident(&format!("{kind}_{own}_{what}")),
    }
}

/// The shapes of inputs or outputs as constants.
pub(super) fn shapes(program: &Program, kind: &str, ports: &[Port], names: &[String]) -> Vec<TokenStream> {
    let shape = |(at, p): (usize, &Port)| {
        let (id, rank) = (port_const(kind, names, at, "SHAPE"), Literal::usize_unsuffixed(p.ty.rank()));
        let dims = p.ty.shape.iter().map(|&d| Literal::usize_unsuffixed(d));
        let dimensions = numbers::dimensions(program, p).map_or_else(String::new, |d| format!(": {d}"));
        let doc = format!(" Shape of the {kind} {}{dimensions}.", in_doc(&p.name));
        quote!(#[doc = #doc] pub const #id: [usize; #rank] = [#(#dims),*];)
    };
    ports.iter().enumerate().map(shape).collect()
}
