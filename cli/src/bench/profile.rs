//! The steps of a model: what each takes, by a crate that tells of its steps.

use zant_measure::report::{Key, Metric, Row, Spread, Value, step_name};
use zant_measure::{Error, Machine};
use zantc::diag::Diagnostic;
use zantc::targets::{HOST, Target};

use super::{Prepared, Profile, Subject, Values, Way, host, or_missing, per_mac, prepare, timed};
use crate::built::device::{Device, diagnostic};

/// What was measured of the steps of a run.
struct Told {
    /// Instructions of each step.
    instructions: Result<Vec<u64>, Error>,
    /// Microseconds of each step, for each of many runs; nothing where there is no clock.
    times: Vec<Vec<f64>>,
}

/// What was measured of a model's steps.
#[derive(Clone, Debug)]
pub struct Profiled {
    /// A row for the sum of all steps, then one for each in the order in which they run.
    pub rows: Vec<Row>,
    /// Types of each step's operands and result.
    pub shapes: Vec<String>,
}

/// Measures the steps of a model, the time in so many runs.
///
/// # Errors
/// What is wrong with the model; a crate that does not build, does not run, or gives other bits than this process.
pub fn profile(
    subject: &Subject<'_>,
    target: &'static Target,
    profile: Profile,
    runs: usize,
) -> Result<Profiled, Vec<Diagnostic>> {
    let way = Way { observed: true, ..Way::new(target, profile) };
    let prepared = prepare(subject, way)?;
    let told = match Machine::with_cpu(target.name) {
        Some(machine) => on_device(&prepared, machine)?,
        None => on_host(&prepared, runs)?,
    };
    let shapes = prepared.program().steps.iter().map(|step| {
        let operands: Vec<String> = step.operands.iter().map(ToString::to_string).collect();
        format!("{} -> {}", operands.join(", "), step.result)
    });
    let mut rows = rows(&prepared, &told, &way.key(subject.name));
    let others = target.name == HOST.name && host::executed_by_valgrind(false).is_err();
    for row in &mut rows {
        row.origin = super::origin(&row.key, &prepared.model_sha256, false);
        if others && let Some(counted) = row.values.remove(&Metric::Instructions) {
            // What was counted is not what runs here.
            row.values.remove(&Metric::InstructionsPerMac);
            row.values.insert(Metric::InstructionsAvx2, counted);
        }
    }
    Ok(Profiled { rows, shapes: shapes.collect() })
}

fn on_device(prepared: &Prepared<'_>, machine: &'static Machine) -> Result<Told, Vec<Diagnostic>> {
    let device = Device::write(&prepared.source(), machine)?;
    let built = device.build(prepared.level, false)?;
    let measured = device.run(built, std::slice::from_ref(&prepared.inputs))?;
    prepared.check(&measured.outputs.concat())?;
    Ok(Told { instructions: Ok(measured.steps.concat()), times: Vec::new() })
}

fn on_host(prepared: &Prepared<'_>, runs: usize) -> Result<Told, Vec<Diagnostic>> {
    let process = host::Process::new(prepared)?;
    let times = process.executable.times(runs).map_err(|e| diagnostic(&e))?;
    Ok(Told { instructions: process.executable.step_instructions(), times })
}

fn rows(prepared: &Prepared<'_>, told: &Told, key: &Key) -> Vec<Row> {
    let program = prepared.program();
    let sums: Vec<f64> = told.times.iter().map(|run| run.iter().sum()).collect();
    let counted = |of: &dyn Fn(&[u64]) -> u64| told.instructions.as_deref().map(of).map_err(Clone::clone);
    let mut whole = values(program.macs(), counted(&|steps| steps.iter().sum()), &sums);
    whole.insert(Metric::Arena, Value::Count(program.arena_bytes() as u64));
    let mut rows = vec![Row::new(key.clone(), whole)];
    for (i, step) in program.steps.iter().enumerate() {
        let samples: Vec<f64> = told.times.iter().filter_map(|run| run.get(i).copied()).collect();
        let instructions_here = counted(&|steps| steps.get(i).copied().unwrap_or(0));
        let mut values = values(step.macs, instructions_here, &samples);
        let live = program.layout.as_ref().and_then(|l| l.live_bytes.get(i).copied()).unwrap_or(0);
        values.insert(Metric::Live, Value::Count(live as u64));
        let node = step.origin.last().map_or("", |o| o.name.as_str());
        let step = Some(step_name(i, step.call.name(), node));
        rows.push(Row::new(Key { step, ..key.clone() }, values));
    }
    share(&mut rows[1..]);
    rows
}

/// What part each step has of the sum of all: of the median times, where all have one, else of the instructions.
fn share(steps: &mut [Row]) {
    let numbers = |metric| steps.iter().map(|row| row.number(metric)).collect::<Option<Vec<f64>>>();
    let Some(numbers) = numbers(Metric::Time).or_else(|| numbers(Metric::Instructions)) else { return };
    let sum: f64 = numbers.iter().sum();
    for (row, number) in steps.iter_mut().zip(numbers).filter(|_| sum > 0.0) {
        row.values.insert(Metric::Share, Value::Real(number / sum));
    }
}

fn values(macs: u64, instructions: Result<u64, Error>, times: &[f64]) -> Values {
    let mut values = Values::from([(Metric::Macs, Value::Count(macs))]);
    values.extend(instructions.as_ref().ok().and_then(|&n| per_mac(n, macs)));
    values.insert(Metric::Instructions, or_missing(instructions.map(Value::Count)));
    match Spread::of(times) {
        Some(spread) => values.extend(timed(spread, macs)),
        None => values.extend([(Metric::Time, Value::Missing("an emulator keeps no time".into()))]),
    }
    values
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use zant_measure::report::{Metric, Row, Value};
    use zantc::config::Config;
    use zantc::targets::{HOST, Target, find};

    use super::super::{Profile, Subject, Ways, measure};
    use super::profile;

    /// Part by which the instructions of all steps may differ from those of a run of the crate that tells of none: what is
    /// around the steps, and what the compiler does otherwise where a call stands between them.
    const AROUND: f64 = 0.02;

    /// The profile, and the row of the whole model that `bench` measures.
    fn both(target: &'static Target) -> (Vec<Row>, Row) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits.onnx");
        let config = Config::new();
        let subject = Subject { name: "digits", path: &path, config: &config };
        let rows = profile(&subject, target, Profile::Fast, 20).unwrap().rows;
        let ways = Ways { targets: vec![target], profiles: vec![Profile::Fast], runs: 20, ..Ways::default() };
        let mut findings = measure(&subject, &ways, &mut |_, _| {});
        assert_eq!(findings.failures, Vec::<String>::new());
        (rows, findings.rows.pop().unwrap())
    }

    fn check(target: &'static Target) {
        let (rows, whole) = both(target);
        let (first, steps) = rows.split_first().unwrap();
        assert_eq!(first.key, whole.key);
        assert!(steps.len() > 3 && steps.iter().all(|r| r.key.step.is_some()));
        let number = |row: &Row, metric: Metric| row.values[&metric].number();
        let sum = |metric: Metric| steps.iter().map(|r| number(r, metric)).sum::<Option<f64>>();
        assert_eq!(sum(Metric::Macs), number(&whole, Metric::Macs));
        assert!((sum(Metric::Share).unwrap() - 1.0).abs() < 1e-9);
        let counts = first.values.get(&Metric::Instructions).cloned();
        let Some(Value::Count(_)) = counts else {
            println!("skipped: instructions on {}: {counts:?}", target.name);
            return;
        };
        assert_eq!(sum(Metric::Instructions), number(first, Metric::Instructions));
        let (told, counted) = (number(first, Metric::Instructions), number(&whole, Metric::Instructions));
        let (told, counted) = (told.unwrap(), counted.unwrap());
        assert!((told - counted).abs() <= counted * AROUND, "{}: {told} {counted}", target.name);
    }

    #[test]
    fn steps_add_up_to_what_bench_says() {
        check(HOST);
    }

    #[test]
    fn steps_of_firmware_add_up_to_what_bench_says() {
        if std::process::Command::new("qemu-system-arm").arg("--version").output().is_err() {
            println!("skipped: 1 profile of firmware, for qemu-system-arm is missing");
            return;
        }
        check(find("cortex-m7").unwrap());
    }
}
