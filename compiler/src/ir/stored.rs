//! What constants of f32 were made from: integers with scales and zero points, or 16-bit floats. Few bits, of which kernels make the
//! same numbers again.

use super::{DType, Movement, Scalar, Tensor, Type, row_major_strides};

/// What a constant of f32 was made from: `(q - zero) * scale`, rounded once, or a float of 16 bits.
///
/// Invariants, which [`Stored::fault`] checks: `data` has the constant's shape; there is a block length of at least 1 for each
/// dimension, and a scale and a zero point for each block, row-major; 16-bit floats have none of those.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The integers, or f16 or bf16.
    pub data: Tensor,
    /// One value for each block.
    pub scale: Vec<f32>,
    /// As many as scales.
    pub zero: Vec<i64>,
    /// How many neighbours along each dimension share a scale: the dimension's length where all do.
    pub block: Vec<usize>,
}

impl Stored {
    /// 16-bit floats.
    pub fn halves(data: Tensor) -> Stored {
        let block = data.shape().iter().map(|&d| d.max(1)).collect();
        Stored { data, scale: vec![], zero: vec![], block }
    }

    /// Integers of which all have one scale, or each index of `axis` one of its own.
    pub fn along(data: Tensor, axis: Option<usize>, scale: Vec<f32>, zero: Vec<i64>) -> Stored {
        let block = |(d, &len): (usize, &usize)| if Some(d) == axis { 1 } else { len.max(1) };
        let block = data.shape().iter().enumerate().map(block).collect();
        Stored { data, scale, zero, block }
    }

    /// Whether it is integers with scales.
    pub fn is_scaled(&self) -> bool {
        self.data.dtype().is_int()
    }

    /// How far the integers lie apart.
    pub fn span(&self) -> u64 {
        let integers = || self.data.scalars().map(Scalar::to_i64);
        integers().max().zip(integers().min()).map_or(0, |(most, least)| most.abs_diff(least))
    }

    /// Blocks along each dimension.
    pub fn grid(&self) -> Vec<usize> {
        self.data.shape().iter().zip(&self.block).map(|(d, b)| d.div_ceil(*b)).collect()
    }

    /// The dimension whose indices have scales of their own; `Some(None)` where there is one scale, nothing where there are others.
    pub fn axis(&self) -> Option<Option<usize>> {
        let grid = self.grid();
        let mut cut = (0..grid.len()).filter(|&d| grid[d] > 1);
        match (cut.next(), cut.next()) {
            (None, _) => Some(None),
            (Some(d), None) => (self.block[d] == 1).then_some(Some(d)),
            (Some(_), Some(_)) => None,
        }
    }

    /// The block that each element is in, in row-major order of the elements.
    pub fn blocks(&self) -> impl Iterator<Item = usize> + '_ {
        let (shape, grid) = (self.data.shape(), row_major_strides(&self.grid()));
        let mut at = vec![0; shape.len()];
        (0..self.data.len()).map(move |_| {
            let block = at.iter().zip(&self.block).zip(&grid).map(|((i, b), stride)| i / b * stride).sum();
            for (i, d) in at.iter_mut().zip(shape).rev() {
                *i += 1;
                if *i < *d {
                    break;
                }
                *i = 0;
            }
            block
        })
    }

    /// The constant.
    pub fn real(&self) -> Tensor {
        let one = |(q, block): (Scalar, usize)| match self.is_scaled() {
            true => (q.to_i64() - self.zero[block]) as f32 * self.scale[block],
            false => q.to_f64() as f32,
        };
        let real: Vec<f32> = self.data.scalars().zip(self.blocks()).map(one).collect();
        Tensor::from_elements(self.data.shape(), &real)
    }

    /// The same with each index along a dimension multiplied by a factor: the scales are, which are rounded once. Nothing for floats.
    pub fn scaled(&self, axis: usize, factors: &[f64]) -> Option<Stored> {
        let mut finer = Stored { scale: vec![], zero: vec![], ..self.clone() };
        finer.block[axis] = 1;
        let (grid, own) = (finer.grid(), row_major_strides(&self.grid()));
        if !self.is_scaled() || grid[axis] != factors.len() {
            return None;
        }
        let step = row_major_strides(&grid)[axis];
        // Where a block of the finer grid lies in the coarser one: they differ along the axis alone.
        let strides: Vec<usize> = (0..grid.len()).map(|d| if d == axis { 0 } else { own[d] }).collect();
        for (at, outer) in places(&grid, &strides).into_iter().enumerate() {
            let index = at / step % factors.len();
            let block = outer + index / self.block[axis] * own[axis];
            finer.scale.push((f64::from(self.scale[block]) * factors[index]) as f32);
            finer.zero.push(self.zero[block]);
        }
        Some(finer)
    }

    /// What does not make sense, if anything.
    pub fn fault(&self, of: &Type) -> Option<String> {
        let ty = self.data.ty();
        let is_other = ty.shape != of.shape || of.dtype != DType::F32;
        if is_other { Some(format!("{of} is not made from {ty}")) } else { self.shape_fault() }
    }

    /// What does not make sense of blocks, scales and zero points.
    pub(super) fn shape_fault(&self) -> Option<String> {
        if self.block.len() != self.data.ty().rank() || self.block.contains(&0) {
            return Some(format!("{} has no blocks of {:?}", self.data.ty(), self.block));
        }
        let blocks = if self.scale.is_empty() && !self.is_scaled() { 0 } else { self.grid().iter().product() };
        let fits = [self.scale.len(), self.zero.len()] == [blocks; 2];
        (!fits).then(|| format!("{blocks} blocks have {} scales, {} zero points", self.scale.len(), self.zero.len()))
    }

    /// The same after an index map that moves whole blocks; `data` is the integers after it.
    pub fn moved(&self, m: &Movement, data: Tensor) -> Option<Stored> {
        match m {
            Movement::Transpose { perm } => {
                let strides = row_major_strides(&self.grid());
                let block: Vec<usize> = perm.iter().map(|&p| self.block[p]).collect();
                let grid: Vec<usize> = perm.iter().map(|&p| self.grid()[p]).collect();
                let places = places(&grid, &perm.iter().map(|&p| strides[p]).collect::<Vec<_>>());
                let is_scaled = self.is_scaled();
                let places = || places.iter().filter(|_| is_scaled);
                let scale = places().map(|&at| self.scale[at]).collect();
                let zero = places().map(|&at| self.zero[at]).collect();
                Some(Stored { data, scale, zero, block })
            }
            Movement::Reshape { shape } => {
                let block = reshaped(self.data.shape(), &self.block, shape)?;
                Some(Stored { data, block, ..self.clone() })
            }
            Movement::Slice { start, step, len } => self.sliced(start, step, len, data),
            Movement::Expand { .. } | Movement::Pad { .. } => None,
        }
    }

    /// The same of a slice that cuts no block.
    fn sliced(&self, start: &[usize], step: &[isize], len: &[usize], data: Tensor) -> Option<Stored> {
        let (shape, strides) = (self.data.shape(), row_major_strides(&self.grid()));
        let mut block = self.block.clone();
        let mut kept = vec![0];
        for d in 0..shape.len() {
            let first = match self.block[d] {
                own if own >= shape[d] => {
                    block[d] = len[d].max(1);
                    vec![0; len[d].min(1)]
                }
                1 => (0..len[d]).map(|i| start[d].wrapping_add_signed(step[d] * i as isize)).collect(),
                own => {
                    let is_whole = len[d].is_multiple_of(own) || start[d] + len[d] == shape[d];
                    if step[d] != 1 || !start[d].is_multiple_of(own) || !is_whole {
                        return None;
                    }
                    (0..len[d].div_ceil(own)).map(|i| start[d] / own + i).collect()
                }
            };
            let stride = strides[d];
            kept = kept.iter().flat_map(|&at| first.iter().map(move |i| at + i * stride)).collect();
        }
        let is_scaled = self.is_scaled();
        let kept = || kept.iter().filter(|_| is_scaled);
        let scale = kept().map(|&at| self.scale[at]).collect();
        let zero = kept().map(|&at| self.zero[at]).collect();
        Some(Stored { data, scale, zero, block })
    }

    /// Whether constants were stored alike.
    pub fn can_join(parts: &[&Stored]) -> bool {
        parts.iter().all(|part| part.data.dtype() == parts[0].data.dtype())
    }

    /// Constants side by side along a dimension, each index of which gets scales of its own; `data` is the integers, or floats.
    pub fn joined(parts: &[&Stored], axis: usize, data: Tensor) -> Option<Stored> {
        if !parts.first()?.is_scaled() {
            return Some(Stored::halves(data));
        }
        let fine = parts.iter().map(|part| part.scaled(axis, &vec![1.0; part.data.shape()[axis]]));
        let fine: Vec<Stored> = fine.collect::<Option<_>>()?;
        if fine.iter().any(|part| part.block != fine[0].block) {
            return None;
        }
        let rows: usize = fine[0].grid()[..axis].iter().product();
        let (mut scale, mut zero) = (Vec::new(), Vec::new());
        for row in 0..rows {
            for part in &fine {
                let own = part.scale.len() / rows.max(1);
                scale.extend_from_slice(&part.scale[row * own..][..own]);
                zero.extend_from_slice(&part.zero[row * own..][..own]);
            }
        }
        Some(Stored { data, scale, zero, block: fine[0].block.clone() })
    }
}

/// Row-major over a grid, the places that its strides lead to.
fn places(grid: &[usize], strides: &[usize]) -> Vec<usize> {
    let mut places = vec![0];
    for (&len, &stride) in grid.iter().zip(strides) {
        places = places.iter().flat_map(|&at| (0..len).map(move |i| at + i * stride)).collect();
    }
    places
}

/// The blocks after a reshape that splits and merges only dimensions which are in one block, or are one.
fn reshaped(from: &[usize], block: &[usize], to: &[usize]) -> Option<Vec<usize>> {
    let mut blocks = Vec::with_capacity(to.len());
    let mut d = 0;
    while blocks.len() < to.len() || d < from.len() {
        // The next dimensions of either side whose products are equal.
        let (first, begun) = (d, blocks.len());
        let (mut own, mut other) = (1, 1);
        let mut end = begun;
        loop {
            if own <= other && d < from.len() && (own < other || d == first) {
                own *= from[d];
                d += 1;
            } else if end < to.len() && (other < own || end == begun) {
                other *= to[end];
                end += 1;
            } else {
                break;
            }
        }
        if own != other {
            return None;
        }
        let whole = |&d: &usize| block[d] >= from[d];
        let cut: Vec<usize> = (first..d).filter(|d| !whole(d)).collect();
        match cut.as_slice() {
            // Scales follow each other as elements do.
            _ if (first..d).all(|d| block[d] == 1) => blocks.extend((begun..end).map(|_| 1)),
            [] => blocks.extend(to[begun..end].iter().map(|&d| d.max(1))),
            &[only] => {
                // All else must be one.
                let kept = (begun..end).find(|&e| to[e] == from[only])?;
                let others = (first..d).filter(|&d| d != only).all(|d| from[d] == 1);
                if !others {
                    return None;
                }
                blocks.extend((begun..end).map(|e| if e == kept { block[only] } else { 1 }));
            }
            _ => return None,
        }
    }
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(shape: &[usize], block: &[usize]) -> Stored {
        let n: usize = shape.iter().product();
        let data: Vec<i8> = (0..n).map(|i| (i % 15) as i8 - 7).collect();
        let mut s =
            Stored { data: Tensor::from_elements(shape, &data), scale: vec![], zero: vec![], block: block.to_vec() };
        let blocks: usize = s.grid().iter().product();
        s.scale = (1..=blocks).map(|i| i as f32 / 8.0).collect();
        s.zero = (0..blocks).map(|i| i as i64 % 3).collect();
        s
    }

    /// The index map of the codes is that of the constant.
    fn check(s: &Stored, m: &Movement) -> Option<Stored> {
        let reference = crate::ir::Reference::default();
        let moved = |t: &Tensor| {
            crate::ir::Evaluate::computed(&reference, &crate::ir::Op::Movement(m.clone()), &[t])
                .expect("it is computed")
        };
        let after = s.moved(m, moved(&s.data))?;
        let real = moved(&s.real());
        assert_eq!(after.fault(real.ty()), None);
        assert_eq!(after.real(), real, "{m:?} of {s:?}");
        Some(after)
    }

    #[test]
    fn blocks_move_with_their_elements() {
        let s = stored(&[4, 6], &[1, 4]);
        assert_eq!((s.grid(), s.axis()), (vec![4, 2], None));
        let turned = check(&s, &Movement::Transpose { perm: vec![1, 0] }).expect("whole blocks move");
        assert_eq!(turned.block, [4, 1]);
        let s = stored(&[4, 2, 3], &[2, 1, 3]);
        for perm in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            assert!(check(&s, &Movement::Transpose { perm: perm.to_vec() }).is_some());
        }
    }

    #[test]
    fn reshapes_keep_what_is_whole() {
        let reshape = |s: &Stored, shape: &[usize]| check(s, &Movement::Reshape { shape: shape.to_vec() });
        let channels = stored(&[4, 6], &[1, 6]);
        assert_eq!(channels.axis(), Some(Some(0)));
        assert_eq!(reshape(&channels, &[4, 2, 1, 3]).map(|s| s.axis()), Some(Some(Some(0))));
        assert_eq!(reshape(&channels, &[1, 4, 1, 6]).map(|s| s.axis()), Some(Some(Some(1))));
        assert!(reshape(&channels, &[24]).is_none());
        assert_eq!(reshape(&channels, &[2, 2, 6]).map(|s| s.block), Some(vec![1, 1, 6]));
        let uniform = stored(&[4, 6], &[4, 6]);
        assert_eq!(reshape(&uniform, &[3, 8]).map(|s| s.axis()), Some(Some(None)));
        let blocks = stored(&[4, 6], &[1, 2]);
        assert_eq!(reshape(&blocks, &[4, 1, 6]).map(|s| s.block), Some(vec![1, 1, 2]));
        assert!(reshape(&blocks, &[4, 2, 3]).is_none());
    }

    #[test]
    fn slices_keep_whole_blocks() {
        let slice = |s: &Stored, start: [usize; 2], step: [isize; 2], len: [usize; 2]| {
            let [start, len] = [start, len].map(|v| v.to_vec());
            check(s, &Movement::Slice { start, step: step.to_vec(), len })
        };
        assert!(slice(&stored(&[4, 6], &[1, 6]), [1, 2], [1, 1], [2, 3]).is_some());
        assert!(slice(&stored(&[4, 6], &[1, 6]), [3, 5], [-1, -2], [3, 2]).is_some());
        assert!(slice(&stored(&[4, 6], &[4, 6]), [1, 0], [2, 1], [2, 6]).is_some());
        assert!(slice(&stored(&[4, 6], &[1, 4]), [0, 4], [1, 1], [2, 2]).is_some());
        assert!(slice(&stored(&[4, 6], &[1, 2]), [0, 2], [1, 1], [4, 4]).is_some());
        assert!(slice(&stored(&[4, 6], &[1, 2]), [0, 1], [1, 1], [4, 4]).is_none());
        assert!(slice(&stored(&[4, 6], &[1, 2]), [0, 0], [1, 2], [4, 2]).is_none());
    }

    #[test]
    fn parts_keep_their_scales() {
        let reference = crate::ir::Reference::default();
        let join = |parts: &[Stored], axis: usize| {
            let all = |tensors: Vec<Tensor>| {
                let tensors: Vec<&Tensor> = tensors.iter().collect();
                crate::ir::Evaluate::computed(&reference, &crate::ir::Op::Concat { axis }, &tensors)
                    .expect("it is computed")
            };
            let data = all(parts.iter().map(|part| part.data.clone()).collect());
            let joined = Stored::joined(&parts.iter().collect::<Vec<_>>(), axis, data)?;
            let real = all(parts.iter().map(Stored::real).collect());
            assert_eq!((joined.fault(real.ty()), joined.real()), (None, real));
            Some(joined)
        };
        assert!(join(&[stored(&[4, 6], &[1, 6]), stored(&[2, 6], &[2, 6])], 0).is_some());
        assert!(join(&[stored(&[4, 6], &[1, 6]), stored(&[4, 2], &[1, 2])], 1).is_some());
        assert!(join(&[stored(&[4, 6], &[1, 3]), stored(&[2, 6], &[1, 3])], 0).is_some());
        assert!(join(&[stored(&[4, 6], &[1, 3]), stored(&[2, 6], &[1, 2])], 0).is_none());
    }

    #[test]
    fn factors_are_those_of_their_indices() {
        for (block, axis) in [([4, 6], 0), ([4, 6], 1), ([1, 4], 1), ([2, 3], 0), ([1, 6], 0)] {
            let s = stored(&[4, 6], &block);
            let factors: Vec<f64> = (0..[4, 6][axis]).map(|i| f64::from(i) * 0.5 - 1.0).collect();
            let scaled = s.scaled(axis, &factors).expect("they fit");
            assert_eq!(scaled.fault(s.real().ty()), None);
            let factor = |at: usize| factors[[at / 6, at % 6][axis]] as f32;
            let expected: Vec<f32> =
                s.real().to_vec::<f32>().unwrap().iter().enumerate().map(|(at, v)| v * factor(at)).collect();
            assert_eq!(scaled.real().to_vec::<f32>(), Some(expected), "{block:?} {axis}");
        }
    }

    #[test]
    fn halves_are_widened() {
        let halves = [1.5f32, -0.25, 6e-8].map(half::f16::from_f32);
        let s = Stored::halves(Tensor::from_elements([3], &halves));
        assert_eq!(s.real().to_vec::<f32>(), Some(halves.map(|h| h.to_f32()).to_vec()));
        assert_eq!(s.fault(&Type::new(DType::F32, [3])), None);
        assert!(s.fault(&Type::new(DType::F32, [4])).is_some());
    }
}
