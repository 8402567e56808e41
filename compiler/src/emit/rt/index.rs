//! The runtime's files, split into items once, and where names lead.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use zant_runtime::sources::SOURCES;

use super::items::{File, Item, Kind};

/// An item: its file and its number there; for a member also its number within the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) file: usize,
    pub(super) item: usize,
    pub(super) member: Option<usize>,
}

/// All files, split once.
pub(super) static FILES: LazyLock<Vec<File>> =
    LazyLock::new(|| SOURCES.iter().map(|source| File::new(source.path, source.text)).collect());

/// Files by the path of their module.
pub(super) static MODULES: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
    let module = |(n, file): (usize, &File)| (file.path.trim_end_matches(".rs"), n);
    FILES.iter().enumerate().map(module).collect()
});

/// Items of each file by name, and the imports of each file: the item and the number of the name there.
pub(super) static NAMED: LazyLock<Vec<HashMap<&'static str, Vec<usize>>>> = LazyLock::new(|| {
    let names = |file: &'static File| {
        let mut names: HashMap<&str, Vec<usize>> = HashMap::new();
        for (n, item) in file.items.iter().enumerate() {
            if let Some(name) = item.name() {
                names.entry(name).or_default().push(n);
            }
        }
        names
    };
    FILES.iter().map(names).collect()
});

/// An item or a member.
pub(super) fn part(id: Id) -> &'static Item {
    let item = &FILES[id.file].items[id.item];
    id.member.map_or(item, |member| &item.members[member])
}

/// The imports of a file that have a name.
pub(super) fn imports(file: usize, name: &str) -> impl Iterator<Item = (Id, usize)> {
    let all = IMPORTS[file].get(name).cloned().unwrap_or_default();
    all.into_iter().map(move |(item, number)| (Id { file, item, member: None }, number))
}

/// The imports of each file by name: the item, and the number there.
type Imports = HashMap<&'static str, Vec<(usize, usize)>>;

static IMPORTS: LazyLock<Vec<Imports>> = LazyLock::new(|| {
    let of_file = |file: &'static File| {
        let mut imports: Imports = HashMap::new();
        for (n, item) in file.items.iter().enumerate() {
            let Kind::Use(all) = &item.kind else { continue };
            for (number, import) in all.iter().enumerate() {
                imports.entry(&import.name).or_default().push((n, number));
            }
        }
        imports
    };
    FILES.iter().map(of_file).collect()
});

/// The items that a name of a file stands for.
pub(super) fn targets(file: usize, name: &str) -> Vec<Id> {
    let own = NAMED[file].get(name).into_iter().flatten().map(|&item| Id { file, item, member: None });
    let imported = imports(file, name).flat_map(|(id, number)| {
        let Kind::Use(all) = &FILES[file].items[id.item].kind else { return Vec::new() };
        let Some((last, module)) = all[number].target.as_ref().and_then(|t| t.split_last()) else { return Vec::new() };
        match MODULES.get(module.join("/").as_str()) {
            Some(&other) if other != file => targets(other, last),
            _ => Vec::new(),
        }
    });
    own.chain(imported).collect()
}

/// Every word of the runtime, so that words of other texts can be told by reference.
static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let words = |file: &'static File| (0..file.tokens.len()).filter_map(|at| file.word(at));
    FILES.iter().flat_map(words).collect()
});

/// A word as the runtime has it; `None` where it has none.
pub(super) fn intern(word: &str) -> Option<&'static str> {
    WORDS.get(word).copied()
}
