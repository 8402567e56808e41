//! Parameters as Rust literals.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use zant_runtime::terms::epilogue::{Activation, Epilogue, Residual};

/// A value as a Rust expression.
pub(super) trait Lit {
    fn lit(&self) -> TokenStream;
}

impl Lit for usize {
    fn lit(&self) -> TokenStream {
        let l = Literal::usize_unsuffixed(*self);
        quote!(#l)
    }
}

impl Lit for i32 {
    fn lit(&self) -> TokenStream {
        let l = Literal::i32_unsuffixed(*self);
        quote!(#l)
    }
}

impl Lit for isize {
    fn lit(&self) -> TokenStream {
        let l = Literal::isize_unsuffixed(*self);
        quote!(#l)
    }
}

impl Lit for bool {
    fn lit(&self) -> TokenStream {
        quote!(#self)
    }
}

impl Lit for f32 {
    fn lit(&self) -> TokenStream {
        match *self {
            v if v.is_nan() => quote!(f32::NAN),
            f32::INFINITY => quote!(f32::INFINITY),
            f32::NEG_INFINITY => quote!(f32::NEG_INFINITY),
            v => {
                let l = Literal::f32_unsuffixed(v);
                quote!(#l)
            }
        }
    }
}

impl<T: Lit> Lit for [T] {
    fn lit(&self) -> TokenStream {
        let items = self.iter().map(Lit::lit);
        quote!([#(#items),*])
    }
}

impl<T: Lit, const N: usize> Lit for [T; N] {
    fn lit(&self) -> TokenStream {
        self.as_slice().lit()
    }
}

impl<T: Lit> Lit for Vec<T> {
    fn lit(&self) -> TokenStream {
        self.as_slice().lit()
    }
}

impl Lit for Epilogue {
    fn lit(&self) -> TokenStream {
        let sum = match self.activation {
            Activation::None => quote!(Epilogue::NONE),
            Activation::Clamp { lo: 0.0, hi: f32::INFINITY } => quote!(Epilogue::RELU),
            Activation::Clamp { lo, hi } => {
                let (lo, hi) = (lo.lit(), hi.lit());
                quote!(Epilogue::clamp(#lo, #hi))
            }
            Activation::Leaky { alpha } => {
                let alpha = alpha.lit();
                quote!(Epilogue::leaky(#alpha))
            }
        };
        match self.residual {
            Residual::None => sum,
            Residual::Accumulate => quote!(#sum.accumulate()),
        }
    }
}

/// `.method(a, b)`, or nothing where the arguments are the defaults.
pub(super) fn setting<T: Lit + PartialEq>(method: &str, args: &[T], default: &[T]) -> TokenStream {
    if args == default {
        return TokenStream::new();
    }
    let (method, args) = (quote::format_ident!("{method}"), args.iter().map(Lit::lit));
    quote!(.#method(#(#args),*))
}

/// `.then(epilogue)`, or nothing where nothing is done.
pub(super) fn then(epilogue: &Epilogue) -> TokenStream {
    setting("then", std::slice::from_ref(epilogue), &[Epilogue::NONE])
}

/// A struct literal of a parameter structure from its fields: `fields!(Conv2d, p, batch, in_h)`.
macro_rules! fields {
    ($ty:ident, $p:expr, $($field:ident),+ $(,)?) => {{
        let p = &$p;
        let fields = [$({
            let name = quote::format_ident!(stringify!($field));
            let value = $crate::program::tokens::Lit::lit(&p.$field);
            quote::quote!(#name: #value)
        }),+];
        quote::quote!($ty { #(#fields),* })
    }};
}

/// Runs `$body` with `$t` standing for the Rust type of an element type; bools are bytes. Halves have no kernels.
macro_rules! with_element {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::ir::DType::Bool | $crate::ir::DType::U8 => {
                type $t = u8;
                $body
            }
            $crate::ir::DType::I8 => {
                type $t = i8;
                $body
            }
            $crate::ir::DType::I16 => {
                type $t = i16;
                $body
            }
            $crate::ir::DType::I32 => {
                type $t = i32;
                $body
            }
            $crate::ir::DType::I64 => {
                type $t = i64;
                $body
            }
            $crate::ir::DType::U16 | $crate::ir::DType::F16 | $crate::ir::DType::BF16 => {
                type $t = u16;
                $body
            }
            $crate::ir::DType::U32 => {
                type $t = u32;
                $body
            }
            $crate::ir::DType::U64 => {
                type $t = u64;
                $body
            }
            $crate::ir::DType::F32 => {
                type $t = f32;
                $body
            }
            $crate::ir::DType::F64 => {
                type $t = f64;
                $body
            }
        }
    };
}

/// Runs `$body` with `$t` standing for the Rust type of bytes.
macro_rules! with_byte {
    ($dtype:expr, $t:ident => $body:expr) => {
        if $dtype == $crate::ir::DType::I8 {
            type $t = i8;
            $body
        } else {
            type $t = u8;
            $body
        }
    };
}

/// Runs `$body` with `$cpu` bound to the host's CPU, or one of `$kind`, under a [`Numerics`](crate::ir::Numerics).
macro_rules! with_cpu {
    ($numerics:expr, $cpu:ident => $body:expr) => {
        with_cpu!(zant_runtime::arch::host::Host, $numerics, $cpu => $body)
    };
    ($kind:path, $numerics:expr, $cpu:ident => $body:expr) => {{
        use $kind as Kind;
        match $numerics {
            $crate::ir::Numerics::Fused => {
                let $cpu = Kind::<zant_runtime::arch::isa::Fused>::detect();
                $body
            }
            $crate::ir::Numerics::Separate => {
                let $cpu = Kind::<zant_runtime::arch::isa::Separate>::detect();
                $body
            }
        }
    }};
}

pub(super) use {fields, with_byte, with_cpu, with_element};
