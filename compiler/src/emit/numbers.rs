//! What the numbers of inputs and outputs mean: constants of quantization, functions between integers and real numbers, and words for
//! documentation.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::model::Writer;
use super::pieces::ident;
use super::ports::port_const;
use super::words::in_doc;
use crate::ir::{DType, ImageOrder, Quantization};
use crate::program::{Port, Program, rust_type};

/// The least and the largest number of an integer type of 8 or 16 bits.
fn bounds(dtype: DType) -> [i32; 2] {
    if dtype == DType::I8 {
        [-128, 127]
    } else if dtype == DType::U8 {
        [0, 255]
    } else if dtype == DType::I16 {
        [-32768, 32767]
    } else {
        [0, 65535]
    }
}

/// The real numbers that an input or output can stand for, from the least to the largest.
pub(crate) fn range(port: &Port, quantization: Quantization) -> [f32; 2] {
    bounds(port.ty.dtype).map(|q| quantization.real(q))
}

/// What a port's integers stand for, in words.
pub(super) fn quantized(program: &Program, port: &Port) -> Option<String> {
    let quantization = program.quantization(port)?;
    let [low, high] = range(port, quantization);
    let Quantization { scale, zero } = quantization;
    let shifted = match zero {
        0 => "q".to_string(),
        ..0 => format!("(q + {})", -zero),
        _ => format!("(q - {zero})"),
    };
    Some(format!("`q` stands for `{shifted} * {scale}`, a number from {low} to {high}"))
}

/// What the dimensions of a port are, in words.
pub(super) fn dimensions(program: &Program, port: &Port) -> Option<&'static str> {
    program.image_order(port).map(|order| match order {
        ImageOrder::Nchw => "batch, channels, height, width (NCHW)",
        ImageOrder::Nhwc => "batch, height, width, channels (NHWC)",
    })
}

/// Whether some output has scores of which one can be the largest.
pub(super) fn has_scores(program: &Program) -> bool {
    let is_number = |d: DType| d != DType::Bool && !d.is_half() && !matches!(d, DType::Mini(_));
    program.outputs.iter().any(|p| is_number(p.ty.dtype) && p.ty.elements() > 1)
}

/// What a product of floats says of rounding is of no concern to a model that has none.
pub(super) fn has_float_products(program: &Program) -> bool {
    let of_floats =
        |step: &crate::program::Step| step.macs > 0 && step.operands.first().is_some_and(|t| t.dtype.is_float());
    program.steps.iter().any(of_floats)
}

impl Writer<'_> {
    /// Scale, zero point and real range of each quantized input and output.
    pub(super) fn quantization_consts(&self) -> Vec<TokenStream> {
        let (program, names) = (self.program, self.names);
        let inputs = program.inputs.iter().enumerate().map(|(at, p)| ("input", at, p, &names.inputs));
        let outputs = program.outputs.iter().enumerate().map(|(at, p)| ("output", at, p, &names.outputs));
        let consts = |(kind, at, port, names): (&str, usize, &Port, &Vec<String>)| {
            let quantization = program.quantization(port)?;
            let id = |what| port_const(kind, names, at, what);
            let (scale_id, zero_id, range_id) = (id("SCALE"), id("ZERO_POINT"), id("RANGE"));
            let of = in_doc(&port.name);
            let scale_doc = format!(" The real number between neighbouring integers of the {kind} {of}.");
            let zero_doc = format!(" The integer of the {kind} {of} that stands for 0.");
            let range_doc = format!(" The least and the largest real number of the {kind} {of}.");
            let [low, high] = range(port, quantization).map(real);
            let (scale, zero) = (real(quantization.scale), Literal::i32_unsuffixed(quantization.zero));
            Some(quote! {
                #[doc = #scale_doc]
                pub const #scale_id: f32 = #scale;
                #[doc = #zero_doc]
                pub const #zero_id: i32 = #zero;
                #[doc = #range_doc]
                pub const #range_id: [f32; 2] = [#low, #high];
            })
        };
        inputs.chain(outputs).filter_map(consts).collect()
    }

    /// Functions of `Model` between real numbers and the integers that stand for them.
    pub(super) fn conversions(&self) -> Vec<TokenStream> {
        let (program, names) = (self.program, self.names);
        let name = |what: &str, names: &[String], at: usize| match names {
            [_] => ident(what),
            _ => ident(&format!("{what}_{}", names[at])),
        };
        let mut functions = Vec::new();
        for (at, port) in program.inputs.iter().enumerate().filter(|(_, p)| program.quantization(p).is_some()) {
            let doc = format!(
                " The number of the input {} that stands for `x`: the nearest, ties to even, and the last one for what is beyond. That for NaN is 0.",
                in_doc(&port.name)
            );
            let (function, ty) = (name("quantize", &names.inputs, at), rust_type(port.ty.dtype));
            let id = |what| port_const("input", &names.inputs, at, what);
            let (scale, zero) = (id("SCALE"), id("ZERO_POINT"));
            let [low, high] = bounds(port.ty.dtype).map(Literal::i32_unsuffixed);
            functions.push(quote! {
                #[doc = #doc]
                #[must_use]
                pub fn #function(x: f32) -> #ty {
                    super::rt::math::quantize::quantize(x / #scale, #zero, #low, #high) as #ty
                }
            });
        }
        for (at, port) in program.outputs.iter().enumerate().filter(|(_, p)| program.quantization(p).is_some()) {
            let doc = format!(" The real number that `q` stands for in the output {}.", in_doc(&port.name));
            let (function, ty) = (name("dequantize", &names.outputs, at), rust_type(port.ty.dtype));
            let id = |what| port_const("output", &names.outputs, at, what);
            let (scale, zero) = (id("SCALE"), id("ZERO_POINT"));
            functions.push(quote! {
                #[doc = #doc]
                #[must_use]
                pub fn #function(q: #ty) -> f32 {
                    (i32::from(q) - #zero) as f32 * #scale
                }
            });
        }
        functions
    }
}

/// A float as a literal; what is not finite by its name.
fn real(x: f32) -> TokenStream {
    match x {
        x if x.is_nan() => quote!(f32::NAN),
        x if x == f32::INFINITY => quote!(f32::INFINITY),
        x if x == f32::NEG_INFINITY => quote!(f32::NEG_INFINITY),
        x => {
            let literal = Literal::f32_unsuffixed(x.abs());
            if x.is_sign_negative() && x != 0.0 { quote!(-#literal) } else { quote!(#literal) }
        }
    }
}
