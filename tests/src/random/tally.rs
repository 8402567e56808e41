//! What was proposed, taken and run.

use std::collections::BTreeMap;

use zantc::ir::DType;

use super::{OPERATORS, Outcome, Sample};

/// One proposed node.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its operator.
    pub operator: &'static str,
    /// Element types of its operands.
    pub dtypes: Vec<DType>,
    /// The diagnostic's code and message, where the import refused it.
    pub refused: Option<(&'static str, String)>,
}

/// What became of the nodes of an operator.
#[derive(Clone, Debug, Default)]
pub struct PerOperator {
    /// Taken by the import.
    pub accepted: usize,
    /// Refused by the import.
    pub refused: usize,
    /// In models that ran.
    pub ran: usize,
    /// Element types of operands that were taken.
    pub dtypes: BTreeMap<&'static str, usize>,
    /// Why nodes were refused: how often, and the first message.
    pub reasons: BTreeMap<&'static str, (usize, String)>,
}

/// What became of models.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Models grown.
    pub models: usize,
    /// Nodes in them.
    pub nodes: usize,
    /// Models that ran and gave the right values.
    pub ran: usize,
    /// Models in which the graph before the passes was compared as well.
    pub compared: usize,
    /// Models that fail at run time as the reference does.
    pub failed_alike: usize,
    /// Models of which constants were given at run time.
    pub twins: usize,
    /// Models that were refused, by code, with the first message.
    pub refused: BTreeMap<&'static str, (usize, String)>,
    /// By operator.
    pub operators: BTreeMap<&'static str, PerOperator>,
}

impl Tally {
    /// Counts a model.
    pub fn grown(&mut self, sample: &Sample) {
        self.models += 1;
        self.nodes += sample.model.graph.node.len();
        for event in &sample.events {
            let entry = self.operators.entry(event.operator).or_default();
            match &event.refused {
                None => {
                    entry.accepted += 1;
                    for d in &event.dtypes {
                        *entry.dtypes.entry(d.name()).or_default() += 1;
                    }
                }
                Some((code, message)) => {
                    entry.refused += 1;
                    entry.reasons.entry(code).or_insert_with(|| (0, message.clone())).0 += 1;
                }
            }
        }
    }

    /// Counts what became of a model.
    pub fn ran(&mut self, sample: &Sample, outcome: &Outcome) {
        match outcome {
            Outcome::Refused(code, message) => {
                let why = || (0, format!("seed {}: {message}", sample.seed));
                self.refused.entry(code).or_insert_with(why).0 += 1;
                return;
            }
            Outcome::FailsAlike => self.failed_alike += 1,
            Outcome::Ran { compared } => {
                self.ran += 1;
                self.compared += usize::from(*compared);
            }
        }
        for node in &sample.model.graph.node {
            if let Some(entry) = OPERATORS.iter().find(|e| e.name == node.op_type) {
                self.operators.entry(entry.name).or_default().ran += 1;
            }
        }
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: &Tally) {
        self.models += other.models;
        self.nodes += other.nodes;
        self.ran += other.ran;
        self.compared += other.compared;
        self.failed_alike += other.failed_alike;
        self.twins += other.twins;
        for (code, (n, why)) in &other.refused {
            self.refused.entry(code).or_insert_with(|| (0, why.clone())).0 += n;
        }
        for (name, o) in &other.operators {
            let own = self.operators.entry(name).or_default();
            own.accepted += o.accepted;
            own.refused += o.refused;
            own.ran += o.ran;
            o.dtypes.iter().for_each(|(d, n)| *own.dtypes.entry(d).or_default() += n);
            for (code, (n, why)) in &o.reasons {
                own.reasons.entry(code).or_insert_with(|| (0, why.clone())).0 += n;
            }
        }
    }

    /// Operators of the registry that were taken fewer times than `least`.
    pub fn rare(&self, least: usize) -> Vec<String> {
        let accepted = |name: &str| self.operators.get(name).map_or(0, |o| o.ran);
        let rare = zantc::import::registry::entries().map(|e| (e.name, accepted(e.name))).filter(|(_, n)| *n < least);
        rare.map(|(name, n)| format!("{name} {n}")).collect()
    }

    /// A line.
    pub fn line(&self) -> String {
        let refused: usize = self.refused.values().map(|(n, _)| n).sum();
        format!(
            "{} models, {} nodes: {} right ({} also against the graph before passes), {} fail as the reference does, {refused} refused, {} with constants at run time",
            self.models, self.nodes, self.ran, self.compared, self.failed_alike, self.twins
        )
    }

    /// A line for each operator, and one for each reason of a refused model.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for (name, o) in &self.operators {
            let dtypes: Vec<String> = o.dtypes.iter().map(|(d, n)| format!("{d} {n}")).collect();
            text += &format!(
                "{name:26} {:6} taken {:6} refused {:6} ran   {}\n",
                o.accepted,
                o.refused,
                o.ran,
                dtypes.join(", ")
            );
            for (code, (n, why)) in &o.reasons {
                text += &format!("{:30}{code} {n}: {why}\n", "");
            }
        }
        for (code, (n, why)) in &self.refused {
            text += &format!("models refused by {code}: {n}, the first one: {why}\n");
        }
        text
    }
}
