//! Single files, each replaced as a whole.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file: beside its place first, then to it in one step. A link is followed to the file that it stands for; what is no
/// file, such as `/dev/null`, is written to.
///
/// # Errors
/// What the system refuses; what was there is then as it was.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    replace_by(path, content, ".zantc-")
}

/// The same with a beginning of the name of what is written beside the file.
pub(super) fn replace_by(path: &Path, content: &[u8], prefix: &str) -> io::Result<()> {
    let real = match fs::canonicalize(path) {
        Ok(real) => real,
        Err(e) if fs::symlink_metadata(path).is_ok() => return Err(e),
        Err(_) => path.to_path_buf(),
    };
    let there = fs::metadata(&real).ok();
    if there.as_ref().is_some_and(|m| !m.is_file()) {
        return OpenOptions::new().write(true).open(&real)?.write_all(content);
    }
    let parent = match real.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let mut file = beside(parent, prefix)?;
    file.write_all(content)?;
    if let Some(meta) = there {
        file.as_file().set_permissions(meta.permissions())?;
    }
    file.persist(&real)?;
    Ok(())
}

/// A new file with a name that nobody can know and the usual permissions.
fn beside(parent: &Path, prefix: &str) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(parent)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::replace;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(replace(&dir.path().join("missing/a"), b"x").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_devices_devices() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        replace(std::path::Path::new("/dev/null"), b"x").unwrap();
        symlink("nowhere", dir.path().join("dangling")).unwrap();
        assert!(replace(&dir.path().join("dangling"), b"x").is_err());
        assert!(!dir.path().join("nowhere").exists());
    }
}
