//! The file of a row: what was found, and from what.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zant_measure::replace;
use zant_measure::report::Report;
use zantc::diag::{Diagnostic, codes, escape};

use super::inputs::sha256_of;

/// What stands in the field `format`.
const FORMAT: &str = "zantc-ladder-row";
/// The version of the format.
const VERSION: u32 = 1;

/// A finished row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowFile {
    format: String,
    version: u32,
    /// The row's name.
    pub name: String,
    /// What it was made from: hashes and words.
    pub inputs: BTreeMap<String, String>,
    /// SHA-256 of its ONNX file, where one was written.
    pub onnx_sha256: Option<String>,
    /// What was measured of the answers.
    pub metric: String,
    /// Why it failed, if it did.
    pub failed: Option<String>,
    /// The rows of the report: the host's, then those of other targets; and what a reader must know.
    pub report: Report,
}

/// Where a row's results are.
fn place(folder: &Path, name: &str) -> PathBuf {
    folder.join("rows").join(format!("{name}.json"))
}

/// Where a row's model is.
pub(super) fn model(folder: &Path, name: &str) -> PathBuf {
    folder.join("models").join(name).join("model.onnx")
}

impl RowFile {
    /// A row of which nothing is found yet.
    pub(super) fn new(name: &str, inputs: BTreeMap<String, String>, report: Report) -> RowFile {
        RowFile {
            format: FORMAT.into(),
            version: VERSION,
            name: name.into(),
            inputs,
            onnx_sha256: None,
            metric: String::new(),
            failed: None,
            report,
        }
    }

    /// Writes it below the ladder's folder.
    ///
    /// # Errors
    /// What the file system refuses.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Diagnostic> {
        let path = place(folder, &self.name);
        let fault = |why: String| Diagnostic::error(codes::BUILD_FAILED, why);
        std::fs::create_dir_all(folder.join("rows")).map_err(|e| fault(format!("cannot make {folder:?}: {e}")))?;
        let mut text = serde_json::to_string_pretty(self).expect("plain data");
        text.push('\n');
        replace(&[(path, text)]).map_err(|e| fault(e.to_string()))
    }

    /// Reads one.
    fn read(path: &Path) -> Result<RowFile, Diagnostic> {
        let fault = |why: String| Diagnostic::error(codes::BAD_REPORT, escape(&format!("{}: {why}", path.display())));
        let text = std::fs::read_to_string(path).map_err(|e| fault(e.to_string()))?;
        let row: RowFile = serde_json::from_str(&text).map_err(|e| fault(e.to_string()))?;
        if (row.format.as_str(), row.version) != (FORMAT, VERSION) {
            return Err(fault("it is no row of a ladder, or one of another version".into()));
        }
        if path.file_name().is_none_or(|file| *file != *format!("{}.json", row.name)) {
            return Err(fault(format!("it is of the row {:?}", row.name)));
        }
        // The checks of all reports.
        Report::from_json(&row.report.to_json()).map_err(|e| fault(e.to_string()))?;
        Ok(row)
    }
}

/// The row that is there already, made from the same inputs without a failure, with its model.
pub fn stored(folder: &Path, name: &str, inputs: &BTreeMap<String, String>) -> Option<RowFile> {
    let row = RowFile::read(&place(folder, name)).ok()?;
    let whole = match &row.onnx_sha256 {
        Some(hash) => sha256_of(&model(folder, name)).is_ok_and(|there| there == *hash),
        None => true,
    };
    (whole && row.failed.is_none() && row.inputs == *inputs).then_some(row)
}

/// All rows below a folder, in the order of their names.
///
/// # Errors
/// Where there are none, and what is none.
pub fn read_all(folder: &Path) -> Result<Vec<RowFile>, Vec<Diagnostic>> {
    let rows = folder.join("rows");
    let fault = |why: String| vec![Diagnostic::error(codes::BAD_REPORT, why)];
    let entries = std::fs::read_dir(&rows).map_err(|e| fault(format!("cannot read {rows:?}: {e}")))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "json"));
    paths.sort();
    if paths.is_empty() {
        return Err(fault(format!("there is no row in {rows:?}")));
    }
    Ok(paths.iter().map(|path| RowFile::read(path)).collect::<Result<_, _>>()?)
}
