//! What a linked firmware takes, from its ELF file.

use object::{Object as _, ObjectSection as _};

use crate::Error;

/// Bytes of a linked firmware, without the harness around the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Machine code of the model and all it calls.
    pub text: u64,
    /// Machine code and the constants beside the weights.
    pub code: u64,
    /// The weights.
    pub weights: u64,
}

/// Reads the sizes of sections.
pub(crate) fn sizes(bytes: &[u8]) -> Result<Sizes, Error> {
    let file = object::File::parse(bytes).map_err(|e| Error::Run(format!("the linked file cannot be read: {e}")))?;
    let size = |name: &str| file.section_by_name(name).map_or(0, |s| s.size());
    let text = size(".text");
    if text == 0 || file.symbols().next().is_none() {
        return Err(Error::Run("the linked file has no code or no symbols".into()));
    }
    Ok(Sizes { text, code: text + size(".rodata") + size(".data"), weights: size(".weights") })
}
