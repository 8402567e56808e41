//! NumPy's `.npy` files: one array, versions 1 to 3, little-endian.
//!
//! The format is that of NumPy's `numpy.lib.format` text: magic, version, length of the header, a Python dictionary
//! with `descr`, `fortran_order` and `shape`, then the elements. Arrays in Fortran order are put into C order.
//! Object arrays, structures, strings and big-endian numbers are refused.

mod header;

use std::path::Path;

use bytes::Bytes;

use super::limits::within;
use super::{ElementType, Limits, LoadError, RawTensor, files};
use header::Header;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Length of the largest header that is read; 32 extents of 20 digits are far below.
const HEADER_BYTES: usize = 64 << 10;

/// Types that NumPy has itself, and how `descr` writes them behind the byte order.
const TYPES: [(&str, ElementType); 12] = [
    ("b1", ElementType::Bool),
    ("i1", ElementType::I8),
    ("i2", ElementType::I16),
    ("i4", ElementType::I32),
    ("i8", ElementType::I64),
    ("u1", ElementType::U8),
    ("u2", ElementType::U16),
    ("u4", ElementType::U32),
    ("u8", ElementType::U64),
    ("f2", ElementType::F16),
    ("f4", ElementType::F32),
    ("f8", ElementType::F64),
];

impl RawTensor {
    /// Reads a `.npy` file. The tensor has no name.
    ///
    /// # Errors
    /// ZA0001, ZA0003, ZA0006, ZA0008 (bool bytes other than 0 and 1) and ZA0010.
    pub fn read_npy(path: &Path, limits: &Limits) -> Result<RawTensor, LoadError> {
        RawTensor::from_npy(files::read(path, limits.file_bytes)?.into(), limits)
    }

    /// Decodes the bytes of a `.npy` file; elements in C order are not copied.
    ///
    /// # Errors
    /// ZA0003, ZA0006, ZA0008 and ZA0010.
    pub fn from_npy(bytes: Bytes, limits: &Limits) -> Result<RawTensor, LoadError> {
        let (text, start) = split_header(&bytes)?;
        let header = Header::parse(text).map_err(fail)?;
        let dtype = element_type(&header.descr)?;
        within("dimensions", header.shape.len() as u64, limits.rank as u64)?;
        let tensor = RawTensor::new(String::new(), dtype, header.shape, bytes.slice(start..))?;
        within("elements in a tensor", tensor.elements() as u64, limits.tensor_elements)?;
        Ok(if header.fortran_order { to_c_order(tensor) } else { tensor })
    }

    /// The bytes of a `.npy` file, version 1, C order.
    ///
    /// # Errors
    /// ZA0010 for element types that NumPy does not have itself.
    pub fn to_npy(&self) -> Result<Vec<u8>, LoadError> {
        let (descr, _) = TYPES
            .iter()
            .find(|(_, dtype)| *dtype == self.dtype)
            .ok_or_else(|| fail(format!("NumPy has no element type {}", self.dtype)))?;
        let order = if descr.ends_with('1') { '|' } else { '<' };
        // A tuple of one needs its comma.
        let comma = if self.dims.len() == 1 { "," } else { "" };
        let dims: Vec<String> = self.dims.iter().map(usize::to_string).collect();
        let shape = dims.join(", ");
        let mut header = format!("{{'descr': '{order}{descr}', 'fortran_order': False, 'shape': ({shape}{comma}), }}");
        // Elements start at a multiple of 64 bytes, a newline before them.
        let unpadded = MAGIC.len() + 4 + header.len() + 1;
        header.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
        header.push('\n');
        let length = u16::try_from(header.len()).map_err(|_| fail("the shape is too long".to_owned()))?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend(length.to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend(&self.data);
        Ok(bytes)
    }

    /// Writes a `.npy` file.
    ///
    /// # Errors
    /// ZA0010 as [`RawTensor::to_npy`], ZA0011.
    pub fn write_npy(&self, path: &Path) -> Result<(), LoadError> {
        files::write(path, &self.to_npy()?)
    }
}

fn fail(reason: String) -> LoadError {
    LoadError::Npy { reason }
}

/// The header's text and where the elements start.
fn split_header(bytes: &[u8]) -> Result<(&str, usize), LoadError> {
    let cut = || fail("it is cut off".to_owned());
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| fail("it does not start with \\x93NUMPY".to_owned()))?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    let (length, rest) = match version {
        [1, _] => {
            let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        [2 | 3, _] => {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            let length = u32::from_le_bytes(*length);
            (usize::try_from(length).map_err(|_| cut())?, rest)
        }
        [major, minor] => return Err(fail(format!("version {major}.{minor} is unknown"))),
    };
    within("bytes in a .npy header", length as u64, HEADER_BYTES as u64)?;
    let header = rest.get(..length).ok_or_else(cut)?;
    let text = std::str::from_utf8(header).map_err(|_| fail("its header is not text".to_owned()))?;
    Ok((text, bytes.len() - rest.len() + length))
}

fn element_type(descr: &str) -> Result<ElementType, LoadError> {
    let refuse = |why: &str| fail(format!("elements of type {descr:?} {why}"));
    let mut rest = descr.chars();
    let order = rest.next().unwrap_or_default();
    let &(name, dtype) = TYPES
        .iter()
        .find(|(name, _)| *name == rest.as_str())
        .ok_or_else(|| refuse("are not supported, only bool, integers and floats of NumPy"))?;
    match order {
        '<' => Ok(dtype),
        '|' if name.ends_with('1') => Ok(dtype),
        '>' => Err(refuse("are big-endian; save the array as little-endian")),
        _ => Err(refuse("have an unknown byte order")),
    }
}

/// Elements from Fortran order (first index fastest) to C order. Types here are of whole bytes.
fn to_c_order(tensor: RawTensor) -> RawTensor {
    let elements = tensor.elements();
    if elements == 0 {
        return tensor;
    }
    let width = tensor.data.len() / elements;
    let mut strides = Vec::with_capacity(tensor.dims.len());
    let mut stride = width;
    for dim in &tensor.dims {
        strides.push(stride);
        stride *= dim;
    }
    let mut index = vec![0; tensor.dims.len()];
    let mut data = Vec::with_capacity(tensor.data.len());
    for _ in 0..elements {
        let from: usize = index.iter().zip(&strides).map(|(index, stride)| index * stride).sum();
        data.extend(&tensor.data[from..from + width]);
        for (axis, dim) in index.iter_mut().zip(&tensor.dims).rev() {
            *axis += 1;
            if *axis < *dim {
                break;
            }
            *axis = 0;
        }
    }
    RawTensor { data: data.into(), ..tensor }
}

#[cfg(test)]
mod tests;
