//! Modules for `include!`: `NAME.rs`, and its constants in files that are named after their content.
//!
//! The constants are written first, under a name that no other content has; then `NAME.rs` is replaced in one step, so that whoever reads
//! it finds the constants that belong to it. Constants of earlier modules of that name go last. The folder may hold anything else.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::area::Lock;
use super::claim::has_content;
use super::file::replace_by;
use super::{Force, InstallError, Installed};
use crate::emit::{BLOB_MAGIC, MODULE_MARK, Package, is_blob_of};

/// How names begin of what is written beside a file.
const BESIDE: &str = ".zantc-module-";

/// How much of a file tells whether it is ours.
const HEAD_BYTES: u64 = 4096;

/// Writes a module and its constants into a folder, which is made where it is missing. Files that are right already keep their times.
///
/// # Errors
/// A file of the module's name that is not ours; what the system refuses. The module is then the old one.
pub fn install_module(package: &Package, folder: &Path, force: Force) -> Result<Installed, InstallError> {
    fs::create_dir_all(folder).map_err(InstallError::io(folder))?;
    let lock = Lock::on(folder)?;
    if lock.is_held() {
        clear(folder).map_err(InstallError::io(folder))?;
    }
    let (texts, blobs): (Vec<_>, Vec<_>) = package.files.iter().partition(|(name, _)| name.ends_with(".rs"));
    let mut done = Installed::default();
    let mut work = Vec::new();
    for (name, content) in blobs.into_iter().chain(texts) {
        let path = folder.join(name);
        if has_content(&path, content) {
            continue;
        }
        if force == Force::No && fs::symlink_metadata(&path).is_ok() && !is_ours(&path) {
            return Err(InstallError::NotOurs {
                why: format!("{path:?} is there, and zantc has not written it"),
                help: "choose another folder by `-o` or another name by `--name`, or insist by `--force`".into(),
            });
        }
        work.push((path, content));
    }
    for (path, content) in work {
        replace_by(&path, content, BESIDE).map_err(InstallError::io(&path))?;
        done.written.push(path);
    }
    sweep(package, folder).map_err(InstallError::io(folder))?;
    Ok(done)
}

/// Removes what runs that were killed have left: nobody else is at work where the lock is held.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let left = entry.file_name().to_str().is_some_and(|name| name.starts_with(BESIDE));
        if left && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes the constants of earlier modules.
fn sweep(package: &Package, folder: &Path) -> io::Result<()> {
    let modules: Vec<&str> = package.files.keys().filter_map(|name| split_blob(name)).collect();
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let stale = !package.files.contains_key(name) && modules.iter().any(|module| is_blob_of(module, name));
        if stale && is_ours(&entry.path()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The module of a file of constants.
fn split_blob(name: &str) -> Option<&str> {
    let module = name.rsplit_once('-')?.0;
    is_blob_of(module, name).then_some(module)
}

/// Whether a file begins as zantc's do.
fn is_ours(path: &Path) -> bool {
    if !fs::symlink_metadata(path).is_ok_and(|m| m.is_file()) {
        return false;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|f| f.take(HEAD_BYTES).read_to_end(&mut head));
    let first_line = head.split(|&b| b == b'\n').next().unwrap_or(&[]);
    let text = String::from_utf8_lossy(first_line);
    read.is_ok() && (head.starts_with(&BLOB_MAGIC) || text.starts_with("/// ") && text.contains(MODULE_MARK))
}
