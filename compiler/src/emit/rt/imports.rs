//! `use` items: what they name, and their text with some of the names.

/// A name that a file has for something of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    /// The name in the file; `*` for all names.
    pub(super) name: String,
    /// The path from the runtime's root; `None` for what is not the runtime's.
    pub(super) target: Option<Vec<String>>,
    /// The path as it is written, with `as NAME` where that is another name.
    written: Vec<String>,
}

/// The names in the tree behind `use` of a file of the runtime.
pub(super) fn imports(path: &str, tree: &str) -> Vec<Import> {
    let module: Vec<&str> = path.trim_end_matches(".rs").split('/').filter(|p| !p.is_empty()).collect();
    leaves(tree.trim()).into_iter().map(|written| import(&module, written)).collect()
}

fn import(module: &[&str], written: Vec<String>) -> Import {
    // `path::{self, ..}` names the end of the path.
    let mut ends = written.iter().rev().map(String::as_str).filter(|part| *part != "self");
    let last = ends.next().unwrap_or("");
    let name = last.split_once(" as ").map_or(last, |(_, name)| name).to_string();
    let own = |part: &String| part.split_once(" as ").map_or(part.as_str(), |(own, _)| own).to_string();
    let mut rest: Vec<String> = written.iter().map(own).collect();
    let mut base = module.to_vec();
    let ups = rest.iter().take_while(|part| *part == "super").count();
    base.truncate(base.len().saturating_sub(ups));
    let is_foreign = matches!(rest[0].as_str(), "core" | "alloc" | "std");
    // A path that starts with `self` or with a name of the file is within the file.
    rest.drain(..ups);
    rest.retain(|part| part != "self");
    let target = base.into_iter().map(str::to_string).chain(rest).collect();
    Import { name, target: (!is_foreign).then_some(target), written }
}

/// Each path of a tree.
fn leaves(tree: &str) -> Vec<Vec<String>> {
    let Some((before, group)) = tree.split_once('{') else {
        return vec![tree.split("::").map(|part| part.trim().to_string()).collect()];
    };
    let prefix: Vec<String> = before.split("::").map(str::trim).filter(|p| !p.is_empty()).map(str::to_string).collect();
    let inner = group.trim_end().strip_suffix('}').unwrap_or(group);
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    let parts = parts.into_iter().map(str::trim).filter(|part| !part.is_empty());
    parts.flat_map(leaves).map(|leaf| [prefix.clone(), leaf].concat()).collect()
}

/// Columns of a line.
const WIDTH: usize = 120;

/// The text of a `use` item that names some of what it named, with what stands before `use`.
pub(super) fn written(before: &str, kept: &[&Import]) -> String {
    // By the path without its last part, in the order of their first.
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for import in kept {
        let (last, path) = import.written.split_last().expect("a path has parts");
        let path = path.join("::");
        match groups.iter_mut().find(|(other, _)| *other == path) {
            Some((_, names)) => names.push(last),
            None => groups.push((path, vec![last])),
        }
    }
    let line = |(path, names): (String, Vec<&str>)| match names.as_slice() {
        [one] if path.is_empty() => format!("{before}use {one};"),
        ["self"] => format!("{before}use {path};"),
        [one] => format!("{before}use {path}::{one};"),
        many => group(&format!("{before}use {path}::"), many),
    };
    groups.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

fn group(path: &str, names: &[&str]) -> String {
    let short = format!("{path}{{{}}};", names.join(", "));
    if short.len() <= WIDTH {
        return short;
    }
    let mut text = format!("{path}{{");
    let mut column = WIDTH;
    for name in names {
        if column + name.len() + 2 > WIDTH {
            text += "\n   ";
            column = 3;
        }
        text += &format!(" {name},");
        column += name.len() + 2;
    }
    text + "\n};"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_from_the_root() {
        let all = imports("arch/arm/dsp.rs", "super::super::{isa::{Cpu, Isa}, portable::Portable as Plain}");
        let found: Vec<_> = all.iter().map(|i| (i.name.as_str(), i.target.clone().unwrap().join("/"))).collect();
        assert_eq!(
            found,
            [
                ("Cpu", "arch/isa/Cpu".into()),
                ("Isa", "arch/isa/Isa".into()),
                ("Plain", "arch/portable/Portable".into())
            ]
        );
        assert_eq!(imports("arena.rs", "core::fmt")[0].target, None);
        let whole = imports("loops/a.rs", "super::super::terms::taps::{self, Taps}");
        assert_eq!((whole[0].name.as_str(), whole[0].target.clone().unwrap().join("/")), ("taps", "terms/taps".into()));
        assert_eq!(written("", &[&whole[0]]), "use super::super::terms::taps;");
        assert_eq!(written("", &[&whole[0], &whole[1]]), "use super::super::terms::taps::{self, Taps};");
        let kept: Vec<&Import> = all[1..].iter().collect();
        assert_eq!(
            written("pub ", &kept),
            "pub use super::super::isa::Isa;\npub use super::super::portable::Portable as Plain;"
        );
        let long: Vec<String> = (0..20).map(|n| format!("name_{n:04}")).collect();
        let all = imports("a.rs", &format!("super::b::{{{}}}", long.join(", ")));
        let text = written("", &all.iter().collect::<Vec<_>>());
        assert!(text.lines().all(|l| l.len() <= WIDTH) && text.lines().count() == 4, "{text}");
    }
}
