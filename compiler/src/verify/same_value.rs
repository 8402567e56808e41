//! Passes change the order of dimensions: where the elements of a value lie in another that holds the same.

use crate::ir::{Tensor, Type, row_major_strides};

/// Ranks up to which orders of dimensions are looked for.
const MAX_RANK: usize = 5;

/// For each element of a tensor the one of another that it is; `None` where both lie in one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout(Option<Vec<usize>>);

impl Layout {
    /// The elements of `own` in this order, as a tensor of a type with as many of them.
    pub(super) fn apply(&self, own: &Tensor, ty: &Type) -> Tensor {
        match &self.0 {
            None => Tensor::from_scalars(ty.clone(), own.scalars().collect::<Vec<_>>()),
            Some(places) => Tensor::from_scalars(ty.clone(), places.iter().map(|&i| own.get(i)).collect::<Vec<_>>()),
        }
    }
}

/// The order of dimensions in which `own` is most like `other`, which has as many elements of the same type.
pub(super) fn layout(own: &Tensor, other: &Tensor) -> Layout {
    let unequal = |layout: &Layout| {
        let places = layout.0.as_deref();
        (0..other.len()).filter(|&i| own.get(places.map_or(i, |p| p[i])) != other.get(i)).count()
    };
    let mut best = Layout(None);
    let mut least = unequal(&best);
    let units = |shape: &mut dyn Iterator<Item = usize>| shape.filter(|&d| d != 1).collect::<Vec<_>>();
    let wanted = units(&mut other.shape().iter().copied());
    for perm in permutations(own.shape().len()) {
        if least == 0 {
            break;
        }
        if units(&mut perm.iter().map(|&d| own.shape()[d])) != wanted {
            continue;
        }
        let candidate = Layout(Some(places(own.shape(), &perm)));
        let count = unequal(&candidate);
        if count < least {
            (best, least) = (candidate, count);
        }
    }
    best
}

/// All orders of dimensions, in lexicographic order; none for ranks that have too many.
fn permutations(rank: usize) -> Vec<Vec<usize>> {
    if rank > MAX_RANK {
        return Vec::new();
    }
    let mut all = vec![Vec::new()];
    for _ in 0..rank {
        let longer = |p: &Vec<usize>| {
            let free = (0..rank).filter(|d| !p.contains(d));
            free.map(|d| [p.as_slice(), &[d]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// For each element of a tensor with permuted dimensions, in row-major order, where it lies in the one before.
fn places(shape: &[usize], perm: &[usize]) -> Vec<usize> {
    let strides = row_major_strides(shape);
    let mut places = vec![0];
    for &d in perm {
        places =
            places.iter().flat_map(|&p| (0..shape[d]).map(move |i| (p, i))).map(|(p, i)| p + i * strides[d]).collect();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::{Layout, layout, permutations};
    use crate::ir::Tensor;

    #[test]
    fn elements_are_found_in_another_order() {
        let own = Tensor::from_elements([1, 2, 3], &[1i8, 2, 3, 4, 5, 6]);
        let other = Tensor::from_elements([3, 1, 2], &[1i8, 4, 2, 5, 3, 9]);
        let found = layout(&own, &other);
        assert_eq!(found, Layout(Some(vec![0, 3, 1, 4, 2, 5])));
        assert_eq!(found.apply(&own, other.ty()), Tensor::from_elements([3, 1, 2], &[1i8, 4, 2, 5, 3, 6]));
        let same = Tensor::from_elements([6], &[1i8, 2, 3, 4, 5, 6]);
        assert_eq!(layout(&own, &same), Layout(None));
        assert_eq!(permutations(3).len(), 6);
        assert_eq!(permutations(0), [Vec::<usize>::new()]);
    }
}
