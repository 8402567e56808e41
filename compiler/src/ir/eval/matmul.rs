//! Matrix product with batch broadcasting.

use super::conv::Ends;
use super::number::{Number, with_number};
use super::walk::{broadcast_strides, elements, offset, tensor, try_each_index};
use super::{EvalError, unsupported};
use crate::ir::{Epilogue, Numerics, Tensor, Type};

/// `Op::MatMul`.
pub(super) fn matmul(
    numerics: Numerics,
    epilogue: &Epilogue,
    inputs: &[&Tensor],
    ty: &Type,
) -> Result<Tensor, EvalError> {
    with_number!(ty.dtype, T => product::<T>(numerics, epilogue, inputs, ty), else Err(unsupported("matmul", ty.dtype)))
}

/// Each sum starts from the bias and adds products in ascending k.
fn product<T: Number>(
    numerics: Numerics,
    epilogue: &Epilogue,
    inputs: &[&Tensor],
    ty: &Type,
) -> Result<Tensor, EvalError> {
    let (batch, mn) = ty.shape.split_at(ty.rank() - 2);
    let (m, n) = (mn[0], mn[1]);
    let [(a, a_batch), (b, b_batch)] = [inputs[0], inputs[1]].map(|t| {
        let lead = &t.shape()[..t.ty().rank() - 2];
        (elements::<T>(t), broadcast_strides(lead, batch))
    });
    let k = inputs[1].shape()[inputs[1].ty().rank() - 2];
    let ends = Ends::new(epilogue, &inputs[2..]);
    let start = ends.start(n);
    let mut y = Vec::with_capacity(ty.elements());
    try_each_index::<EvalError>(batch, |index| {
        let a = &a[offset(index, &a_batch) * m * k..][..m * k];
        let b = &b[offset(index, &b_batch) * k * n..][..k * n];
        for i in 0..m {
            let mut acc = start.clone();
            for j in 0..k {
                T::add_products(numerics, a[i * k + j], &b[j * n..][..n], &mut acc);
            }
            y.extend(acc);
        }
        Ok(())
    })?;
    ends.finish(&mut y);
    tensor(ty, y)
}
