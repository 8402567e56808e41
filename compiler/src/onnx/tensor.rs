//! Tensors as raw bytes, whatever field of the message holds them.
//!
//! `raw_data` is taken as it is, without a copy; the typed fields are converted. Lengths must fit shape and element
//! type exactly and exactly one field may be filled: ambiguous tensors are refused, not guessed at.

mod typed;

use bytes::Bytes;

use super::limits::within;
use super::proto::TensorProto;
use super::{ElementType, Limits, LoadError};
use typed::{DataField, out_of_range, typed};

pub(super) use typed::filled_fields;

/// A dense tensor: `data` holds the elements row-major and little-endian, without gaps.
///
/// Elements of 2, 4 and 6 bits are packed from the low bits of each byte up, over the whole tensor (not per row);
/// bits behind the last element are zero. Bool elements are bytes 0 or 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawTensor {
    /// Name, possibly empty.
    pub name: String,
    /// Element type, never [`ElementType::String`].
    pub dtype: ElementType,
    /// Extents, outermost first; none is a scalar.
    pub dims: Vec<usize>,
    /// The elements: [`ElementType::dense_bytes`] bytes.
    pub data: Bytes,
}

impl RawTensor {
    /// A tensor from its parts.
    ///
    /// # Errors
    /// ZA0003 where the number of elements overflows, ZA0006 where `data` does not fit `dims` and `dtype`, ZA0007 for
    /// strings, ZA0008 for bool bytes other than 0 and 1. Bits behind the last element are cleared.
    pub fn new(name: String, dtype: ElementType, dims: Vec<usize>, data: Bytes) -> Result<RawTensor, LoadError> {
        let elements = count(dims.iter().map(|dim| *dim as u64), u64::MAX)?;
        let expected = dense_bytes(&name, dtype, elements)?;
        let shape = Shape { dtype, dims, elements, bytes: expected };
        shape.check(&name, "data", "bytes", expected, data.len())?;
        let data = canonical(&name, &shape, data)?;
        Ok(RawTensor { name, dtype, dims: shape.dims, data })
    }

    /// Decodes a tensor of a model or a `.pb` file.
    ///
    /// # Errors
    /// ZA0003, ZA0006 to ZA0008; ZA0009 for external data, which [`load`](super::load) has replaced in a model.
    pub fn decode(proto: &TensorProto, limits: &Limits) -> Result<RawTensor, LoadError> {
        match proto.data_location {
            TensorProto::LOCATION_DEFAULT => {}
            TensorProto::LOCATION_EXTERNAL => {
                let reason = "only a model's tensors may have external data".to_owned();
                return Err(LoadError::External { tensor: proto.name.clone(), reason });
            }
            other => {
                return Err(malformed(&proto.name, format!("unknown data_location {other}")));
            }
        }
        let shape = Shape::read(proto, limits)?;
        let mut filled = filled_fields(proto);
        let first = filled.next();
        if let (Some(first), Some(second)) = (first, filled.next()) {
            return Err(malformed(&proto.name, format!("it has both {} and {}", first.name(), second.name())));
        }
        let data = match first {
            Some(DataField::Raw) => raw(proto, &shape)?,
            Some(field) => typed(proto, &shape, field)?.into(),
            None => {
                shape.check(&proto.name, "the message", "bytes", shape.bytes, 0)?;
                Bytes::new()
            }
        };
        let data = canonical(&proto.name, &shape, data)?;
        Ok(RawTensor { name: proto.name.clone(), dtype: shape.dtype, dims: shape.dims, data })
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.dims.iter().product()
    }

    /// The message with the elements in `raw_data`.
    pub fn to_proto(&self) -> TensorProto {
        TensorProto {
            // An extent beyond i64 belongs to a tensor of more bytes than there can be, or of none.
            dims: self.dims.iter().map(|dim| i64::try_from(*dim).unwrap_or(i64::MAX)).collect(),
            data_type: self.dtype.code(),
            name: self.name.clone(),
            raw_data: Some(self.data.clone()),
            ..TensorProto::default()
        }
    }
}

/// A stored tensor's element type and extents, checked against the limits.
pub(super) struct Shape {
    pub(super) dtype: ElementType,
    pub(super) dims: Vec<usize>,
    pub(super) elements: u64,
    /// Bytes of the dense elements.
    pub(super) bytes: u64,
}

impl Shape {
    pub(super) fn read(proto: &TensorProto, limits: &Limits) -> Result<Shape, LoadError> {
        let name = &proto.name;
        if proto.segment.is_some() {
            return Err(malformed(name, "segments of tensors are not supported".to_owned()));
        }
        let rank = proto.dims.len();
        within("dimensions", rank as u64, limits.rank as u64)?;
        let mut dims = Vec::with_capacity(rank);
        for dim in &proto.dims {
            let extent = usize::try_from(*dim);
            dims.push(extent.map_err(|_| malformed(name, format!("dimension {dim}")))?);
        }
        let elements = count(dims.iter().map(|dim| *dim as u64), limits.tensor_elements)?;
        let dtype = ElementType::from_code(proto.data_type)
            .ok_or_else(|| LoadError::ElementType { tensor: name.clone(), code: proto.data_type })?;
        let bytes = dense_bytes(name, dtype, elements)?;
        Ok(Shape { dtype, dims, elements, bytes })
    }

    fn check(
        &self,
        tensor: &str,
        field: &'static str,
        unit: &'static str,
        expected: u64,
        found: usize,
    ) -> Result<(), LoadError> {
        let found = found as u64;
        if found == expected {
            return Ok(());
        }
        Err(LoadError::DataLength { tensor: tensor.to_owned(), field, unit, expected, found })
    }
}

/// Product of extents. Zero extents do not hide others: the product of the non-zero ones is held to the limit too, so
/// that strides computed from them cannot overflow.
fn count(dims: impl Iterator<Item = u64>, limit: u64) -> Result<u64, LoadError> {
    let mut empty = false;
    let mut product = 1u64;
    for dim in dims {
        empty |= dim == 0;
        product = product.saturating_mul(dim.max(1));
    }
    if product > limit || product == u64::MAX {
        return Err(LoadError::Limit { what: "elements in a tensor", found: product, limit });
    }
    Ok(if empty { 0 } else { product })
}

fn dense_bytes(tensor: &str, dtype: ElementType, elements: u64) -> Result<u64, LoadError> {
    if dtype.bits().is_none() {
        return Err(LoadError::ElementType { tensor: tensor.to_owned(), code: dtype.code() });
    }
    let limit = u64::MAX;
    dtype.dense_bytes(elements).ok_or(LoadError::Limit { what: "bytes in a tensor", found: limit, limit })
}

fn malformed(tensor: &str, reason: String) -> LoadError {
    LoadError::Tensor { tensor: tensor.to_owned(), reason }
}

fn raw(proto: &TensorProto, shape: &Shape) -> Result<Bytes, LoadError> {
    let data = proto.raw_data.clone().unwrap_or_default();
    shape.check(&proto.name, "raw_data", "bytes", shape.bytes, data.len())?;
    Ok(data)
}

/// The data as `RawTensor` promises them: bool bytes checked, bits behind the last element cleared.
fn canonical(tensor: &str, shape: &Shape, data: Bytes) -> Result<Bytes, LoadError> {
    if shape.dtype == ElementType::Bool
        && let Some(byte) = data.iter().find(|byte| **byte > 1)
    {
        return Err(out_of_range(tensor, shape, byte));
    }
    let bits = u64::from(shape.dtype.bits().unwrap_or(8)) * (shape.elements % 8);
    let used = (bits % 8) as u32;
    let mask = 0xffu8.checked_shr(8 - used).unwrap_or(0xff);
    match data.last() {
        Some(last) if used != 0 && last & !mask != 0 => {
            let mut cleared = data.to_vec();
            if let Some(last) = cleared.last_mut() {
                *last &= mask;
            }
            Ok(cleared.into())
        }
        Some(_) | None => Ok(data),
    }
}

#[cfg(test)]
mod tests;
