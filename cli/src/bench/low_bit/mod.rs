//! Weights of few bits against floats: memory, time, instructions and accuracy, as tables.

mod nets;
mod trained;

use std::fmt::Write as _;

use zant_measure::report::{Metric, Spread, Value};
use zant_measure::{Contender, Machine};
use zantc::config::{Config, Optimize};
use zantc::diag::Diagnostic;
use zantc::ir::Graph;
use zantc::pipeline::{Compiled, compile_graph};
use zantc::targets::{self, HOST, PORTABLE, Target};
use zantc::verify::seeded;

use super::host::Process;
use super::{Prepared, Profile, Way, device};
use nets::{Numbers, Shape, Weights, layer, perceptron, width};
pub use trained::Trained;

/// Samples of one, before the next one's turn.
const TURN: usize = 5;
/// Sizes of square layers.
const SIZES: [usize; 4] = [100, 500, 1000, 2000];
/// Rows that are computed at once.
const BATCHES: [usize; 5] = [1, 8, 32, 64, 128];
/// Weights of perceptrons.
const PARAMETERS: [usize; 4] = [100_000, 1_000_000, 10_000_000, 100_000_000];
/// The target whose instructions are counted.
const CORTEX_M: &str = "cortex-m7";

/// What is measured.
#[derive(Clone, Debug)]
pub struct LowBit {
    /// Samples of each time.
    pub runs: usize,
    /// Leave out the large networks.
    pub quick: bool,
    /// Trained networks, with the examples that they are asked about.
    pub trained: Vec<Trained>,
}

/// What is being done: a verb and its object.
type Observe<'a> = dyn FnMut(&str, &str) + 'a;

type Outcome<T> = Result<T, Vec<Diagnostic>>;

/// Measures all, and gives the tables as Markdown.
///
/// # Errors
/// What could not be compiled, built or run.
pub fn low_bit(what: &LowBit, observe: &mut Observe<'_>) -> Outcome<String> {
    let mut bench = Bench { runs: what.runs, observe };
    let mut text = String::from(INTRODUCTION);
    let info = super::describe();
    _ = writeln!(text, "\nMeasured on {} ({}).", info.cpu, info.isa);
    text += &bench.memory_of_layers()?;
    text += &bench.memory_of_perceptrons(if what.quick { 2 } else { PARAMETERS.len() })?;
    text += &bench.time_of_layers()?;
    text += &bench.time_of_batches()?;
    text += &bench.time_of_perceptrons()?;
    text += &bench.bodies()?;
    text += &bench.microcontroller()?;
    if !what.quick {
        text += &bench.convolutions()?;
    }
    text += &bench.costs()?;
    for trained in &what.trained {
        (bench.observe)("Asking", &trained.folder.display().to_string());
        text += &trained.table()?;
    }
    Ok(text)
}

const INTRODUCTION: &str = "# Weights of few bits\n\n\
Made by `zantc bench low-bit`. Weights of three values take 1.6 bits (five in a byte), or 2 where x86 multiplies bytes; weights of four bits \
have a scale for every 32. Numbers are floats, or bytes that each row is rounded to with its absolute maximum (BitLinear). All networks \
of the first tables have seeded weights: they show time and memory, not accuracy. Times are the least of interleaved samples on one core, in \
microseconds; the machine is shared, so read their ratios. Layers are square; a ratio is the time of our own float product by the time beside it.\n";

/// What was measured of a program on the host.
struct Timed {
    spread: Spread,
    compile_ms: f64,
    stack: f64,
    arena: usize,
}

struct Bench<'a, 'o> {
    runs: usize,
    observe: &'a mut Observe<'o>,
}

fn compiled(graph: Graph, target: &'static Target, optimize: Optimize) -> Outcome<Compiled> {
    compile_graph(graph, &Config::new().target(target).optimize(optimize))
}

fn find(name: &str) -> &'static Target {
    targets::find(name).expect("the target is in the table")
}

/// A table in Markdown; numbers stand to the right.
fn table(title: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("\n## {title}\n\n| {} |\n|", head.join(" | "));
    text += &head.iter().enumerate().map(|(i, _)| if i == 0 { " --- |" } else { " ---: |" }).collect::<String>();
    text.push('\n');
    for row in rows {
        _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

fn number(v: usize) -> String {
    let digits = v.to_string();
    let first = digits.len() % 3;
    let mut text = digits[..first].to_string();
    for (i, digit) in digits[first..].chars().enumerate() {
        if i % 3 == 0 && !text.is_empty() {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn micros(v: f64) -> String {
    if v >= 100.0 { number(v.round() as usize) } else { format!("{v:.1}") }
}

impl Bench<'_, '_> {
    /// Bytes of constants.
    fn bytes(graph: Graph, target: &str) -> Outcome<usize> {
        Ok(compiled(graph, find(target), Optimize::Speed)?.program.weights_bytes())
    }

    fn memory_of_layers(&mut self) -> Outcome<String> {
        let mut rows = Vec::new();
        for n in SIZES {
            (self.observe)("Compiling", &format!("layers of {n} x {n}"));
            let five = Self::bytes(layer(1, n, Weights::Tensor, Numbers::Floats), HOST.name)?;
            let two = Self::bytes(layer(1, n, Weights::Tensor, Numbers::Bytes), HOST.name)?;
            let channel = Self::bytes(layer(1, n, Weights::Channel, Numbers::Floats), HOST.name)?;
            let four = Self::bytes(layer(1, n, Weights::FourBits, Numbers::Floats), HOST.name)?;
            let floats = 4 * n * n;
            let less = |bytes: usize| format!("{:.1} %", 100.0 - bytes as f64 * 100.0 / floats as f64);
            let name = format!("{n} x {n}");
            let all = [floats, five, two, channel, four].map(number);
            rows.push([vec![name], all.to_vec(), vec![less(five), less(two), less(four)]].concat());
        }
        let head = [
            "layer",
            "f32",
            "1.6 bits",
            "2 bits",
            "1.6 bits, scale per column",
            "4 bits in blocks",
            "less: 1.6",
            "less: 2",
            "less: 4",
        ];
        Ok(table("Bytes of a layer's weights", &head, &rows))
    }

    fn memory_of_perceptrons(&mut self, sizes: usize) -> Outcome<String> {
        let mut rows = Vec::new();
        for &parameters in &PARAMETERS[..sizes] {
            for layers in 2..=5 {
                let size = width(layers, parameters);
                (self.observe)("Compiling", &format!("{layers} layers of {size} x {size}"));
                let floats = 4 * layers * size * size;
                let mut row = vec![format!("{layers} x {size} x {size}"), number(floats / 4), number(floats)];
                for numbers in [Numbers::Floats, Numbers::Bytes] {
                    let bytes = Self::bytes(perceptron(layers, parameters, Weights::Tensor, numbers), HOST.name)?;
                    row.push(number(bytes));
                    row.push(format!("{:.1}", floats as f64 / bytes as f64));
                }
                rows.push(row);
            }
        }
        let head =
            ["layers", "weights", "f32, bytes", "1.6 bits, bytes", "times smaller", "2 bits, bytes", "times smaller"];
        Ok(table("Bytes of perceptrons", &head, &rows))
    }

    /// Builds programs, and times them in turns.
    fn timed(&mut self, what: &str, graphs: Vec<(Graph, &'static Target)>) -> Outcome<Vec<Timed>> {
        (self.observe)("Building", what);
        let mut built = Vec::new();
        for (graph, target) in graphs {
            let way = Way::new(target, Profile::Fast);
            let config = way.config(&Config::new());
            let start = std::time::Instant::now();
            let compiled = compile_graph(graph, &config)?;
            let compile_time = start.elapsed();
            let arena = compiled.program.arena_bytes();
            let inputs = seeded::inputs(compiled.program.model_inputs().iter().map(|p| &p.ty));
            let prepared = Prepared { compile_time, ..Prepared::new("net", way, config, compiled, inputs)? };
            built.push((Process::new(&prepared)?, compile_time.as_secs_f64() * 1e3, arena));
        }
        (self.observe)("Timing", what);
        let one = |e: zant_measure::Error| vec![crate::built::device::diagnostic(&e)];
        let serve = |(p, _, _): &(Process, f64, usize)| p.executable.serve().and_then(Contender::new).map_err(one);
        let mut contenders = built.iter().map(serve).collect::<Outcome<Vec<Contender>>>()?;
        for start in (0..self.runs).step_by(TURN) {
            for contender in &mut contenders {
                contender.sample(TURN.min(self.runs - start)).map_err(one)?;
            }
        }
        let told = |((process, compile_ms, arena), contender): ((Process, f64, usize), Contender)| Timed {
            spread: contender.spread().expect("there is a sample"),
            compile_ms,
            stack: process.into_values().get(&Metric::Stack).and_then(Value::number).unwrap_or(0.0),
            arena,
        };
        Ok(built.into_iter().zip(contenders).map(told).collect())
    }

    /// Least times on the host beside that of the first, which the others are compared with.
    fn compared(&mut self, what: &str, graphs: Vec<Graph>) -> Outcome<Vec<String>> {
        let timed = self.timed(what, graphs.into_iter().map(|g| (g, HOST)).collect())?;
        let first = timed[0].spread.min;
        let mut cells = vec![micros(first)];
        for t in &timed[1..] {
            cells.push(format!("{} ({:.1}x)", micros(t.spread.min), first / t.spread.min));
        }
        Ok(cells)
    }

    fn kinds(build: impl Fn(Weights, Numbers) -> Graph) -> Vec<Graph> {
        use Numbers as N;
        let kinds = [
            (Weights::Floats, N::Floats),
            (Weights::Tensor, N::Floats),
            (Weights::Channel, N::Floats),
            (Weights::Tensor, N::Bytes),
            (Weights::Channel, N::Bytes),
            (Weights::FourBits, N::Floats),
        ];
        kinds.map(|(weights, numbers)| build(weights, numbers)).into()
    }

    const KINDS: [&'static str; 6] =
        ["f32", "ternary", "ternary, per column", "ternary, bytes", "the same, per column", "4 bits"];

    fn time_of_layers(&mut self) -> Outcome<String> {
        let mut rows = Vec::new();
        for n in SIZES {
            let name = format!("{n} x {n}");
            let cells = self.compared(&name, Self::kinds(|weights, numbers| layer(1, n, weights, numbers)))?;
            rows.push([vec![name], cells].concat());
        }
        Ok(table("Time of a layer, one row", &[&["layer"], &Self::KINDS[..]].concat(), &rows))
    }

    fn time_of_batches(&mut self) -> Outcome<String> {
        let mut rows = Vec::new();
        for batch in BATCHES {
            let name = format!("{batch} rows");
            let cells = self.compared(&name, Self::kinds(|weights, numbers| layer(batch, 1000, weights, numbers)))?;
            rows.push([vec![name], cells].concat());
        }
        Ok(table("Time of a layer of 1000 x 1000, by rows", &[&["rows"], &Self::KINDS[..]].concat(), &rows))
    }

    fn time_of_perceptrons(&mut self) -> Outcome<String> {
        let mut rows = Vec::new();
        for layers in 2..=5 {
            let name = format!("{layers} layers, 1,000,000 weights");
            let graphs = Self::kinds(|weights, numbers| perceptron(layers, 1_000_000, weights, numbers));
            rows.push([vec![name.clone()], self.compared(&name, graphs)?].concat());
        }
        Ok(table("Time of perceptrons", &[&["network"], &Self::KINDS[..]].concat(), &rows))
    }

    /// Loops of the instruction set against plain Rust.
    fn bodies(&mut self) -> Outcome<String> {
        let mut rows = Vec::new();
        for (name, numbers) in [("ternary", Numbers::Floats), ("ternary, bytes", Numbers::Bytes)] {
            let both = [HOST, &PORTABLE].map(|target| (layer(1, 1000, Weights::Tensor, numbers), target));
            let timed = self.timed(&format!("{name}, plain Rust beside"), both.into())?;
            let [host, plain] = [&timed[0], &timed[1]].map(|t| t.spread.min);
            rows.push(vec![name.into(), micros(host), micros(plain), format!("{:.1}x", plain / host)]);
        }
        let head = ["layer of 1000 x 1000", "loops for x86", "plain Rust", "ratio"];
        Ok(table("Kernels against their plain twins", &head, &rows))
    }

    /// Instructions on the microcontroller.
    fn microcontroller(&mut self) -> Outcome<String> {
        let Some(machine) = Machine::with_cpu(CORTEX_M).filter(|m| m.require().is_ok()) else {
            return Ok("\nQEMU is not there: no instructions of a Cortex-M7.\n".into());
        };
        let mut rows = Vec::new();
        for size in [128, 256, 512] {
            let mut row = vec![format!("{size} x {size}")];
            for graph in Self::kinds(|weights, numbers| layer(1, size, weights, numbers)) {
                (self.observe)("Counting", &format!("{size} x {size} on {CORTEX_M}"));
                let way = Way::new(find(CORTEX_M), Profile::Fast);
                let config = way.config(&Config::new());
                let compiled = compile_graph(graph, &config)?;
                let bytes = compiled.program.weights_bytes();
                let inputs = seeded::inputs(compiled.program.model_inputs().iter().map(|p| &p.ty));
                let values = device::measure(&Prepared::new("net", way, config, compiled, inputs)?, machine)?;
                let count = values.get(&Metric::Instructions).and_then(Value::number).unwrap_or(0.0);
                row.push(format!("{:.2} ({} B)", count / (size * size) as f64, number(bytes)));
            }
            rows.push(row);
        }
        let title = "Instructions for each weight on a Cortex-M7 (QEMU), and bytes of weights";
        Ok(table(title, &[&["layer"], &Self::KINDS[..]].concat(), &rows))
    }

    /// Convolutional networks of known shapes.
    fn convolutions(&mut self) -> Outcome<String> {
        let mut rows = Vec::new();
        for shape in Shape::ALL {
            let ternary = compiled(shape.graph(Weights::Tensor), HOST, Optimize::Speed)?;
            let (macs, bytes) = (ternary.program.macs(), ternary.program.weights_bytes());
            drop(ternary);
            let runs = std::mem::replace(&mut self.runs, TURN);
            let timed = self.timed(shape.name(), vec![(shape.graph(Weights::Tensor), HOST)]);
            self.runs = runs;
            let timed = timed?;
            let floats = shape
                .graph(Weights::Floats)
                .values
                .iter()
                .filter_map(|v| v.data.as_ref())
                .map(|t| t.len())
                .sum::<usize>()
                * 4;
            rows.push(vec![
                shape.name().into(),
                number(macs as usize),
                number(floats),
                number(bytes),
                format!("{:.1}", floats as f64 / bytes as f64),
                number(timed[0].arena),
                micros(timed[0].spread.min),
            ]);
        }
        let head = [
            "shape",
            "multiply-adds",
            "f32, bytes",
            "ternary, bytes",
            "times smaller",
            "arena, bytes",
            "ternary, time",
        ];
        let note = "\nRandom weights; all convolutions but the first have three values. Those of 3x3 are computed as floats, a few columns \
                    at a time.\n";
        Ok(table("Convolutional networks", &head, &rows) + note)
    }

    /// What there is beside the inference.
    fn costs(&mut self) -> Outcome<String> {
        let graphs = [8, 1000].map(|n| (layer(1, n, Weights::Tensor, Numbers::Floats), HOST));
        let timed = self.timed("the costs beside", graphs.into())?;
        let (small, large) = (&timed[0], &timed[1]);
        let memory = |t: &Timed| number(t.arena + t.stack as usize);
        let rows = [
            [
                "time to compile and pack 1000 x 1000, once, before the crate is built",
                &format!("{:.0} ms", large.compile_ms),
            ],
            ["loading the weights", "none: they are constants of the executable, read where they lie"],
            ["a call, with a layer of 8 x 8", &format!("{} us", micros(small.spread.min))],
            ["arena and stack of 1000 x 1000", &format!("{} bytes", memory(large))],
            ["heap", "none"],
        ];
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.map(str::to_string).to_vec()).collect();
        Ok(table("What else it costs", &["what", "cost"], &rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_markdown() {
        let rows = [vec!["a".to_string(), number(1_234_567)], vec!["b".into(), number(12)]];
        let text = table("T", &["x", "y"], &rows);
        assert_eq!(text, "\n## T\n\n| x | y |\n| --- | ---: |\n| a | 1,234,567 |\n| b | 12 |\n");
        assert_eq!([number(0), number(999), number(1000)], ["0", "999", "1,000"]);
    }

    /// Layers of all kinds take the bytes that they promise.
    #[test]
    fn bytes_of_layers() {
        let bytes = |weights, numbers, target: &str| Bench::bytes(layer(1, 2000, weights, numbers), target).unwrap();
        assert!(bytes(Weights::Tensor, Numbers::Floats, "host") <= 810_000);
        assert!(bytes(Weights::Tensor, Numbers::Bytes, "host") <= 1_010_000);
        assert!(bytes(Weights::Tensor, Numbers::Bytes, CORTEX_M) <= 810_000);
        assert!(bytes(Weights::FourBits, Numbers::Floats, "host") <= 2_600_000);
        assert_eq!(bytes(Weights::Floats, Numbers::Floats, "host"), 16_000_000);
    }
}
