//! The steps of `src/model.rs`: one function each, and the buffers that they name.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::model::Writer;
use super::pieces::{ident, mentions};
use super::words::in_doc;
use crate::ir::DType;
use crate::program::{Access, Arg, Step, Storage, View, rust_type};

impl Writer<'_> {
    /// Type aliases that say where each buffer lies.
    pub(super) fn buffers(&self) -> impl Iterator<Item = TokenStream> {
        self.names.views(self.program).into_iter().map(|(name, v)| {
            let b = self.program.buffer(v.buffer);
            let range = self.program.arena_range(v).unwrap_or(0..0);
            let (name, element) = (ident(&name), rust_type(b.dtype));
            let (offset, len) = (Literal::usize_unsuffixed(range.start), Literal::usize_unsuffixed(v.len));
            let doc = (!b.name.is_empty()).then(|| format!(" {}.", in_doc(&b.name))).into_iter();
            quote!(#(#[doc = #doc])* type #name = Buffer<#element, #offset, #len>;)
        })
    }

    /// Names of the views that lie in the arena, by argument.
    fn arena_args(&self, step: &Step) -> Vec<(usize, String, Access)> {
        let view = |(i, a): (usize, &Arg)| {
            let Arg::Buffer(v, access) = *a else { return None };
            let is_there = self.program.buffer(v.buffer).storage == Storage::Arena;
            is_there.then(|| (i, self.names.view(self.program, v), access))
        };
        step.args.iter().enumerate().filter_map(view).collect()
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = TokenStream> {
        (0..self.program.steps.len()).map(|i| self.step(i))
    }

    /// The inputs of the model that a step reads.
    pub(super) fn inputs_of(&self, step: &Step) -> Vec<usize> {
        let mut inputs: Vec<usize> = step
            .args
            .iter()
            .filter_map(|a| match *a {
                Arg::Buffer(v, _) => match self.program.buffer(v.buffer).storage {
                    Storage::Input(n) => Some(n),
                    Storage::Arena => None,
                },
                Arg::Weight(_) | Arg::Empty(_) => None,
            })
            .collect();
        inputs.sort_unstable();
        inputs.dedup();
        inputs
    }

    fn step(&self, index: usize) -> TokenStream {
        let step = &self.program.steps[index];
        let name = ident(&self.names.steps[index]);
        let roles = self.roles(step);
        let args: Vec<TokenStream> = step.args.iter().zip(&roles).map(|(a, role)| self.arg(a, role)).collect();
        let call = step.call.call(&args);
        let params = step.call.params().map(|p| {
            let (ty, value) = (p.ty, p.value);
            quote!(const P: #ty = #value;)
        });
        let views = self.views(step, &roles);
        let cpu = mentions(&call, "cpu").then(|| quote!(cpu: Cpu,));
        let inputs = self.inputs_of(step).into_iter().map(|n| {
            let (name, ty) = (ident(&self.names.inputs[n]), self.stored_type(n));
            quote!(#name: &#ty)
        });
        let doc = self.doc(step);
        let (result, end) = match step.call.is_fallible() {
            true => (quote!(-> Result<(), DataError>), quote!()),
            false => (quote!(), quote!(;)),
        };
        quote! {
            #[doc = #doc]
            fn #name(#cpu arena: &mut Arena<ARENA_BYTES>, #(#inputs),*) #result {
                #params
                #views
                #call #end
            }
        }
    }

    /// Names of a step's arguments, other than those of the inputs that it reads.
    fn roles(&self, step: &Step) -> Vec<String> {
        let inputs = self.inputs_of(step);
        let hidden = |role: &String| inputs.iter().any(|&n| self.names.inputs[n] == *role);
        step.call.roles().into_iter().map(|r| if hidden(&r) { format!("{r}_view") } else { r }).collect()
    }

    /// An input as the steps get it: bools as bytes.
    pub(super) fn stored_type(&self, input: usize) -> TokenStream {
        let ty = &self.program.inputs[input].ty;
        let element = rust_type(ty.dtype);
        if ty.dtype == DType::Bool {
            return quote!([#element]);
        }
        let len = Literal::usize_unsuffixed(ty.elements());
        quote!([#element; #len])
    }

    /// What a step computes, in one line.
    fn doc(&self, step: &Step) -> String {
        let shown = 4;
        let mut from: Vec<String> = step.origin.iter().take(shown).map(|o| in_doc(&o.name)).collect();
        if step.origin.len() > shown {
            from.push(format!("{} more", step.origin.len() - shown));
        }
        let operand = step.operands.first().map_or(String::new(), |t| format!("{t} -> "));
        let kept = || self.program.kept();
        let from = match from.as_slice() {
            [] if step.writes().any(|(_, v)| kept().contains(&v.buffer)) => "The state of the next run".to_string(),
            [] => "An output".to_string(),
            nodes => nodes.join(", "),
        };
        format!(" {from}: {} {operand}{}.", step.call.name(), step.result)
    }

    /// The views of the arena that a step works on, by the names of its arguments.
    fn views(&self, step: &Step, roles: &[String]) -> TokenStream {
        let views = self.arena_args(step);
        let names: Vec<Ident> = views.iter().map(|(i, _, _)| ident(&roles[*i])).collect();
        let types: Vec<Ident> = views.iter().map(|(_, name, _)| ident(name)).collect();
        match views.as_slice() {
            [] => quote!(),
            [(_, _, Access::Read)] => quote!(#(let #names = arena.get::<#types>();)*),
            [_] => quote!(#(let #names = arena.get_mut::<#types>();)*),
            many => {
                let kinds = many.iter().map(|(_, _, a)| if *a == Access::Read { quote!(Read) } else { quote!(Write) });
                quote!(let (#(#names),*) = arena.views::<(#(#kinds<#types>),*)>();)
            }
        }
    }

    /// How an argument is passed.
    pub(super) fn arg(&self, arg: &Arg, role: &str) -> TokenStream {
        match *arg {
            Arg::Empty(_) => quote!(&[]),
            Arg::Weight(w) if self.names.elsewhere.contains_key(&w.index()) => self.names.elsewhere[&w.index()].clone(),
            Arg::Weight(w) => {
                let [group, field] = self.names.weights[w.index()].each_ref().map(|name| ident(name));
                quote!(&WEIGHTS.#group.#field)
            }
            Arg::Buffer(v, _) => match self.program.buffer(v.buffer).storage {
                Storage::Arena => {
                    let role = ident(role);
                    quote!(#role)
                }
                Storage::Input(n) => self.input_view(n, v),
            },
        }
    }

    /// A range of an input; the whole array where it is that.
    fn input_view(&self, n: usize, v: View) -> TokenStream {
        let name = ident(&self.names.inputs[n]);
        if v.len == self.program.inputs[n].ty.elements() {
            return quote!(#name);
        }
        let (start, len) = (Literal::usize_unsuffixed(v.offset), Literal::usize_unsuffixed(v.len));
        quote!(#name.split_at(#start).1.split_at(#len).0)
    }
}
