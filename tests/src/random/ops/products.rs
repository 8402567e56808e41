//! Matrix products.

use zantc::ir::DType;

use super::{Entry, op};
use crate::random::draft::{BYTES, Draft, FLOATS};
use crate::random::fill::Fill;

pub(super) const OPS: &[Entry] = &[
    op("Gemm", 7, gemm),
    op("MatMul", 1, matmul),
    op("MatMulInteger", 10, |d| {
        let (a, b) = bytes(d);
        let zero = d.r.below(3);
        if zero > 0 {
            d.filled(a, [], Fill::Below(9));
        }
        if zero > 1 {
            d.filled(b, [], Fill::Below(9));
        }
        Some(())
    }),
    op("QLinearMatMul", 10, qlinear),
    op("Einsum", 12, einsum),
    op("Det", 11, |d| {
        let n = d.r.within(1, 5);
        let dtypes = if d.opset < 22 { &[DType::F32, DType::F64, DType::F16][..] } else { FLOATS };
        d.x_of(dtypes, vec![2, n, n], |s| s.len() > 1 && s[s.len() - 1] == s[s.len() - 2]);
        Some(())
    }),
];

const KINDS: &[DType] =
    &[DType::F32, DType::F32, DType::F32, DType::F64, DType::I32, DType::I64, DType::F16, DType::BF16, DType::U32];

fn gemm(d: &mut Draft<'_>) -> Option<()> {
    let dtypes = if d.opset < 9 { FLOATS } else { KINDS };
    let (m, k, n) = (d.dim(), d.dim(), d.r.within(1, 9));
    let ty = d.x_of(dtypes, vec![m, k], |s| s.len() == 2);
    let transposed = d.flag("transA");
    let k = ty.shape[usize::from(!transposed)];
    let m = ty.shape[usize::from(transposed)];
    let shape = if d.flag("transB") { [n, k] } else { [k, n] };
    d.weights(ty.dtype, shape, k);
    if d.opset < 11 || !d.one_in(3) {
        let c: Vec<usize> = match d.r.below(7) {
            0 => vec![],
            1 => vec![1],
            2 | 3 => vec![n],
            4 => vec![m, 1],
            5 => vec![1, n],
            _ => vec![m, n],
        };
        d.exactly(ty.dtype, c);
    }
    for name in ["alpha", "beta"] {
        if d.one_in(4) {
            let v = d.r.pick(&[0.0, 1.0, 0.5, 2.0, -1.0]);
            d.float(name, v);
        }
    }
    Some(())
}

/// Shapes of the second operand of a product.
fn beside(d: &mut Draft<'_>, a: &[usize]) -> Vec<usize> {
    let k = a[a.len() - 1];
    if d.one_in(8) {
        return vec![k];
    }
    let n = d.r.within(1, 9);
    if a.len() < 3 || d.one_in(2) {
        let lead: Vec<usize> = (0..d.r.pick(&[0, 0, 0, 1])).map(|_| d.r.within(1, 3)).collect();
        return [lead.as_slice(), &[k, n]].concat();
    }
    let batch = d.narrower(&a[..a.len() - 2]);
    [batch.as_slice(), &[k, n]].concat()
}

fn matmul(d: &mut Draft<'_>) -> Option<()> {
    let dtypes = if d.opset < 9 { FLOATS } else { KINDS };
    let ty = d.x(dtypes, 1, 4);
    let shape = beside(d, &ty.shape);
    let k = ty.shape[ty.rank() - 1];
    d.weights(ty.dtype, shape, k);
    Some(())
}

fn bytes(d: &mut Draft<'_>) -> (DType, DType) {
    let ty = d.x(BYTES, 1, 3);
    let b = d.r.pick(BYTES);
    let shape = beside(d, &ty.shape);
    d.filled(b, shape, Fill::Bits);
    (ty.dtype, b)
}

fn qlinear(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(BYTES, 2, 3);
    d.filled(DType::F32, [], Fill::Scale);
    d.filled(ty.dtype, [], Fill::Below(9));
    let b = if d.opset < 21 && d.one_in(2) { ty.dtype } else { d.r.pick(BYTES) };
    let shape = beside(d, &ty.shape);
    let n = shape[shape.len() - 1];
    let per = if shape.len() == 2 && d.one_in(2) { vec![n] } else { vec![] };
    d.filled(b, shape, Fill::Bits);
    d.filled(DType::F32, per.clone(), Fill::Scale);
    d.filled(b, per, Fill::Below(9));
    d.filled(DType::F32, [], Fill::Positive);
    let y = d.r.pick(BYTES);
    d.filled(y, [], Fill::Below(100));
    Some(())
}

const EQUATIONS: &[(&str, &[&str])] = &[
    ("ij,jk->ik", &["ij", "jk"]),
    ("ij,jk", &["ij", "jk"]),
    ("bij,bjk->bik", &["bij", "bjk"]),
    ("ij->ji", &["ij"]),
    ("ii->i", &["ii"]),
    ("ii", &["ii"]),
    ("ij->", &["ij"]),
    ("ijk->j", &["ijk"]),
    ("i,j->ij", &["i", "j"]),
    ("ij,ij->i", &["ij", "ij"]),
    ("bhid,bhjd->bhij", &["bhid", "bhjd"]),
    ("ij,jk,kl->il", &["ij", "jk", "kl"]),
    ("...ij,...jk->...ik", &["bij", "bjk"]),
    ("i...->...i", &["ibj"]),
    ("ij,k->kji", &["ij", "k"]),
];

fn einsum(d: &mut Draft<'_>) -> Option<()> {
    let (equation, terms) = d.r.pick(EQUATIONS);
    let lengths: Vec<usize> = (0..26).map(|_| d.dim()).collect();
    let shape = |term: &str| term.bytes().map(|c| lengths[(c - b'a') as usize]).collect::<Vec<_>>();
    let dtype = d.r.pick(KINDS);
    for term in terms {
        d.exactly(dtype, shape(term));
    }
    d.text("equation", equation);
    Some(())
}
