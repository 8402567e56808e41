//! Examples and labels: arrays (`.npy`, `.npz`, IDX), folders of pictures by class, ONNX data sets.

mod arrays;
mod pictures;
mod transform;

pub use transform::{Layout, Transform};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use zantc::ir::{DType, Tensor, Type};
use zantc::program::Program;
use zantc::verify::data::{DataSet, folders, read_set};

use crate::{Outcome, bad, bad_but};
use pictures::Pictures;

/// Examples for a model, with what is expected of it.
#[derive(Debug)]
pub struct Data {
    examples: Arc<Examples>,
    /// How many examples there are before some are picked.
    whole: usize,
    /// Which of them these are; all where nothing is said.
    picked: Option<Vec<usize>>,
    labels: Labels,
    transform: Transform,
    /// The model's input that examples become, `[batch, ..]`.
    input: Type,
    /// Examples in a run.
    batch: usize,
    len: usize,
}

#[derive(Debug)]
enum Examples {
    /// `[examples, ..]`.
    Array(Tensor),
    Pictures(Pictures),
    /// Inputs and outputs of whole runs.
    Sets(Vec<DataSet>),
}

/// What is expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// Nothing is known: the input itself is what comes out of models that reproduce it.
    Nothing,
    /// The class of each example.
    Classes(Vec<usize>),
    /// So many numbers for each example.
    Numbers(Vec<Vec<f32>>),
}

impl Data {
    /// Opens a file or a folder for a compiled model, and looks at all that can be wrong before any work is done: shapes, types, counts.
    ///
    /// # Errors
    /// Data that cannot be read, or do not fit the model.
    pub fn open(path: &Path, labels: Option<&Path>, transform: &Transform, program: &Program) -> Outcome<Data> {
        let sets = if path.is_dir() { folders(path) } else { Vec::new() };
        if !sets.is_empty() {
            return Data::of_sets(&sets, labels, program);
        }
        let ports = program.model_inputs();
        let [port] = ports.as_slice() else {
            let help = "data sets of ONNX (`test_data_set_*`) have a file for each input";
            return Err(bad_but(format!("the model has {} inputs, and the data are for one", ports.len()), help));
        };
        let input = port.ty.clone();
        let (examples, own, len, batch) = if path.is_dir() {
            let pictures = Pictures::open(path, &input, transform)?;
            let (len, batch) = (pictures.len(), input.shape[0]);
            let classes = Labels::Classes(pictures.classes());
            (Examples::Pictures(pictures), classes, len, batch)
        } else {
            let (array, own) = arrays::read(path)?;
            let len = array.shape().first().copied().unwrap_or(0);
            if len == 0 {
                return Err(bad(format!("{path:?} has no example: it is {}", array.ty())));
            }
            let batch = examples_in_a_run(&array, &input)?;
            transform.check(channels_of(&input, transform.layout))?;
            accepts(&array, &input)?;
            let own = own.map_or(Ok(Labels::Nothing), |own| labelled(&own, len))?;
            (Examples::Array(array), own, len, batch)
        };
        let given = labels.map(|labels| labelled(&arrays::labels(labels)?, len)).transpose()?;
        Ok(Data {
            examples: Arc::new(examples),
            whole: len,
            picked: None,
            labels: given.unwrap_or(own),
            transform: transform.clone(),
            input,
            batch,
            len,
        })
    }

    fn of_sets(sets: &[PathBuf], labels: Option<&Path>, program: &Program) -> Outcome<Data> {
        let sets = sets.iter().map(|folder| read_set(folder, program)).collect::<Outcome<Vec<DataSet>>>()?;
        let len = sets.len();
        let numbers =
            |set: &DataSet| Some(set.outputs.first()?.as_ref()?.scalars().map(|v| v.to_f64() as f32).collect());
        let own: Option<Vec<Vec<f32>>> = sets.iter().map(numbers).collect();
        let own = own.map_or(Labels::Nothing, Labels::Numbers);
        let given = labels.map(|labels| labelled(&arrays::labels(labels)?, len)).transpose()?;
        let input = program.model_inputs().first().map_or_else(|| Type::new(DType::F32, [1]), |p| p.ty.clone());
        let labels = given.unwrap_or(own);
        Ok(Data {
            examples: Arc::new(Examples::Sets(sets)),
            whole: len,
            picked: None,
            labels,
            transform: Transform::default(),
            input,
            batch: 1,
            len,
        })
    }

    /// So many of the examples with their labels, evenly spread; all where there are no more.
    #[must_use]
    pub fn spread(&self, count: usize) -> Data {
        let count = count.clamp(1, self.len);
        let at: Vec<usize> = (0..count).map(|i| i * self.len / count).collect();
        let labels = match &self.labels {
            Labels::Nothing => Labels::Nothing,
            Labels::Classes(classes) => Labels::Classes(at.iter().map(|i| classes[*i]).collect()),
            Labels::Numbers(numbers) => Labels::Numbers(at.iter().map(|i| numbers[*i].clone()).collect()),
        };
        Data {
            examples: Arc::clone(&self.examples),
            picked: Some(at.into_iter().map(|i| self.place(i)).collect()),
            labels,
            transform: self.transform.clone(),
            input: self.input.clone(),
            len: count,
            ..*self
        }
    }

    /// Where an example is in what was opened.
    fn place(&self, at: usize) -> usize {
        self.picked.as_ref().map_or(at, |picked| picked[at])
    }

    /// How many examples there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none; [`Data::open`] refuses that.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What is expected.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// How many examples a run of the model takes.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The inputs of the run whose first example is `first`, and how many examples it has; where fewer are left than the model takes,
    /// the last is repeated.
    ///
    /// # Errors
    /// A picture that cannot be read, a number that is not finite.
    pub fn run(&self, first: usize) -> Outcome<(Vec<Tensor>, usize)> {
        let count = self.batch.min(self.len - first);
        let example = |at: usize| self.place(first + at.min(count - 1));
        match &*self.examples {
            Examples::Sets(sets) => Ok((sets[example(0)].inputs.clone(), count)),
            Examples::Array(array) if self.input.dtype != DType::F32 => {
                let size = array.data().len() / self.whole;
                let bytes: Vec<u8> =
                    (0..self.batch).flat_map(|at| array.data()[example(at) * size..][..size].to_vec()).collect();
                let tensor = Tensor::from_bytes(self.input.clone(), bytes.into()).expect("the types are equal");
                Ok((vec![tensor], count))
            }
            Examples::Array(array) => {
                let each = array.len() / self.whole;
                let mut numbers = Vec::with_capacity(self.batch * each);
                for at in 0..self.batch {
                    let place = example(at) * each;
                    numbers.extend((place..place + each).map(|i| array.get(i).to_f64() as f32));
                }
                self.floats(numbers, first).map(|inputs| (inputs, count))
            }
            Examples::Pictures(pictures) => {
                let mut numbers = Vec::new();
                for at in 0..self.batch {
                    numbers.extend(pictures.read(example(at))?);
                }
                self.floats(numbers, first).map(|inputs| (inputs, count))
            }
        }
    }

    /// The transformed input of a run.
    fn floats(&self, mut numbers: Vec<f32>, first: usize) -> Outcome<Vec<Tensor>> {
        if let Some(at) = numbers.iter().position(|v| !v.is_finite()) {
            let example = self.place((first + at * self.batch / numbers.len().max(1)).min(self.len - 1));
            return Err(bad(format!("example {example} has a number that is not finite")));
        }
        self.transform.apply(&mut numbers, &self.input);
        Ok(vec![Tensor::from_elements(self.input.shape.clone(), &numbers)])
    }
}

/// How many examples of an array a run of the model takes.
fn examples_in_a_run(array: &Tensor, input: &Type) -> Outcome<usize> {
    let example = &array.shape()[1..];
    let without_ones = |shape: &[usize]| shape.iter().copied().filter(|n| *n != 1).collect::<Vec<usize>>();
    let size: usize = example.iter().product();
    let whole = input.elements();
    // Numbers in a row have no shape of their own.
    let alike = |of_model: &[usize]| example.len() <= 1 || without_ones(example) == without_ones(of_model);
    if size == whole && alike(&input.shape) {
        return Ok(1);
    }
    match input.shape.split_first() {
        Some((&batch, rest)) if batch > 0 && batch * size == whole && alike(rest) => Ok(batch),
        _ => {
            let message = format!("an example has the shape {example:?}, and the model's input is {input}");
            let help = "the data are to be `[examples, ..]` in the order of dimensions that the model has";
            Err(bad_but(message, help))
        }
    }
}

/// The channels of an input of pictures, where it is one.
fn channels_of(input: &Type, layout: Layout) -> Option<usize> {
    match layout {
        Layout::Nchw => input.shape.get(1).copied(),
        Layout::Nhwc => input.shape.last().copied(),
    }
}

/// Refuses elements that an input does not take. Floats take numbers of any type.
fn accepts(array: &Tensor, input: &Type) -> Outcome<()> {
    if array.dtype() == input.dtype || input.dtype == DType::F32 {
        return Ok(());
    }
    let help = format!("give examples of {}, quantized as the model wants them", input.dtype);
    Err(bad_but(format!("the data are {}, and the model's input is {input}", array.dtype()), help))
}

/// Labels of so many examples.
fn labelled(labels: &Tensor, len: usize) -> Outcome<Labels> {
    let count = labels.shape().first().copied().unwrap_or(0);
    if count != len {
        return Err(bad(format!("there are {len} examples and {count} labels")));
    }
    let each = labels.len() / len;
    if let (Some(classes), 1) = (labels.to_i64s(), each) {
        let class = |(at, class): (usize, i64)| {
            usize::try_from(class).map_err(|_| bad(format!("label {at} is {class}, and classes count from 0")))
        };
        return Ok(Labels::Classes(classes.into_iter().enumerate().map(class).collect::<Outcome<_>>()?));
    }
    let numbers: Vec<f32> = labels.scalars().map(|v| v.to_f64() as f32).collect();
    if let Some(at) = numbers.iter().position(|v| !v.is_finite()) {
        return Err(bad(format!("label {} has a number that is not finite", at / each.max(1))));
    }
    Ok(Labels::Numbers(numbers.chunks(each.max(1)).map(<[f32]>::to_vec).collect()))
}
