//! What is said of a model on a data set: right, right but for rounding ties, or wrong. Nothing is said that is not shown.

use crate::Compiled;
use crate::exec::{Executor, Hygiene};
use crate::ir::{Numerics, Tensor};

use super::distance::{Distance, Tolerance, compare};
use super::layers::{Layers, compare_layers};
use super::literal::{Evaluated, Literal};
use super::per_node;
use super::quanta::{Measure, measures};
use super::spread::{Spread, spread};

/// What is said of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within the tolerance.
    Pass,
    /// Beyond the tolerance. It is shown that the graph as the model writes it gives the reference within the tolerance, and
    /// that the program differs from that graph in rounding ties alone.
    PassTiesOnly,
    /// Beyond the tolerance. It is shown that the program differs from the graph as the model writes it in rounding ties alone.
    /// The reference is none of that graph's results, but no farther from the program than results of that graph are from each
    /// other that differ in rounding ties alone: nothing can be told from this reference beyond that.
    PassSpreadOfTies,
    /// None of these.
    Fail,
}

impl Verdict {
    /// Whether the output counts as right.
    pub fn passes(self) -> bool {
        self != Verdict::Fail
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Verdict::Pass => "PASS",
            Verdict::PassTiesOnly => "PASS (rounding ties only)",
            Verdict::PassSpreadOfTies => "PASS (within the spread of ties)",
            Verdict::Fail => "FAIL",
        })
    }
}

/// An output with what is said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Its distance from the reference; `None` where its type is another.
    pub distance: Option<Distance>,
    /// What is said.
    pub verdict: Verdict,
}

/// How the graph as the model writes it was found to stand to program and reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// How products were rounded in it.
    pub numerics: Numerics,
    /// How far each of its outputs is from the reference.
    pub own: Vec<Option<Distance>>,
    /// Outputs of the program whose bits are not those of the compiled graph: a kernel is wrong.
    pub wrong_outputs: usize,
    /// Layer by layer, against the compiled graph.
    pub layers: Layers,
    /// Of each output how far results lie apart that differ in ties alone, where that was measured.
    pub spread: Vec<Option<Spread>>,
}

/// What is said of a model on a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Of each output.
    pub outputs: Vec<Judged>,
    /// What was looked at, where an output was beyond the tolerance or the evidence was asked for.
    pub evidence: Option<Evidence>,
    /// Why there is no evidence, where it was looked for.
    pub no_evidence: Option<String>,
}

/// A model that has been compiled, and what it was compiled from.
#[derive(Debug)]
pub struct Subject<'c> {
    compiled: &'c Compiled,
    literal: Literal,
    measures: Vec<Measure>,
}

impl<'c> Subject<'c> {
    /// Takes a compiled model and the graph as it was imported.
    pub fn new(compiled: &'c Compiled, literal: Literal) -> Subject<'c> {
        let measures = measures(&literal);
        Subject { compiled, literal, measures }
    }

    /// The graph as the model writes it.
    pub fn literal(&self) -> &Literal {
        &self.literal
    }

    /// How each output is measured.
    pub fn measures(&self) -> &[Measure] {
        &self.measures
    }

    /// What the program computes.
    ///
    /// # Errors
    /// Inputs that do not fit or make the model fail.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, crate::exec::ExecError> {
        Executor::new(&self.compiled.program, Hygiene::AsEmitted)?.run_model(inputs)
    }

    /// Judges the outputs that the program gave for inputs; `evidence` asks for it even where nothing is beyond the tolerance.
    pub fn judge(
        &self,
        (inputs, reference): (&[Tensor], &[Tensor]),
        outputs: &[Tensor],
        tolerance: &Tolerance,
        evidence: bool,
    ) -> Judgement {
        let judged = |(i, output): (usize, &Tensor)| {
            let distance = reference.get(i).and_then(|r| compare(r, output, &self.measures[i], tolerance));
            let pass = distance.as_ref().is_some_and(|d| d.pass);
            Judged { distance, verdict: if pass { Verdict::Pass } else { Verdict::Fail } }
        };
        let outputs_judged = outputs.iter().enumerate().map(judged).collect();
        let mut judgement = Judgement { outputs: outputs_judged, evidence: None, no_evidence: None };
        let beyond = judgement.outputs.iter().any(|o| !o.verdict.passes());
        if self.literal.is_quantized() && (beyond || evidence) {
            match self.evidence((inputs, reference), outputs, tolerance, beyond) {
                Ok(found) => {
                    judgement.apply(&found);
                    judgement.evidence = Some(found);
                }
                Err(why) => judgement.no_evidence = Some(why),
            }
        }
        judgement
    }

    fn evidence(
        &self,
        (inputs, reference): (&[Tensor], &[Tensor]),
        outputs: &[Tensor],
        tolerance: &Tolerance,
        beyond: bool,
    ) -> Result<Evidence, String> {
        let graph = &self.compiled.graph;
        if graph.outputs.iter().zip(outputs).any(|(o, t)| graph.ty(o.value) != t.ty()) {
            return Err("a state is kept in another form than the model has".into());
        }
        let (own, distances) = self.nearest((inputs, reference), tolerance)?;
        let numerics = self.compiled.program.numerics;
        let computed = per_node::values(graph, inputs, numerics).map_err(|(_, why)| why)?;
        let computed = graph.outputs.iter().map(|o| computed[o.value.index()].as_ref());
        let wrong = |(a, b): (Option<&Tensor>, &Tensor)| a.is_none_or(|a| per_node::differing(a, b) > 0);
        let wrong_outputs = computed.zip(outputs).filter(|&p| wrong(p)).count();
        let layers = compare_layers(&self.literal, &own, self.compiled, inputs, (&self.measures, tolerance))?;
        let all_near = distances.iter().all(|d| d.as_ref().is_some_and(|d| d.pass));
        let spread = match beyond && !all_near && wrong_outputs == 0 && layers.ties_only() {
            true => spread(&self.literal, inputs, &self.literal.outputs(&own), outputs, reference)?,
            false => vec![None; outputs.len()],
        };
        Ok(Evidence { numerics: own.numerics, own: distances, wrong_outputs, layers, spread })
    }

    /// The model's own graph, its products rounded as the program rounds them or, where that is farther from the reference, the
    /// other way; with how far its outputs are from the reference.
    fn nearest(
        &self,
        (inputs, reference): (&[Tensor], &[Tensor]),
        tolerance: &Tolerance,
    ) -> Result<(Evaluated, Vec<Option<Distance>>), String> {
        let measured = |numerics| {
            let own = self.literal.evaluate(inputs, numerics)?;
            let outputs = self.literal.outputs(&own);
            let pairs = outputs.iter().enumerate();
            let distances: Vec<Option<Distance>> = pairs
                .map(|(i, o)| reference.get(i).and_then(|r| compare(r, o, &self.measures[i], tolerance)))
                .collect();
            Ok::<_, String>((own, distances))
        };
        let first = measured(self.compiled.program.numerics)?;
        let far = |d: &[Option<Distance>]| d.iter().filter(|d| d.as_ref().is_none_or(|d| !d.pass)).count();
        if far(&first.1) == 0 {
            return Ok(first);
        }
        let other = match self.compiled.program.numerics {
            Numerics::Fused => Numerics::Separate,
            Numerics::Separate => Numerics::Fused,
        };
        let second = measured(other)?;
        Ok(if far(&second.1) < far(&first.1) { second } else { first })
    }
}

impl Judgement {
    /// Whether all outputs count as right.
    pub fn passes(&self) -> bool {
        self.outputs.iter().all(|o| o.verdict.passes())
    }

    /// Raises what the evidence shows to be right.
    fn apply(&mut self, found: &Evidence) {
        if found.wrong_outputs > 0 || !found.layers.ties_only() {
            return;
        }
        for (i, output) in self.outputs.iter_mut().enumerate().filter(|(_, o)| !o.verdict.passes()) {
            let own = found.own.get(i).and_then(Option::as_ref).is_some_and(|d| d.pass);
            let spread = found.spread.get(i).and_then(Option::as_ref).is_some_and(Spread::holds);
            output.verdict = match (own, spread) {
                (true, _) => Verdict::PassTiesOnly,
                (false, true) => Verdict::PassSpreadOfTies,
                (false, false) => Verdict::Fail,
            };
        }
    }
}
