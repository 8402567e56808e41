//! Trained networks with weights of few bits, asked about examples with known answers.

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

/// Networks in folders side by side, and the examples that they are asked about.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Has a folder with a `model.onnx` for each network.
    pub folder: PathBuf,
    /// Examples `[examples, ..]`, which the networks take as floats.
    pub inputs: PathBuf,
    /// The class of each example, an integer, or the number that is looked for, a float.
    pub labels: PathBuf,
}

/// What the networks are asked for.
enum Labels {
    Classes(Vec<i64>),
    Numbers(Vec<f64>),
}

/// One network's answers, with its bits and as floats.
struct Answers {
    name: String,
    few: Vec<Vec<f32>>,
    floats: Vec<Vec<f32>>,
    bytes: [usize; 2],
}

fn bad(message: String) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::BAD_DATA, message)]
}

fn npy(path: &Path) -> Outcome<Tensor> {
    let raw = RawTensor::read_npy(path, &Limits::default()).map_err(|e| bad(format!("{}: {e}", path.display())))?;
    from_raw(&raw).map_err(|_| bad(format!("{}: a type that is not supported", path.display())))
}

impl Trained {
    /// How right each network is that takes such examples, and its bytes, with its bits and as floats.
    pub(super) fn table(&self) -> Outcome<String> {
        let (inputs, labels) = (npy(&self.inputs)?, npy(&self.labels)?);
        let count = labels.len();
        let labels = match labels.to_i64s() {
            Some(classes) => Labels::Classes(classes),
            None => Labels::Numbers(labels.scalars().map(|v| v.to_f64()).collect()),
        };
        let elements = inputs.len().checked_div(count).unwrap_or(0);
        let numbers: Vec<f32> = inputs.scalars().map(|v| v.to_f64() as f32).collect();
        let examples: Vec<&[f32]> = numbers.chunks_exact(elements.max(1)).collect();
        if examples.len() != count {
            return Err(bad(format!("{} examples have {count} labels", examples.len())));
        }
        let mut rows = Vec::new();
        for folder in self.folders()? {
            let Some(answers) = asked(&folder, &examples, elements)? else { continue };
            let cells = match &labels {
                Labels::Classes(classes) => classified(&answers, classes),
                Labels::Numbers(numbers) => regressed(&answers, numbers),
            };
            let bytes = answers.bytes.map(number);
            rows.push([vec![answers.name], cells.to_vec(), bytes.to_vec()].concat());
        }
        let [right, same] = match labels {
            Labels::Classes(_) => ["accuracy", "same class"],
            Labels::Numbers(_) => ["variance explained", "largest difference"],
        };
        let head = ["network", right, "as floats", same, "bytes", "as floats, bytes"];
        Ok(table(&format!("Trained networks, {} examples", number(count)), &head, &rows))
    }

    /// The networks' folders by name.
    fn folders(&self) -> Outcome<Vec<PathBuf>> {
        let entries = std::fs::read_dir(&self.folder).map_err(|e| bad(format!("{}: {e}", self.folder.display())))?;
        let mut folders: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
        folders.sort();
        Ok(folders)
    }
}

/// What the network in a folder answers, where there is one for such examples.
fn asked(folder: &Path, examples: &[&[f32]], elements: usize) -> Outcome<Option<Answers>> {
    let path = folder.join("model.onnx");
    if !path.is_file() {
        return Ok(None);
    }
    let model = read(&path)?;
    let both = [LowBit::Auto, LowBit::Off].map(|bits| compile(&model, &Config::new().low_bit(bits)));
    let [Ok(few), Ok(plain)] = both else { return Ok(None) };
    let ports = few.program.model_inputs();
    if ports.len() != 1 || ports[0].ty.elements() != elements {
        return Ok(None);
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = [&few, &plain].map(|c| c.program.weights_bytes());
    Ok(Some(Answers { name, few: answers(&few, examples)?, floats: answers(&plain, examples)?, bytes }))
}

/// The first output for each example.
fn answers(compiled: &Compiled, examples: &[&[f32]]) -> Outcome<Vec<Vec<f32>>> {
    let failed = |e: zantc::exec::ExecError| vec![Diagnostic::error(codes::RUN_FAILED, e.to_string())];
    let mut executor = Executor::new(&compiled.program, Hygiene::AsEmitted).map_err(failed)?;
    let shape = compiled.program.model_inputs()[0].ty.shape.clone();
    let answer = |example: &&[f32]| {
        let outputs = executor.run_model(&[Tensor::from_elements(shape.clone(), example)]).map_err(failed)?;
        Ok(outputs[0].to_vec::<f32>().unwrap_or_default())
    };
    examples.iter().map(answer).collect()
}

/// Accuracy, that of floats, the share of examples that get the same class.
fn classified(answers: &Answers, classes: &[i64]) -> [String; 3] {
    let top = |scores: &Vec<f32>| (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0);
    let of = |scores: &[Vec<f32>]| scores.iter().map(top).collect::<Vec<usize>>();
    let (few, floats) = (of(&answers.few), of(&answers.floats));
    let right = |found: &[usize]| found.iter().zip(classes).filter(|(c, label)| **c as i64 == **label).count();
    let same = few.iter().zip(&floats).filter(|(a, b)| a == b).count();
    [right(&few), right(&floats), same].map(|n| format!("{:.2} %", n as f64 * 100.0 / classes.len() as f64))
}

/// The share of the labels' variance that is explained, that of floats, and the largest difference of the two.
fn regressed(answers: &Answers, labels: &[f64]) -> [String; 3] {
    let of = |answers: &[Vec<f32>]| answers.iter().map(|a| a.first().copied().map_or(f64::NAN, f64::from)).collect();
    let (few, floats): (Vec<f64>, Vec<f64>) = (of(&answers.few), of(&answers.floats));
    let mean = labels.iter().sum::<f64>() / labels.len() as f64;
    let spread: f64 = labels.iter().map(|y| (y - mean).powi(2)).sum();
    let left = |found: &[f64]| found.iter().zip(labels).map(|(a, y)| (a - y).powi(2)).sum::<f64>();
    let [few_share, float_share] = [&few, &floats].map(|found| format!("{:.3}", 1.0 - left(found) / spread));
    let largest = few.iter().zip(&floats).fold(0f64, |m, (a, b)| m.max((a - b).abs()));
    [few_share, float_share, format!("{largest:.1e}")]
}

#[cfg(test)]
mod tests {
    use super::{Answers, classified, regressed};

    fn answers(few: &[[f32; 2]], floats: &[[f32; 2]]) -> Answers {
        let of = |rows: &[[f32; 2]]| rows.iter().map(|r| r.to_vec()).collect();
        Answers { name: String::new(), few: of(few), floats: of(floats), bytes: [1, 4] }
    }

    #[test]
    fn shares_are_those_that_a_hand_computes() {
        let found = answers(
            &[[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.9, 0.1]],
            &[[0.2, 0.8], [0.1, 0.9], [0.3, 0.7], [0.9, 0.1]],
        );
        assert_eq!(classified(&found, &[1, 1, 1, 0]), ["75.00 %", "100.00 %", "75.00 %"]);
    }

    #[test]
    fn the_variance_explained_is_one_less_the_share_of_what_is_left() {
        // Labels 1, 2, 3 have a sum of squares of 2; what is left is 0.5, and nothing.
        let found = answers(&[[1.5, 0.0], [2.0, 0.0], [2.5, 0.0]], &[[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]);
        assert_eq!(regressed(&found, &[1.0, 2.0, 3.0]), ["0.750", "1.000", "5.0e-1"]);
    }
}
