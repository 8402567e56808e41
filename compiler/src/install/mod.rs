//! Emitted crates, modules and listings on disk, beside what is the user's.
//!
//! A crate's folder is one model or the other at every instant, whatever ends the process:
//!
//! 1. The new folder is made in an *area*: a folder `.zantc-XXXXXXXXXXXX` beside the crate's, which is made exclusively, under a name
//!    that nobody can know, and is readable for its owner alone. Nothing is opened through a link.
//! 2. What the old folder has and zantc has not written is linked into the new one (hard links: no byte is copied, no time
//!    changes, and the file is never in one place only). So are files of the old crate that are as the new one wants them: their times
//!    stay, and cargo builds nothing again.
//! 3. The two folders are exchanged by one call of the system (Linux, macOS). Where the file system cannot do that, the old one
//!    goes into the area and the new one to its place; whoever finds an area without its folder brings the old one back.
//! 4. The old folder is taken apart: a file goes where `zant.json` of the old crate lists it, or where the new folder holds the
//!    same file. What came meanwhile is moved over, never removed.
//!
//! What is left of a process that was killed is an area, which the next run for the same folder takes away. Runs for folders with the
//! same parent wait for each other. A power cut is another matter: nothing is forced to the disk.
//!
//! Invariants: a folder with something in it, but without a `zant.json` of ours, is not touched unless the user insists; a file goes
//! or is replaced only where the old `zant.json` lists it with the content that it has; a path of such a list counts only where
//! zantc could have emitted it.

mod area;
mod claim;
mod file;
mod module;
mod tree;

use std::io;
use std::path::{Path, PathBuf};

use crate::diag::{Diagnostic, codes};
use crate::emit::Package;

pub use file::replace;
pub use module::install_module;

/// Name of the file that says what a crate was made from, and which files are its own.
pub(crate) const MANIFEST: &str = "zant.json";

/// Whether what is not ours may be written over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// It may not.
    No,
    /// The user insists.
    Yes,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// Files that are new or have new content; the others are as they were.
    pub written: Vec<PathBuf>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Why nothing was written.
#[derive(Debug)]
pub enum InstallError {
    /// Something that is not ours is in the way.
    NotOurs {
        /// What is in the way.
        why: String,
        /// What to do.
        help: String,
    },
    /// The system refused something.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl InstallError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> InstallError {
        let path = path.to_path_buf();
        move |source| InstallError::Io { path, source }
    }

    /// The finding to show.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            InstallError::NotOurs { why, help } => Diagnostic::error(codes::NOT_OURS, why.clone()).help(help.clone()),
            InstallError::Io { path, source } => {
                let help = match source.kind() {
                    io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices => {
                        "the folder is replaced as a whole, which a mounted one cannot be: name a folder inside it"
                    }
                    _ => "check that the folder exists and that you may write there",
                };
                Diagnostic::error("ZA0011", format!("cannot write {path:?}: {source}")).help(help)
            }
        }
    }
}

/// Makes a folder exactly this crate and what else the user has in it, or leaves it as it is.
///
/// # Errors
/// A folder that is not ours, a file of ours that was changed, what the system refuses. The folder is then as it was.
pub fn install_crate(package: &Package, folder: &Path, force: Force) -> Result<Installed, InstallError> {
    let place = area::Place::of(folder)?;
    let lock = place.lock()?;
    let inside = std::env::current_dir().is_ok_and(|here| here.starts_with(&place.folder));
    let mut notes = place.clear(&lock)?;
    let claim = claim::Claim::of(&place.folder, package, force)?;
    let mut area = area::Area::new(&place)?;
    let written = tree::stage(package, &claim, &place.folder, &area.new)?;
    area.swap(&place)?;
    notes.extend(area.discard(&place, &claim.listed, area::Rest::Moves));
    if inside {
        notes.push(format!("{} is a new folder now; enter it again with `cd .`", folder.display()));
    }
    drop(lock);
    Ok(Installed { written: written.iter().map(|name| folder.join(name)).collect(), notes })
}
