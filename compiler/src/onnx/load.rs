//! From a file or bytes to a [`Model`] whose tensors all hold their data.
//!
//! Order: size of the file, walk over the encoded bytes against the limits, decoding, external data. Nothing is
//! allocated that the step before has not bounded.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::Message;

use super::limits::within;
use super::proto::ModelProto;
use super::{Limits, LoadError, external, files, foreign, scan};

/// A decoded model. No tensor in it is external any more.
#[derive(Clone, Debug)]
pub struct Model {
    /// The messages; `raw_data` of every tensor are slices of `file` or of an external file. This is for the workspace's own
    /// packages, and so is the next.
    #[doc(hidden)]
    pub proto: ModelProto,
    /// The encoded model.
    #[doc(hidden)]
    pub file: Bytes,
    /// External files that were read, in order and without repeats: the model's folder joined with the location.
    pub external_files: Vec<PathBuf>,
}

/// Reads a model and its external data, which must lie in the model's folder or below.
///
/// # Errors
/// ZA0001 to ZA0009, see [`LoadError`].
pub fn load(path: &Path, limits: &Limits) -> Result<Model, LoadError> {
    let is = |foreign| LoadError::Foreign { path: path.to_owned(), foreign };
    if let Some(foreign) = foreign::not_a_file(path) {
        return Err(is(foreign));
    }
    let bytes: Bytes = files::read(path, limits.file_bytes)?.into();
    if let Some(foreign) = foreign::recognise(&bytes).filter(|_| bytes.is_empty()) {
        return Err(is(foreign));
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    // What cannot be decoded may be something else, which says more than where the decoding failed.
    load_bytes(bytes.clone(), Some(folder), limits).map_err(|error| match foreign::recognise(&bytes) {
        Some(foreign) if matches!(error, LoadError::Malformed { .. } | LoadError::Limit { .. }) => is(foreign),
        Some(_) | None => error,
    })
}

fn malformed(reason: &str) -> LoadError {
    LoadError::Malformed { message: "ModelProto", reason: reason.to_string() }
}

/// Decodes a model from bytes. External data are looked for in `folder`; without one they are an error.
///
/// # Errors
/// ZA0001 to ZA0009, see [`LoadError`].
pub fn load_bytes(file: Bytes, folder: Option<&Path>, limits: &Limits) -> Result<Model, LoadError> {
    within("bytes in a file", file.len() as u64, limits.file_bytes)?;
    scan::scan_model(&file, limits)?;
    let mut proto = ModelProto::decode(file.clone()).map_err(|error| malformed(&error.to_string()))?;
    let external_files = external::resolve(&mut proto, folder, limits)?;
    Ok(Model { proto, file, external_files })
}
