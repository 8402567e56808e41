//! What linked files take, from their sections and symbols.

use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

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
    /// Variables beside the arena and the inputs.
    pub statics: u64,
}

/// Reads a linked file that has code and symbols.
fn parse(bytes: &[u8]) -> Result<object::File<'_>, Error> {
    let file = object::File::parse(bytes).map_err(|e| Error::Run(format!("the linked file cannot be read: {e}")))?;
    if size(&file, ".text") == 0 || file.symbols().next().is_none() {
        return Err(Error::Run("the linked file has no code or no symbols".into()));
    }
    Ok(file)
}

/// The size of a section.
fn size(file: &object::File<'_>, name: &str) -> u64 {
    file.section_by_name(name).map_or(0, |s| s.size())
}

/// Reads the sizes of sections.
pub(crate) fn sizes(bytes: &[u8]) -> Result<Sizes, Error> {
    let file = parse(bytes)?;
    let size = |name: &str| size(&file, name);
    let text = size(".text");
    let statics = size(".data") + size(".bss");
    Ok(Sizes { text, code: text + size(".rodata") + size(".data"), weights: size(".weights"), statics })
}

/// Bytes of a linked process of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostSizes {
    /// The stripped file.
    pub executable: u64,
    /// The weights in it.
    pub weights: u64,
    /// Machine code and constants of the model.
    pub code: u64,
    /// What memory the process has beside the file's content: `.data` and `.bss`.
    pub statics: u64,
}

/// Reads the sizes of a linked process; `stripped` is the size of its stripped file.
pub(crate) fn host_sizes(linked: &[u8], stripped: u64) -> Result<HostSizes, Error> {
    let file = parse(linked)?;
    let size = |name: &str| size(&file, name);
    // The mangled name of the emitted static.
    let is_weights = |s: &object::Symbol<'_, '_>| s.name().is_ok_and(|n| n.contains("7WEIGHTS"));
    let weights: u64 = file.symbols().filter(is_weights).map(|s| s.size()).sum();
    let constants = size(".rodata") + size(".data.rel.ro") + size(".data");
    let code = (size(".text") + constants).saturating_sub(weights);
    Ok(HostSizes { executable: stripped, weights, code, statics: size(".data") + size(".bss") })
}
