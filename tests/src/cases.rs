//! Where models and official operator cases lie, and how they are laid out.
//!
//! Both live outside of the project, in the folder that `ZANT_SHARED` names or `../shared` beside it. Without that
//! folder the functions here say so by `None`, and tests print what they skip. Listings are sorted.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// One model with its test vectors.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// `node`, `simple`, `light`, `pytorch-operator` or `pytorch-converted` for official cases, `models` for models.
    pub group: String,
    /// Name of the case's folder.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
}

/// Input and output vectors of one run: ONNX's `.pb` files, in the order of the graph's inputs and outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSet {
    /// `input_K.pb`, at index K.
    pub inputs: Vec<PathBuf>,
    /// `output_K.pb`, at index K.
    pub outputs: Vec<PathBuf>,
}

impl Case {
    /// The model's file.
    pub fn model(&self) -> PathBuf {
        self.folder.join("model.onnx")
    }

    /// The test vectors, by number of the data set.
    pub fn data_sets(&self) -> Vec<DataSet> {
        (0..)
            .map(|number| self.folder.join(format!("test_data_set_{number}")))
            .take_while(|folder| folder.is_dir())
            .map(|folder| DataSet { inputs: vectors(&folder, "input"), outputs: vectors(&folder, "output") })
            .collect()
    }
}

fn vectors(folder: &Path, kind: &str) -> Vec<PathBuf> {
    (0..).map(|number| folder.join(format!("{kind}_{number}.pb"))).take_while(|path| path.is_file()).collect()
}

/// The folder with models and official cases, if there is one.
pub fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("ZANT_SHARED").map_or_else(|| workspace().join("../shared"), PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The models that are there with their `model.onnx`; `None` without the shared folder.
pub fn models() -> Option<Vec<Case>> {
    let folder = shared()?.join("models");
    folder.is_dir().then(|| group(&folder, "models"))
}

/// The official ONNX operator cases; `None` without the shared folder.
///
/// They come packed. The first call unpacks them below the target folder, under a name made of the archive's hash;
/// the result appears there as a whole or not at all, so that tests may call this at the same time.
///
/// # Panics
/// Panics when the archive is there but cannot be unpacked.
pub fn conformance() -> Option<Vec<Case>> {
    let archive = shared()?.join("onnx-node-tests/cases.tar.xz");
    archive.is_file().then(|| {
        let folder = unpacked(&archive).unwrap_or_else(|error| panic!("{archive:?} cannot be unpacked: {error}"));
        let mut cases: Vec<Case> = folders(&folder).flat_map(|(name, folder)| group(&folder, &name)).collect();
        cases.sort();
        cases
    })
}

/// The cases in a folder, in a group of that name.
pub fn group(folder: &Path, group: &str) -> Vec<Case> {
    let case = |(name, folder)| Case { group: group.to_owned(), name, folder };
    let mut cases: Vec<Case> = folders(folder).map(case).filter(|case| case.model().is_file()).collect();
    cases.sort();
    cases
}

/// Folders in a folder, with their names.
fn folders(folder: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{folder:?}: {error}"))
        .map(|entry| entry.unwrap_or_else(|error| panic!("directory entry: {error}")).path())
        .filter(|path| path.is_dir())
        .filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path)))
}

fn unpacked(archive: &Path) -> io::Result<PathBuf> {
    let hash = Sha256::digest(fs::read(archive)?);
    let name: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    let parent = target.join("zant-cases");
    let folder = parent.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    fs::create_dir_all(&parent)?;
    let partial = tempfile::tempdir_in(&parent)?;
    let reader = lzma_rust2::XzReader::new(BufReader::new(File::open(archive)?), true);
    tar::Archive::new(reader).unpack(partial.path())?;
    match fs::rename(partial.path(), &folder) {
        // Somebody else was faster with the same content.
        Err(_) if folder.is_dir() => {}
        result => {
            result?;
            // It has moved away: there is nothing left to remove.
            let _ = partial.keep();
        }
    }
    Ok(folder)
}
