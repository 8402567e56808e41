//! How kernels are declared. One expression, in terms of named operands, is the emitted call and the call in this process:
//!
//! ```ignore
//! bind!(kernels::softmax: |x: &[f32], y: &mut [f32]| softmax(cpu, &p, x, y))
//! ```
//!
//! names the function's module below the runtime's root, the operands with their types in the order of the step's arguments, and
//! the call. In this process the operands are the step's memory, `cpu` is the host's, and `p` (like everything else that the call
//! mentions) is a variable of the function around it. In emitted code the operands are views of the arena, `cpu` is the target's,
//! and `p` is the constant `P`; other variables are replaced by what [`Bound::given`] says.

use std::fmt::Debug;
use std::sync::Arc;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};

use super::kernel::{Args, KernelCall, Params, RunError};
use crate::ir::Numerics;

/// A kernel as it is declared; [`KernelCall`] follows from that.
pub trait Kernel: Debug + Send + Sync {
    /// The parameters on one line, for the printed program.
    fn describe(&self) -> String;

    /// The parameter structure, where the kernel has one.
    fn params(&self) -> Option<Params>;

    /// The runtime's function with its operands.
    fn bound(&self) -> Bound;

    /// The form that works over one of its operands, see [`KernelCall::in_place`].
    fn in_place(&self, pair: (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        let _ = pair;
        None
    }
}

/// A function of the runtime with its operands, made by [`bind`].
pub struct Bound {
    /// Paths below the runtime's root: the function, or its module, and what else the emitted call mentions.
    uses: Vec<&'static str>,
    /// The name in listings, where it is not the function's.
    name: Option<&'static str>,
    /// The call as it is written in the binding.
    call: &'static str,
    /// The operands' names.
    roles: &'static [&'static str],
    /// Words of the call that are other tokens in emitted code.
    given: Vec<(&'static str, TokenStream)>,
    is_fallible: bool,
    run: Box<Run>,
}

/// Calls the function in this process.
type Run = dyn FnOnce(Numerics, &mut Args<'_>) -> Result<(), RunError>;

impl Bound {
    /// What [`bind`] expands to.
    pub(super) fn new<R: Returned>(
        import: &'static str,
        call: &'static str,
        roles: &'static [&'static str],
        run: impl FnOnce(Numerics, &mut Args<'_>) -> R + 'static,
    ) -> Bound {
        Bound {
            uses: vec![import],
            name: None,
            call,
            roles,
            given: vec![("p", quote!(P))],
            is_fallible: R::IS_FALLIBLE,
            run: Box::new(|numerics, args| run(numerics, args).result()),
        }
    }

    /// In emitted code, `word` is these tokens.
    pub(super) fn given(mut self, word: &'static str, tokens: TokenStream) -> Bound {
        self.given.insert(0, (word, tokens));
        self
    }

    /// The emitted call mentions this too.
    pub(super) fn using(mut self, path: &'static str) -> Bound {
        self.uses.push(path);
        self
    }

    /// Listings have it by another name than the function's.
    pub(super) fn named(mut self, name: &'static str) -> Bound {
        self.name = Some(name);
        self
    }

    fn name(&self) -> &'static str {
        let function = || self.call.split('(').next().and_then(|path| path.rsplit("::").next());
        self.name.or_else(function).unwrap_or(self.call).trim()
    }

    /// The call with these tokens as operands.
    fn emitted(&self, args: &[TokenStream]) -> TokenStream {
        let operands = self.roles.iter().zip(args);
        let words: Vec<_> = self.given.iter().map(|(word, to)| (word, to)).chain(operands).collect();
        replaced(self.call.parse().expect("the binding is Rust"), &words, false)
    }
}

/// Tokens with some words replaced. In braces there are fields, of which `a` is short for `a: a`.
fn replaced(tokens: TokenStream, words: &[(&&str, &TokenStream)], in_braces: bool) -> TokenStream {
    let one = |token: TokenTree| match token {
        TokenTree::Group(group) => {
            let inner = replaced(group.stream(), words, group.delimiter() == Delimiter::Brace);
            Group::new(group.delimiter(), inner).into_token_stream()
        }
        TokenTree::Ident(word) => match words.iter().find(|(from, _)| word == **from) {
            Some((_, to)) if in_braces => quote!(#word: #to),
            Some((_, to)) => (*to).clone(),
            None => word.into_token_stream(),
        },
        TokenTree::Punct(_) | TokenTree::Literal(_) => token.into_token_stream(),
    };
    tokens.into_iter().map(one).collect()
}

/// What a function of the runtime returns.
pub(super) trait Returned {
    /// Whether some data can make it fail.
    const IS_FALLIBLE: bool;

    /// The same as a result.
    fn result(self) -> Result<(), RunError>;
}

impl Returned for () {
    const IS_FALLIBLE: bool = false;

    fn result(self) -> Result<(), RunError> {
        Ok(())
    }
}

impl Returned for Result<(), RunError> {
    const IS_FALLIBLE: bool = true;

    fn result(self) -> Result<(), RunError> {
        self
    }
}

impl<K: Kernel> KernelCall for K {
    fn name(&self) -> &'static str {
        self.bound().name()
    }

    fn describe(&self) -> String {
        Kernel::describe(self)
    }

    fn roles(&self) -> Vec<String> {
        self.bound().roles.iter().map(|role| (*role).to_string()).collect()
    }

    fn uses(&self) -> Vec<&'static str> {
        let params = Kernel::params(self).map_or(Vec::new(), |p| p.uses);
        self.bound().uses.into_iter().chain(params).collect()
    }

    fn params(&self) -> Option<Params> {
        Kernel::params(self)
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        self.bound().emitted(args)
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        (self.bound().run)(numerics, args)
    }

    fn is_fallible(&self) -> bool {
        self.bound().is_fallible
    }

    fn in_place(&self, pair: (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        Kernel::in_place(self, pair)
    }
}

/// The [`Bound`] of a call: see the head of this file. `[Kind]` in front names a CPU type other than the host's.
macro_rules! bind {
    ($($module:ident)::+: |$($x:ident: $t:ty),*| $f:ident$(::$g:ident)?(cpu $($rest:tt)*)) => {
        bind!([zant_runtime::arch::host::Host] $($module)::+: |$($x: $t),*| $f$(::$g)?(cpu $($rest)*))
    };
    ([$kind:path] $($module:ident)::+: |$($x:ident: $t:ty),*| $f:ident$(::$g:ident)?(cpu $($rest:tt)*)) => {
        bind!(@ ($($module)::+, $f, stringify!($f$(::$g)?(cpu $($rest)*))), ($($x: $t),*), numerics,
            $crate::program::tokens::with_cpu!($kind, numerics, cpu => $f$(::$g)?(cpu $($rest)*)))
    };
    ($($module:ident)::+: |$($x:ident: $t:ty),*| $f:ident$(::$g:ident)?($($rest:tt)*)) => {
        bind!(@ ($($module)::+, $f, stringify!($f$(::$g)?($($rest)*))), ($($x: $t),*), _numerics, $f$(::$g)?($($rest)*))
    };
    (@ ($($module:ident)::+, $f:ident, $call:expr), ($($x:ident: $t:ty),*), $numerics:ident, $run:expr) => {
        $crate::program::bind::Bound::new(
            concat!($(stringify!($module), "::",)+ stringify!($f)),
            $call,
            &[$(stringify!($x)),*],
            move |$numerics, args| {
                use zant_runtime::$($module)::+::$f;
                $(let $x: $t = args.pull();)*
                $run
            },
        )
    };
}

/// The [`Params`] of a structure of the runtime: its module, its type with the fields in order, and where their values are:
/// `params!(kernels::reduce, Reduce { outer, n, inner }, self.params)`.
macro_rules! params {
    ($($module:ident)::+, $ty:ident { $($field:ident),+ }, $of:expr) => {
        $crate::program::kernel::Params {
            uses: vec![concat!($(stringify!($module), "::",)+ stringify!($ty))],
            ty: quote::quote!($ty),
            value: $crate::program::tokens::fields!($ty, $of, $($field),+),
        }
    };
}

pub(super) use {bind, params};
