//! How kernels are declared: see [`kernel`]. One expression, in terms of named operands, is the emitted call and the call in this
//! process:
//!
//! ```ignore
//! bind!(kernels::softmax: |x: &[f32], y: &mut [f32]| softmax(cpu, &p, x, y))
//! ```
//!
//! names the function's module below the runtime's root, the operands with their types in the order of the step's arguments, and
//! the call. In this process the operands are the step's memory, `cpu` is the host's, and `p` (like everything else that the call
//! mentions) is a variable of the function around it. In emitted code the operands are views of the arena, `cpu` is the target's,
//! and `p` is the constant `P`; other variables are replaced by what [`Bound::given`] says.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};

use super::kernel::{Args, RunError};
use crate::ir::Numerics;

/// A function of the runtime with its operands, made by [`bind`].
pub(super) struct Bound {
    /// Paths below the runtime's root: the function, or its module, and what else the emitted call mentions.
    pub(super) uses: Vec<&'static str>,
    /// The name in listings, where it is not the function's.
    name: Option<&'static str>,
    /// The call as it is written in the binding.
    call: &'static str,
    /// The operands' names.
    pub(super) roles: &'static [&'static str],
    /// Words of the call that are other tokens in emitted code.
    given: Vec<(&'static str, TokenStream)>,
    /// Whether some data can make it fail.
    pub(super) is_fallible: bool,
    /// Calls it in this process.
    pub(super) run: Box<Run>,
}

/// A call in this process.
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

    pub(super) fn name(&self) -> &'static str {
        let function = || self.call.split('(').next().and_then(|path| path.rsplit("::").next());
        self.name.or_else(function).unwrap_or(self.call).trim()
    }

    /// The call with these tokens as operands.
    pub(super) fn emitted(&self, args: &[TokenStream]) -> TokenStream {
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
            Some((_, to)) if in_braces && word != to.to_string() => quote!(#word: #to),
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

/// Declares a kernel: its parameters, and what [`KernelCall`](super::KernelCall) asks of it as expressions of a reference to them (`c`).
///
/// ```ignore
/// kernel! {
///     /// Rows of f32 to the power of two.
///     pub struct SquareCall {
///         /// The kernel's parameters.
///         pub params: Square,
///     }
///     describe(c) => format!("{} x {}", c.params.rows, c.params.n);
///     params(c) => params!(kernels::square, Square { rows, n }, c.params);
///     bound(c, p) => bind!(kernels::square: |x: &[f32], y: &mut [f32]| square(cpu, &p, x, y));
/// }
/// ```
///
/// In `bound` a second name stands for a copy of the field `params`. What works in place has a field `in_place` and says when it does
/// in a last line, of the position of the argument that is read: `in_place(c, read) => read == 0;`.
macro_rules! kernel {
    (
        $(#[$doc:meta])*
        pub struct $name:ident { $($fields:tt)* }
        describe($d:ident) => $describe:expr;
        params($m:ident) => $params:expr;
        bound($b:ident $(, $p:ident)?) => $bound:expr;
        $(in_place($i:ident, $read:tt) => $fits:expr;)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($fields)*
        }

        impl $name {
            /// The runtime's function with its operands.
            fn bound(&self) -> $crate::program::bind::Bound {
                let $b = self;
                $(let $p = $b.params;)?
                $bound
            }
        }

        impl $crate::program::kernel::KernelCall for $name {
            $crate::program::bind::from_bound!();

            fn describe(&self) -> String {
                let $d = self;
                $describe
            }

            fn params(&self) -> Option<$crate::program::kernel::Params> {
                let $m = self;
                ($params).into()
            }

            $(fn in_place(&self, ($read, _): (usize, usize)) -> Option<std::sync::Arc<dyn $crate::program::KernelCall>> {
                let $i = self;
                ($fits).then(|| std::sync::Arc::new($name { in_place: true, ..$i.clone() }) as _)
            })?
        }
    };
}

/// What a kernel says of its function.
macro_rules! from_bound {
    () => {
        fn name(&self) -> &'static str {
            self.bound().name()
        }

        fn roles(&self) -> Vec<String> {
            self.bound().roles.iter().map(|role| (*role).to_string()).collect()
        }

        fn uses(&self) -> Vec<&'static str> {
            let params = self.params().map_or(Vec::new(), |p| p.uses);
            self.bound().uses.into_iter().chain(params).collect()
        }

        fn call(&self, args: &[proc_macro2::TokenStream]) -> proc_macro2::TokenStream {
            self.bound().emitted(args)
        }

        fn run(
            &self,
            numerics: $crate::ir::Numerics,
            args: &mut $crate::program::Args<'_>,
        ) -> Result<(), $crate::program::RunError> {
            (self.bound().run)(numerics, args)
        }

        fn is_fallible(&self) -> bool {
            self.bound().is_fallible
        }
    };
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

pub(super) use {bind, from_bound, kernel, params};
