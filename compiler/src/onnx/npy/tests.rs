//! `.npy` files written by hand, as NumPy writes them, and what is refused.

use bytes::Bytes;

use crate::onnx::{ElementType, Limits, LoadError, RawTensor};

fn file(version: u8, header: &str, data: &[u8]) -> Bytes {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((header.len() as u16).to_le_bytes()),
        _ => bytes.extend((header.len() as u32).to_le_bytes()),
    }
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes.into()
}

fn read(bytes: Bytes) -> Result<RawTensor, LoadError> {
    RawTensor::from_npy(bytes, &Limits::default())
}

fn reason(bytes: Bytes) -> String {
    let error = read(bytes).unwrap_err();
    format!("{}: {error}", error.code())
}

#[test]
fn all_versions_are_read_without_copying() {
    for version in 1..=3 {
        let header = "{'descr': '<i2', 'fortran_order': False, 'shape': (1, 2), }   \n";
        let bytes = file(version, header, &[1, 2, 3, 4]);
        let tensor = read(bytes.clone()).unwrap();
        assert_eq!((tensor.dtype, &tensor.dims[..]), (ElementType::I16, &[1, 2][..]));
        assert_eq!(tensor.data.as_ptr(), bytes[bytes.len() - 4..].as_ptr());
    }
}

#[test]
fn shapes_of_no_one_and_many_extents() {
    for (shape, dims) in [("()", vec![]), ("(3,)", vec![3]), ("(3)", vec![3]), ("( 1 ,3 )", vec![1, 3])] {
        let header = format!("{{\"shape\":{shape},'fortran_order':False,'descr':'|u1'}}");
        let data = [7; 3];
        let tensor = read(file(1, &header, &data[..if dims.is_empty() { 1 } else { 3 }])).unwrap();
        assert_eq!(tensor.dims, dims);
    }
}

#[test]
fn fortran_order_becomes_c_order() {
    // [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]] with the first index fastest.
    let header = "{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3, 2), }\n";
    let tensor = read(file(1, header, &[0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11])).unwrap();
    assert_eq!(&tensor.data[..], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    let header = "{'descr': '<u2', 'fortran_order': True, 'shape': (2, 2), }\n";
    assert_eq!(&read(file(1, header, &[0, 1, 2, 3, 4, 5, 6, 7])).unwrap().data[..], [0, 1, 4, 5, 2, 3, 6, 7]);
}

#[test]
fn what_is_written_is_read_back() {
    for (dtype, data, descr) in
        [(ElementType::Bool, vec![0u8, 1, 1], "'|b1'"), (ElementType::F64, vec![9; 24], "'<f8'")]
    {
        let tensor = RawTensor::new(String::new(), dtype, vec![3], data.into()).unwrap();
        let bytes = tensor.to_npy().unwrap();
        assert!(
            String::from_utf8_lossy(&bytes)
                .contains(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (3,), }}"))
        );
        assert_eq!((bytes.len() - tensor.data.len()) % 64, 0);
        assert_eq!(bytes[bytes.len() - tensor.data.len() - 1], b'\n');
        assert_eq!(read(bytes.into()).unwrap(), tensor);
    }
    let bf16 = RawTensor::new(String::new(), ElementType::Bf16, vec![], Bytes::from_static(&[0, 0])).unwrap();
    assert_eq!(bf16.to_npy().unwrap_err().code(), "ZA0010");
}

#[test]
fn other_files_are_refused_with_a_reason() {
    let with = |descr: &str| file(1, &format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (), }}"), &[0; 4]);
    assert!(reason(with("'>f4'")).contains("big-endian"));
    assert!(reason(with("'|f4'")).contains("byte order"));
    assert!(reason(with("'|O'")).contains("not supported"));
    assert!(reason(with("''")).contains("not supported"));
    assert!(reason(with("[('a', '<f4')]")).contains("structured"));
    for (header, code) in [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "ZA0006"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 2), }", "ZA0003"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551616,), }", "ZA0010"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "ZA0010"),
        ("{'descr': '<f4', 'fortran_order': False, }", "ZA0010"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (), } 1", "ZA0010"),
        ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (), }", "ZA0010"),
        ("{'descr': '<f4', 'fortran_order': 0, 'shape': (), }", "ZA0010"),
        ("{'descr': '<f4, 'fortran_order': False, 'shape': (", "ZA0010"),
        ("", "ZA0010"),
    ] {
        assert!(reason(file(1, header, &[0; 4])).starts_with(code), "{header}");
    }
    let deep = "(".repeat(60_000);
    assert!(reason(file(2, &deep, &[])).starts_with("ZA0010"));
    assert!(reason(file(2, &"1".repeat(70_000), &[])).starts_with("ZA0003"));
    assert!(reason(file(4, "{}", &[])).contains("version 4.0"));
    let whole = file(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (), }", &[1]);
    for length in 0..whole.len() {
        assert!(read(whole.slice(..length)).is_err(), "{length} bytes");
    }
}
