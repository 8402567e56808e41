//! A model as a process of the host: time, instructions, memory and size.

use zant_measure::process::Scratch;
use zant_measure::report::{Key, Metric, Other, Row, Value};
use zant_measure::{Contender, Error, Executable, Heap, stepping, valgrind};
use zantc::diag::{Diagnostic, codes};
use zantc::harness::input_places;

use super::limits::Floor;
use super::peers::{self, Inputs};
use super::{Prepared, Subject, Values, Ways, keep, machine, or_missing, per_mac, source_bytes, timed};
use crate::built::device::diagnostic;
use crate::built::memory;

/// Samples that one takes before it is the next one's turn.
const TURN: usize = 5;

/// By how many times loops of AVX-512 may take fewer instructions than those of AVX2.
const FEWER: u64 = 5;

/// A built process with what is known of it so far.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) executable: Executable,
    values: Values,
    stack: u64,
    macs: u64,
    weight_bytes: usize,
    inputs: Inputs,
    /// Holds all of it, and goes with this.
    folder: Scratch,
}

impl Process {
    /// Builds a model, and checks its bits.
    pub(super) fn new(prepared: &Prepared<'_>) -> Result<Process, Diagnostic> {
        let failed = |why: String| Diagnostic::error(codes::BUILD_FAILED, why);
        let folder = Scratch::new().map_err(|e| failed(format!("cannot make a temporary folder: {e}")))?;
        let program = prepared.program();
        let inference = prepared.process().map_err(|why| Diagnostic::error(codes::BAD_OPTION, why))?;
        let package = prepared.package();
        let krate = folder.path().join("model");
        package.write(&krate).map_err(|e| failed(e.to_string()))?;
        let (places, bytes) = input_places(program);
        let mut inputs = vec![0; bytes];
        for (place, part) in places.iter().zip(memory::inputs(program, &prepared.inputs)) {
            inputs[*place..][..part.len()].copy_from_slice(&part);
        }
        if let Some(reader) = &prepared.reader {
            inputs.resize(bytes + input_places(&reader.compiled.program).1, 0);
        }
        let process = zant_measure::Process::write(folder.path(), &krate, prepared.name, &inference, &inputs);
        let told = |p: zant_measure::Process| {
            let p = match &prepared.reader {
                Some(_) => p.with_prompt(),
                None if prepared.session => p.with_session(),
                None => p,
            };
            if prepared.config.observed { p.with_steps(program.steps.len()) } else { p }
        };
        let executable = process.and_then(|p| told(p).build(prepared.level)).map_err(|e| diagnostic(&e))?;
        keep(executable.path(), prepared.elf.as_ref())?;
        let (outputs, stack) = executable.run().map_err(|e| diagnostic(&e))?;
        if outputs.len() != memory::output_bytes(program) {
            return Err(failed(format!("the process wrote {} bytes, which are no outputs", outputs.len())));
        }
        prepared.check(&memory::outputs(program, &outputs))?;
        let mut values = prepared.planned(source_bytes(&package));
        values.insert(Metric::Stack, Value::Count(stack));
        values.insert(Metric::BuildTime, Value::Real(executable.build_time.as_secs_f64() * 1e3));
        let inputs = Inputs { ports: program.model_inputs(), values: prepared.inputs.clone() };
        let (macs, weight_bytes) = (program.macs(), prepared.weight_bytes());
        Ok(Process { executable, values, stack, macs, weight_bytes, inputs, folder })
    }

    /// Bytes of stack that a run takes.
    pub(super) fn stack(&self) -> u64 {
        self.stack
    }

    /// All that was measured.
    pub(super) fn into_values(self) -> Values {
        self.values
    }

    /// Counts instructions: those that a processor with AVX2 executes, by valgrind, and those that this one does.
    pub(super) fn count(&mut self, avx2: bool) {
        let counted = valgrind::instructions(&self.executable.command());
        let part = |of: fn(&valgrind::Instructions) -> u64| {
            or_missing(counted.as_ref().map(|c| Value::Count(of(c))).map_err(Clone::clone))
        };
        let executed = match executed_by_valgrind(avx2) {
            Ok(()) => part(|c| c.run),
            Err(why) => or_missing(counted.as_ref().map_err(Clone::clone).and_then(|c| self.stepped(c.run, why))),
        };
        if cfg!(target_arch = "x86_64") {
            self.values.insert(Metric::InstructionsAvx2, part(|c| c.run));
        }
        self.values.insert(Metric::ProcessInstructions, part(|c| c.process));
        if let Value::Count(n) = executed {
            self.values.extend(per_mac(n, self.macs));
        }
        self.values.insert(Metric::Instructions, executed);
    }

    /// Instructions as this processor executes them one by one, where a run has few.
    fn stepped(&self, expected: u64, why: &str) -> Result<Value, Error> {
        let long = || Error::Run(why.into());
        if expected > FEWER * stepping::MOST_STEPS {
            return Err(long());
        }
        stepping::instructions(|| self.executable.command()).map(Value::Count).map_err(|_| long())
    }

    /// What the linked file takes.
    fn weigh(&mut self) {
        match self.executable.sizes() {
            Ok(sizes) => self.values.extend([
                (Metric::Executable, Value::Count(sizes.executable)),
                (Metric::Weights, Value::Count(sizes.weights)),
                (Metric::Code, Value::Count(sizes.code)),
                (Metric::Rest, Value::Count(sizes.executable.saturating_sub(sizes.weights + sizes.code))),
            ]),
            Err(e) => {
                let why = or_missing(Err(e));
                let parts = [Metric::Executable, Metric::Code, Metric::Rest];
                self.values.extend(parts.map(|metric| (metric, why.clone())));
            }
        }
    }

    /// What a process that has been timed says at its end.
    pub(super) fn finish(&mut self, contender: Contender) -> Result<(), Error> {
        self.values.insert(Metric::FirstRun, Value::Real(contender.first()));
        self.values.extend(contender.spread().into_iter().flat_map(|s| timed(s, self.macs)));
        let process = contender.into_process();
        let rss = process.peak_rss().map(|bytes| Value::Real(bytes as f64));
        let rss = rss.unwrap_or_else(|| Value::Missing("needs Linux, which tells it in /proc".into()));
        let heap = Heap::of(process)?;
        self.values.extend([
            (Metric::PeakRss, rss),
            (Metric::Allocations, Value::Count(heap.allocations)),
            (Metric::HeapTotal, Value::Count(heap.total)),
            (Metric::PrimaryAllocation, Value::Count(heap.largest)),
            (Metric::HeapPeak, Value::Count(heap.peak)),
            (Metric::Leaked, Value::Count(heap.leaked)),
            (Metric::PeakMemory, Value::Count(heap.model_bytes + heap.peak + self.stack)),
        ]);
        if heap.peak > 0 {
            self.values.insert(Metric::PrimaryShare, Value::Real(heap.largest as f64 / heap.peak as f64));
        }
        Ok(())
    }
}

/// Whether valgrind executes the loops that this processor does, or why not.
pub(super) fn executed_by_valgrind(avx2: bool) -> Result<(), &'static str> {
    let other = machine::used(avx2).contains("avx512");
    let why = "this processor runs loops of AVX-512, and valgrind those of AVX2: see there, or measure with --avx2";
    if other { Err(why) } else { Ok(()) }
}

/// Measures processes of a model: their times in turns, with those of other implementations. Gives rows, what others take besides, and what failed.
pub(super) fn measure(
    subject: &Subject<'_>,
    processes: Vec<(Key, Process)>,
    ways: &Ways,
    observe: &mut dyn FnMut(&str, &str),
) -> (Vec<Row>, Vec<Other>, Vec<String>) {
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    let Some((_, first)) = processes.first() else { return (rows, Vec::new(), failures) };
    let folder = first.folder.path().join("peers");
    let made = if ways.against.is_empty() { Ok(()) } else { std::fs::create_dir_all(&folder) };
    if let Err(e) = made {
        return (rows, Vec::new(), vec![format!("{}: cannot make a folder: {e}", subject.name)]);
    }
    let mut others = peers::start(&ways.against, subject, &first.inputs, &folder, observe);
    let mut timed = Vec::new();
    let mut floor = ways.floor.then(|| Floor::new(first.macs, first.weight_bytes));
    for (key, mut process) in processes {
        if ways.count {
            observe("Counting", &key.to_string());
            process.count(ways.avx2);
        }
        process.weigh();
        let contender = process.executable.serve().and_then(Contender::new);
        timed.push((key, process, contender));
    }
    observe("Timing", &format!("{}, {} in turns", subject.name, timed.len() + others.len()));
    let ours = timed.iter_mut().map(|(_, _, c)| c);
    turns(ours.chain(others.iter_mut().map(|o| &mut o.contender)).collect(), floor.as_mut(), ways.runs);
    for (key, mut process, contender) in timed {
        process.values.extend(others.iter().map(peers::Timed::value));
        process.values.extend(floor.iter().map(|f| (Metric::Floor, Value::Real(f.microseconds()))));
        match contender.and_then(|c| process.finish(c)) {
            Ok(()) => rows.push(Row::new(key, process.values)),
            Err(e) => failures.push(format!("{key}: {e}")),
        }
    }
    let others = others.into_iter().filter_map(|other| other.takes(subject.name)).collect();
    (rows, others, failures)
}

/// Takes so many samples of each, in turns. Who fails is out.
fn turns(mut contenders: Vec<&mut Result<Contender, Error>>, mut floor: Option<&mut Floor>, runs: usize) {
    for start in (0..runs).step_by(TURN) {
        let count = TURN.min(runs - start);
        floor.iter_mut().for_each(|f| f.sample());
        for slot in &mut contenders {
            if let Ok(contender) = slot
                && let Err(e) = contender.sample(count)
            {
                **slot = Err(e);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use zant_measure::report::{Metric, Value};
    use zant_measure::{Contender, Error, Heap, stepping, valgrind};
    use zantc::config::{Alloc, Config};
    use zantc::ir::text;
    use zantc::pipeline::compile_graph;
    use zantc::targets::HOST;
    use zantc::verify::seeded;

    use super::super::{Prepared, Profile, Subject, Way, Ways, measure, prepare};
    use super::Process;

    /// Bytes that the harness and the linker have in statics.
    const HARNESS: u64 = 256;

    fn built(profile: Profile, alloc: Alloc) -> Process {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits.onnx");
        let config = Config::new();
        let subject = Subject { name: "digits", path: &path, config: &config };
        let prepared = prepare(&subject, Way { alloc, ..Way::new(HOST, profile) }).unwrap();
        Process::new(&prepared).unwrap()
    }

    fn heap(process: &Process) -> Heap {
        let mut contender = Contender::new(process.executable.serve().unwrap()).unwrap();
        contender.sample(3).unwrap();
        assert_eq!(contender.spread().unwrap().runs, 3);
        Heap::of(contender.into_process()).unwrap()
    }

    /// What DHAT counts of the process, where there is valgrind.
    fn dhat(process: &Process) -> Option<valgrind::Blocks> {
        match valgrind::blocks(&process.executable.command()) {
            Ok(blocks) => Some(blocks),
            Err(Error::Missing { .. }) => {
                println!("skipped: 1 comparison with DHAT, for valgrind is missing");
                None
            }
            Err(e) => panic!("{e}"),
        }
    }

    #[test]
    fn a_static_model_lies_in_statics_alone() {
        for profile in Profile::ALL {
            let process = built(profile, Alloc::Static);
            let heap = heap(&process);
            assert_eq!((heap.allocations, heap.total, heap.peak, heap.leaked), (0, 0, 0, 0));
            let sizes = process.executable.sizes().unwrap();
            let model = heap.model_bytes..=heap.model_bytes + HARNESS;
            assert!(heap.model_bytes > 0 && model.contains(&sizes.statics), "{} {sizes:?}", heap.model_bytes);
            assert!(sizes.weights > 0 && sizes.code > 0 && sizes.weights + sizes.code < sizes.executable, "{sizes:?}");
            assert!(process.stack > 0);
            if let Some(blocks) = dhat(&process) {
                assert_eq!((blocks.total, blocks.end), ((0, 0), (0, 0)));
            }
        }
    }

    #[test]
    fn what_a_model_takes_from_the_heap_is_counted_and_given_back() {
        let process = built(Profile::Small, Alloc::Heap);
        let heap = heap(&process);
        assert_eq!((heap.allocations, heap.leaked), (1, 0));
        assert!(heap.total > 0 && heap.total == heap.largest && heap.total == heap.peak, "{heap:?}");
        if let Some(blocks) = dhat(&process) {
            assert_eq!(blocks.total, (heap.total, heap.allocations));
            assert_eq!((blocks.peak, blocks.end), ((heap.peak, heap.allocations), (heap.leaked, 0)));
        }
    }

    #[test]
    fn states_are_given_and_give_the_bits_of_this_process() {
        let graph = text::parse(
            r#"graph "stateful"
  in %0 "x": f32[1,2,1,4]
  in %1 "past": f32[1,2,3,4]
  in %2 "sum": f32[1,2,1,4]
  %3 = concat %1, %0 {axis 2} : f32[1,2,4,4]
  %4 = softmax %3 {axis 3} : f32[1,2,4,4]
  %5 = map %2, %0 {Add(Mul(x0, 0.5), x1)} : f32[1,2,1,4]
  %6 = map %0 {Neg(x0)} : f32[1,2,1,4]
  out "y" = %4
  out "next" = %5
  out "new" = %6
"#,
        );
        let graph = graph.unwrap();
        for (alloc, observed) in [(Alloc::Static, false), (Alloc::Heap, false), (Alloc::Static, true)] {
            let way = Way { alloc, observed, ..Way::new(HOST, Profile::Small) };
            let config = way.config(&Config::new().state("past", "new").state("sum", "next"));
            let compiled = compile_graph(graph.clone(), &config).unwrap();
            let inputs = seeded::inputs(compiled.program.model_inputs().iter().map(|p| &p.ty));
            assert_eq!(compiled.program.states.len(), 2);
            let prepared = Prepared::new("stateful", way, config, compiled, inputs).unwrap();
            // Building compares the bits.
            Process::new(&prepared).unwrap();
        }
    }

    #[test]
    fn counts_are_those_of_a_run_that_is_stepped() {
        let mut models = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits.onnx")];
        let shared = shared_folder().map(|folder| folder.join("models"));
        let names = ["ad_autoencoder_int8", "hello_world_int8", "hello_world_f32"];
        match &shared {
            Some(folder) => models.extend(names.map(|name| folder.join(name).join("model.onnx"))),
            None => println!("skipped: {} models that are stepped, for the model set is missing", names.len()),
        }
        for path in models {
            let config = Config::new();
            let subject = Subject { name: "stepped", path: &path, config: &config };
            let way = Way { avx2: true, ..Way::new(HOST, Profile::Fast) };
            let mut process = Process::new(&prepare(&subject, way).unwrap()).unwrap();
            process.count(true);
            let Some(Value::Count(counted)) = process.values.get(&Metric::Instructions).cloned() else {
                println!("skipped: 1 model that is stepped, for valgrind is missing");
                continue;
            };
            match stepping::instructions(|| process.executable.command()) {
                Ok(stepped) => {
                    let most = (counted / 1000).max(4);
                    assert!(
                        stepped.abs_diff(counted) <= most,
                        "{}: {stepped} stepped, {counted} counted",
                        path.display()
                    );
                }
                Err(e) => println!("skipped: 1 model that is stepped: {e}"),
            }
        }
    }

    /// The shared model set.
    fn shared_folder() -> Option<std::path::PathBuf> {
        let asked = std::env::var_os("ZANT_SHARED").map(std::path::PathBuf::from);
        let folder = asked.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
        folder.is_dir().then_some(folder)
    }

    #[test]
    fn rows_have_every_quantity_and_counts_repeat() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits.onnx");
        let config = Config::new();
        let subject = Subject { name: "digits", path: &path, config: &config };
        let ways = Ways { profiles: vec![Profile::Small], runs: 4, floor: true, avx2: true, ..Ways::default() };
        let row = || {
            let mut findings = measure(&subject, &ways, &mut |_, _| {});
            assert_eq!(findings.failures, Vec::<String>::new());
            findings.rows.pop().unwrap().values
        };
        let (first, second) = (row(), row());
        let counts = first.iter().filter(|(_, v)| matches!(v, Value::Count(_)));
        for (metric, value) in counts {
            assert_eq!(second.get(metric), Some(value), "{metric:?}");
        }
        let has: BTreeSet<Metric> = first.keys().copied().collect();
        use Metric::{BuildTime, Executable, Floor, Instructions, PeakMemory, Time};
        for metric in [Time, PeakMemory, Executable, BuildTime, Instructions, Floor] {
            assert!(has.contains(&metric), "{metric:?}");
        }
        let (count, sum) = (|m: Metric| first[&m].number().unwrap(), [Metric::Weights, Metric::Code, Metric::Rest]);
        assert_eq!(sum.map(count).iter().sum::<f64>(), count(Metric::Executable));
    }
}
