//! The area beside a crate's folder in which the new one is made, and the exchange of the two.
//!
//! An area holds `new-NAME`, the new folder, until that is exchanged, and the old one afterwards; `staged-NAME`, the identity of the
//! new folder, which is written when it is complete: an area whose `new-NAME` is another folder holds the old one; and `old-NAME`, the
//! old folder where the file system cannot exchange.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::InstallError;

const PREFIX: &str = ".zantc-";
/// Characters that nobody can know.
const RANDOM: usize = 12;
const NEW: &str = "new-";
const STAGED: &str = "staged-";
const OLD: &str = "old-";
/// The longest that another run of zantc may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a crate goes.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder itself, which no link stands for.
    pub(super) folder: PathBuf,
    parent: PathBuf,
    name: OsString,
}

/// Keeps other runs away from the folders of a parent.
#[derive(Debug)]
pub(super) struct Lock {
    /// `None` where the system has no such locks: then nobody else's areas are touched.
    held: Option<File>,
}

/// A folder for the new one, and later for the old one. It goes with this where nothing was exchanged.
#[derive(Debug)]
pub(super) struct Area {
    root: PathBuf,
    /// The new folder.
    pub(super) new: PathBuf,
    /// Where the old one is afterwards.
    old: Option<PathBuf>,
}

impl Place {
    /// Follows links to a folder that is there; makes the parent of one that is not.
    pub(super) fn of(folder: &Path) -> Result<Place, InstallError> {
        let fail = InstallError::io(folder);
        let folder = match fs::canonicalize(folder) {
            Ok(real) => real,
            Err(e) if e.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(folder).is_err() => {
                let absolute = match std::path::absolute(folder) {
                    Ok(path) => path,
                    Err(e) => return Err(fail(e)),
                };
                let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else { return Err(fail(e)) };
                match fs::create_dir_all(parent).and_then(|()| fs::canonicalize(parent)) {
                    Ok(parent) => parent.join(name),
                    Err(e) => return Err(fail(e)),
                }
            }
            Err(e) => return Err(fail(e)),
        };
        if fs::metadata(&folder).is_ok_and(|m| !m.is_dir()) {
            return Err(fail(io::ErrorKind::NotADirectory.into()));
        }
        match (folder.parent().map(Path::to_path_buf), folder.file_name().map(OsString::from)) {
            (Some(parent), Some(name)) => Ok(Place { folder, parent, name }),
            (None, _) | (_, None) => Err(fail(io::ErrorKind::ResourceBusy.into())),
        }
    }

    /// Waits until no other run is busy here.
    pub(super) fn lock(&self) -> Result<Lock, InstallError> {
        Lock::on(&self.parent)
    }

    /// Takes away what runs that were killed have left; brings an old folder back that they had put aside.
    pub(super) fn clear(&self, lock: &Lock) -> Result<Vec<String>, InstallError> {
        let mut notes = Vec::new();
        if !lock.is_held() {
            return Ok(notes);
        }
        let entries = fs::read_dir(&self.parent).map_err(InstallError::io(&self.parent))?;
        for root in entries.flatten().filter(|e| is_area(&e.file_name())).map(|e| e.path()) {
            if !is_own_folder(&root) {
                continue;
            }
            let (new, aside, staged) = (self.within(&root, NEW), self.within(&root, OLD), self.within(&root, STAGED));
            if !new.is_dir() && !aside.is_dir() {
                // Another folder's, or there is nothing in it yet or any more.
                if fs::read_dir(&root).is_ok_and(|mut all| all.all(|e| e.is_ok_and(|e| e.path() == staged))) {
                    drop(fs::remove_file(&staged));
                    drop(fs::remove_dir(&root));
                }
                continue;
            }
            if aside.is_dir() && fs::symlink_metadata(&self.folder).is_err() {
                fs::rename(&aside, &self.folder).map_err(InstallError::io(&self.folder))?;
            }
            let id = identity(&new);
            let exchanged =
                fs::read_to_string(&staged).is_ok_and(|s| id.is_some_and(|id| s.len() == id.len() && s != id));
            let old = match (exchanged, aside.is_dir()) {
                (true, _) => Some(new.clone()),
                (false, true) => Some(aside),
                (false, false) => None,
            };
            let area = Area { new, root, old };
            notes.extend(area.discard(self, &super::claim::listed(area.old.as_deref()), Rest::Stays));
        }
        Ok(notes)
    }

    /// What an area has for this folder.
    fn within(&self, root: &Path, kind: &str) -> PathBuf {
        let mut name = OsString::from(kind);
        name.push(&self.name);
        root.join(name)
    }
}

impl Lock {
    /// Waits until no other run is busy in a folder.
    pub(super) fn on(folder: &Path) -> Result<Lock, InstallError> {
        let start = Instant::now();
        loop {
            match try_lock(folder) {
                Ok(lock) => return Ok(lock),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock && start.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(e) => return Err(InstallError::io(folder)(e)),
            }
        }
    }

    /// Whether others wait.
    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }
}

impl Area {
    /// Makes an area with an empty folder.
    pub(super) fn new(place: &Place) -> Result<Area, InstallError> {
        let fail = InstallError::io(&place.parent);
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).rand_bytes(RANDOM);
        // Others neither look nor write into it.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let root = match builder.tempdir_in(&place.parent) {
            Ok(folder) => folder.keep(),
            Err(e) => return Err(fail(e)),
        };
        let area = Area { new: place.within(&root, NEW), root, old: None };
        fs::create_dir(&area.new).map_err(InstallError::io(&area.new))?;
        Ok(area)
    }

    /// Puts the new folder to its place: the one instant at which anything changes.
    pub(super) fn swap(&mut self, place: &Place) -> Result<(), InstallError> {
        let fail = || InstallError::io(&place.folder);
        let staged = place.within(&self.root, STAGED);
        if let Some(identity) = identity(&self.new) {
            fs::write(&staged, identity).map_err(InstallError::io(&staged))?;
        }
        match exchange(&self.new, &place.folder) {
            Ok(()) => {
                self.old = Some(self.new.clone());
                return Ok(());
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) if e.kind() == io::ErrorKind::Unsupported || e.kind() == io::ErrorKind::InvalidInput => {
                let aside = place.within(&self.root, OLD);
                fs::rename(&place.folder, &aside).map_err(fail())?;
                // From here on the area holds what must not be lost.
                self.old = Some(aside.clone());
                if let Err(e) = fs::rename(&self.new, &place.folder) {
                    fs::rename(&aside, &place.folder).map_err(fail())?;
                    self.old = None;
                    return Err(fail()(e));
                }
                return Ok(());
            }
            Err(e) => return Err(fail()(e)),
        }
        fs::rename(&self.new, &place.folder).map_err(fail())
    }

    /// Takes the area away, and of the old folder what is listed or also in the new one. Gives what the user should know.
    pub(super) fn discard(&self, place: &Place, listed: &BTreeSet<String>, rest: Rest) -> Vec<String> {
        if let Some(old) = &self.old {
            let left = empty(old, &place.folder, listed, rest);
            if left > 0 {
                return vec![format!(
                    "{left} files that came meanwhile, or could not be removed, are in {}",
                    old.display()
                )];
            }
        }
        match fs::remove_dir_all(&self.root) {
            Err(e) if self.root.exists() => vec![format!("{} could not be removed: {e}", self.root.display())],
            Ok(()) | Err(_) => Vec::new(),
        }
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        if self.old.is_none() {
            // All that it holds is new, or a link to what is in its place.
            drop(fs::remove_dir_all(&self.root));
        }
    }
}

/// What becomes of files in an old folder that are not listed and not in the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// They came while the folders were exchanged, just now: they move to the new one.
    Moves,
    /// Nobody knows whether the user has removed them since: they stay where they are.
    Stays,
}

/// Removes from an old folder what is listed or is in the new one as well; how many files and folders are left. The list goes last, so
/// that whoever finds the rest knows it.
fn empty(old: &Path, new: &Path, listed: &BTreeSet<String>, rest: Rest) -> usize {
    let manifest = old.join(super::MANIFEST);
    let mut left = 0;
    let mut folders = Vec::new();
    let mut open = vec![old.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries: Vec<_> = fs::read_dir(&folder).into_iter().flatten().flatten().collect();
        folders.push(folder);
        for from in entries.into_iter().map(|e| e.path()) {
            let (Ok(name), Ok(meta)) = (from.strip_prefix(old), fs::symlink_metadata(&from)) else { continue };
            if meta.is_dir() {
                open.push(from);
                continue;
            }
            if from == manifest && listed.contains(super::MANIFEST) {
                continue;
            }
            let to = new.join(name);
            let is_listed = name.to_str().is_some_and(|n| listed.contains(&n.replace('\\', "/")));
            let there = fs::symlink_metadata(&to);
            let gone = match &there {
                _ if is_listed => fs::remove_file(&from),
                Ok(there) if same(&meta, there) => fs::remove_file(&from),
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) if rest == Rest::Stays => Err(io::ErrorKind::NotFound.into()),
                Err(_) => to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::rename(&from, &to)),
            };
            left += usize::from(gone.is_err());
        }
    }
    if left == 0 {
        drop(fs::remove_file(manifest));
    }
    // Each folder by itself: what comes at the last moment keeps it.
    let kept = folders.iter().rev().filter(|folder| fs::remove_dir(folder).is_err()).count();
    if left == 0 { kept } else { left }
}

/// Whether a name is that of an area.
fn is_area(name: &std::ffi::OsStr) -> bool {
    let random = name.to_str().and_then(|n| n.strip_prefix(PREFIX));
    random.is_some_and(|r| r.len() == RANDOM && r.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(unix)]
fn same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Without identities, links cannot be told: nothing is taken for the same.
#[cfg(not(unix))]
fn same(_: &Metadata, _: &Metadata) -> bool {
    false
}

/// What tells a folder from others as long as it is there.
#[cfg(unix)]
fn identity(folder: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let meta = fs::symlink_metadata(folder).ok()?;
    Some(format!("{:016x} {:016x}\n", meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<String> {
    None
}

/// Whether a path is a folder of the user's own that others cannot write to.
#[cfg(unix)]
fn is_own_folder(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|m| m.is_dir() && m.uid() == own && m.mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_own_folder(path: &Path) -> bool {
    path.is_dir()
}

/// Locks a folder without waiting.
#[cfg(unix)]
fn try_lock(folder: &Path) -> io::Result<Lock> {
    use rustix::fs::{FlockOperation, flock};
    let file = File::open(folder)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Lock { held: Some(file) }),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(io::ErrorKind::WouldBlock.into()),
        // Some file systems have no locks.
        Err(_) => Ok(Lock { held: None }),
    }
}

#[cfg(not(unix))]
fn try_lock(_: &Path) -> io::Result<Lock> {
    Ok(Lock { held: None })
}

/// Exchanges two folders in one step.
///
/// # Errors
/// `NotFound` where the second is not there or empty; `Unsupported` or `InvalidInput` where the file system cannot do it.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_: &Path, b: &Path) -> io::Result<()> {
    Err(if b.exists() { io::ErrorKind::Unsupported } else { io::ErrorKind::NotFound }.into())
}
