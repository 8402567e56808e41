//! Types of values and constant tensors.
//!
//! Invariant: `data.len() == shape.product() * dtype.size()`, elements row-major and little-endian.

use bytes::Bytes;

use super::{DType, Scalar};

/// The largest number of elements of one tensor: what 32-bit targets could never hold is refused early.
pub const MAX_ELEMENTS: usize = 1 << 31;

/// The element type and the (static) shape of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Element type.
    pub dtype: DType,
    /// Lengths of the dimensions, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
}

impl Type {
    /// A type from its parts.
    pub fn new(dtype: DType, shape: impl Into<Vec<usize>>) -> Type {
        Type { dtype, shape: shape.into() }
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number of bytes.
    pub fn bytes(&self) -> usize {
        self.elements() * self.dtype.size()
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dims: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        write!(f, "{}[{}]", self.dtype, dims.join(","))
    }
}

/// The product of a shape, or `None` beyond [`MAX_ELEMENTS`]. Beside a dimension of 0 the others are bounded all the same,
/// so that no product of some dimensions of an accepted shape overflows.
pub fn checked_elements(shape: &[usize]) -> Option<usize> {
    let bound = shape.iter().filter(|&&d| d > 0).try_fold(1usize, |n, &d| n.checked_mul(d));
    let elements = bound.filter(|&n| n <= MAX_ELEMENTS)?;
    Some(if shape.contains(&0) { 0 } else { elements })
}

/// Distances in elements between neighbours along each dimension of a dense row-major tensor.
pub fn row_major_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for i in (0..shape.len().saturating_sub(1)).rev() {
        strides[i] = strides[i + 1] * shape[i + 1];
    }
    strides
}

/// A constant tensor.
#[derive(Clone, PartialEq, Eq)]
pub struct Tensor {
    ty: Type,
    data: Bytes,
}

/// A Rust type that is the element of a tensor.
pub trait Element: bytemuck::Pod {
    /// The element type of the IR.
    const DTYPE: DType;
}

macro_rules! element {
    ($($t:ty => $d:ident),*) => { $(impl Element for $t { const DTYPE: DType = DType::$d; })* };
}
element!(i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32, u64 => U64,
         half::f16 => F16, half::bf16 => BF16, f32 => F32, f64 => F64);

impl Tensor {
    /// A tensor from raw little-endian bytes; `None` where the length does not fit the type.
    pub fn from_bytes(ty: Type, data: Bytes) -> Option<Tensor> {
        let bytes = checked_elements(&ty.shape)?.checked_mul(ty.dtype.size())?;
        (bytes == data.len()).then_some(Tensor { ty, data })
    }

    /// A tensor of elements, row-major.
    ///
    /// # Panics
    /// Where the number of elements does not fit the shape: the caller's bug.
    pub fn from_elements<T: Element>(shape: impl Into<Vec<usize>>, elements: &[T]) -> Tensor {
        let ty = Type::new(T::DTYPE, shape);
        let data = Bytes::copy_from_slice(bytemuck::cast_slice(elements));
        Tensor::from_bytes(ty, data).expect("element count fits the shape")
    }

    /// A bool tensor.
    ///
    /// # Panics
    /// Where the number of elements does not fit the shape: the caller's bug.
    pub fn from_bools(shape: impl Into<Vec<usize>>, elements: &[bool]) -> Tensor {
        let data: Vec<u8> = elements.iter().map(|&b| u8::from(b)).collect();
        Tensor::from_bytes(Type::new(DType::Bool, shape), data.into()).expect("element count fits the shape")
    }

    /// A tensor of scalars that all have the given type.
    ///
    /// # Panics
    /// Where the number of elements or a type does not fit: the caller's bug.
    pub fn from_scalars(ty: Type, elements: impl IntoIterator<Item = Scalar>) -> Tensor {
        let size = ty.dtype.size();
        let mut data = Vec::with_capacity(ty.bytes());
        for s in elements {
            assert_eq!(s.dtype(), ty.dtype, "scalar type fits the tensor");
            data.extend_from_slice(&s.bits().to_le_bytes()[..size]);
        }
        Tensor::from_bytes(ty, data.into()).expect("element count fits the shape")
    }

    /// One value as a rank-0 tensor.
    pub fn scalar(v: Scalar) -> Tensor {
        Tensor::from_scalars(Type::new(v.dtype(), []), [v])
    }

    /// Type and shape.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.ty.dtype
    }

    /// Lengths of the dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.ty.shape
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.ty.elements()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The raw little-endian bytes.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// The element at a row-major index.
    ///
    /// # Panics
    /// Where the index is out of range: the caller's bug.
    pub fn get(&self, index: usize) -> Scalar {
        let size = self.ty.dtype.size();
        let mut bits = [0; 8];
        bits[..size].copy_from_slice(&self.data[index * size..][..size]);
        Scalar::from_bits(u64::from_le_bytes(bits), self.ty.dtype)
    }

    /// All elements, row-major.
    pub fn scalars(&self) -> impl Iterator<Item = Scalar> + '_ {
        (0..self.len()).map(|i| self.get(i))
    }

    /// The elements as a Rust type; `None` where the tensor has another one. Copies, since the bytes of a file lie unaligned.
    pub fn to_vec<T: Element>(&self) -> Option<Vec<T>> {
        (T::DTYPE == self.ty.dtype).then(|| bytemuck::allocation::pod_collect_to_vec(&self.data))
    }

    /// The elements of an integer (or bool) tensor as 64-bit integers.
    pub fn to_i64s(&self) -> Option<Vec<i64>> {
        (self.ty.dtype.is_int() || self.ty.dtype == DType::Bool).then(|| self.scalars().map(Scalar::to_i64).collect())
    }

    /// The same elements under another shape; `None` where the number of elements differs.
    pub fn reshaped(&self, shape: impl Into<Vec<usize>>) -> Option<Tensor> {
        Tensor::from_bytes(Type::new(self.ty.dtype, shape), self.data.clone())
    }

    /// The one value that all elements have, to the bit.
    pub fn uniform(&self) -> Option<Scalar> {
        let size = self.ty.dtype.size();
        let first = self.data.get(..size)?;
        self.data.chunks_exact(size).all(|c| c == first).then(|| self.get(0))
    }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tensor({})", self.ty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_bounded_even_where_they_hold_nothing() {
        assert_eq!(checked_elements(&[]), Some(1));
        assert_eq!(checked_elements(&[2, 0, 3]), Some(0));
        assert_eq!(checked_elements(&[MAX_ELEMENTS, 1]), Some(MAX_ELEMENTS));
        assert_eq!(checked_elements(&[MAX_ELEMENTS, 2]), None);
        assert_eq!(checked_elements(&[0, usize::MAX, 2]), None);
    }
}
