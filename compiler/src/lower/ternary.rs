//! Matrix products with weights of three values: five weights to a byte, or four where bytes are multiplied.

use std::sync::Arc;

use zant_runtime::kernels::packing::{codes, fives};
use zant_runtime::kernels::ternary_codes;
use zant_runtime::terms::ternary::TernaryMatMul;

use super::conv::kernel_epilogue;
use super::{Fault, Lowered, Lowering};
use crate::ir::{DType, Epilogue, Node, Tensor, Type};
use crate::program::kernels::{TernaryKind, TernaryMatMulCall};
use crate::program::{Access, Arg};

impl Lowering<'_> {
    pub(super) fn ternary_matmul(&mut self, node: &Node, rows: bool, epilogue: Epilogue) -> Lowered {
        let (x, y) = (self.ty(node.inputs[0]).clone(), self.ty(node.outputs[0]).clone());
        let Some(w) = self.data(node.inputs[1]).and_then(Tensor::to_vec::<i8>) else {
            return Err(Fault::form("ternary weights must be constant", "this is a mistake of the compiler"));
        };
        let [k, n] = [&x, &y].map(|t| *t.shape.last().expect("rank 1 or more"));
        let m = y.elements().checked_div(n).unwrap_or(0);
        let kind = match (x.dtype == DType::I8, self.target.loops.codes && !self.target.compact) {
            (false, _) => TernaryKind::Floats,
            (true, false) => TernaryKind::Bytes,
            (true, true) => TernaryKind::Codes,
        };
        let packed: Vec<u8> = match kind {
            TernaryKind::Codes => codes(&w, n, k).collect(),
            TernaryKind::Bytes | TernaryKind::Floats => fives(&w, n, k).collect(),
        };
        let y_pitch = self.result_pitch(node.outputs[0]);
        let params = TernaryMatMul { m, k, n, y_pitch, epilogue: kernel_epilogue(epilogue) };
        let mut args = vec![self.operand(node.inputs[0]), self.packed_weight(node, &packed)];
        let mut rest = node.inputs[2..].iter();
        for is_there in [true, rows, epilogue.bias] {
            let operand = if is_there { rest.next() } else { None };
            args.push(operand.map_or(Arg::Empty(DType::F32), |&v| self.operand(v)));
        }
        let scratch: &[(DType, usize)] = match kind {
            TernaryKind::Floats => &[(DType::F32, params.scratch())],
            TernaryKind::Bytes => &[(DType::U32, params.tables()), (DType::I32, n)],
            TernaryKind::Codes => &[(DType::I8, ternary_codes::scratch(&params))],
        };
        args.extend(scratch.iter().map(|&(dtype, len)| self.scratch(dtype, len)));
        args.push(self.product_result(node, epilogue)?);
        self.call(node, Arc::new(TernaryMatMulCall { params, kind }), args);
        Ok(())
    }

    /// Memory for a kernel alone.
    fn scratch(&mut self, dtype: DType, len: usize) -> Arg {
        match len {
            0 => Arg::Empty(dtype),
            n => Arg::Buffer(self.new_temporary(&Type::new(dtype, [n])), Access::Write),
        }
    }
}
