//! Writes reports to disk.
//!
//! Invariant: a file is replaced as a whole, and none before all of them are written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Report;
use crate::Error;

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
    let beside = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(".zantc-new");
        PathBuf::from(name)
    };
    let fail = |path: &Path, e| Error::io(&format!("write {}", path.display()))(e);
    let written = files.iter().try_for_each(|(path, text)| fs::write(beside(path), text).map_err(|e| fail(path, e)));
    if let Err(e) = written {
        files.iter().for_each(|(path, _)| drop(fs::remove_file(beside(path))));
        return Err(e);
    }
    files.iter().try_for_each(|(path, _)| fs::rename(beside(path), path).map_err(|e| fail(path, e)))
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
