//! What rows are made from: models with the options beside them, and hashes that say whether something is another.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zant_compress::data::Transform;
use zantc::config::{Config, Options, file_beside};
use zantc::diag::{Diagnostic, codes};
use zantc::project;

use super::{Ladder, Origin, Rung};

/// A model's file with what is chosen for it.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// The choices: the command's, then those beside it.
    pub config: Config,
    /// What becomes of examples.
    pub transform: Transform,
    /// The text of the `zant.toml` beside it.
    pub beside: Option<String>,
}

impl Source {
    /// Reads what is chosen for a model.
    ///
    /// # Errors
    /// Options that make no sense.
    pub fn open(path: &Path, options: &Options) -> Result<Source, Vec<Diagnostic>> {
        let config = project::configured(path, Config::new().choose(options.clone()), &mut |_| {})?;
        let beside = std::fs::read_to_string(file_beside(path)).ok();
        let transform = beside.as_deref().map(Transform::from_toml).transpose()?.unwrap_or_default();
        Ok(Source { path: path.into(), config, transform, beside })
    }

    /// The same for another file, unless that has choices of its own.
    ///
    /// # Errors
    /// Options that make no sense.
    pub fn of(&self, path: &Path, options: &Options) -> Result<Source, Vec<Diagnostic>> {
        match file_beside(path).is_file() {
            true => Source::open(path, options),
            false => Ok(Source { path: path.into(), ..self.clone() }),
        }
    }
}

/// SHA-256 of a file, or of the names and contents of all files below a folder.
///
/// # Errors
/// What cannot be read.
pub fn sha256_of(path: &Path) -> Result<String, Diagnostic> {
    let unreadable = |e: std::io::Error| Diagnostic::error(codes::BAD_DATA, format!("cannot read {path:?}: {e}"));
    let mut hash = Sha256::new();
    match path.is_dir() {
        true => folder(path, "", &mut hash).map_err(unreadable)?,
        false => contents(path, &mut hash).map_err(unreadable)?,
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Adds a folder, in the order of names.
fn folder(path: &Path, name: &str, hash: &mut Sha256) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        // Links to folders are not followed, for they may lead round.
        match entry.file_type()?.is_dir() {
            true => folder(&entry.path(), &name, hash)?,
            false => {
                let size = std::fs::metadata(entry.path())?.len();
                hash.update(format!("{name}\0{size}\0"));
                contents(&entry.path(), hash)?;
            }
        }
    }
    Ok(())
}

fn contents(path: &Path, hash: &mut Sha256) -> std::io::Result<()> {
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// The hash of a model with its external data.
fn model_sha256(path: &Path) -> Result<String, Vec<Diagnostic>> {
    project::sha256(&project::read(path)?)
}

/// What an evaluation or a ladder is made from, by hashes: the model, the options beside it, the data.
///
/// # Errors
/// What cannot be read.
pub fn fingerprint(
    source: &Source,
    data: &Path,
    labels: Option<&Path>,
) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let mut inputs = BTreeMap::new();
    let mut set = |key: &str, value: String| _ = inputs.insert(key.to_string(), value);
    set("zantc", zantc::emit::VERSION.into());
    set("model", model_sha256(&source.path)?);
    set("options", hex(&source.beside.clone().unwrap_or_default()));
    set("data", sha256_of(data)?);
    set("labels", labels.map_or(Ok(String::new()), sha256_of)?);
    Ok(inputs)
}

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Ladder {
    /// What all rows have in common, by hashes and words.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn inputs(&self, source: &Source) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
        let mut inputs = fingerprint(source, &self.data, self.labels.as_deref())?;
        let targets: Vec<&str> = self.targets.iter().map(|target| target.name).collect();
        let dims: Vec<String> = self.options.dim.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut set = |key: &str, value: String| _ = inputs.insert(key.to_string(), value);
        set("calibration", self.calibrate.as_deref().map_or(Ok(String::new()), sha256_of)?);
        set("metric", self.metric.map_or("usual", zant_compress::Metric::name).into());
        set("dim", dims.join(" "));
        set("targets", targets.join(" "));
        set("runs", self.runs.to_string());
        set("quick", self.quick.to_string());
        set("emulate", self.emulate.to_string());
        Ok(inputs)
    }

    /// What a row is made from beside what all have in common.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn own_inputs(
        &self,
        common: &BTreeMap<String, String>,
        rung: &Rung,
    ) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
        let mut inputs = common.clone();
        if let Origin::Added(path) = &rung.origin {
            inputs.insert("added".into(), model_sha256(path)?);
            let beside = std::fs::read_to_string(file_beside(path)).unwrap_or_default();
            inputs.insert("added_options".into(), hex(&beside));
        }
        inputs.insert("method".into(), rung.name.clone());
        Ok(inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::sha256_of;

    #[test]
    fn folders_are_other_ones_where_a_name_or_a_byte_is() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            sha256_of(folder.path()).unwrap()
        };
        let mut seen = vec![write("a/x", "1"), write("a/y", "1"), write("a/y", "2"), write("b/y", "2")];
        assert_eq!(seen[3], sha256_of(folder.path()).unwrap());
        seen.dedup();
        assert_eq!(seen.len(), 4);
        assert!(sha256_of(&folder.path().join("c")).is_err());
    }
}
