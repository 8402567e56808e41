//! What of a folder is ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Component, Path};

use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use super::{Force, InstallError, MANIFEST};
use crate::emit::Package;

/// Largest `zant.json` that is read, in bytes. Those of crates with a hundred thousand steps are smaller.
const MANIFEST_BYTES: u64 = 64 << 20;

/// Files that are named where there are several.
const NAMED: usize = 3;

/// What of a folder may be replaced.
#[derive(Debug, Default)]
pub(super) struct Claim {
    /// Files of the old crate, which go.
    pub(super) listed: BTreeSet<String>,
}

/// The `zant.json` of an emitted crate, as far as it matters here.
#[derive(Deserialize)]
struct Manifest {
    zantc: String,
    model: Model,
    #[serde(rename = "weights")]
    _weights: IgnoredAny,
    /// SHA-256 of each file, in hex. Crates of the first versions have no list.
    files: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Model {
    sha256: String,
}

impl Claim {
    /// Looks at a folder that may be there.
    pub(super) fn of(folder: &Path, package: &Package, force: Force) -> Result<Claim, InstallError> {
        if is_vacant(folder)? {
            return Ok(Claim::default());
        }
        let manifest = read(folder);
        let Some(manifest) = manifest.filter(Manifest::is_ours) else {
            return match force {
                Force::No => Err(foreign(folder)),
                Force::Yes => Ok(Claim { listed: package.files.keys().cloned().collect() }),
            };
        };
        let listed = match &manifest.files {
            Some(files) => files.keys().filter(|path| is_emitted(path)).cloned().collect(),
            // Without a list nothing goes; what the new crate has, the old one had.
            None => package.files.keys().cloned().collect(),
        };
        let mut claim = Claim { listed };
        claim.listed.insert(MANIFEST.into());
        if force == Force::Yes {
            claim.listed.extend(package.files.keys().cloned());
        } else if let Some(files) = &manifest.files {
            claim.check(folder, package, files)?;
        }
        Ok(claim)
    }

    /// Refuses what would be lost: a file of ours that was changed, another's file where one of ours goes.
    fn check(&self, folder: &Path, package: &Package, files: &BTreeMap<String, String>) -> Result<(), InstallError> {
        let kept = |path: &str| package.files.get(path).is_some_and(|content| has_content(&folder.join(path), content));
        let changed = self.listed.iter().filter(|path| path.as_str() != MANIFEST && !kept(path));
        let changed = changed.filter(|path| {
            let there = folder.join(path);
            fs::symlink_metadata(&there).is_ok() && hash(&there).as_ref() != files.get(*path)
        });
        refuse(folder, "was changed since zantc wrote it", changed)?;
        let others = package.files.keys().filter(|path| !self.listed.contains(*path) && !kept(path));
        let others = others.filter(|path| fs::symlink_metadata(folder.join(path)).is_ok());
        refuse(folder, "is not zantc's", others)
    }
}

impl Manifest {
    fn is_ours(&self) -> bool {
        let hex = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        !self.zantc.is_empty() && (self.model.sha256.is_empty() || hex(&self.model.sha256))
    }
}

fn refuse<'a>(folder: &Path, what: &str, paths: impl Iterator<Item = &'a String>) -> Result<(), InstallError> {
    let paths: Vec<&String> = paths.collect();
    let Some(first) = paths.first() else { return Ok(()) };
    let others = match paths.len() {
        1 => String::new(),
        n => format!(
            " (and {} more: {})",
            n - 1,
            paths[1..].iter().take(NAMED).map(|p| p.as_str()).collect::<Vec<_>>().join(", ")
        ),
    };
    Err(InstallError::NotOurs {
        why: format!("{:?} {what}{others}", folder.join(first)),
        help: "move it away, choose another folder by `-o`, or insist by `--force`, which writes over it".into(),
    })
}

fn foreign(folder: &Path) -> InstallError {
    InstallError::NotOurs {
        why: format!("{folder:?} is not empty, and not a crate that zantc has written"),
        help: "choose a new folder by `-o`, or insist by `--force`: what has another name stays then, what has the same name \
               is written over"
            .into(),
    }
}

/// The files that the `zant.json` of a folder lists.
pub(super) fn listed(folder: Option<&Path>) -> BTreeSet<String> {
    let manifest = folder.and_then(read).filter(Manifest::is_ours);
    let files = manifest.and_then(|m| m.files).unwrap_or_default();
    let mut listed: BTreeSet<String> = files.into_keys().filter(|path| is_emitted(path)).collect();
    listed.insert(MANIFEST.into());
    listed
}

/// Whether there is nothing in a folder, or no folder.
fn is_vacant(folder: &Path) -> Result<bool, InstallError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(e) => Err(InstallError::io(folder)(e)),
    }
}

fn read(folder: &Path) -> Option<Manifest> {
    let file = regular(&folder.join(MANIFEST))?;
    if file.metadata().ok()?.len() > MANIFEST_BYTES {
        return None;
    }
    serde_json::from_reader(BufReader::new(file.take(MANIFEST_BYTES))).ok()
}

/// Opens a file that is neither a link nor a device.
fn regular(path: &Path) -> Option<File> {
    let is_file = fs::symlink_metadata(path).is_ok_and(|m| m.is_file());
    is_file.then(|| File::open(path).ok()).flatten()
}

/// SHA-256 of a file in hex.
fn hash(path: &Path) -> Option<String> {
    let mut file = regular(path)?;
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash).ok()?;
    Some(crate::emit::hex(&hash.finalize()))
}

/// Whether a path is a plain file with these bytes.
pub(super) fn has_content(path: &Path, content: &[u8]) -> bool {
    let Some(file) = regular(path) else { return false };
    let limit = content.len() as u64;
    if file.metadata().map_or(true, |m| m.len() != limit) {
        return false;
    }
    let mut there = Vec::with_capacity(content.len());
    file.take(limit + 1).read_to_end(&mut there).is_ok() && there == content
}

/// Whether a path is one that zantc emits: a list that lies in a folder is anybody's data.
fn is_emitted(path: &str) -> bool {
    let plain = !path.contains('\\') && Path::new(path).components().all(|c| matches!(c, Component::Normal(_)));
    let normal = !path.is_empty() && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    let below = |folder: &str, end: &str| path.starts_with(folder) && path.ends_with(end);
    let top =
        ["Cargo.toml", "README.md", "rustfmt.toml", MANIFEST, "weights.bin", "tests/golden.rs", "tests/weights.rs"];
    plain && normal && (top.contains(&path) || below("src/", ".rs") || below("tests/golden/", ".bin"))
}

#[cfg(test)]
mod tests {
    use super::is_emitted;

    #[test]
    fn a_list_names_what_is_emitted_or_counts_for_nothing() {
        for good in ["Cargo.toml", "src/lib.rs", "src/rt/arch/x86/dot.rs", "tests/golden/input_0_0.bin", "weights.bin"]
        {
            assert!(is_emitted(good), "{good}");
        }
        let bad = [
            "",
            ".",
            "..",
            "/etc/passwd",
            "../x.rs",
            "src/../../x.rs",
            "src/./x.rs",
            "src//x.rs",
            "src/..",
            "src\\..\\x.rs",
            "/src/lib.rs",
            ".git/HEAD",
            "target",
            "src/notes.txt",
            "build.rs",
            "tests/golden/../../x.bin",
            "C:\\src\\x.rs",
        ];
        for bad in bad {
            assert!(!is_emitted(bad), "{bad}");
        }
    }
}
