//! Trained networks with weights of few bits, asked about pictures.

use std::path::{Path, PathBuf};

use zantc::config::Config;
use zantc::diag::{Diagnostic, codes};
use zantc::exec::{Executor, Hygiene};
use zantc::import::from_raw;
use zantc::ir::{LowBit, Tensor};
use zantc::onnx::{Limits, RawTensor};
use zantc::pipeline::{Compiled, compile};
use zantc::project::read;

use super::{Outcome, number, table};

/// Networks in folders side by side, and the pictures and labels that their accuracy is of.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Has a folder with a `model.onnx` for each network.
    pub folder: PathBuf,
    /// Bytes `[pictures, ..]`, which the networks take as floats.
    pub pictures: PathBuf,
    /// The class of each picture.
    pub labels: PathBuf,
}

fn bad(message: String) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::BAD_DATA, message)]
}

fn npy(path: &Path) -> Outcome<Tensor> {
    let raw = RawTensor::read_npy(path, &Limits::default()).map_err(|e| bad(format!("{}: {e}", path.display())))?;
    from_raw(&raw).map_err(|_| bad(format!("{}: a type that is not supported", path.display())))
}

impl Trained {
    /// Accuracy and bytes of each network that takes such pictures, with its bits and as floats.
    pub(super) fn table(&self) -> Outcome<String> {
        let (pictures, labels) = (npy(&self.pictures)?, npy(&self.labels)?);
        let labels = labels.to_i64s().ok_or_else(|| bad("labels are no integers".into()))?;
        let count = labels.len();
        let elements = pictures.len().checked_div(count).unwrap_or(0);
        let numbers: Vec<f32> = pictures.scalars().map(|v| v.to_f64() as f32).collect();
        let pictures: Vec<&[f32]> = numbers.chunks_exact(elements.max(1)).collect();
        if pictures.len() != count {
            return Err(bad(format!("{} pictures have {count} labels", pictures.len())));
        }
        let entries = std::fs::read_dir(&self.folder).map_err(|e| bad(format!("{}: {e}", self.folder.display())))?;
        let mut folders: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
        folders.sort();
        let mut rows = Vec::new();
        for folder in folders {
            let path = folder.join("model.onnx");
            if !path.is_file() {
                continue;
            }
            let model = read(&path)?;
            let both = [LowBit::Auto, LowBit::Off].map(|bits| compile(&model, &Config::new().low_bit(bits)));
            let [Ok(few), Ok(plain)] = both else { continue };
            let ports = few.program.model_inputs();
            if ports.len() != 1 || ports[0].ty.elements() != elements {
                continue;
            }
            let [got, expected] = [&few, &plain].map(|c| classes(c, &pictures));
            let (got, expected) = (got?, expected?);
            let right = |of: &[usize]| of.iter().zip(&labels).filter(|(c, label)| **c as i64 == **label).count();
            let same = got.iter().zip(&expected).filter(|(a, b)| a == b).count();
            let share = |n: usize| format!("{:.2} %", n as f64 * 100.0 / count as f64);
            let [bytes, floats] = [&few, &plain].map(|c| c.program.weights_bytes());
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let cells = [share(right(&got)), share(right(&expected)), share(same), number(bytes), number(floats)];
            rows.push([vec![name], cells.to_vec()].concat());
        }
        let head = ["network", "accuracy", "as floats", "same class", "bytes", "as floats, bytes"];
        Ok(table(&format!("Trained networks, {} pictures", number(count)), &head, &rows))
    }
}

/// The class of each picture.
fn classes(compiled: &Compiled, pictures: &[&[f32]]) -> Outcome<Vec<usize>> {
    let failed = |e: zantc::exec::ExecError| vec![Diagnostic::error(codes::RUN_FAILED, e.to_string())];
    let mut executor = Executor::new(&compiled.program, Hygiene::AsEmitted).map_err(failed)?;
    let shape = compiled.program.model_inputs()[0].ty.shape.clone();
    let class = |picture: &&[f32]| {
        let outputs = executor.run_model(&[Tensor::from_elements(shape.clone(), picture)]).map_err(failed)?;
        let scores = outputs[0].to_vec::<f32>().unwrap_or_default();
        Ok((0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0))
    };
    pictures.iter().map(class).collect()
}
