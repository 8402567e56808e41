//! What goes along one dimension: `reduce_sum` and the like, `arg_max`, `arg_min`, `softmax`, `log_softmax`, `norm`, `cumulative_sum`,
//! `cumulative_product` and `top_k`.

use zant_runtime::kernels::arg::Arg;
use zant_runtime::kernels::cumulative::Cumulative;
use zant_runtime::kernels::norm::Norm;
use zant_runtime::kernels::reduce::Reduce;
use zant_runtime::kernels::softmax::Softmax;
use zant_runtime::kernels::topk::TopK;

use crate::ir::{DType, ReduceKind};
use crate::program::bind::{bind, kernel, params};
use crate::program::tokens::with_element;

kernel! {
    /// A reduction of the middle of three dimensions.
    pub struct ReduceCall {
        /// Element type.
        pub dtype: DType,
        /// What is computed.
        pub kind: ReduceKind,
        /// The kernel's parameters.
        pub params: Reduce,
    }
    describe(c) => format!("[{}, {}, {}]", c.params.outer, c.params.n, c.params.inner);
    params(c) => params!(kernels::reduce, Reduce { outer, n, inner }, c.params);
    bound(c, p) => {
        // Kernels for f32 and for other types bear one name: the module tells them apart.
        if c.dtype == DType::F32 {
            return match c.kind {
                ReduceKind::Sum => bind!(kernels: |x: &[f32], y: &mut [f32]| reduce_f32::reduce_sum(cpu, &p, x, y)),
                ReduceKind::Prod => bind!(kernels: |x: &[f32], y: &mut [f32]| reduce_f32::reduce_prod(cpu, &p, x, y)),
                ReduceKind::Max => bind!(kernels: |x: &[f32], y: &mut [f32]| reduce_f32::reduce_max(cpu, &p, x, y)),
                ReduceKind::Min => bind!(kernels: |x: &[f32], y: &mut [f32]| reduce_f32::reduce_min(cpu, &p, x, y)),
            };
        }
        with_element!(c.dtype, T => match c.kind {
            ReduceKind::Sum => bind!(kernels: |x: &[T], y: &mut [T]| reduce::reduce_sum(&p, x, y)),
            ReduceKind::Prod => bind!(kernels: |x: &[T], y: &mut [T]| reduce::reduce_prod(&p, x, y)),
            ReduceKind::Max => bind!(kernels: |x: &[T], y: &mut [T]| reduce::reduce_max(&p, x, y)),
            ReduceKind::Min => bind!(kernels: |x: &[T], y: &mut [T]| reduce::reduce_min(&p, x, y)),
        })
    };
}

kernel! {
    /// Index of the extreme element.
    pub struct ArgCall {
        /// Element type of `x`.
        pub dtype: DType,
        /// Largest, else smallest.
        pub max: bool,
        /// The kernel's parameters.
        pub params: Arg,
    }
    describe(c) => format!("[{}, {}, {}]", c.params.outer, c.params.n, c.params.inner);
    params(c) => params!(kernels::arg, Arg { outer, n, inner, last }, c.params);
    bound(c, p) => with_element!(c.dtype, T => match c.max {
        true => bind!(kernels::arg: |x: &[T], y: &mut [i64]| arg_max(&p, x, y)),
        false => bind!(kernels::arg: |x: &[T], y: &mut [i64]| arg_min(&p, x, y)),
    });
}

kernel! {
    /// Softmax of f64 or its logarithm.
    pub struct SoftmaxF64Call {
        /// Logarithm of the result.
        pub log: bool,
        /// The kernel's parameters.
        pub params: Softmax,
    }
    describe(c) => format!("[{}, {}, {}]", c.params.outer, c.params.n, c.params.inner);
    params(c) => params!(kernels::softmax, Softmax { outer, n, inner }, c.params);
    bound(c, p) => match c.log {
        false => bind!(kernels::softmax_f64: |x: &[f64], y: &mut [f64]| softmax_f64(&p, x, y)),
        true => bind!(kernels::softmax_f64: |x: &[f64], y: &mut [f64]| log_softmax_f64(&p, x, y)),
    };
}

kernel! {
    /// Softmax of f32 or its logarithm.
    pub struct SoftmaxCall {
        /// Logarithm of the result.
        pub log: bool,
        /// The kernel's parameters.
        pub params: Softmax,
        /// Whether the result takes the operand's place.
        pub in_place: bool,
    }
    describe(c) => format!("[{}, {}, {}]", c.params.outer, c.params.n, c.params.inner);
    params(c) => params!(kernels::softmax, Softmax { outer, n, inner }, c.params);
    bound(c, p) => match (c.log, c.in_place) {
        (false, false) => bind!(kernels::softmax: |x: &[f32], y: &mut [f32]| softmax(cpu, &p, x, y)),
        (false, true) => bind!(kernels::softmax: |xy: &mut [f32]| softmax_in_place(cpu, &p, xy)),
        (true, false) => bind!(kernels::softmax: |x: &[f32], y: &mut [f32]| log_softmax(cpu, &p, x, y)),
        (true, true) => bind!(kernels::softmax: |xy: &mut [f32]| log_softmax_in_place(cpu, &p, xy)),
    };
    in_place(c, _) => true;
}

kernel! {
    /// Rows of f32 normalized. Scale and bias may be empty.
    pub struct NormCall {
        /// The kernel's parameters.
        pub params: Norm,
        /// Whether the result takes the operand's place.
        pub in_place: bool,
    }
    describe(c) => {
        let center = if c.params.center { ", centered" } else { "" };
        format!("[{}, {}], epsilon {:?}{center}", c.params.outer, c.params.n, c.params.epsilon)
    };
    params(c) => params!(kernels::norm, Norm { outer, n, epsilon, center }, c.params);
    bound(c, p) => match c.in_place {
        true => bind!(kernels::norm:
            |scale: &[f32], bias: &[f32], xy: &mut [f32]| norm_in_place(cpu, &p, scale, bias, xy)),
        false => bind!(kernels::norm:
            |x: &[f32], scale: &[f32], bias: &[f32], y: &mut [f32]| norm(cpu, &p, x, scale, bias, y)),
    };
    in_place(c, read) => read == 0;
}

kernel! {
    /// A running sum or product.
    pub struct CumulativeCall {
        /// Element type.
        pub dtype: DType,
        /// Product, else sum.
        pub product: bool,
        /// The kernel's parameters.
        pub params: Cumulative,
        /// Whether the result takes the operand's place.
        pub in_place: bool,
    }
    describe(c) => {
        let Cumulative { outer, n, inner, exclusive, reverse } = c.params;
        format!("[{outer}, {n}, {inner}], exclusive {exclusive}, reverse {reverse}")
    };
    params(c) => params!(kernels::cumulative, Cumulative { outer, n, inner, exclusive, reverse }, c.params);
    bound(c, p) => with_element!(c.dtype, T => match (c.product, c.in_place) {
        (false, false) => bind!(kernels::cumulative: |x: &[T], y: &mut [T]| cumulative_sum(&p, x, y)),
        (false, true) => bind!(kernels::cumulative: |xy: &mut [T]| cumulative_sum_in_place(&p, xy)),
        (true, false) => bind!(kernels::cumulative: |x: &[T], y: &mut [T]| cumulative_product(&p, x, y)),
        (true, true) => bind!(kernels::cumulative: |xy: &mut [T]| cumulative_product_in_place(&p, xy)),
    });
    in_place(c, _) => true;
}

kernel! {
    /// The best elements and where they are.
    pub struct TopKCall {
        /// Element type of `x`.
        pub dtype: DType,
        /// The kernel's parameters.
        pub params: TopK,
    }
    describe(c) => format!("{} of [{}, {}, {}]", c.params.k, c.params.outer, c.params.n, c.params.inner);
    params(c) => params!(kernels::topk, TopK { outer, n, inner, k, largest }, c.params);
    bound(c, p) => with_element!(c.dtype, T => bind!(kernels::topk:
        |x: &[T], values: &mut [T], indices: &mut [i64]| top_k(&p, x, values, indices)));
}
