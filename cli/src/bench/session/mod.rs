//! Sessions of decoders: a prompt, then tokens, each the most likely one after those before.
//!
//! Invariants: ours and others take turns, a whole session each, with the same prompt; a rate is of the shortest time that each token took over
//! all rounds; what is compared with onnxruntime has its tokens beside it.

mod goal;
mod prompt;
mod roles;
mod rounds;

use zant_compress::parameters;
use zant_measure::peers::{self, Part};
use zant_measure::report::{Key, Metric, OPERATOR, Row, Spread, Value};
use zant_measure::{Error, Machine, Session};
use zantc::diag::Diagnostic;
use zantc::harness::input_places;
use zantc::onnx::Model;
use zantc::pipeline::compile;
use zantc::program::{Port, Program, State};
use zantc::project::{read, sha256};
use zantc::sharing::{Sharer, compile_sharing};
use zantc::targets::{HOST, Target};
use zantc::{Compiled, Config};

pub use goal::{Goal, goals};
use prompt::Prompt;
use roles::Roles;
use rounds::{Play, Played, play};

use super::peers::dtype;
use super::{Findings, Prepared, Profile, Reader, Subject, Values, Way, device, failure, host, profile};
use crate::built::device::diagnostic;

/// What a session is, and how it is measured.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// Tokens that are computed.
    pub tokens: usize,
    /// Tokens that are there before: at least one.
    pub prompt: usize,
    /// Sessions of each.
    pub rounds: usize,
    /// Whether onnxruntime takes turns.
    pub against: bool,
    /// Targets beside the host, and how crates are built for them.
    pub targets: Vec<(&'static Target, Profile)>,
}

/// What plays: a decoder, and a model that reads its prompt at once.
#[derive(Clone, Copy, Debug)]
pub struct Players<'a> {
    /// The decoder.
    pub decoder: Subject<'a>,
    /// The reader of its prompt; without one the decoder reads token by token.
    pub reader: Option<Subject<'a>>,
}

/// Measures sessions of a decoder; `observe` hears what is being done.
pub fn session(players: &Players<'_>, wanted: &Sessions, observe: &mut dyn FnMut(&str, &str)) -> Findings {
    let mut findings = Findings::default();
    let subject = &players.decoder;
    match on_host(players, wanted, observe) {
        Ok((rows, failures)) => {
            findings.rows = rows;
            findings.failures.extend(failures);
        }
        Err(why) => findings.failures.push(format!("{}: {}", subject.name, failure(&why))),
    }
    if findings.rows.is_empty() {
        return findings;
    }
    for &(target, built) in &wanted.targets {
        let way = Way::new(target, built);
        let key = way.key(subject.name);
        observe("Building", &key.to_string());
        let Some(machine) = Machine::with_cpu(target.name) else {
            findings.failures.push(format!("{key}: no machine runs {} here", target.name));
            continue;
        };
        let counted = prepared(players, way).and_then(|(mut prepared, _)| {
            let reader = prepared.reader.take().map(|reader| reader_row(reader, &key, way, machine));
            Ok((device::measure(&prepared, machine)?, reader.transpose()?))
        });
        match counted {
            Ok((values, reader)) => findings.rows.extend([Row::new(key, values)].into_iter().chain(reader)),
            Err(why) => findings.failures.push(format!("{key}: {}", failure(&why))),
        }
    }
    findings
}

/// What reading the prompt takes on a machine: the reader with the caches that it begins, by itself.
fn reader_row(reader: Reader, key: &Key, way: Way, machine: &'static Machine) -> Result<Row, Vec<Diagnostic>> {
    let inputs = zantc::verify::seeded::inputs(reader.compiled.program.model_inputs().iter().map(|port| &port.ty));
    let alone = Prepared::new(Reader::NAMES[1], way, reader.config, reader.compiled, inputs)?;
    Ok(Row::new(Key { step: Some("Prefill".into()), ..key.clone() }, device::measure(&alone, machine)?))
}

/// The decoder compiled with its caches as states, with the reader of its prompt where there is one, and what its inputs are.
fn prepared<'a>(players: &Players<'a>, way: Way) -> Result<(Prepared<'a>, Roles), Vec<Diagnostic>> {
    let subject = &players.decoder;
    let model = read(subject.path)?;
    let config = with_caches(subject.config, |config| Ok(compile(&model, config)?.program))?;
    let config = way.config(&config);
    let (compiled, reader) = match &players.reader {
        None => (compile(&model, &config)?, None),
        Some(other) => {
            let (compiled, reader) = joined((&model, &config), other, way)?;
            (compiled, Some(reader))
        }
    };
    let roles = Roles::of(&compiled.program)?;
    let inputs = roles.first(&compiled.program, 0);
    Ok((Prepared { reader, ..Prepared::new(subject.name, way, config, compiled, inputs)? }, roles))
}

/// A decoder and the reader of its prompt, which have one state.
fn joined(
    (model, config): (&Model, &Config),
    reader: &Subject<'_>,
    way: Way,
) -> Result<(Compiled, Reader), Vec<Diagnostic>> {
    let text = read(reader.path)?;
    let model_sha256 = sha256(&text)?;
    let mut of_reader = way.config(reader.config);
    if of_reader.states.is_empty() {
        of_reader.states.clone_from(&config.states);
    }
    let sharers = [
        Sharer { name: Reader::NAMES[1], model: &text, config: &of_reader },
        Sharer { name: Reader::NAMES[0], model, config },
    ];
    let compiled: Result<[Compiled; 2], _> = compile_sharing(&sharers, &mut |_| {})?.try_into();
    let [compiled, decoder] = compiled.expect("as many as were given");
    Ok((decoder, Reader { config: of_reader, compiled, model_sha256 }))
}

/// The user's choices, with the caches that names tell where none is named.
fn with_caches(
    config: &Config,
    program: impl Fn(&Config) -> Result<Program, Vec<Diagnostic>>,
) -> Result<Config, Vec<Diagnostic>> {
    if !config.states.is_empty() {
        return Ok(config.clone());
    }
    let pairs = roles::caches(&program(config)?);
    Ok(pairs.iter().fold(config.clone(), |config, (input, output)| config.state(input, output)))
}

fn on_host(
    players: &Players<'_>,
    wanted: &Sessions,
    observe: &mut dyn FnMut(&str, &str),
) -> Result<(Vec<Row>, Vec<String>), Vec<Diagnostic>> {
    let subject = &players.decoder;
    let way = Way { session: true, ..Way::new(HOST, Profile::Fast) };
    let key = way.key(subject.name);
    observe("Building", &key.to_string());
    let (prepared, roles) = prepared(players, way)?;
    let reader = prepared.reader.as_ref().map(|reader| &reader.compiled.program);
    let prompt = reader.map(|reader| Prompt::of(reader, wanted.prompt, roles.vocabulary)).transpose()?;
    let prompt = prompt.as_ref().map(|prompt| (prompt, input_places(prepared.program()).1));
    let process = host::Process::new(&prepared)?;
    let ours = Session::of(&process.executable).map_err(|e| diagnostic(&e))?;
    let mut failures = Vec::new();
    let folder = process.executable.inputs().with_file_name("onnxruntime.bin");
    let theirs = wanted.against.then(|| {
        observe("Starting", &format!("{} by onnxruntime", subject.name));
        std::fs::write(&folder, roles.bytes(0, 0)).map_err(|e| Error::Io(format!("cannot write an input: {e}")))?;
        onnxruntime(players, &prepared, (&roles, prompt), &folder)
    });
    let theirs = theirs.transpose().unwrap_or_else(|e| {
        failures.push(format!("{}: onnxruntime: {e}", subject.name));
        None
    });
    observe("Playing", &format!("{}, {} sessions of {} tokens", subject.name, wanted.rounds, wanted.tokens));
    let mut both = vec![ours];
    both.extend(theirs);
    let played = play(&mut both, &Play { wanted, roles: &roles, prompt }).map_err(|e| diagnostic(&e))?;
    let mut values = sizes(subject, &prepared, process.stack())?;
    values.extend(rates(&played));
    let mut rows = vec![Row::new(key.clone(), values)];
    rows.extend(calls(&played[0], wanted, &key));
    observe("Profiling", subject.name);
    match operators(subject, &prepared, &key) {
        Ok(more) => rows.extend(more),
        Err(why) => failures.push(format!("{}: operators: {}", subject.name, failure(&why))),
    }
    Ok((rows, failures))
}

/// onnxruntime with the same models.
fn onnxruntime(
    players: &Players<'_>,
    prepared: &Prepared<'_>,
    (roles, prompt): (&Roles, Option<(&Prompt, usize)>),
    inputs: &std::path::Path,
) -> Result<Session, Error> {
    let shape = |port: &Port| port.ty.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    let input = |port: &Port, place: usize| format!("{}:{}:{}:{place}", port.name, dtype(port), shape(port));
    let states = |program: &Program| -> Vec<String> {
        let state = |state: &State| {
            let port = Port { name: String::new(), ty: state.ty.clone(), view: program.whole(state.buffer) };
            format!("{}=>{}:{}:{}", state.name, state.output_name, dtype(&port), shape(&port))
        };
        program.states.iter().map(state).collect()
    };
    let decoder = Part {
        model: players.decoder.path,
        logits: &roles.logits,
        ports: roles.inputs.iter().map(|(_, port, place)| input(port, *place)).collect(),
        states: states(prepared.program()),
    };
    let reader = players.reader.as_ref().zip(prompt).zip(prepared.reader.as_ref());
    let reader = reader.map(|((subject, (prompt, at)), reader)| Part {
        model: subject.path,
        logits: &prompt.logits,
        ports: prompt.places().map(|(port, place)| input(port, at + place)).collect(),
        states: states(&reader.compiled.program),
    });
    peers::session(inputs, &decoder, reader.as_ref())
}

/// What is known without running.
fn sizes(subject: &Subject<'_>, prepared: &Prepared<'_>, stack: u64) -> Result<Values, Vec<Diagnostic>> {
    let program = prepared.program();
    let cache: usize = program.states.iter().map(|state| state.ty.bytes()).sum();
    let file = std::fs::metadata(subject.path).map_or(0, |found| found.len());
    Ok(Values::from([
        (Metric::Macs, Value::Count(program.macs())),
        (Metric::Parameters, Value::Count(parameters(&read(subject.path)?)?)),
        (Metric::Onnx, Value::Count(file)),
        (Metric::Weights, Value::Count(prepared.weight_bytes() as u64)),
        (Metric::Arena, Value::Count(program.arena_bytes() as u64)),
        (Metric::Cache, Value::Count(cache as u64)),
        (Metric::Stack, Value::Count(stack)),
        (Metric::PeakMemory, Value::Count(zantc::emit::arena_bytes(program) as u64 + stack)),
    ]))
}

/// How fast tokens come, ours first.
fn rates(played: &[Played]) -> Values {
    let ours = &played[0];
    let rate = ours.tokens_per_second();
    let mut values = Values::from([
        (Metric::TokensPerS, Value::Real(rate)),
        (Metric::FirstTokenCold, Value::Real(ours.first_token(0))),
        (Metric::Allocations, Value::Count(ours.allocations())),
        (Metric::TokenMemory, Value::Count(ours.token_bytes())),
    ]);
    let warm: Vec<f64> = (1..ours.rounds.len()).map(|round| ours.first_token(round)).collect();
    values.extend(Spread::of(&warm).map(|spread| (Metric::FirstToken, Value::Times(spread))));
    values.extend(Spread::of(&ours.latencies()).map(|spread| (Metric::Time, Value::Times(spread))));
    if let Some(theirs) = played.get(1) {
        let other = theirs.tokens_per_second();
        values.extend([
            (Metric::OnnxruntimeTokens, Value::Real(other)),
            (Metric::Ahead, Value::Real(rate / other)),
            (Metric::SameTokens, Value::Real(ours.same(theirs))),
        ]);
        let spread = Spread::of(&theirs.latencies());
        values.extend(spread.map(|spread| (Metric::Onnxruntime, Value::Times(spread))));
    }
    values
}

/// What each call takes: a row each.
fn calls(played: &Played, wanted: &Sessions, key: &Key) -> Vec<Row> {
    let row = |name: &str, calls: usize, (samples, allocations, bytes): (Vec<f64>, u64, u64)| {
        let mut values = Values::from([
            (Metric::Calls, Value::Count(calls as u64)),
            (Metric::Allocations, Value::Count(allocations)),
            (Metric::HeapTotal, Value::Count(bytes)),
        ]);
        values.extend(Spread::of(&samples).map(|spread| (Metric::Time, Value::Times(spread))));
        Row::new(Key { step: Some(name.into()), ..key.clone() }, values)
    };
    let (generation, forward) = (played.generation(), played.forward());
    let of_a_round = |samples: &[f64]| samples.len() / wanted.rounds;
    let prefill = usize::from(forward.0.len() > generation.0.len());
    vec![
        row("Create", 1, played.creation()),
        row("Prefill", prefill, played.prefill()),
        row("GenerateToken", of_a_round(&generation.0), generation),
        row("Forward", of_a_round(&forward.0), forward),
    ]
}

/// What the operators of a token take: a row for each kernel.
fn operators(subject: &Subject<'_>, prepared: &Prepared<'_>, key: &Key) -> Result<Vec<Row>, Vec<Diagnostic>> {
    const RUNS: usize = 50;
    let subject = Subject { config: &prepared.config, ..*subject };
    let steps = profile(&subject, HOST, Profile::Fast, RUNS)?.rows;
    let mut kernels: Vec<(String, u64, f64, Option<u64>)> = Vec::new();
    for row in &steps {
        let Some(name) = row.key.step.as_deref().and_then(|step| step.split(' ').nth(1)) else { continue };
        let time = row.number(Metric::Time).unwrap_or(0.0);
        let count = row.number(Metric::Instructions).map(|n| n as u64);
        match kernels.iter_mut().find(|(known, ..)| known == name) {
            Some((_, calls, times, counts)) => {
                (*calls, *times) = (*calls + 1, *times + time);
                *counts = counts.zip(count).map(|(a, b)| a + b);
            }
            None => kernels.push((name.to_string(), 1, time, count)),
        }
    }
    kernels.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    let total: f64 = kernels.iter().map(|(_, _, time, _)| time).sum();
    let row = |(name, calls, time, count): (String, u64, f64, Option<u64>)| {
        let mut values = Values::from([(Metric::Calls, Value::Count(calls)), (Metric::Time, Value::Real(time))]);
        values.extend((total > 0.0).then(|| (Metric::Share, Value::Real(time / total))));
        values.extend(count.map(|n| (Metric::Instructions, Value::Count(n))));
        Row::new(Key { step: Some(format!("{OPERATOR}{name}")), ..key.clone() }, values)
    };
    Ok(kernels.into_iter().map(row).collect())
}
