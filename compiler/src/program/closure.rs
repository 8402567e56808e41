//! Scalar expressions as Rust closures.
//!
//! The operations are those of the naive reference, with the runtime's elementary functions, so that emitted code and
//! reference agree to the bit. Bools are bytes in memory and `bool` within the closure.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::tokens::Lit;
use crate::ir::{BinaryOp, DType, Expr, ExprIx, ExprOp, Scalar, UnaryOp, with_math};

/// A scalar with its type's suffix; bools as the bytes they are stored as.
pub fn scalar_lit(v: Scalar) -> TokenStream {
    let l = match v {
        Scalar::Bool(v) => Literal::u8_suffixed(v.into()),
        Scalar::I8(v) => Literal::i8_suffixed(v),
        Scalar::I16(v) => Literal::i16_suffixed(v),
        Scalar::I32(v) => Literal::i32_suffixed(v),
        Scalar::I64(v) => Literal::i64_suffixed(v),
        Scalar::U8(v) => Literal::u8_suffixed(v),
        Scalar::U16(v) => Literal::u16_suffixed(v),
        Scalar::U32(v) => Literal::u32_suffixed(v),
        Scalar::U64(v) => Literal::u64_suffixed(v),
        Scalar::F16(v) => Literal::u16_suffixed(v.to_bits()),
        Scalar::BF16(v) => Literal::u16_suffixed(v.to_bits()),
        Scalar::Mini(_, code) => Literal::u8_suffixed(code),
        Scalar::F32(v) if v.is_finite() => Literal::f32_suffixed(v),
        Scalar::F64(v) if v.is_finite() => Literal::f64_suffixed(v),
        Scalar::F32(v) => return v.lit(),
        Scalar::F64(v) if v.is_nan() => return quote!(f64::NAN),
        Scalar::F64(v) if v > 0.0 => return quote!(f64::INFINITY),
        Scalar::F64(_) => return quote!(f64::NEG_INFINITY),
    };
    quote!(#l)
}

/// The Rust type of an element type, in memory; floats of 16 bits and fewer are their bits.
pub fn rust_type(dtype: DType) -> TokenStream {
    match dtype {
        DType::Bool | DType::Mini(_) => quote!(u8),
        DType::F16 | DType::BF16 => quote!(u16),
        other => {
            let name = format_ident!("{}", other.name());
            quote!(#name)
        }
    }
}

macro_rules! f32_functions {
    ($($name:ident: $f:ident),*) => {
        /// The elementary function of the runtime that an operation on f32 calls: its name and its path.
        fn f32_function(op: UnaryOp) -> Option<(&'static str, &'static str)> {
            match op {
                $(UnaryOp::$name => Some((stringify!($f), concat!("math::", stringify!($f), "::", stringify!($f)))),)*
                _ => None,
            }
        }

        /// The same of an operation on f64.
        fn f64_function(op: UnaryOp) -> Option<(&'static str, &'static str)> {
            match op {
                $(UnaryOp::$name => Some((
                    concat!(stringify!($f), "_f64"),
                    concat!("math::", stringify!($f), "_f64::", stringify!($f), "_f64"),
                )),)*
                _ => None,
            }
        }
    };
}

with_math!(f32_functions!());

/// The elementary function of the runtime that an operation on floats calls: its name and its path.
fn function(op: UnaryOp, ty: DType) -> Option<(&'static str, &'static str)> {
    if ty == DType::F64 { f64_function(op) } else { f32_function(op) }
}

/// The functions of the runtime from the bits of a float of 16 bits or fewer to f32 and back: their names and paths.
fn coded(dtype: DType) -> Option<[(&'static str, &'static str); 2]> {
    match dtype {
        DType::F16 => Some([("from_f16", "math::half::from_f16"), ("to_f16", "math::half::to_f16")]),
        DType::BF16 => Some([("from_bf16", "math::brain::from_bf16"), ("to_bf16", "math::brain::to_bf16")]),
        DType::Mini(format) => Some(format.functions()),
        DType::Bool | DType::F32 | DType::F64 => None,
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => None,
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => None,
    }
}

/// A number as a byte: `clamp(round(x) + zero, lo, hi)` of f32, converted, which is one function of the runtime.
struct Quantized {
    /// The number.
    x: ExprIx,
    zero: i32,
    lo: i32,
    hi: i32,
    /// The operations on the way, which nothing else uses.
    inner: [ExprIx; 4],
}

/// Whether an operation is the last of such a chain.
fn quantized(expr: &Expr, types: &[DType], uses: &[usize], ix: ExprIx) -> Option<Quantized> {
    let ops = expr.ops();
    let constant = |ix: ExprIx| match ops[ix] {
        ExprOp::Const(v) => Some(v.to_f64()),
        ExprOp::Cast(DType::F32, of) => match ops[of] {
            ExprOp::Const(v) => Some(v.to_f64()),
            _ => None,
        },
        _ => None,
    };
    let whole = |ix: ExprIx| constant(ix).filter(|v| v.fract() == 0.0 && v.abs() <= 255.0).map(|v| v as i32);
    let ExprOp::Cast(DType::I8 | DType::U8, min) = ops[ix] else { return None };
    let ExprOp::Binary(BinaryOp::Min, max, hi) = ops[min] else { return None };
    let ExprOp::Binary(BinaryOp::Max, add, lo) = ops[max] else { return None };
    let ExprOp::Binary(BinaryOp::Add, round, zero) = ops[add] else { return None };
    let ExprOp::Unary(UnaryOp::Round, x) = ops[round] else { return None };
    let (zero, lo, hi, inner) = (whole(zero)?, whole(lo)?, whole(hi)?, [min, max, add, round]);
    let is_plain = types[x] == DType::F32 && inner.iter().all(|&i| uses[i] == 1);
    let is_near = lo <= hi && [lo, hi].iter().all(|q| (q - zero).abs() <= 255);
    (is_plain && is_near).then_some(Quantized { x, zero, lo, hi, inner })
}

/// How many operations use each.
fn uses(expr: &Expr) -> Vec<usize> {
    let mut uses = vec![0; expr.ops().len()];
    expr.ops().iter().flat_map(ExprOp::operands).for_each(|o| uses[o] += 1);
    uses
}

/// What the closure of an expression imports from the runtime.
pub(super) fn imports(expr: &Expr, inputs: &[DType]) -> Vec<&'static str> {
    let types = expr.types(inputs).unwrap_or_default();
    let counts = uses(expr);
    let chains: Vec<Quantized> = match types.len() {
        0 => Vec::new(),
        n => (0..n).filter_map(|ix| quantized(expr, &types, &counts, ix)).collect(),
    };
    let mut uses: Vec<&str> = if chains.is_empty() { Vec::new() } else { vec!["math::quantize::quantize"] };
    let mut converters = Vec::new();
    for (_, op) in expr.ops().iter().enumerate().filter(|(ix, _)| !chains.iter().any(|q| q.inner.contains(ix))) {
        uses.extend(match *op {
            ExprOp::Unary(op, a) => function(op, types[a]).map(|(_, path)| path),
            ExprOp::Binary(BinaryOp::Pow, a, _) if types[a] == DType::F64 => Some("math::pow_f64::pow_f64"),
            ExprOp::Binary(BinaryOp::Pow, a, _) if types[a] == DType::F32 => Some("math::pow::pow"),
            ExprOp::Binary(BinaryOp::Pow, ..) => Some("kernels::integer::Integer"),
            ExprOp::Binary(BinaryOp::Max, a, _) if types[a] == DType::F32 => Some("math::minmax::max"),
            ExprOp::Binary(BinaryOp::Min, a, _) if types[a] == DType::F32 => Some("math::minmax::min"),
            ExprOp::Binary(BinaryOp::Max | BinaryOp::Min, a, _) if types[a] == DType::F64 => {
                Some("kernels::number::Number")
            }
            ExprOp::Cast(to, a) if to != types[a] => {
                converters.extend(coded(types[a]).map(|[decode, _]| decode.1));
                converters.extend(coded(to).map(|[_, encode]| encode.1));
                None
            }
            _ => None,
        });
    }
    uses.extend(converters);
    uses.sort_unstable();
    uses.dedup();
    uses
}

/// Why an expression cannot be a closure: an operation or a type that emitted code has no function for.
pub fn unsupported(expr: &Expr, inputs: &[DType]) -> Option<String> {
    let types = match expr.types(inputs) {
        Ok(types) => types,
        Err(e) => return Some(e),
    };
    expr.ops().iter().zip(&types).find_map(|(op, &ty)| match *op {
        ExprOp::Unary(..) | ExprOp::Binary(..) if op.operands().any(|o| types[o].is_half()) => {
            Some(format!("arithmetic on {ty}"))
        }
        _ => None,
    })
}

/// The closure of an expression: its parameters are the operands as `map` passes them, that of `over` first and alone.
pub(super) fn closure(expr: &Expr, inputs: &[DType], over: Option<usize>) -> TokenStream {
    let types = expr.types(inputs).expect("lowering has checked the expression");
    let printer = Printer { expr, types: &types, names: names(inputs.len()) };
    let body = printer.body(expr.is_fallible(inputs));
    // A parameter that is unused would be a warning; every operand is read, but an in-place result may not read its own.
    let read = |i: usize| expr.ops().contains(&ExprOp::Input(i));
    let param = |i: usize| {
        let name = &printer.names[i];
        if read(i) { quote!(#name) } else { quote!(_) }
    };
    let params: Vec<TokenStream> = (0..inputs.len()).filter(|&i| Some(i) != over).map(param).collect();
    let tuple = match params.as_slice() {
        [one] => one.clone(),
        many => quote!((#(#many),*)),
    };
    match over {
        Some(i) => {
            let first = param(i);
            quote!(|#first, #tuple| #body)
        }
        None => quote!(|#tuple| #body),
    }
}

/// Names of the operands: a, b, c ..
fn names(n: usize) -> Vec<Ident> {
    (0..n).map(|i| format_ident!("{}", char::from(b'a' + (i % 26) as u8))).collect()
}

struct Printer<'a> {
    expr: &'a Expr,
    types: &'a [DType],
    names: Vec<Ident>,
}

impl Printer<'_> {
    /// The whole body: operations that are used twice become variables.
    fn body(&self, fallible: bool) -> TokenStream {
        let ops = self.expr.ops();
        let uses = uses(self.expr);
        let mut texts: Vec<TokenStream> = Vec::with_capacity(ops.len());
        let mut lets = Vec::new();
        for (ix, op) in ops.iter().enumerate() {
            let text = match quantized(self.expr, self.types, &uses, ix) {
                Some(q) => quantize(&q, self.types[ix], &texts[q.x]),
                None => self.op(op, &texts),
            };
            let is_leaf = matches!(op, ExprOp::Input(_) | ExprOp::Const(_));
            if uses[ix] > 1 && (!is_leaf || (matches!(op, ExprOp::Input(_)) && self.types[ix] == DType::Bool)) {
                let (name, text) = (format_ident!("t{}", lets.len()), strip_parens(text));
                lets.push(quote!(let #name = #text;));
                texts.push(quote!(#name));
            } else {
                texts.push(text);
            }
        }
        let mut result = strip_parens(texts.pop().unwrap_or_default());
        if self.types.last() == Some(&DType::Bool) {
            result = quote!(u8::from(#result));
        }
        if fallible {
            result = quote!(Ok(#result));
        }
        if lets.is_empty() { result } else { quote!({ #(#lets)* #result }) }
    }

    fn op(&self, op: &ExprOp, texts: &[TokenStream]) -> TokenStream {
        match *op {
            ExprOp::Input(n) => {
                let name = &self.names[n];
                if self.types[self.position(op)] == DType::Bool { quote!((#name != 0)) } else { quote!(#name) }
            }
            ExprOp::Const(Scalar::Bool(v)) => quote!(#v),
            ExprOp::Const(v) => {
                let lit = scalar_lit(v);
                if v.to_f64() < 0.0 { quote!((#lit)) } else { lit }
            }
            ExprOp::Unary(op, a) => unary(op, self.types[a], &texts[a]),
            ExprOp::Binary(op, a, b) => {
                let nonzero = matches!(self.expr.ops()[b], ExprOp::Const(c) if c.bits() != 0);
                binary(op, self.types[a], [&texts[a], &texts[b]], nonzero)
            }
            ExprOp::Select(c, a, b) => {
                let (c, a, b) =
                    (strip_parens(texts[c].clone()), strip_parens(texts[a].clone()), strip_parens(texts[b].clone()));
                quote!((if #c { #a } else { #b }))
            }
            ExprOp::Cast(to, a) => cast(self.types[a], to, &texts[a]),
            ExprOp::BitCast(to, a) => bit_cast(self.types[a], to, &texts[a]),
        }
    }

    fn position(&self, op: &ExprOp) -> ExprIx {
        self.expr.ops().iter().position(|o| o == op).unwrap_or(0)
    }
}

/// A text without the parentheses around all of it.
fn strip_parens(text: TokenStream) -> TokenStream {
    let mut trees = text.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(proc_macro2::TokenTree::Group(g)), None) if g.delimiter() == proc_macro2::Delimiter::Parenthesis => {
            g.stream()
        }
        _ => text,
    }
}

fn unary(op: UnaryOp, ty: DType, a: &TokenStream) -> TokenStream {
    if let Some((name, _)) = function(op, ty) {
        let name = format_ident!("{name}");
        let a = strip_parens(a.clone());
        return quote!(#name(#a));
    }
    let (float, unsigned, rust) = (ty.is_float(), !ty.is_signed(), rust_type(ty));
    match op {
        UnaryOp::Neg if float => quote!((-#a)),
        UnaryOp::Neg => quote!(#a.wrapping_neg()),
        UnaryOp::Abs if float => quote!(#a.abs()),
        UnaryOp::Abs if unsigned => quote!(#a),
        UnaryOp::Abs => quote!(#a.wrapping_abs()),
        UnaryOp::Sign if float => {
            // Both zeros plus +0 are +0; NaN stays NaN.
            quote!((if #a > 0.0 { 1.0 } else if #a < 0.0 { -1.0 } else { #a + 0.0 }))
        }
        UnaryOp::Sign if unsigned => quote!(#a.min(1)),
        UnaryOp::Sign => quote!(#a.signum()),
        UnaryOp::Reciprocal => quote!((1.0 / #a)),
        UnaryOp::Not | UnaryOp::BitNot => quote!((!#a)),
        UnaryOp::IsNan => quote!(#a.is_nan()),
        UnaryOp::IsPosInf => quote!((#a == #rust::INFINITY)),
        UnaryOp::IsNegInf => quote!((#a == #rust::NEG_INFINITY)),
        _ => unreachable!("has an elementary function"),
    }
}

fn binary(op: BinaryOp, ty: DType, [a, b]: [&TokenStream; 2], nonzero: bool) -> TokenStream {
    let (float, int, bare) = (ty.is_float(), ty.is_int(), strip_parens(b.clone()));
    let function = |name: &str| {
        let (name, a) = (format_ident!("{name}"), strip_parens(a.clone()));
        quote!(#name(#a, #bare))
    };
    let method = |name: &str| {
        let name = format_ident!("{name}");
        quote!(#a.#name(#bare))
    };
    // An integer division by a constant cannot fail; by a run-time value it is checked.
    let division = |wrapping: &str, checked: TokenStream| {
        if nonzero {
            method(wrapping)
        } else {
            quote!((if #b == 0 { return Err(DataError::DivisionByZero) } else { #checked }))
        }
    };
    match op {
        BinaryOp::Add if int => method("wrapping_add"),
        BinaryOp::Sub if int => method("wrapping_sub"),
        BinaryOp::Mul if int => method("wrapping_mul"),
        BinaryOp::Div if int => division("wrapping_div", quote!(#a.wrapping_div(#b))),
        BinaryOp::Fmod if int => division("wrapping_rem", quote!(#a.wrapping_rem(#b))),
        BinaryOp::Mod if int => modulo(ty, a, b, nonzero),
        BinaryOp::Add => quote!((#a + #b)),
        BinaryOp::Sub => quote!((#a - #b)),
        BinaryOp::Mul => quote!((#a * #b)),
        BinaryOp::Div => quote!((#a / #b)),
        BinaryOp::Fmod => quote!((#a % #b)),
        BinaryOp::Mod => {
            quote!({ let (d, r) = (#b, #a % #b); if r != 0.0 && (r < 0.0) != (d < 0.0) { r + d } else { r } })
        }
        BinaryOp::Pow if int => method("power"),
        BinaryOp::Pow if ty == DType::F64 => function("pow_f64"),
        BinaryOp::Pow => function("pow"),
        BinaryOp::Max if float && ty == DType::F32 => function("max"),
        BinaryOp::Min if float && ty == DType::F32 => function("min"),
        BinaryOp::Max if float => quote!(Number::max(#a, #b)),
        BinaryOp::Min if float => quote!(Number::min(#a, #b)),
        BinaryOp::Max => method("max"),
        BinaryOp::Min => method("min"),
        BinaryOp::Eq => quote!((#a == #b)),
        BinaryOp::Lt => quote!((#a < #b)),
        BinaryOp::Le => quote!((#a <= #b)),
        BinaryOp::And => quote!((#a && #b)),
        BinaryOp::Or => quote!((#a || #b)),
        BinaryOp::Xor if ty == DType::Bool => quote!((#a != #b)),
        BinaryOp::Xor | BinaryOp::BitXor => quote!((#a ^ #b)),
        BinaryOp::BitAnd => quote!((#a & #b)),
        BinaryOp::BitOr => quote!((#a | #b)),
        BinaryOp::Shl => quote!(u32::try_from(#bare).ok().and_then(|n| #a.checked_shl(n)).unwrap_or(0)),
        BinaryOp::Shr => quote!(u32::try_from(#bare).ok().and_then(|n| #a.checked_shr(n)).unwrap_or(0)),
    }
}

/// The remainder with the sign of the divisor.
fn modulo(ty: DType, a: &TokenStream, b: &TokenStream, nonzero: bool) -> TokenStream {
    let remainder = if ty.is_signed() {
        quote!({ let (d, r) = (#b, #a.wrapping_rem(#b)); if r != 0 && (r ^ d) < 0 { r.wrapping_add(d) } else { r } })
    } else {
        quote!(#a.wrapping_rem(#b))
    };
    if nonzero {
        return remainder;
    }
    quote!((if #b == 0 { return Err(DataError::DivisionByZero) } else { #remainder }))
}

fn quantize(q: &Quantized, to: DType, x: &TokenStream) -> TokenStream {
    let (to, x) = (rust_type(to), strip_parens(x.clone()));
    let [zero, lo, hi] = [q.zero, q.lo, q.hi].map(Literal::i32_unsuffixed);
    quote!((quantize(#x, #zero, #lo, #hi) as #to))
}

fn cast(from: DType, to: DType, a: &TokenStream) -> TokenStream {
    let (rust, bare) = (rust_type(to), strip_parens(a.clone()));
    match (from, to) {
        (f, t) if f == t => quote!(#a),
        (f, t) if coded(f).is_some() || coded(t).is_some() => {
            // By way of f32, which holds every number of the smaller types.
            let call = |function: &str, x: TokenStream| {
                let (function, x) = (format_ident!("{function}"), strip_parens(x));
                quote!(#function(#x))
            };
            let wide = match coded(f) {
                Some([(decode, _), _]) => call(decode, quote!(#a)),
                None => cast(f, DType::F32, a),
            };
            match coded(t) {
                Some([_, (encode, _)]) => call(encode, wide),
                None => cast(DType::F32, t, &wide),
            }
        }
        (DType::Bool, t) if t.is_float() => quote!((u8::from(#bare) as #rust)),
        (DType::Bool, _) => quote!(#rust::from(#bare)),
        (f, DType::Bool) if f.is_float() => quote!((#a != 0.0)),
        (_, DType::Bool) => quote!((#a != 0)),
        _ => quote!((#a as #rust)),
    }
}

/// The same bits in another type.
fn bit_cast(from: DType, to: DType, a: &TokenStream) -> TokenStream {
    let is_float = |dtype: DType| matches!(dtype, DType::F32 | DType::F64);
    let bits = if is_float(from) { quote!(#a.to_bits()) } else { a.clone() };
    let (rust, bare) = (rust_type(to), strip_parens(bits.clone()));
    match to {
        DType::F32 => quote!(f32::from_bits(#bare as u32)),
        DType::F64 => quote!(f64::from_bits(#bare as u64)),
        _ => quote!((#bits as #rust)),
    }
}
