//! Bounds on what is read from outside. Every one is checked before the memory or time it guards is spent.

use super::LoadError;

/// What a file may ask for. `Limits::default()` takes every honest model and stops the others early.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one file that is read as a whole: the model, a `.pb` or a `.npy` (4 GiB).
    pub file_bytes: u64,
    /// Bytes of all external data files together (4 GiB).
    pub external_bytes: u64,
    /// Memory in bytes that decoded messages may take besides the file itself, estimated before decoding (1 GiB).
    /// An empty message costs 2 bytes in the file and hundreds in memory; this stops such files.
    pub decoded_bytes: u64,
    /// Nodes of all graphs and functions together (1,000,000).
    pub nodes: u64,
    /// How deep graphs may lie in attributes of nodes of graphs (16). Protobuf's own nesting limit of 100 messages
    /// comes at about 30.
    pub graph_depth: usize,
    /// Elements of one stored tensor (2^32).
    pub tensor_elements: u64,
    /// Dimensions of a tensor or of a type's shape (32).
    pub rank: usize,
    /// Bytes of one name (64 KiB); documentation and metadata are not names.
    pub name_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            file_bytes: 4 << 30,
            external_bytes: 4 << 30,
            decoded_bytes: 1 << 30,
            nodes: 1_000_000,
            graph_depth: 16,
            tensor_elements: 1 << 32,
            rank: 32,
            name_bytes: 64 << 10,
        }
    }
}

/// Whether a count is within its limit.
///
/// # Errors
/// ZA0003 where there is more than that.
pub(super) fn within(what: &'static str, found: u64, limit: u64) -> Result<(), LoadError> {
    if found > limit { Err(LoadError::Limit { what, found, limit }) } else { Ok(()) }
}
