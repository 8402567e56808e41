//! What can be wrong with a file, each with a stable code and the facts a diagnostic needs.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::Foreign;

/// Why a model, a tensor or an array could not be read or written.
///
/// Texts from the file (names, paths) are shown escaped: they cannot break a terminal or a log line.
#[derive(Debug)]
pub enum LoadError {
    /// ZA0001: the file system refused.
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// ZA0002: the bytes are no protobuf message of the kind expected.
    Malformed {
        /// `ModelProto` or `TensorProto`.
        message: &'static str,
        /// What is wrong, and in which field.
        reason: String,
    },
    /// ZA0002: a file that is known to be something else than a model.
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        foreign: Foreign,
    },
    /// ZA0003: a bound of [`Limits`](super::Limits) is exceeded.
    Limit {
        /// What was counted.
        what: &'static str,
        /// How much of it there is, at least.
        found: u64,
        /// How much is allowed.
        limit: u64,
    },
    /// ZA0004: external data that lies, or may lie, outside the model's folder.
    ExternalOutside {
        /// The tensor.
        tensor: String,
        /// The location that the file gives.
        location: String,
        /// Which rule it breaks.
        reason: String,
    },
    /// ZA0005: an external file ends before the tensor's data do.
    ExternalShort {
        /// The tensor.
        tensor: String,
        /// The external file.
        path: PathBuf,
        /// Length in bytes that it would have to have.
        needed: u64,
        /// Length in bytes that it has.
        found: u64,
    },
    /// ZA0006: the amount of data is not what shape and element type ask for.
    DataLength {
        /// The tensor.
        tensor: String,
        /// Where the data are: `raw_data`, `float_data`, `length` of external data, ...
        field: &'static str,
        /// `bytes` or `entries`.
        unit: &'static str,
        /// How many there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// ZA0007: an element type that is unknown, or that cannot be held as raw bytes (strings).
    ElementType {
        /// The tensor.
        tensor: String,
        /// Number of the type in the file.
        code: i32,
    },
    /// ZA0008: a tensor that contradicts itself or the format.
    Tensor {
        /// The tensor.
        tensor: String,
        /// What is wrong.
        reason: String,
    },
    /// ZA0009: external data entries that make no sense, or a checksum that does not match.
    External {
        /// The tensor.
        tensor: String,
        /// What is wrong.
        reason: String,
    },
    /// ZA0010: no `.npy` file, or one of a kind that is not read.
    Npy {
        /// What is wrong.
        reason: String,
    },
    /// ZA0011: writing failed.
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl LoadError {
    /// The stable code, `ZA0001` and up.
    pub fn code(&self) -> &'static str {
        match self {
            LoadError::Read { .. } => "ZA0001",
            LoadError::Malformed { .. } | LoadError::Foreign { .. } => "ZA0002",
            LoadError::Limit { .. } => "ZA0003",
            LoadError::ExternalOutside { .. } => "ZA0004",
            LoadError::ExternalShort { .. } => "ZA0005",
            LoadError::DataLength { .. } => "ZA0006",
            LoadError::ElementType { .. } => "ZA0007",
            LoadError::Tensor { .. } => "ZA0008",
            LoadError::External { .. } => "ZA0009",
            LoadError::Npy { .. } => "ZA0010",
            LoadError::Write { .. } => "ZA0011",
        }
    }

    /// What to do about it, as a sentence for the diagnostic's help.
    pub fn help(&self) -> &'static str {
        match self {
            LoadError::Read { .. } => "check that the path is right and names a regular file that you may read",
            LoadError::Foreign { foreign, .. } => foreign.help,
            LoadError::Malformed { .. } => "check that the file is complete and of this kind, or export it again",
            LoadError::Limit { .. } => {
                "a model of this size is beyond what is read; check that the file is not damaged"
            }
            LoadError::ExternalOutside { .. } => {
                "put the data into a file of its own in the model's folder, and name it by a relative path"
            }
            LoadError::ExternalShort { .. } => "check that the external file is complete and belongs to this model",
            LoadError::DataLength { .. } => {
                "the tensor's data are damaged or its shape is wrong; export the model again"
            }
            LoadError::ElementType { .. } => "store the tensor in a numeric type of ONNX",
            LoadError::Tensor { .. } | LoadError::External { .. } => "export the model again with a current exporter",
            LoadError::Npy { .. } => "save the array by numpy.save, little-endian, as bool, integers or floats",
            LoadError::Write { .. } => "check that the folder exists and that you may write there",
        }
    }

    /// The tensor that the error is about, where it is about one.
    pub fn tensor(&self) -> Option<&str> {
        match self {
            LoadError::ExternalOutside { tensor, .. }
            | LoadError::ExternalShort { tensor, .. }
            | LoadError::DataLength { tensor, .. }
            | LoadError::ElementType { tensor, .. }
            | LoadError::Tensor { tensor, .. }
            | LoadError::External { tensor, .. } => Some(tensor),
            _ => None,
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Read { path, source } => write!(f, "cannot read {path:?}: {source}"),
            LoadError::Foreign { path, foreign } => write!(f, "{path:?} is no ONNX model: it is {}", foreign.kind),
            LoadError::Malformed { message, reason } => write!(f, "not a {message}: {reason}"),
            LoadError::Limit { what, found, limit } => {
                write!(f, "too large: {found} {what}, at most {limit} are allowed")
            }
            LoadError::ExternalOutside { tensor, location, reason } => {
                write!(f, "external data of tensor {tensor:?} at {location:?} refused: {reason}")
            }
            LoadError::ExternalShort { tensor, path, needed, found } => write!(
                f,
                "external data of tensor {tensor:?} end at byte {needed} of {path:?}, which has {found} bytes"
            ),
            LoadError::DataLength { tensor, field, unit, expected, found } => write!(
                f,
                "tensor {tensor:?} needs {expected} {unit} of data for its shape and type, {field} has {found}"
            ),
            LoadError::ElementType { tensor, code } => match super::ElementType::from_code(*code) {
                Some(dtype) => write!(f, "tensor {tensor:?} has elements of type {dtype}, which is not supported"),
                None => write!(f, "tensor {tensor:?} has elements of unknown type {code}"),
            },
            LoadError::Tensor { tensor, reason } => {
                write!(f, "tensor {tensor:?} is malformed: {reason}")
            }
            LoadError::External { tensor, reason } => {
                write!(f, "external data of tensor {tensor:?} cannot be used: {reason}")
            }
            LoadError::Npy { reason } => write!(f, "not a usable .npy file: {reason}"),
            LoadError::Write { path, source } => write!(f, "cannot write {path:?}: {source}"),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LoadError::Read { source, .. } | LoadError::Write { source, .. } => Some(source),
            _ => None,
        }
    }
}
