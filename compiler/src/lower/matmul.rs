//! Matrix products: packed where the second operand is a constant matrix, strided otherwise.

use std::sync::Arc;

use zant_runtime::kernels::matmul_bytes::MatMulBytes;
use zant_runtime::kernels::matmul_packed::MatMulPacked;
use zant_runtime::kernels::packing;
use zant_runtime::terms::epilogue;
use zant_runtime::terms::matmul::{MatMul, Strides};

use super::coded::CodedOperand;
use super::conv::kernel_epilogue;
use super::sparse::SparseOperand;
use super::{Fault, Lowered, Lowering, expect_number};
use crate::ir::{DType, Epilogue, Node, Tensor, Type, row_major_strides};
use crate::layout::strides::{broadcast, merge, row_pitch};
use crate::program::kernels::{IntMatMulCall, MatMulBytesCall, MatMulCall, PackedMatMulCall};
use crate::program::{Access, Arg};

/// The constant matrix of a product, as its kernel reads it.
enum Weights {
    Dense(Arg),
    Coded(CodedOperand),
    Sparse(SparseOperand),
}

impl Lowering<'_> {
    pub(super) fn matmul(&mut self, node: &Node, epilogue: Epilogue) -> Lowered {
        let (a, b) = (self.ty(node.inputs[0]).clone(), self.ty(node.inputs[1]).clone());
        let one_matrix = b.shape[..b.rank() - 2].iter().all(|&d| d == 1);
        match self.data(node.inputs[1]) {
            Some(w) if one_matrix && w.dtype() == DType::F32 => self.packed(node, epilogue),
            _ if a.dtype != DType::F32 && Epilogue { bias: false, ..epilogue } != Epilogue::default() => {
                Err(Fault::form(
                    "a matrix product of another type than f32 with more than a bias",
                    "add the residual by an Add",
                ))
            }
            Some(w) if one_matrix && a.dtype == DType::I32 => match bytes(w) {
                Some((w, zero)) => self.by_bytes(node, epilogue, w, zero),
                None => self.strided(node, epilogue),
            },
            _ => {
                expect_number("matrix product", a.dtype)?;
                self.strided(node, epilogue)
            }
        }
    }

    fn packed(&mut self, node: &Node, epilogue: Epilogue) -> Lowered {
        let y = self.ty(node.outputs[0]).clone();
        let k = *self.ty(node.inputs[0]).shape.last().expect("rank 2 or more");
        let n = *y.shape.last().expect("rank 2 or more");
        let m = y.elements().checked_div(n).unwrap_or(0);
        let w = match self.coded(node, m == 1, packing::matmul(k, n)) {
            Some(coded) => Weights::Coded(coded),
            None => match self.sparse_product(node, [m, k, n]) {
                Some(sparse) => Weights::Sparse(sparse),
                None => Weights::Dense(self.packed_weights(node, packing::matmul(k, n))),
            },
        };
        let (a, strides) = self.strided_operand(node.inputs[0]);
        let a_pitch = row_pitch(&self.ty(node.inputs[0]).shape, &strides).unwrap_or(k);
        let bias = self.bias(node, epilogue);
        let out = self.product_result(node, epilogue)?;
        let row = m == 1 && self.has_rows;
        let params = MatMulPacked {
            m,
            k,
            n,
            a_pitch,
            y_pitch: self.result_pitch(node.outputs[0]),
            epilogue: kernel_epilogue(epilogue),
        };
        match w {
            Weights::Dense(w) => self.call(node, Arc::new(PackedMatMulCall { params, row }), vec![a, w, bias, out]),
            Weights::Coded(w) => self.coded_matmul(node, params, w, [a, bias, out]),
            Weights::Sparse(w) => self.sparse_product_call(node, params, w, [a, bias, out]),
        }
        Ok(())
    }

    /// The constant matrix stays in bytes.
    fn by_bytes(&mut self, node: &Node, epilogue: Epilogue, w: Tensor, zero: i32) -> Lowered {
        let y = self.ty(node.outputs[0]).clone();
        let [k, n] = [self.ty(node.inputs[0]), &y].map(|t| *t.shape.last().expect("rank 2 or more"));
        let (a, strides) = self.strided_operand(node.inputs[0]);
        let Some(a_pitch) = row_pitch(&self.ty(node.inputs[0]).shape, &strides) else {
            return self.strided(node, epilogue);
        };
        let name = self.graph.value(node.inputs[1]).name.clone();
        let w = Arg::Weight(self.new_weight(&name, w, Some(node.inputs[1])));
        let bias = self.bias(node, epilogue);
        let (m, y_pitch) = (y.elements().checked_div(n).unwrap_or(0), self.result_pitch(node.outputs[0]));
        let out = Arg::Buffer(self.result(node.outputs[0]), Access::Write);
        let params = MatMulBytes { m, k, n, a_pitch, y_pitch, zero };
        self.call(node, Arc::new(MatMulBytesCall { params }), vec![a, w, bias, out]);
        Ok(())
    }

    fn strided(&mut self, node: &Node, epilogue: Epilogue) -> Lowered {
        let (ta, tb) = (self.ty(node.inputs[0]).clone(), self.ty(node.inputs[1]).clone());
        let y = self.ty(node.outputs[0]).clone();
        let ((a, a_strides), (b, b_strides)) =
            (self.strided_operand(node.inputs[0]), self.strided_operand(node.inputs[1]));
        let bias = self.bias(node, epilogue);
        let (out, y_strides) = if epilogue.residual {
            (self.product_result(node, epilogue)?, row_major_strides(&y.shape))
        } else {
            let (view, strides) = self.strided_result(node.outputs[0]);
            (Arg::Buffer(view, Access::Write), strides)
        };
        let operands = [(&ta, &a_strides), (&tb, &b_strides), (&y, &y_strides)];
        let params = strided_params(operands, kernel_epilogue(epilogue))?;
        if ta.dtype == DType::F32 {
            let scratch = match params.scratch() {
                0 => Arg::Empty(DType::F32),
                n => Arg::Buffer(self.new_temporary(&Type::new(DType::F32, [n])), Access::Write),
            };
            self.call(node, Arc::new(MatMulCall { params }), vec![a, b, bias, scratch, out]);
        } else {
            let call = Arc::new(IntMatMulCall { dtype: ta.dtype, params });
            self.call(node, call, vec![a, b, bias, out]);
        }
        Ok(())
    }
}

/// A constant of i32 as bytes and the one that stands for 0, where its elements span no more than bytes do.
fn bytes(w: &Tensor) -> Option<(Tensor, i32)> {
    let elements = w.to_vec::<i32>()?;
    let least = elements.iter().copied().min()?;
    let zero = i16::try_from(least).ok().map(|least| -i32::from(least))?;
    let bytes: Option<Vec<u8>> = elements.iter().map(|w| u8::try_from(i64::from(*w) - i64::from(least)).ok()).collect();
    Some((Tensor::from_elements(w.shape(), &bytes?), zero))
}

/// The parameters of a product of operands (and into a result) with their strides, whose batch dimensions broadcast; at most
/// three batch dimensions remain once neighbouring ones are merged.
fn strided_params(operands: [(&Type, &Vec<usize>); 3], epilogue: epilogue::Epilogue) -> Lowered<MatMul> {
    let (y, _) = operands[2];
    let mut dims = y.shape[..y.rank() - 2].to_vec();
    let mut all = operands.map(|(t, strides)| {
        let matrix = t.rank() - 2;
        broadcast(&t.shape[..matrix], &strides[..matrix], &y.shape[..y.rank() - 2])
    });
    merge(&mut dims, &mut all);
    if dims.len() > 3 {
        return Err(Fault::form("a matrix product over more than three batch dimensions", "reshape its operands"));
    }
    let three = |v: &[usize], unit: usize| {
        let mut out = [unit; 3];
        out[3 - v.len()..].copy_from_slice(v);
        out
    };
    let operand = |i: usize| {
        let (t, strides) = operands[i];
        Strides { batch: three(&all[i], 0), row: strides[t.rank() - 2], col: strides[t.rank() - 1] }
    };
    let [m, k] = [0, 1].map(|d| operands[0].0.shape[operands[0].0.rank() - 2 + d]);
    let n = y.shape[y.rank() - 1];
    Ok(MatMul { batch: three(&dims, 1), m, k, n, a: operand(0), b: operand(1), y: operand(2), epilogue })
}
