//! Parameters as Rust literals.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use zant_runtime::terms::epilogue::{Activation, Epilogue, Residual};

/// A value as a Rust expression.
pub(super) trait Lit {
    fn lit(&self) -> TokenStream;
}

macro_rules! integer {
    ($($ty:ty: $literal:ident),+) => {
        $(impl Lit for $ty {
            fn lit(&self) -> TokenStream {
                Literal::$literal(*self).into_token_stream()
            }
        })+
    };
}

integer!(u8: u8_unsuffixed, usize: usize_unsuffixed, i32: i32_unsuffixed, isize: isize_unsuffixed);

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
            v => Literal::f32_unsuffixed(v).into_token_stream(),
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

/// `$body` with `$t` standing for the Rust type of an element type; bools are bytes. Floats of 16 bits and fewer are their bits.
macro_rules! with_element {
    ($dtype:expr, $t:ident => $body:expr) => {
        $crate::ir::with_type!($dtype, $t => $body; Bool | U8 | Mini: u8, I8: i8, I16: i16, I32: i32, I64: i64,
            U16 | F16 | BF16: u16, U32: u32, U64: u64, F32: f32, F64: f64)
    };
}

/// `$body` with `$t` standing for the Rust type of bytes.
macro_rules! with_byte {
    ($dtype:expr, $t:ident => $body:expr) => {
        $crate::program::tokens::with_either!($dtype, I8: i8, u8, $t => $body)
    };
}

/// `$body` with `$t` standing for the Rust type of quantized numbers: of 8 or 16 bits.
macro_rules! with_level {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::ir::DType::I16 | $crate::ir::DType::U16 => {
                $crate::program::tokens::with_either!($dtype, I16: i16, u16, $t => $body)
            }
            _ => $crate::program::tokens::with_byte!($dtype, $t => $body),
        }
    };
}

/// `$body` with `$t` standing for the Rust type of indices.
macro_rules! with_index {
    ($dtype:expr, $t:ident => $body:expr) => {
        $crate::program::tokens::with_either!($dtype, I32: i32, i64, $t => $body)
    };
}

/// `$body` with `$t` standing for the one type if the element type is `$name`, else for the other.
macro_rules! with_either {
    ($dtype:expr, $name:ident: $one:ty, $other:ty, $t:ident => $body:expr) => {
        if $dtype == $crate::ir::DType::$name {
            type $t = $one;
            $body
        } else {
            type $t = $other;
            $body
        }
    };
}

/// `$body` with `$k` being the constant of a number from 0 to 8.
macro_rules! with_count {
    ($n:expr, $k:ident => $body:expr) => {
        with_count!(@ $n, $k, $body; 0, 1, 2, 3, 4, 5, 6, 7)
    };
    (@ $n:expr, $k:ident, $body:expr; $($i:literal),+) => {
        match $n {
            $($i => {
                const $k: usize = $i;
                $body
            })+
            _ => {
                const $k: usize = 8;
                $body
            }
        }
    };
}

/// Runs `$body` with `$cpu` bound to a CPU of `$kind` under a [`Numerics`](crate::ir::Numerics).
macro_rules! with_cpu {
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

pub(super) use {fields, with_byte, with_count, with_cpu, with_either, with_element, with_index, with_level};
