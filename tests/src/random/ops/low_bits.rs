//! Weights of few bits by the operators of `com.microsoft`.

use zantc::ir::{DType, Tensor, Type};

use super::{Entry, ms};
use crate::random::draft::Draft;
use crate::random::fill::{Fill, tensor};

pub(super) const OPS: &[Entry] = &[ms("GatherBlockQuantized", gather), ms("MatMulNBits", matmul)];

/// Bytes of codes.
fn bytes(d: &mut Draft<'_>, shape: &[usize]) -> Tensor {
    tensor(d.r, &Type::new(DType::U8, shape), Fill::Bits, false)
}

/// Scales of blocks.
fn scales(d: &mut Draft<'_>, shape: &[usize]) {
    let scales = tensor(d.r, &Type::new(DType::F32, shape), Fill::Scale, false);
    d.constant(scales);
}

fn matmul(d: &mut Draft<'_>) -> Option<()> {
    let (bits, block) = (d.r.pick(&[2usize, 4, 4, 8]), d.r.pick(&[16usize, 32]));
    let (rows, k, n) = (d.r.pick(&[1, 1, 3]), d.r.within(12, 40), d.r.within(1, 40));
    d.exactly(DType::F32, [rows, k]);
    let blocks = k.div_ceil(block);
    let w = bytes(d, &[n, blocks, block * bits / 8]);
    d.constant(w);
    scales(d, &[n * blocks]);
    if d.one_in(2) {
        let zeros = bytes(d, &[n * (blocks * bits).div_ceil(8)]);
        d.constant(zeros);
    }
    for (name, v) in [("K", k), ("N", n), ("bits", bits), ("block_size", block)] {
        d.int(name, v as i64);
    }
    Some(())
}

fn gather(d: &mut Draft<'_>) -> Option<()> {
    let (bits, block) = (d.r.pick(&[4usize, 8]), d.r.pick(&[16usize, 32]));
    let (rows, blocks, indices) = (d.r.within(2, 20), d.r.within(1, 3), d.r.within(1, 4));
    let data = bytes(d, &[rows, blocks * block * bits / 8]);
    d.constant(data);
    d.filled(DType::I64, [indices], Fill::Index(rows));
    scales(d, &[rows, blocks]);
    if d.one_in(2) {
        let zeros = bytes(d, &[rows, (blocks * bits).div_ceil(8)]);
        d.constant(zeros);
    }
    for (name, v) in [("bits", bits), ("block_size", block), ("gather_axis", 0), ("quantize_axis", 1)] {
        d.int(name, v as i64);
    }
    Some(())
}
