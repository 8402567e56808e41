//! Operators of the family.

use crate::import::registry::OpEntry;

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[];
