//! Trained networks with weights of few bits, asked about examples with known answers.

use std::path::{Path, PathBuf};

use zant_compress::data::{Data, Labels, Transform};
use zant_compress::{Metric, evaluate};
use zantc::config::Config;
use zantc::diag::{Diagnostic, codes};
use zantc::ir::LowBit;
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

/// One network's answers, with its bits and as floats, and what is expected.
struct Answers {
    name: String,
    few: Vec<Vec<f32>>,
    floats: Vec<Vec<f32>>,
    bytes: [usize; 2],
    labels: Labels,
}

fn bad(message: String) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::BAD_DATA, message)]
}

impl Trained {
    /// How right each network is that takes such examples, and its bytes, with its bits and as floats.
    pub(super) fn table(&self) -> Outcome<String> {
        let mut all = Vec::new();
        let mut faults = bad(format!("{}: no folder in it has a model that zantc compiles", self.folder.display()));
        for folder in self.folders()? {
            match self.asked(&folder) {
                Ok(answers) => all.extend(answers),
                Err(of_data) => faults = of_data,
            }
        }
        let Some(first) = all.first() else { return Err(faults) };
        let ([right, same], count) = match &first.labels {
            Labels::Numbers(_) => (["variance explained", "largest difference"], first.few.len()),
            Labels::Classes(_) | Labels::Nothing => (["accuracy", "same class"], first.few.len()),
        };
        let cells = |answers: &Answers| match &answers.labels {
            Labels::Numbers(numbers) => regressed(answers, numbers),
            Labels::Classes(classes) => classified(answers, classes),
            Labels::Nothing => Default::default(),
        };
        let row = |answers: &Answers| {
            [vec![answers.name.clone()], cells(answers).to_vec(), answers.bytes.map(number).to_vec()].concat()
        };
        let rows: Vec<Vec<String>> = all.iter().map(row).collect();
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

    /// What the network in a folder answers, where there is one; a fault where the examples are not for it.
    fn asked(&self, folder: &Path) -> Outcome<Option<Answers>> {
        let path = folder.join("model.onnx");
        if !path.is_file() {
            return Ok(None);
        }
        let model = read(&path)?;
        let both = [LowBit::Auto, LowBit::Off].map(|bits| compile(&model, &Config::new().low_bit(bits)));
        let [Ok(few), Ok(floats)] = both else { return Ok(None) };
        let data = Data::open(&self.inputs, Some(&self.labels), &Transform::default(), &few.program)?;
        let answers = |compiled: &Compiled| {
            let evaluation = evaluate(compiled, &data, Metric::usual(data.labels()), &|_| {})?;
            Ok::<_, Vec<Diagnostic>>(evaluation.answers)
        };
        Ok(Some(Answers {
            name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            few: answers(&few)?,
            floats: answers(&floats)?,
            bytes: [&few, &floats].map(|c| c.program.weights_bytes()),
            labels: data.labels().clone(),
        }))
    }
}

/// Accuracy, that of floats, the share of examples that get the same class.
fn classified(answers: &Answers, classes: &[usize]) -> [String; 3] {
    let top = |scores: &Vec<f32>| (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0);
    let of = |scores: &[Vec<f32>]| scores.iter().map(top).collect::<Vec<usize>>();
    let (few, floats) = (of(&answers.few), of(&answers.floats));
    let right = |found: &[usize]| found.iter().zip(classes).filter(|(c, label)| c == label).count();
    let same = few.iter().zip(&floats).filter(|(a, b)| a == b).count();
    [right(&few), right(&floats), same].map(|n| format!("{:.2} %", n as f64 * 100.0 / classes.len() as f64))
}

/// The share of the labels' variance that is explained, that of floats, and the largest difference of the two.
fn regressed(answers: &Answers, labels: &[Vec<f32>]) -> [String; 3] {
    let labels: Vec<f64> = labels.iter().map(|y| y.first().copied().map_or(f64::NAN, f64::from)).collect();
    let of = |answers: &[Vec<f32>]| answers.iter().map(|a| a.first().copied().map_or(f64::NAN, f64::from)).collect();
    let (few, floats): (Vec<f64>, Vec<f64>) = (of(&answers.few), of(&answers.floats));
    let mean = labels.iter().sum::<f64>() / labels.len() as f64;
    let spread: f64 = labels.iter().map(|y| (y - mean).powi(2)).sum();
    let left = |found: &[f64]| found.iter().zip(&labels).map(|(a, y)| (a - y).powi(2)).sum::<f64>();
    let [few_share, float_share] = [&few, &floats].map(|found| format!("{:.3}", 1.0 - left(found) / spread));
    let largest = few.iter().zip(&floats).fold(0f64, |m, (a, b)| m.max((a - b).abs()));
    [few_share, float_share, format!("{largest:.1e}")]
}

#[cfg(test)]
mod tests {
    use super::{Answers, Labels, classified, regressed};

    fn answers(few: &[[f32; 2]], floats: &[[f32; 2]]) -> Answers {
        let of = |rows: &[[f32; 2]]| rows.iter().map(|r| r.to_vec()).collect();
        Answers { name: String::new(), few: of(few), floats: of(floats), bytes: [1, 4], labels: Labels::Nothing }
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
        assert_eq!(regressed(&found, &[vec![1.0], vec![2.0], vec![3.0]]), ["0.750", "1.000", "5.0e-1"]);
    }
}
