//! Files that hold one `TensorProto`: ONNX's test vectors.

use std::path::Path;

use bytes::Bytes;
use prost::Message;

use super::proto::TensorProto;
use super::{Limits, LoadError, RawTensor, files, scan};

impl RawTensor {
    /// Reads a `.pb` file.
    ///
    /// # Errors
    /// ZA0001 to ZA0003, ZA0006 to ZA0009.
    pub fn read_pb(path: &Path, limits: &Limits) -> Result<RawTensor, LoadError> {
        RawTensor::from_pb(files::read(path, limits.file_bytes)?.into(), limits)
    }

    /// Decodes the bytes of a `.pb` file.
    ///
    /// # Errors
    /// ZA0002, ZA0003, ZA0006 to ZA0009.
    pub fn from_pb(bytes: Bytes, limits: &Limits) -> Result<RawTensor, LoadError> {
        scan::scan_tensor(&bytes, limits)?;
        let proto = TensorProto::decode(bytes)
            .map_err(|error| LoadError::Malformed { message: "TensorProto", reason: error.to_string() })?;
        RawTensor::decode(&proto, limits)
    }

    /// Writes a `.pb` file.
    ///
    /// # Errors
    /// ZA0011.
    pub fn write_pb(&self, path: &Path) -> Result<(), LoadError> {
        files::write(path, &self.to_proto().encode_to_vec())
    }
}
