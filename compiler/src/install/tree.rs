//! The new folder of a crate, made of new files and of links to what stays.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use super::InstallError;
use super::claim::{Claim, has_content};
use crate::emit::Package;

/// Fills the folder `new` with the package and with what stays of `old`; gives the files whose content is new.
pub(super) fn stage(package: &Package, claim: &Claim, old: &Path, new: &Path) -> Result<Vec<String>, InstallError> {
    let mut written = Vec::new();
    for (name, content) in &package.files {
        let path = new.join(name);
        let parent = path.parent().unwrap_or(new);
        fs::create_dir_all(parent).map_err(InstallError::io(parent))?;
        if !taken_over(&old.join(name), &path, content) {
            create(&path, content)?;
            written.push(name.clone());
        }
    }
    if old.is_dir() {
        carry(claim, old, new)?;
        same_times(old, new);
    }
    Ok(written)
}

/// Links a file of the old folder that has the content already; whether it has.
fn taken_over(old: &Path, new: &Path, content: &[u8]) -> bool {
    // What is compared is what was linked: nobody can exchange it in between.
    let linked = fs::symlink_metadata(old).is_ok_and(|m| m.is_file()) && fs::hard_link(old, new).is_ok();
    if linked && has_content(new, content) {
        return true;
    }
    if linked {
        drop(fs::remove_file(new));
    }
    false
}

/// Writes a file that is not there.
fn create(path: &Path, content: &[u8]) -> Result<(), InstallError> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut f| f.write_all(content)).map_err(InstallError::io(path))
}

/// Links all that is not listed, with the folders that it is in.
fn carry(claim: &Claim, old: &Path, new: &Path) -> Result<(), InstallError> {
    let ours = folders_of(&claim.listed);
    let mut open = vec![String::new()];
    let mut made = Vec::new();
    while let Some(folder) = open.pop() {
        let here = old.join(&folder);
        for entry in fs::read_dir(&here).map_err(InstallError::io(&here))? {
            let entry = entry.map_err(InstallError::io(&here))?;
            let from = entry.path();
            let kind = entry.file_type().map_err(InstallError::io(&from))?;
            let Ok(name) = from.strip_prefix(old) else { continue };
            // A name that is no text cannot be one of ours.
            let text = name.to_str().map(|n| n.replace('\\', "/"));
            let to = new.join(name);
            if kind.is_dir() {
                let is_ours = text.as_ref().is_some_and(|t| ours.contains(t));
                if !is_ours {
                    blocked(&from, &to, |there| there.is_dir())?;
                    fs::create_dir_all(&to).map_err(InstallError::io(&to))?;
                    made.push((from.clone(), to));
                }
                match text {
                    Some(text) => open.push(text),
                    None => carry_all(&from, &new.join(name))?,
                }
            } else if !text.is_some_and(|t| claim.listed.contains(&t)) {
                blocked(&from, &to, |_| false)?;
                link(&from, &to)?;
            }
        }
    }
    // The times of a folder last: what is made in it changes them.
    made.iter().rev().for_each(|(from, to)| same_times(from, to));
    Ok(())
}

/// Links all of a folder whose name is no text.
fn carry_all(from: &Path, to: &Path) -> Result<(), InstallError> {
    fs::create_dir_all(to).map_err(InstallError::io(to))?;
    for entry in fs::read_dir(from).map_err(InstallError::io(from))? {
        let entry = entry.map_err(InstallError::io(from))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(InstallError::io(&from))?.is_dir() {
            carry_all(&from, &to)?
        } else {
            link(&from, &to)?
        }
    }
    same_times(from, to);
    Ok(())
}

fn link(from: &Path, to: &Path) -> Result<(), InstallError> {
    let parent = to.parent().unwrap_or(to);
    fs::create_dir_all(parent).map_err(InstallError::io(parent))?;
    fs::hard_link(from, to).map_err(InstallError::io(from))
}

/// Something of the user's stands where the new crate has something else: no insisting makes room for both.
fn blocked(from: &Path, to: &Path, agree: impl Fn(&fs::Metadata) -> bool) -> Result<(), InstallError> {
    match fs::symlink_metadata(to) {
        Ok(there) if !agree(&there) => Err(InstallError::NotOurs {
            why: format!("{from:?} is not zantc's, and the new crate has something else there"),
            help: "move it away, or choose another folder by `-o`".into(),
        }),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The folders that listed files are in.
fn folders_of(listed: &BTreeSet<String>) -> BTreeSet<String> {
    let parents =
        |path: &str| -> Vec<String> { path.match_indices('/').map(|(end, _)| path[..end].to_string()).collect() };
    listed.iter().flat_map(|path| parents(path)).collect()
}

/// Gives a folder the times and permissions of another, where the system lets it.
fn same_times(from: &Path, to: &Path) {
    let Ok(meta) = fs::metadata(from) else { return };
    drop(fs::set_permissions(to, meta.permissions()));
    if let (Ok(modified), Ok(folder)) = (meta.modified(), fs::File::open(to)) {
        drop(folder.set_times(fs::FileTimes::new().set_modified(modified)));
    }
}
