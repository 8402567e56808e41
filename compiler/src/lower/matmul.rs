//! Matrix products: packed where the second operand is a constant matrix, strided otherwise.

use std::sync::Arc;

use zant_runtime::kernels::epilogue;
use zant_runtime::kernels::matmul::{MatMul, Strides};
use zant_runtime::kernels::matmul_packed::MatMulPacked;

use super::conv::kernel_epilogue;
use super::{Fault, Lowered, Lowering, expect_f32, pack};
use crate::ir::{DType, Epilogue, Node, Type};
use crate::program::kernels::{IntMatMulCall, MatMulCall, PackedMatMulCall};

impl Lowering<'_> {
    pub(super) fn matmul(&mut self, node: &Node, epilogue: Epilogue) -> Lowered {
        let (a, b) = (self.ty(node.inputs[0]).clone(), self.ty(node.inputs[1]).clone());
        let one_matrix = b.shape[..b.rank() - 2].iter().all(|&d| d == 1);
        match self.data(node.inputs[1]) {
            Some(w) if one_matrix && w.dtype() == DType::F32 => self.packed(node, epilogue),
            _ if a.dtype.is_int() => self.strided(node, Epilogue::default()),
            _ => {
                expect_f32("matrix product", a.dtype)?;
                self.strided(node, epilogue)
            }
        }
    }

    fn packed(&mut self, node: &Node, epilogue: Epilogue) -> Lowered {
        let y = self.ty(node.outputs[0]).clone();
        let k = *self.ty(node.inputs[0]).shape.last().expect("rank 2 or more");
        let n = *y.shape.last().expect("rank 2 or more");
        let m = y.elements().checked_div(n).unwrap_or(0);
        let w = self.packed_weights(node, &pack::matrix_panels(k, n));
        let a = self.operand(node.inputs[0]);
        let bias = self.bias(node, epilogue);
        let out = self.product_result(node, epilogue)?;
        let params = MatMulPacked {
            m,
            k,
            n,
            a_pitch: k,
            y_pitch: self.result_pitch(node.outputs[0]),
            epilogue: kernel_epilogue(epilogue),
        };
        self.step(node, Arc::new(PackedMatMulCall { params }), vec![a, w, bias, out], Vec::new());
        Ok(())
    }

    fn strided(&mut self, node: &Node, epilogue: Epilogue) -> Lowered {
        let (ta, tb) = (self.ty(node.inputs[0]).clone(), self.ty(node.inputs[1]).clone());
        let y = self.ty(node.outputs[0]).clone();
        let params = strided_params(&ta, &tb, &y, kernel_epilogue(epilogue))?;
        let (a, b) = (self.operand(node.inputs[0]), self.operand(node.inputs[1]));
        if ta.dtype == DType::F32 {
            let bias = self.bias(node, epilogue);
            let out = self.product_result(node, epilogue)?;
            self.step(node, Arc::new(MatMulCall { params }), vec![a, b, bias, out], Vec::new());
        } else {
            let out = self.product_result(node, epilogue)?;
            let call = Arc::new(IntMatMulCall { dtype: ta.dtype, params });
            self.step(node, call, vec![a, b, out], Vec::new());
        }
        Ok(())
    }
}

/// Strides of dense operands whose batch dimensions broadcast; at most three batch dimensions remain once neighbouring ones
/// are merged.
fn strided_params(a: &Type, b: &Type, y: &Type, epilogue: epilogue::Epilogue) -> Lowered<MatMul> {
    let batch = &y.shape[..y.rank() - 2];
    let [m, k] = [a.shape[a.rank() - 2], a.shape[a.rank() - 1]];
    let n = b.shape[b.rank() - 1];
    let strides = |t: &Type, matrix: usize| {
        let own = &t.shape[..t.rank() - 2];
        let mut strides = vec![0; batch.len()];
        let mut step = matrix;
        for (i, &d) in own.iter().enumerate().rev() {
            if d > 1 {
                strides[batch.len() - own.len() + i] = step;
            }
            step *= d;
        }
        strides
    };
    let mut dims = batch.to_vec();
    let mut all = [strides(a, m * k), strides(b, k * n), strides(y, m * n)];
    super::dims::merge(&mut dims, &mut all);
    if dims.len() > 3 {
        return Err(Fault::form("a matrix product over more than three batch dimensions", "reshape its operands"));
    }
    let three = |v: &[usize], unit: usize| {
        let mut out = [unit; 3];
        out[3 - v.len()..].copy_from_slice(v);
        out
    };
    let operand = |i: usize, columns: usize| Strides { batch: three(&all[i], 0), row: columns, col: 1 };
    Ok(MatMul { batch: three(&dims, 1), m, k, n, a: operand(0, k), b: operand(1, n), y: operand(2, n), epilogue })
}
