//! `map` and its forms. Emitted code passes the expression as a closure; in this process the expression is evaluated.

use std::sync::Arc;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::ir::{DType, Evaluate, Expr, ExprOp, Numerics, Op, Reference, Tensor, Type, row_major_strides};
use crate::program::closure::{closure, imports};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{Lit, with_element};

/// From how many elements on a row is copied as a whole.
const ROW: usize = 8;

/// How an operand is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapOperand {
    /// Element type.
    pub dtype: DType,
    /// Distance of neighbours along each dimension of the map, 0 where the operand is broadcast.
    pub strides: Vec<usize>,
}

/// An expression over broadcast operands. Arguments: the operands, then `y`; in place: the operands but one, then `xy`.
#[derive(Clone, Debug)]
pub struct MapCall {
    /// The expression; input `i` is operand `i`.
    pub expr: Expr,
    /// The operands.
    pub operands: Vec<MapOperand>,
    /// Dimensions, outermost first, neighbouring ones merged as far as all operands allow.
    pub dims: Vec<usize>,
    /// Element type of the result, which is dense.
    pub result: DType,
    /// The operand over which the result is written.
    pub over: Option<usize>,
}

impl MapCall {
    fn dtypes(&self) -> Vec<DType> {
        self.operands.iter().map(|o| o.dtype).collect()
    }

    fn fallible(&self) -> bool {
        self.expr.is_fallible(&self.dtypes())
    }

    /// Whether every operand is read like the result.
    fn is_flat(&self) -> bool {
        self.dims.len() <= 1 && self.operands.iter().all(|o| o.strides.iter().all(|&s| s == 1))
    }

    /// Where whole rows are chosen by a truth value each: the operands that say which, and that have the two rows.
    fn chosen_rows(&self) -> Option<[usize; 3]> {
        let ops = self.expr.ops();
        let input = |ix: usize| match ops[ix] {
            ExprOp::Input(i) => Some(i),
            _ => None,
        };
        let ExprOp::Select(which, yes, no) = ops[self.expr.result()] else { return None };
        let [which, yes, no] = [input(which)?, input(yes)?, input(no)?];
        let stride = |i: usize| self.operands[i].strides.last().copied();
        let rows = stride(which) == Some(0) && stride(yes) == Some(1) && stride(no) == Some(1);
        (rows && self.over != Some(which) && self.split().1 >= ROW).then_some([which, yes, no])
    }

    fn function(&self) -> &'static str {
        if self.chosen_rows().is_some() {
            return "select_rows";
        }
        match (self.is_flat(), self.over.is_some(), self.fallible()) {
            (true, false, false) => "map",
            (true, true, false) => "map_in_place",
            (true, false, true) => "try_map",
            (true, true, true) => "try_map_in_place",
            (false, false, false) => "map_nd",
            (false, true, false) => "map_nd_in_place",
            (false, false, true) => "try_map_nd",
            (false, true, true) => "try_map_nd_in_place",
        }
    }

    /// Operands that are passed as sources, by index.
    fn sources(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.operands.len()).filter(|&i| Some(i) != self.over)
    }

    /// Outer dimensions and the length of a row.
    fn split(&self) -> (&[usize], usize) {
        self.dims.split_last().map_or((&[][..], 1), |(&inner, outer)| (outer, inner))
    }

    /// How operand `i`, whose reference is `arg`, is passed.
    fn source(&self, i: usize, arg: &TokenStream) -> TokenStream {
        if self.is_flat() {
            return quote!(#arg);
        }
        let strides = &self.operands[i].strides;
        let (outer, inner) = strides.split_at(strides.len().saturating_sub(1));
        let outer = outer.lit();
        match inner.first().copied().unwrap_or(1) {
            0 => quote!(Splat(#arg, #outer)),
            1 => quote!(Dense(#arg, #outer)),
            step => {
                let step = step.lit();
                quote!(Strided(#arg, #outer, #step))
            }
        }
    }
}

impl KernelCall for MapCall {
    fn name(&self) -> &'static str {
        self.function()
    }

    fn describe(&self) -> String {
        format!("{} over {:?}", self.expr, self.dims)
    }

    fn roles(&self) -> Vec<String> {
        let last = if self.over.is_some() { "xy" } else { "y" };
        self.sources().map(|i| format!("x{i}")).chain([last.to_string()]).collect()
    }

    fn uses(&self) -> Vec<&'static str> {
        if self.chosen_rows().is_some() {
            let map = ["kernels::map::Map", "kernels::map::Splat", "kernels::map::Dense"];
            return [["kernels::select_rows::select_rows"].as_slice(), &map].concat();
        }
        let mut uses = imports(&self.expr, &self.dtypes());
        uses.push(match self.function() {
            "map" => "kernels::map::map",
            "map_in_place" => "kernels::map::map_in_place",
            "try_map" => "kernels::map::try_map",
            "try_map_in_place" => "kernels::map::try_map_in_place",
            "map_nd" => "kernels::map::map_nd",
            "map_nd_in_place" => "kernels::map::map_nd_in_place",
            "try_map_nd" => "kernels::map::try_map_nd",
            _ => "kernels::map::try_map_nd_in_place",
        });
        if !self.is_flat() {
            uses.push("kernels::map::Map");
            let inner = |i: usize| self.operands[i].strides.last().copied().unwrap_or(1);
            let inner: Vec<usize> = self.sources().map(inner).collect();
            uses.extend(inner.contains(&1).then_some("kernels::map::Dense"));
            uses.extend(inner.contains(&0).then_some("kernels::map::Splat"));
            uses.extend(inner.iter().any(|&s| s > 1).then_some("kernels::map::Strided"));
        }
        if self.fallible() {
            uses.push("error::DataError");
        }
        uses
    }

    fn params(&self) -> Option<Params> {
        if self.is_flat() {
            return None;
        }
        let (outer, inner) = self.split();
        let y = row_major_strides(&self.dims)[..outer.len()].lit();
        let (n, outer, inner) = (outer.len().lit(), outer.lit(), inner.lit());
        Some(Params {
            ty: quote!(Map<#n>),
            value: quote!(Map { outer: #outer, inner: #inner, y: #y }),
            uses: Vec::new(),
        })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let function = format_ident!("{}", self.function());
        let y = &args[args.len() - 1];
        if let Some([which, yes, no]) = self.chosen_rows() {
            // The one over which the result is written has no reference of its own.
            let given = |i: usize| {
                self.sources().zip(args).find(|(source, _)| *source == i).map(|(_, arg)| self.source(i, arg))
            };
            let row = |i: usize| given(i).map_or(quote!(None), |row| quote!(Some(#row)));
            let (which, yes, no) = (given(which), row(yes), row(no));
            return quote!(select_rows(&P, #which, #yes, #no, #y));
        }
        let sources: Vec<TokenStream> = self.sources().zip(args).map(|(i, a)| self.source(i, a)).collect();
        let sources = match sources.as_slice() {
            [one] => one.clone(),
            many => quote!((#(#many),*)),
        };
        let f = closure(&self.expr, &self.dtypes(), self.over);
        if self.is_flat() {
            quote!(#function(cpu, #sources, #y, #f))
        } else {
            quote!(#function(cpu, &P, #sources, #y, #f))
        }
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let last = self.operands.len() - usize::from(self.over.is_some());
        with_element!(self.result, Y => {
            let y: &mut [Y] = args.take(last);
            let operands: Vec<Tensor> = (0..self.operands.len())
                .map(|i| {
                    let o = &self.operands[i];
                    if Some(i) == self.over {
                        return self.dense(o, bytemuck::cast_slice::<Y, u8>(y));
                    }
                    with_element!(o.dtype, X => self.dense(o, bytemuck::cast_slice::<X, u8>(args.pull())))
                })
                .collect();
            let op = Op::Map { expr: self.expr.clone() };
            let results = Reference { numerics }
                .evaluate(&op, &operands.iter().collect::<Vec<_>>())
                .map_err(|_| RunError::DivisionByZero)?;
            bytemuck::cast_slice_mut::<Y, u8>(y).copy_from_slice(results[0].data());
        });
        Ok(())
    }

    fn is_fallible(&self) -> bool {
        self.fallible()
    }

    fn in_place(&self, (read, _): (usize, usize)) -> Option<Arc<dyn KernelCall>> {
        let MapOperand { dtype, strides } = &self.operands[read];
        let is_alike = *dtype == self.result && *strides == row_major_strides(&self.dims);
        is_alike.then(|| Arc::new(MapCall { over: Some(read), ..self.clone() }) as Arc<_>)
    }
}

impl MapCall {
    /// An operand with its broadcast dimensions repeated.
    fn dense(&self, operand: &MapOperand, bytes: &[u8]) -> Tensor {
        let size = operand.dtype.size();
        let ty = Type::new(operand.dtype, self.dims.clone());
        if operand.strides == row_major_strides(&self.dims) {
            let len = ty.bytes();
            return Tensor::from_bytes(ty, bytes::Bytes::copy_from_slice(&bytes[..len])).expect("the plan fits");
        }
        let mut data = Vec::with_capacity(ty.bytes());
        let mut at = vec![0; self.dims.len()];
        for _ in 0..ty.elements() {
            let offset: usize = at.iter().zip(&operand.strides).map(|(a, s)| a * s).sum();
            data.extend_from_slice(&bytes[offset * size..][..size]);
            for d in (0..at.len()).rev() {
                at[d] += 1;
                if at[d] < self.dims[d] {
                    break;
                }
                at[d] = 0;
            }
        }
        Tensor::from_bytes(ty, data.into()).expect("the plan fits")
    }
}
