//! The same model with constants given at run time.

use zantc::import::from_raw;
use zantc::ir::{Numerics, Reference, eval_graph};
use zantc::onnx::{Limits, RawTensor};

use super::Sample;
use super::check::{agree, imported};
use super::draft::DECIDES;
use super::grow::info;

/// A model of which some constants have become inputs.
#[derive(Clone, Debug)]
pub struct Twin {
    /// The model; its new inputs are the last ones.
    pub sample: Sample,
}

/// The most constants that are tried.
const MOST: usize = 8;

/// Turns every constant that the import need not know, and that decides nothing, into an input; `None` where there is none.
pub fn twin(of: &Sample) -> Option<Twin> {
    imported(of, Numerics::default()).ok()?;
    let mut twin = of.clone();
    let open = of.model.graph.initializer.iter().filter(|t| t.doc_string != DECIDES);
    let names: Vec<String> = open.map(|t| t.name.clone()).take(MOST).collect();
    for name in names {
        let mut next = twin.clone();
        let at = next.model.graph.initializer.iter().position(|t| t.name == name)?;
        let proto = next.model.graph.initializer.remove(at);
        let Ok(raw) = RawTensor::decode(&proto, &Limits::default()) else { continue };
        let Ok(data) = from_raw(&raw) else { continue };
        if raw.dtype.bits().is_some_and(|b| b < 8) {
            continue;
        }
        next.model.graph.input.push(info(&name, data.shape(), proto.data_type));
        next.inputs.push(data);
        if imported(&next, Numerics::default()).is_ok() {
            twin = next;
        }
    }
    (twin.inputs.len() > of.inputs.len()).then_some(Twin { sample: twin })
}

impl Twin {
    /// Whether it computes what the model with its constants computes.
    ///
    /// # Errors
    /// Where they differ.
    pub fn agrees(&self, of: &Sample) -> Result<(), String> {
        let reference = Reference { numerics: Numerics::default() };
        let graph = |s: &Sample| imported(s, reference.numerics).map_err(|(code, why)| format!("{code} {why}"));
        let (folded, open) = (graph(of)?, graph(&self.sample)?);
        let (a, b) = (eval_graph(&folded, &of.inputs, &reference), eval_graph(&open, &self.sample.inputs, &reference));
        match (a, b) {
            (Ok(a), Ok(b)) if !of.wild => agree(&open, &self.sample.inputs, &reference, &b, &a),
            _ => Ok(()),
        }
    }
}
