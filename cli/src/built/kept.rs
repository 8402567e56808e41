//! Folders of builds that outlive a command, named after all that goes into them: a model that has not changed is not built again.
//!
//! They lie in `zantc/builds` of the user's folder for caches, or in the folder that `ZANTC_CACHE` names; where that is empty, none
//! is kept. Cargo decides what is built in them, so that a new toolchain builds anew. What nobody has used for long goes.
//!
//! Invariant: a folder is made beside its place and moved there when it is whole; the sources in it are compared with what they should
//! be before it is used; a process that uses it holds its lock, and whoever does not get that builds elsewhere.

use std::env::var_os;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use zant_measure::process::Scratch;
use zantc::emit::{Package, VERSION};

/// The file whose lock is held, and whose time says when that was last.
const LOCK: &str = "lock";
/// Folders that are kept whatever their age.
const RECENT: usize = 8;
/// How long the others are kept after they were used last.
const AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder to build in.
#[derive(Debug)]
pub(super) enum BuildFolder {
    /// One that goes with this.
    Passing(Scratch),
    /// One that stays, and its lock.
    Kept(PathBuf, #[expect(dead_code, reason = "held, not read")] File),
}

impl BuildFolder {
    /// A folder with packages in it, each in a folder of its name; one that stays if it is to be kept and can be.
    pub(super) fn with(packages: &[(&str, &Package)], keep: bool) -> Result<BuildFolder, String> {
        let root = if keep { root() } else { None };
        if let Some((path, lock)) = root.and_then(|root| kept(&root, packages)) {
            return Ok(BuildFolder::Kept(path, lock));
        }
        let folder = Scratch::new().map_err(|e| format!("cannot make a temporary folder: {e}"))?;
        write(folder.path(), packages)?;
        Ok(BuildFolder::Passing(folder))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        match self {
            BuildFolder::Passing(folder) => folder.path(),
            BuildFolder::Kept(path, _) => path,
        }
    }
}

fn write(folder: &Path, packages: &[(&str, &Package)]) -> Result<(), String> {
    packages.iter().try_for_each(|(name, package)| package.write(&folder.join(name)).map_err(|e| e.to_string()))
}

/// The folder of all kept ones.
fn root() -> Option<PathBuf> {
    if let Some(chosen) = var_os("ZANTC_CACHE") {
        return (!chosen.is_empty()).then(|| PathBuf::from(chosen).join("builds"));
    }
    let absolute = |name: &str| var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| absolute("LOCALAPPDATA"));
    let caches = caches.or_else(|| {
        let place = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        absolute("HOME").map(|home| home.join(place))
    });
    caches.map(|c| c.join("zantc/builds"))
}

/// The kept folder for packages and its lock; `None` where the file system refuses, or another process has it.
fn kept(root: &Path, packages: &[(&str, &Package)]) -> Option<(PathBuf, File)> {
    let place = root.join(key(packages));
    fs::create_dir_all(root).ok()?;
    clean(root, &place);
    if !place.is_dir() {
        let made = tempfile::Builder::new().prefix(".new-").tempdir_in(root).ok()?;
        write(made.path(), packages).ok()?;
        // Another process may have been faster: then there is one.
        drop(fs::rename(made.path(), &place));
    }
    let lock = File::create(place.join(LOCK)).ok()?;
    lock_now(&lock)?;
    // What differs from what it should be is written again, the rest keeps its time.
    write(&place, packages).ok()?;
    Some((place, lock))
}

/// Locks a file, if nobody else has.
#[cfg(unix)]
fn lock_now(file: &File) -> Option<()> {
    rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive).ok()
}

/// Without locks nothing is kept.
#[cfg(not(unix))]
fn lock_now(_: &File) -> Option<()> {
    None
}

/// A name for all that is built.
fn key(packages: &[(&str, &Package)]) -> String {
    let mut hash = Sha256::new();
    hash.update(VERSION);
    for (name, package) in packages {
        for (path, bytes) in &package.files {
            hash.update(format!("\0{name}\0{path}\0{}\0", bytes.len()));
            hash.update(bytes);
        }
    }
    hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// Removes what has not been used for long, but for the most recent ones.
fn clean(root: &Path, but: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    let used = |path: &Path| fs::metadata(path.join(LOCK)).or_else(|_| fs::metadata(path)).and_then(|m| m.modified());
    let mut found: Vec<(SystemTime, PathBuf)> =
        entries.flatten().filter_map(|e| Some((used(&e.path()).ok()?, e.path()))).filter(|(_, p)| p != but).collect();
    found.sort();
    let surplus = found.len().saturating_sub(RECENT);
    for (_, path) in found.iter().take(surplus).filter(|(at, _)| at.elapsed().is_ok_and(|age| age > AGE)) {
        drop(fs::remove_dir_all(path));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use zantc::emit::Package;

    use super::{kept, key};

    fn package(text: &str) -> Package {
        let mut package = Package::default();
        package.files.insert("src/lib.rs".into(), text.as_bytes().to_vec());
        package
    }

    #[cfg(unix)]
    #[test]
    fn equal_packages_have_one_folder_and_what_was_changed_in_it_is_put_right() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (package("a"), package("b"));
        let (first, lock) = kept(root.path(), &[("model", &a)]).unwrap();
        let source = first.join("model/src/lib.rs");
        let time = fs::metadata(&source).unwrap().modified().unwrap();
        fs::write(first.join("built"), "x").unwrap();
        assert!(kept(root.path(), &[("model", &a)]).is_none(), "it is in use");
        drop(lock);
        assert_eq!(kept(root.path(), &[("model", &a)]).unwrap().0, first);
        assert!(first.join("built").exists() && fs::metadata(&source).unwrap().modified().unwrap() == time);
        fs::write(&source, "changed").unwrap();
        kept(root.path(), &[("model", &a)]).unwrap();
        assert_eq!(fs::read_to_string(&source).unwrap(), "a");
        assert_ne!(kept(root.path(), &[("model", &b)]).unwrap().0, first);
        assert_ne!(key(&[("model", &a)]), key(&[("runner", &a)]));
        // Nothing is left beside the folders.
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }
}
