//! Writes reports to disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::Error;
use crate::replace::replace;
use crate::report::Report;

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

#[cfg(test)]
mod tests {
    use super::write;
    use crate::report::{Kind, MachineInfo, Report};

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
}
