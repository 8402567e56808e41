//! The functions of a linked file, and which of its bytes are code.

use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind};

use crate::Error;

/// A function.
#[derive(Clone, Debug)]
pub(super) struct Symbol {
    /// Its name, demangled, without the hash.
    pub(super) name: String,
    pub(super) start: u32,
    /// The address behind its last byte.
    pub(super) end: u32,
}

/// A section that takes memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: u32,
    /// Bytes.
    pub bytes: u32,
}

/// What is read from a linked file.
pub(super) struct Image<'a> {
    /// In the order of addresses.
    pub(super) functions: Vec<Symbol>,
    pub(super) sections: Vec<Section>,
    /// Addresses from which bytes are code (or data) up to the next one: the mapping symbols `$t` and `$d`.
    marks: Vec<(u32, bool)>,
    code: Vec<(u32, &'a [u8])>,
}

impl<'a> Image<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Image<'a>, Error> {
        let bad = |e: object::Error| Error::Run(format!("the linked file cannot be read: {e}"));
        let file = object::File::parse(bytes).map_err(bad)?;
        if file.architecture() != object::Architecture::Arm || file.is_64() {
            return Err(Error::Run("the linked file is not for 32-bit Arm".into()));
        }
        let (mut code, mut sections) = (Vec::new(), Vec::new());
        for s in file.sections() {
            let name = s.name().map_err(bad)?.to_string();
            if s.kind() == SectionKind::Text {
                code.push((s.address() as u32, s.data().map_err(bad)?));
            }
            let taken = matches!(s.flags(), object::SectionFlags::Elf { sh_flags } if sh_flags & 2 != 0);
            if taken && s.size() > 0 {
                sections.push(Section { name, address: s.address() as u32, bytes: s.size() as u32 });
            }
        }
        let mut image = Image { functions: Vec::new(), sections, marks: Vec::new(), code };
        image.add_symbols(&file);
        Ok(image)
    }

    fn add_symbols(&mut self, file: &object::File<'_>) {
        for s in file.symbols() {
            let (Ok(name), address) = (s.name(), s.address() as u32) else { continue };
            match name.get(..2) {
                Some("$t") => self.marks.push((address, true)),
                Some("$d") => self.marks.push((address, false)),
                // Functions written in assembly may have no type and no size; then they end where the next one begins.
                _ => {
                    let start = address & !1;
                    let is_function = s.kind() == object::SymbolKind::Text
                        || s.kind() == object::SymbolKind::Unknown && address & 1 == 1;
                    if is_function && !name.is_empty() && self.bytes(start).is_some() {
                        let name = format!("{:#}", rustc_demangle::demangle(name));
                        self.functions.push(Symbol { name, start, end: start.wrapping_add(s.size() as u32) });
                    }
                }
            }
        }
        self.marks.sort_unstable();
        self.functions.sort_by(|a, b| (a.start, b.end, &a.name).cmp(&(b.start, a.end, &b.name)));
        self.functions.dedup_by_key(|f| f.start);
        let starts: Vec<u32> = self.functions.iter().map(|f| f.start).collect();
        for (i, f) in self.functions.iter_mut().enumerate().filter(|(_, f)| f.end == f.start) {
            let section = self.code.iter().map(|(at, b)| at + b.len() as u32).find(|&end| end > f.start);
            let next = starts.get(i + 1).copied().unwrap_or(u32::MAX);
            f.end = section.unwrap_or(f.start).min(next);
        }
    }

    /// The code from an address to the end of its section.
    pub(super) fn bytes(&self, at: u32) -> Option<&'a [u8]> {
        let rest =
            |(start, bytes): &(u32, &'a [u8])| bytes.get(at.checked_sub(*start)? as usize..).filter(|b| !b.is_empty());
        self.code.iter().find_map(rest)
    }

    /// Whether the byte at an address is code, not a constant between functions or within one.
    pub(super) fn is_code(&self, at: u32) -> bool {
        let before = self.marks.partition_point(|&(address, _)| address <= at);
        before.checked_sub(1).and_then(|i| self.marks.get(i)).is_none_or(|&(_, code)| code)
    }

    /// The function that has an address in it.
    pub(super) fn function_at(&self, at: u32) -> Option<usize> {
        let before = self.functions.partition_point(|f| f.start <= at);
        before.checked_sub(1).filter(|&i| at < self.functions[i].end)
    }
}
