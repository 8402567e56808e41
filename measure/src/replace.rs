//! Writes files in place of others.
//!
//! Invariant: a file is replaced as a whole, and none before all of them are written.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::Error;
use crate::process::uninterrupted;

/// Writes files, all or none: each beside its place first, then they are renamed.
///
/// # Errors
/// What the file system refuses.
pub fn replace(files: &[(PathBuf, String)]) -> Result<(), Error> {
    let fail = |path: &Path, e| Error::io(&format!("write {}", path.display()))(e);
    uninterrupted(|| {
        let beside = |(path, text): &(PathBuf, String)| beside(path, text).map_err(|e| fail(path, e));
        let written = files.iter().map(beside).collect::<Result<Vec<_>, _>>()?;
        let rename = |(file, (path, _)): (NamedTempFile, &(PathBuf, String))| {
            file.persist(path).map_err(|e| fail(path, e.error)).map(drop)
        };
        written.into_iter().zip(files).try_for_each(rename)
    })
}

/// Writes a new file in the folder of another, under a name that nobody can know, with that one's permissions or the usual ones.
fn beside(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".zantc-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(parent)?;
    file.write_all(text.as_bytes())?;
    if let Ok(meta) = fs::metadata(path) {
        file.as_file().set_permissions(meta.permissions())?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[test]
    fn all_files_are_replaced_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("good"), folder.path().join("missing/bad"));
        std::fs::write(&good, "old").unwrap();
        let why = replace(&[(good.clone(), "new".into()), (bad, "new".into())]).unwrap_err().to_string();
        assert!(why.contains("cannot write") && why.contains("bad"), "{why}");
        assert_eq!(std::fs::read_to_string(&good).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }
}
