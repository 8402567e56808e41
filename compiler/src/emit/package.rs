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
    pub(crate) fn text(&mut self, path: &str, text: String) {
        self.files.insert(path.to_string(), text.into_bytes());
    }

    pub(super) fn bytes(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.to_string(), bytes);
    }

    /// Writes the files into a folder of the caller's own, which is made where it is missing. Files whose content is right already
    /// are left alone, so that their times stay. Where somebody else may look at the folder, or has something in it:
    /// [`crate::install`].
    ///
    /// # Errors
    /// What the file system refused.
    pub fn write(&self, folder: &Path) -> Result<(), WriteError> {
        let fail = |path: &Path| {
            let path = path.to_path_buf();
            move |source| WriteError { path, source }
        };
        for (name, content) in &self.files {
            let path = folder.join(name);
            if fs::read(&path).is_ok_and(|old| old == *content) {
                continue;
            }
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(fail(parent))?;
            fs::write(&path, content).map_err(fail(&path))?;
        }
        Ok(())
    }
}
