//! What linked modules of WebAssembly take, from their sections.

use crate::Error;
use crate::elf::Sizes;

/// The section of functions' bodies.
const CODE: u8 = 10;
/// The section of what memory holds at the start.
const DATA: u8 = 11;

/// Reads the sizes of sections; so many bytes of the data are weights. The harness's few functions are among the code.
pub(crate) fn sizes(bytes: &[u8], weights: u64) -> Result<Sizes, Error> {
    let broken = || Error::Run("the linked module cannot be read".into());
    let mut rest = bytes.strip_prefix(b"\0asm\x01\0\0\0").ok_or_else(broken)?;
    let (mut code, mut data) = (0, 0);
    while let Some((&section, after)) = rest.split_first() {
        let (bytes, after) = number(after).ok_or_else(broken)?;
        match section {
            CODE => code += bytes,
            DATA => data += bytes,
            _ => {}
        }
        rest = usize::try_from(bytes).ok().and_then(|n| after.get(n..)).ok_or_else(broken)?;
    }
    if code == 0 {
        return Err(Error::Run("the linked module has no code".into()));
    }
    Ok(Sizes { text: code, code: code + data.saturating_sub(weights), weights, statics: 0 })
}

/// A number in groups of seven bits, the lowest first, and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (i, &byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[i + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::sizes;

    #[test]
    fn sections_are_told_apart() {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        module.extend([1, 2, 9, 9, 10, 3, 0, 0, 0, 11, 0x82, 0x01]);
        module.extend([7; 130]);
        let s = sizes(&module, 100).unwrap();
        assert_eq!((s.text, s.code, s.weights), (3, 33, 100));
    }

    #[test]
    fn what_is_no_module_is_an_error() {
        for bytes in
            [&b"\0asm\x01\0\0\0"[..], b"ELF", b"\0asm\x01\0\0\0\x0a\x09\0", b"\0asm\x01\0\0\0\x0a\xff\xff\xff\xff\xff"]
        {
            assert!(sizes(bytes, 0).is_err(), "{bytes:?}");
        }
    }
}
