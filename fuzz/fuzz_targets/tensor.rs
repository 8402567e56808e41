//! Any bytes as a `.pb` and as a `.npy` file: what is read survives being written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zantc::onnx::{Limits, RawTensor};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let read =
        [RawTensor::from_pb(bytes.to_vec().into(), &limits), RawTensor::from_npy(bytes.to_vec().into(), &limits)];
    for tensor in read.into_iter().flatten() {
        assert_eq!(RawTensor::decode(&tensor.to_proto(), &limits).ok().as_ref(), Some(&tensor));
        if let Ok(array) = tensor.to_npy() {
            let again = RawTensor::from_npy(array.into(), &limits)
                .map(|again| RawTensor { name: tensor.name.clone(), ..again });
            assert_eq!(again.ok(), Some(tensor));
        }
    }
});
