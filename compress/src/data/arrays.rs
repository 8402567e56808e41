//! Arrays in files: NumPy's `.npy` and `.npz`, and IDX, the form of MNIST; each may be packed by gzip.

use std::io::{Cursor, Read};
use std::path::Path;

use bytes::Bytes;
use flate2::read::GzDecoder;
use zantc::import::from_raw;
use zantc::ir::{DType, Tensor, Type};
use zantc::onnx::{Limits, RawTensor};

use crate::{Outcome, bad, bad_but};

/// Names of labels in an `.npz`, as people give them.
const LABELS: [&str; 8] = ["y", "y_test", "labels", "label", "targets", "target", "classes", "test_labels"];

/// The array of a file, and the labels where it has both.
pub(super) fn read(path: &Path) -> Outcome<(Tensor, Option<Tensor>)> {
    let mut arrays = decode(path)?;
    let names = arrays.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let of_labels = arrays.iter().position(|(name, _)| LABELS.contains(&name.as_str()));
    let labels = of_labels.filter(|_| arrays.len() > 1).map(|at| arrays.remove(at).1);
    match <[_; 1]>::try_from(arrays) {
        Ok([(_, array)]) => Ok((array, labels)),
        Err(_) => Err(bad_but(
            format!("{path:?} has the arrays {names}"),
            "it is to have one of examples, and perhaps one of labels, `y`",
        )),
    }
}

/// The labels of a file.
pub(super) fn labels(path: &Path) -> Outcome<Tensor> {
    let mut arrays = decode(path)?;
    let at = arrays.iter().position(|(name, _)| LABELS.contains(&name.as_str()));
    match (at, arrays.len()) {
        (Some(at), _) => Ok(arrays.swap_remove(at).1),
        (None, 1) => Ok(arrays.remove(0).1),
        (None, _) => Err(bad(format!("{path:?} has several arrays, and none is called `y` or `labels`"))),
    }
}

/// All arrays of a file, by name.
fn decode(path: &Path) -> Outcome<Vec<(String, Tensor)>> {
    let most = Limits::default().file_bytes;
    let file = std::fs::File::open(path).map_err(|e| bad(format!("cannot read {path:?}: {e}")))?;
    let mut bytes = limited(file, most, path)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bytes = limited(GzDecoder::new(Cursor::new(bytes)), most, path)?;
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return archive(bytes, most, path);
    }
    let array = if bytes.starts_with(&[0, 0]) { idx(bytes, path)? } else { npy(bytes.into(), path)? };
    Ok(vec![(String::new(), array)])
}

/// All bytes, at most so many.
fn limited(from: impl Read, most: u64, path: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes).map_err(|e| bad(format!("cannot read {path:?}: {e}")))?;
    if bytes.len() as u64 > most {
        return Err(bad(format!("{path:?} holds more than {most} bytes")));
    }
    Ok(bytes)
}

fn npy(bytes: Bytes, path: &Path) -> Outcome<Tensor> {
    let raw = RawTensor::from_npy(bytes, &Limits::default()).map_err(|e| bad(format!("{path:?}: {e}")))?;
    from_raw(&raw).map_err(|fault| bad(format!("{path:?}: {}", fault.message)))
}

/// The `.npy` files of an archive.
fn archive(bytes: Vec<u8>, most: u64, path: &Path) -> Outcome<Vec<(String, Tensor)>> {
    let fail = |e: zip::result::ZipError| bad(format!("{path:?}: {e}"));
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(fail)?;
    let (mut arrays, mut left) = (Vec::new(), most);
    for at in 0..archive.len() {
        let file = archive.by_index(at).map_err(fail)?;
        let Some(name) = file.name().strip_suffix(".npy").map(str::to_string) else { continue };
        let bytes = limited(file, left, path)?;
        left -= bytes.len() as u64;
        arrays.push((name, npy(bytes.into(), path)?));
    }
    if arrays.is_empty() { Err(bad(format!("{path:?} has no array"))) } else { Ok(arrays) }
}

/// An array in IDX: two zeros, the type, the number of dimensions, these and the elements, most significant byte first
/// (<https://yann.lecun.com/exdb/mnist>).
fn idx(bytes: Vec<u8>, path: &Path) -> Outcome<Tensor> {
    let broken = |what: &str| bad(format!("{path:?} is no array of IDX: {what}"));
    let &[0, 0, kind, rank] = bytes.first_chunk().ok_or_else(|| broken("it is too short"))? else {
        return Err(broken("its first bytes"));
    };
    let dtype = match kind {
        0x08 => DType::U8,
        0x09 => DType::I8,
        0x0b => DType::I16,
        0x0c => DType::I32,
        0x0d => DType::F32,
        0x0e => DType::F64,
        _ => return Err(broken("its type of elements")),
    };
    let start = 4 + 4 * usize::from(rank);
    let sizes = bytes.get(4..start).ok_or_else(|| broken("it is too short"))?;
    let shape: Vec<usize> = sizes.as_chunks().0.iter().map(|size| u32::from_be_bytes(*size) as usize).collect();
    let elements = shape.iter().try_fold(1usize, |n, size| n.checked_mul(*size));
    let size = elements.and_then(|n| n.checked_mul(dtype.size())).ok_or_else(|| broken("its shape"))?;
    let mut data = bytes[start..].to_vec();
    if data.len() != size {
        return Err(broken("its length is not what its shape says"));
    }
    data.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
    Tensor::from_bytes(Type::new(dtype, shape), data.into()).ok_or_else(|| broken("its elements"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use zantc::ir::{DType, Tensor};
    use zantc::onnx::{Limits, RawTensor};

    use super::{decode, idx, labels, read};

    fn npy(values: &[f32]) -> Vec<u8> {
        let tensor = Tensor::from_elements([values.len()], values);
        zantc::import::to_raw("", &tensor).to_npy().unwrap()
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn idx_is_read_plain_and_packed() {
        let bytes = [&[0, 0, 0x0b, 2, 0, 0, 0, 2, 0, 0, 0, 1][..], &[1, 2, 0xff, 0xfe]].concat();
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [("plain", bytes.clone()), ("packed.gz", packed(&bytes))] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let (array, none) = read(&path).unwrap();
            assert_eq!((array.dtype(), array.shape()), (DType::I16, &[2, 1][..]));
            assert_eq!(array.to_i64s().unwrap(), [258, -2]);
            assert!(none.is_none());
        }
        assert!(idx(bytes[..13].to_vec(), Path::new("x")).is_err());
        assert!(
            idx(vec![0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255], Path::new("x")).is_err()
        );
    }

    #[test]
    fn archives_give_examples_and_labels_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, arrays: &[(&str, &[f32])]| {
            let path = folder.path().join(name);
            let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
            for (name, values) in arrays {
                archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
                archive.write_all(&npy(values)).unwrap();
            }
            archive.finish().unwrap();
            path
        };
        let both = write("both.npz", &[("y", &[7.0]), ("x", &[1.0, 2.0])]);
        let (examples, own) = read(&both).unwrap();
        assert_eq!((examples.len(), own.unwrap().len()), (2, 1));
        assert_eq!(labels(&both).unwrap().len(), 1);
        let unclear = write("unclear.npz", &[("a", &[7.0]), ("b", &[1.0, 2.0])]);
        assert!(read(&unclear).unwrap_err()[0].message.contains("`a`, `b`"));
        assert!(labels(&unclear).is_err());
        assert!(read(&write("empty.npz", &[])).is_err());
    }

    #[test]
    fn a_plain_array_is_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        std::fs::write(&path, npy(&[1.5, 2.5])).unwrap();
        assert_eq!(read(&path).unwrap().0.to_vec::<f32>().unwrap(), [1.5, 2.5]);
        assert!(RawTensor::from_npy(npy(&[1.0]).into(), &Limits::default()).is_ok());
        assert!(read(&folder.path().join("none.npy")).unwrap_err()[0].message.contains("none.npy"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the bytes are, there is an answer.
        #[test]
        fn damaged_files_are_refused_or_read(mut bytes in proptest::collection::vec(any::<u8>(), 0..80), form in 0usize..4) {
            let heads: [&[u8]; 4] = [&[0, 0, 8, 1], &[0x1f, 0x8b, 8], b"PK\x03\x04", b"\x93NUMPY\x01\x00"];
            bytes.splice(0..0, heads[form].iter().copied());
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x");
            std::fs::write(&path, bytes).unwrap();
            drop(decode(&path));
        }
    }
}
