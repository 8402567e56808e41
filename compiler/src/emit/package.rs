//! The files of an emitted crate, in memory and on disk.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Files by path below the crate's root, with `/` between folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// The files.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Why files could not be written.
#[derive(Debug)]
pub struct WriteError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl std::fmt::Display for WriteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot write {}: {}", self.path.display(), self.source)
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Package {
    pub(super) fn text(&mut self, path: &str, text: String) {
        self.files.insert(path.to_string(), text.into_bytes());
    }

    pub(super) fn bytes(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.to_string(), bytes);
    }

    /// Writes the files into a folder, which becomes exactly this package: every file is first written beside its place, then
    /// all are renamed; files whose content is right already are left alone, so that their times stay; files of an earlier
    /// package that are no longer part of it go. Other files in the folder stay.
    ///
    /// # Errors
    /// What the file system refused; the files that are there are then the old ones.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, WriteError> {
        let fail = |path: &Path| {
            let path = path.to_path_buf();
            move |source| WriteError { path, source }
        };
        let mut staged: Vec<(PathBuf, PathBuf)> = Vec::new();
        let result = self.files.iter().try_for_each(|(name, content)| {
            let path = folder.join(name);
            if fs::read(&path).is_ok_and(|old| old == *content) {
                return Ok(());
            }
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(fail(parent))?;
            let mut temporary = path.clone().into_os_string();
            temporary.push(".zantc-new");
            let temporary = PathBuf::from(temporary);
            staged.push((temporary.clone(), path));
            fs::write(&temporary, content).map_err(fail(&temporary))
        });
        if let Err(e) = result {
            staged.iter().for_each(|(t, _)| drop(fs::remove_file(t)));
            return Err(e);
        }
        let stale = self.stale(folder);
        for (temporary, path) in &staged {
            fs::rename(temporary, path).map_err(fail(path))?;
        }
        for path in stale {
            fs::remove_file(&path).map_err(fail(&path))?;
        }
        Ok(staged.into_iter().map(|(_, path)| path).collect())
    }

    /// Runtime files of an earlier package that this one does not have.
    fn stale(&self, folder: &Path) -> Vec<PathBuf> {
        let mut stale = Vec::new();
        let mut open = vec![folder.join("src/rt"), folder.join("tests/golden")];
        while let Some(dir) = open.pop() {
            let Ok(entries) = fs::read_dir(&dir) else { continue };
            for path in entries.flatten().map(|e| e.path()) {
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let known = path.strip_prefix(folder).ok().map(|p| p.to_string_lossy().replace('\\', "/"));
                if !known.is_some_and(|k| self.files.contains_key(&k) || k.ends_with(".zantc-new")) {
                    stale.push(path);
                }
            }
        }
        stale.sort();
        stale
    }
}
