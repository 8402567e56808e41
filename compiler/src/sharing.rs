//! Models with one state: a decoder, and the one that reads its prompt at once.
//!
//! All of them lie in one arena, which begins with what is kept, at the same places for all. Whoever has a state as input and output
//! reads and writes it; whoever has the output alone begins it: a run makes its output the first entries.

mod caches;
mod played;

use std::collections::BTreeMap;

use crate::config::Config;
use crate::diag::{Diagnostic, codes, escape};
use crate::emit::Source;
use crate::ir::{Begun, DType, Graph, Shared, Type};
use crate::onnx::Model;
use crate::pipeline::{Compiled, Lowered, import_stateless, keep, lower, planned};
use crate::plan::program::Reserved;
use crate::program::{Program, State};
use crate::project::Project;
use caches::output_of;

pub use caches::caches;

/// A model of those that share their states: its name, what was read, and the choices for it. They differ in dimensions alone.
#[derive(Clone, Copy, Debug)]
pub struct Sharer<'a> {
    /// What messages call it.
    pub name: &'a str,
    /// The model.
    pub model: &'a Model,
    /// Its choices; of its states those that it has are meant, and where none are named, those that names tell.
    pub config: &'a Config,
}

/// Models that have one state, compiled.
#[derive(Debug)]
pub struct Joined {
    projects: Vec<Project>,
    compiled: Vec<Compiled>,
    sha256: Vec<String>,
}

impl Joined {
    /// Compiles the models of a session with a name; `observe` hears what is being done.
    ///
    /// # Errors
    /// As [`compile_sharing`]; names that are none or that two models have; models that are made for different targets.
    pub fn compile(
        name: &str,
        projects: Vec<Project>,
        observe: &mut dyn FnMut(&str),
    ) -> Result<Joined, Vec<Diagnostic>> {
        let faults = mismatches(name, &projects);
        if !faults.is_empty() {
            return Err(faults);
        }
        let sharers: Vec<Sharer<'_>> =
            projects.iter().map(|p| Sharer { name: &p.name, model: &p.model, config: &p.config }).collect();
        let compiled = compile_sharing(&sharers, observe)?;
        let sha256 = projects.iter().map(Project::sha256).collect::<Result<_, _>>()?;
        Ok(Joined { projects, compiled, sha256 })
    }

    /// What is emitted of each model.
    pub fn sources(&self) -> Vec<Source<'_>> {
        let parts = self.projects.iter().zip(&self.compiled).zip(&self.sha256);
        parts
            .map(|((project, compiled), sha256)| Source {
                program: &compiled.program,
                config: &project.config,
                name: &project.name,
                file: "",
                model_sha256: sha256,
                vectors: &[],
            })
            .collect()
    }

    /// What is worth a warning.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.compiled.iter().flat_map(|compiled| &compiled.warnings)
    }

    /// The compiled models.
    pub fn compiled(&self) -> &[Compiled] {
        &self.compiled
    }
}

/// Why models cannot be one session.
fn mismatches(name: &str, projects: &[Project]) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    if !crate::emit::is_crate_name(name) {
        faults.push(fault(format!("{name:?} is no name for a session")));
    }
    if projects.len() < 2 {
        faults.push(fault("it takes two models or more".into()));
    }
    for (n, project) in projects.iter().enumerate() {
        let module = project.name.replace('-', "_");
        let again = projects[..n].iter().any(|p| p.name.replace('-', "_") == module);
        if again {
            let what = format!("two models are called `{module}`");
            faults.push(fault(what).help("rename a file, or give `name` in a zant.toml beside it"));
        }
        let own = ["rt", "session", "take", "new", "reset", "rewind", "default"];
        if own.contains(&module.as_str()) || module.starts_with("state_") {
            let what = format!("a model of a session cannot be called `{module}`");
            faults.push(fault(what).help("rename the file, or give `name` in a zant.toml beside it"));
        }
        let (a, b) = (&project.config, &projects[0].config);
        let same = a.target == b.target
            && a.optimize == b.optimize
            && a.alloc == b.alloc
            && a.effective_numerics() == b.effective_numerics();
        if !same {
            let what =
                format!("`{module}` has another target, optimization, memory or numerics than `{}`", projects[0].name);
            faults.push(fault(what).help("the models of a session have one runtime"));
        }
    }
    faults
}

/// Compiles models that share their states; `observe` hears what is being done.
///
/// # Errors
/// Everything that is wrong with a model; a state that no other model has; one that a model has in part.
pub fn compile_sharing(
    sharers: &[Sharer<'_>],
    observe: &mut dyn FnMut(&str),
) -> Result<Vec<Compiled>, Vec<Diagnostic>> {
    let (mut graphs, mut warnings) = (Vec::new(), Vec::new());
    for sharer in sharers {
        sharer.config.check()?;
        observe("importing");
        let import = import_stateless(sharer.model, sharer.config)?;
        graphs.push(import.graph);
        warnings.push(import.warnings);
    }
    let mut compiled = compile_graphs(sharers, graphs, observe)?;
    compiled.iter_mut().zip(warnings).for_each(|(compiled, warnings)| compiled.warnings.extend(warnings));
    Ok(compiled)
}

/// The same of graphs that were imported, without their states.
fn compile_graphs(
    sharers: &[Sharer<'_>],
    mut graphs: Vec<Graph>,
    observe: &mut dyn FnMut(&str),
) -> Result<Vec<Compiled>, Vec<Diagnostic>> {
    let mut warnings = Vec::new();
    let pairs = paired(sharers, &mut graphs).map_err(|fault| vec![fault])?;
    for (n, (sharer, pairs)) in sharers.iter().zip(&pairs).enumerate() {
        let mut config = sharer.config.clone();
        config.states.clone_from(&pairs.own);
        warnings.push(keep(&mut graphs[n], &config)?);
    }
    mark(&mut graphs, &pairs);
    let lowered = lowered(sharers, graphs, &pairs, observe)?;
    let reserved = reserve(&lowered, sharers[0].config.target.align).map_err(|fault| vec![fault])?;
    let mut compiled = Vec::new();
    for ((lowered, reserved), sharer) in lowered.into_iter().zip(&reserved).zip(sharers) {
        observe("planning memory");
        compiled.push(planned(lowered, sharer.config, reserved)?);
    }
    let arena = compiled.iter().map(|c| c.program.arena_bytes()).max().unwrap_or(0);
    for (compiled, warnings) in compiled.iter_mut().zip(warnings) {
        if let Some(layout) = &mut compiled.program.layout {
            layout.arena_bytes = arena;
        }
        compiled.warnings.extend(warnings);
    }
    Ok(compiled)
}

/// What a model has of the states.
#[derive(Clone, Debug, Default)]
struct Pairs {
    /// Inputs and outputs, those among them that stand for another model's state.
    own: Vec<(String, String)>,
    /// The names of the inputs that do.
    begun: Vec<String>,
}

fn fault(message: String) -> Diagnostic {
    Diagnostic::error(codes::BAD_OPTION, format!("share-state: {message}"))
}

fn names(graph: &Graph) -> (Vec<&str>, Vec<&str>) {
    let inputs = graph.inputs.iter().map(|v| graph.value(*v).name.as_str()).collect();
    (inputs, graph.outputs.iter().map(|o| o.name.as_str()).collect())
}

/// The states that a model has itself: input and output of one name each, the input with room for entries.
fn own_states(sharer: &Sharer<'_>, graph: &Graph) -> Vec<(String, String)> {
    let (inputs, outputs) = names(graph);
    let named = match sharer.config.states.as_slice() {
        [] => caches(&inputs, &outputs),
        named => named.to_vec(),
    };
    let roomy = |name: &str| {
        let at = inputs.iter().position(|input| *input == name);
        at.is_some_and(|at| graph.ty(graph.inputs[at]).elements() > 0)
    };
    named.into_iter().filter(|(from, to)| roomy(from) && outputs.contains(&to.as_str())).collect()
}

/// Finds the states of each model, and gives those an input for a state that begin it.
fn paired(sharers: &[Sharer<'_>], graphs: &mut [Graph]) -> Result<Vec<Pairs>, Diagnostic> {
    let own: Vec<_> = sharers.iter().zip(&*graphs).map(|(sharer, graph)| own_states(sharer, graph)).collect();
    // The states of all, in the order in which they are first met, with their types.
    let mut all: Vec<(String, String, Type, usize)> = Vec::new();
    for (n, (graph, own)) in graphs.iter().zip(&own).enumerate() {
        for (from, to) in own.iter().filter(|(from, _)| !all.iter().any(|(name, ..)| name == from)).collect::<Vec<_>>()
        {
            let v = graph.inputs.iter().find(|v| graph.value(**v).name == *from).expect("it is an input");
            all.push((from.clone(), to.clone(), graph.ty(*v).clone(), n));
        }
    }
    if all.is_empty() {
        return Err(fault("no model has a state, an input that an output replaces or adds to".into())
            .help("name the pairs: `--state INPUT=OUTPUT`; names such as past_k_0 and present_k_0 are found"));
    }
    let mut pairs = Vec::new();
    for (n, (sharer, graph)) in sharers.iter().zip(graphs).enumerate() {
        let mut found = Pairs { own: own[n].clone(), begun: Vec::new() };
        let mut missing = Vec::new();
        for (from, to, ty, _) in all.iter().filter(|(from, ..)| !own[n].iter().any(|(name, _)| name == from)) {
            let outputs: Vec<&str> = graph.outputs.iter().map(|o| o.name.as_str()).collect();
            let exact = outputs.iter().copied().find(|name| name == to);
            match exact.or_else(|| output_of(from, &outputs)).map(str::to_string) {
                Some(output) => {
                    begin(sharer, graph, (from, ty), &output)?;
                    found.own.push((from.clone(), output));
                    found.begun.push(from.clone());
                }
                None => missing.push(escape(from)),
            }
        }
        let some = missing.len() < all.len();
        // States that one model alone has are its own affair.
        let shared_elsewhere = |name: &String| all.iter().any(|(from, .., owner)| escape(from) == *name && *owner != n);
        if !found.begun.is_empty() || !some {
            let missing: Vec<&String> = missing.iter().filter(|name| shared_elsewhere(name)).collect();
            if let Some(first) = missing.first() {
                let message = format!("`{}` has no output that begins state `{first}`", escape(sharer.name));
                return Err(fault(format!("{message}, nor {} more", missing.len() - 1))
                    .help("its outputs are to be named as the other model's: present_k_0, say"));
            }
        }
        pairs.push(found);
    }
    let is_common = |(from, ..): &(String, String, Type, usize)| {
        pairs.iter().filter(|pairs| pairs.own.iter().any(|(name, _)| name == from)).count() > 1
    };
    if all.iter().any(is_common) {
        Ok(pairs)
    } else {
        Err(fault("no state is of more than one of the models".into()).help("compile them without --share-state"))
    }
}

/// Checks that an output can begin a state, and adds an input for that.
fn begin(sharer: &Sharer<'_>, graph: &mut Graph, (state, ty): (&str, &Type), output: &str) -> Result<(), Diagnostic> {
    let of = graph.outputs.iter().find(|o| o.name == output).map(|o| graph.ty(o.value).clone());
    let fits = of.as_ref().and_then(|of| entries(ty, of));
    let Some(axis) = fits.filter(|_| ty.dtype != DType::Bool) else {
        let message = format!("`{}` is no beginning of state `{}`, {ty}", escape(output), escape(state));
        return Err(fault(format!("output {message}, of `{}`", escape(sharer.name)))
            .help("it has to have the state's element type, and its shape but for fewer entries in one dimension"));
    };
    // An input of no elements, as exporters leave it for the first run, gives up its name.
    for v in graph.inputs.clone() {
        if graph.value(v).name == state {
            graph.values[v.index()].name = format!("{state}_empty");
        }
    }
    let input = graph.add_value(state, ty.clone());
    // Where the other model has it is known later.
    let begun = Begun { memory: ty.shape.clone(), axis, parts: None };
    graph.shared.insert(graph.inputs.len(), Shared::Begun(begun));
    graph.inputs.push(input);
    Ok(())
}

/// The dimension along which an output is the first entries of a state: the one in which they differ, else that of a sequence.
fn entries(state: &Type, output: &Type) -> Option<usize> {
    if state.dtype != output.dtype || state.rank() != output.rank() || output.elements() == 0 {
        return None;
    }
    let mut differing = (0..state.rank()).filter(|&d| state.shape[d] != output.shape[d]);
    match (differing.next(), differing.next()) {
        (None, _) => Some(state.rank().saturating_sub(2)),
        (Some(d), None) => (output.shape[d] < state.shape[d]).then_some(d),
        (Some(_), Some(_)) => None,
    }
}

/// Notes which states several models read and write, and until memory is known, which are begun.
fn mark(graphs: &mut [Graph], pairs: &[Pairs]) {
    let mut readers: BTreeMap<String, usize> = BTreeMap::new();
    for (graph, pairs) in graphs.iter().zip(pairs) {
        for state in &graph.states {
            let name = &graph.value(graph.inputs[state.input]).name;
            *readers.entry(name.clone()).or_default() += usize::from(!is_begun(name, pairs));
        }
    }
    for (graph, pairs) in graphs.iter_mut().zip(pairs) {
        for state in graph.states.clone() {
            let name = &graph.value(graph.inputs[state.input]).name;
            if !is_begun(name, pairs) && readers[name] > 1 {
                graph.shared.insert(state.input, Shared::Whole);
            }
        }
    }
}

/// Whether a state, or what the scales of one are named after, is begun.
fn is_begun(name: &str, pairs: &Pairs) -> bool {
    pairs.begun.iter().any(|begun| name.strip_prefix(begun.as_str()).is_some_and(|rest| matches!(rest, "" | "_scale")))
}

/// Lowers the models: first those that have all their states themselves, which tell the others where states lie.
fn lowered(
    sharers: &[Sharer<'_>],
    graphs: Vec<Graph>,
    pairs: &[Pairs],
    observe: &mut dyn FnMut(&str),
) -> Result<Vec<Lowered>, Vec<Diagnostic>> {
    let mut lowered: Vec<Option<Lowered>> = graphs.iter().map(|_| None).collect();
    let mut waiting: Vec<Option<Graph>> = graphs.into_iter().map(Some).collect();
    for begins in [false, true] {
        for (n, sharer) in sharers.iter().enumerate() {
            if pairs[n].begun.is_empty() == begins {
                continue;
            }
            let Some(mut graph) = waiting[n].take() else { continue };
            let known: Vec<State> = lowered.iter().flatten().flat_map(|l| l.program.states.clone()).collect();
            begin_where(&mut graph, &pairs[n], &known).map_err(|fault| vec![fault])?;
            lowered[n] = Some(lower(graph, sharer.config, observe)?);
        }
    }
    Ok(lowered.into_iter().flatten().collect())
}

/// Notes where the states lie that a model begins; the order of states becomes that of the model that has them.
fn begin_where(graph: &mut Graph, pairs: &Pairs, known: &[State]) -> Result<(), Diagnostic> {
    for state in graph.states.clone() {
        let x = graph.inputs[state.input];
        let name = graph.value(x).name.clone();
        if !is_begun(&name, pairs) {
            continue;
        }
        let cannot = |why: &str| fault(format!("state `{}` cannot be begun: {why}", escape(&name)));
        let theirs = known.iter().find(|s| s.name == name).filter(|s| s.ty == *graph.ty(x));
        let theirs = theirs.ok_or_else(|| cannot("the models keep it in other forms"))?;
        let output = graph.ty(graph.outputs[state.output].value);
        let axis = match &theirs.ring {
            Some(ring) => ring.axis,
            None => entries(&theirs.ty, output).ok_or_else(|| cannot("the output has another shape"))?,
        };
        let parts = match &theirs.ring {
            None => None,
            Some(ring) => {
                let part = ring.output.shape[axis];
                let filled = output.shape[axis];
                if !filled.is_multiple_of(part) {
                    return Err(cannot("its entries are no whole number of parts of the ring"));
                }
                Some([theirs.ty.shape[axis] / part, filled / part])
            }
        };
        graph.shared.insert(state.input, Shared::Begun(Begun { memory: theirs.memory.clone(), axis, parts }));
    }
    Ok(())
}

/// Gives everything that is kept a place at the start of the arena, the same for all models.
fn reserve(lowered: &[Lowered], align: usize) -> Result<Vec<Reserved>, Diagnostic> {
    let mut places: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut end = 0;
    let mut reserved = Vec::new();
    for Lowered { program, .. } in lowered {
        let mut offsets = BTreeMap::new();
        for (key, buffer) in kept(program) {
            let bytes = program.buffer(buffer).bytes();
            let (start, taken) = *places.entry(key.clone()).or_insert_with(|| {
                let start = end;
                end += bytes.next_multiple_of(align);
                (start, bytes)
            });
            if taken != bytes {
                return Err(fault(format!("the models keep state `{}` in other forms", escape(&key))));
            }
            offsets.insert(buffer, start);
        }
        // A counter counts parts of one size.
        for (state, ring) in program.states.iter().filter_map(|s| Some((s, s.ring.as_ref()?))) {
            let Some(of_state) = ring.parts else { continue };
            if *parts.entry(&state.name).or_insert(of_state) != of_state {
                let message =
                    format!("state `{}` is a ring of parts that differ from model to model", escape(&state.name));
                return Err(fault(message).help("give the longer model no such input: its output begins the ring"));
            }
        }
        reserved.push(Reserved { offsets, bytes: 0 });
    }
    reserved.iter_mut().for_each(|r| r.bytes = end);
    Ok(reserved)
}

/// The buffers that a program keeps, with what is the same for all models: a state's name, or the parts that a counter counts.
fn kept(program: &Program) -> Vec<(String, crate::program::BufferId)> {
    let mut kept: Vec<_> = program.states.iter().map(|s| (format!("state {}", s.name), s.buffer)).collect();
    for state in &program.states {
        if let Some(ring) = &state.ring
            && let (Some(slot), Some(parts)) = (ring.slot, ring.parts)
        {
            kept.push((format!("parts {parts}"), slot));
        }
    }
    kept
}

#[cfg(test)]
mod tests;
