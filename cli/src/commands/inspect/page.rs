//! `zantc inspect --html`: what is known of a model, for a page.

use std::collections::BTreeMap;

use zant_measure::inspection::{Inspection, Step, page as html};
use zantc::Compiled;
use zantc::footprint::Footprint;
use zantc::program::{Access, Arg, BufferId, Port, Program};
use zantc::project::Project;
use zantc::targets::BOARDS;

use super::super::Outcome;
use super::super::boards::{fits, memories};
use super::super::shell::Shell;
use super::{live, short};

/// The page of a compiled model.
pub(super) fn page(project: &Project, compiled: &Compiled, shell: &mut Shell) -> Outcome<String> {
    let program = &compiled.program;
    let footprint = Footprint::of(program, &project.config);
    let boards: Vec<_> = BOARDS.iter().collect();
    let fits = fits(project, &boards, shell)?;
    let layout = program.layout.as_ref();
    let port = |what: &str, p: &Port| [what.to_string(), p.name.clone(), p.ty.to_string()];
    let floats = compiled.graph.stays_float.iter().map(|s| {
        let nodes: Vec<&str> = s.origin.iter().map(|o| o.name.as_str()).collect();
        [nodes.join(", "), s.reason.to_string()]
    });
    let inspection = Inspection {
        name: project.name.clone(),
        target: project.config.target.name.into(),
        memory: [footprint.ram_text(), footprint.flash_text()],
        bytes: [footprint.ram(), footprint.flash()],
        arena: layout.map_or([0, 0], |l| [l.arena_bytes, l.lower_bound_bytes]),
        macs: program.macs(),
        ports: (program.model_inputs().iter().map(|p| port("input", p)))
            .chain(program.model_outputs().iter().map(|p| port("output", p)))
            .collect(),
        steps: steps(program),
        floats: floats.collect(),
        boards: (boards.iter())
            .map(|b| {
                let fit = &fits[b.name];
                let memories = format!("{}; {}", memories(b.flash), memories(b.ram));
                (b.name.to_string(), memories, fit.fits(), fit.text())
            })
            .collect(),
        arena_svg: compiled.picture(),
    };
    Ok(html(&inspection))
}

fn steps(program: &Program) -> Vec<Step> {
    let mut makers: BTreeMap<BufferId, usize> = BTreeMap::new();
    let peak = program.layout.as_ref().map(|l| l.peak_step);
    let mut steps = Vec::new();
    for (i, step) in program.steps.iter().enumerate() {
        let buffers = |without: Access| {
            step.args.iter().filter_map(move |a| match a {
                Arg::Buffer(view, access) if *access != without => Some(view.buffer),
                Arg::Buffer(..) | Arg::Weight(_) | Arg::Empty(_) => None,
            })
        };
        let mut reads: Vec<usize> = buffers(Access::Write).filter_map(|b| makers.get(&b).copied()).collect();
        reads.sort_unstable();
        reads.dedup();
        let nodes: Vec<&str> = step.origin.iter().map(|o| o.name.as_str()).collect();
        let weights = step.args.iter().filter_map(|a| match a {
            Arg::Weight(w) => Some(program.weight(*w).bytes()),
            Arg::Buffer(..) | Arg::Empty(_) => None,
        });
        steps.push(Step {
            kernel: step.call.name().into(),
            nodes: short(&nodes),
            result: step.result.to_string(),
            reads,
            weights: weights.sum(),
            bits: program.weight_bits(step),
            macs: step.macs,
            live: live(program, i),
            peak: peak == Some(i),
        });
        makers.extend(buffers(Access::Read).map(|b| (b, i)));
    }
    steps
}
