//! Writes reports to disk.
//!
//! Invariant: a file is replaced as a whole, and none before all of them are written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::Report;
use crate::Error;
use crate::process::uninterrupted;

/// Writes `report.json`, `report.md` and `report.html` into `dir`, which is made where it is missing.
///
/// `pictures` has a drawing of the arena by the name of the model (a row's subject): SVG from this project's own drawer.
///
/// # Errors
/// What the file system refuses; the files that are there are then the old ones.
pub fn write(dir: &Path, report: &Report, pictures: &BTreeMap<String, String>) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(Error::io(&format!("make {}", dir.display())))?;
    let files = [
        ("report.json", report.to_json()),
        ("report.md", report.to_markdown()),
        ("report.html", report.to_html(pictures)),
    ];
    replace(&files.map(|(name, text)| (dir.join(name), text)))
}

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
    use super::super::{Kind, MachineInfo, Report};
    use super::{replace, write};

    #[test]
    fn a_report_is_written_into_a_new_folder_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("a/b");
        let report = Report::new(Kind::Bench, "0.1.0", MachineInfo::default());
        write(&dir, &report, &[("m".into(), "<svg></svg>".into())].into()).unwrap();
        let text = std::fs::read_to_string(dir.join("report.json")).unwrap();
        assert_eq!(Report::from_json(&text), Ok(report.clone()));
        assert_eq!(std::fs::read_to_string(dir.join("report.md")).unwrap(), report.to_markdown());
        assert!(std::fs::read_to_string(dir.join("report.html")).unwrap().contains("<svg></svg>"));
    }

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
