//! The ONNX wire format: messages, loading within limits, tensors as raw bytes, `.pb` and `.npy` files.
//!
//! A leaf of the compiler: nothing here knows the IR. Everything read is untrusted; each failure is a
//! [`LoadError`] with a stable code. Bulk data are slices of the buffer that was read, never copies.

mod attribute;
mod element;
mod error;
mod external;
mod files;
mod foreign;
mod limits;
mod load;
mod npy;
mod pb;
pub mod proto;
mod scan;
mod tensor;

pub use attribute::AttributeValue;
pub use element::ElementType;
pub use error::LoadError;
pub use foreign::Foreign;
pub use limits::Limits;
pub use load::{Model, load, load_bytes};
pub use tensor::RawTensor;
