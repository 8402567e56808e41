//! Single operators through emitted crates, in turns with the limit of the core.

use zant_measure::Contender;
use zant_measure::report::{Key, Metric, Row, Value};
use zantc::config::Config;
use zantc::diag::{Diagnostic, codes};
use zantc::ir::text;
use zantc::targets::HOST;
use zantc::verify::seeded;

use super::host::Process;
use super::{Findings, Prepared, Profile, Way, failure, limits};

/// Samples between two looks at the limit.
const TURN: usize = 5;

/// An operator with its size: its name, and its graph in the text form of the IR.
struct Operator {
    name: String,
    graph: String,
}

/// A convolution: `kernel`, `stride`, `groups`, and the map's height, width, channels and new channels.
type Layer = (&'static str, usize, usize, bool, [usize; 4]);

/// Layers of well-known small models; the last word says whether each channel is by itself.
const LAYERS: [Layer; 8] = [
    ("Conv resnet8 3x3", 3, 1, false, [32, 32, 16, 16]),
    ("Conv resnet8 3x3 deep", 3, 1, false, [8, 8, 64, 64]),
    ("Conv mobilenet_v1 first", 3, 2, false, [96, 96, 3, 8]),
    ("Conv mobilenet_v1 1x1", 1, 1, false, [12, 12, 64, 64]),
    ("Conv mobilenet_v2 1x1", 1, 1, false, [14, 14, 96, 576]),
    ("Depthwise dscnn 3x3", 3, 1, true, [25, 5, 64, 64]),
    ("Depthwise mobilenet_v1 3x3", 3, 1, true, [24, 24, 32, 32]),
    ("Depthwise mobilenet_v2 3x3 stride 2", 3, 2, true, [56, 56, 144, 144]),
];

fn operators() -> Vec<Operator> {
    let mut all = Vec::new();
    let mut add = |name: String, body: String, result: &str| {
        all.push(Operator { graph: format!("graph \"op\"\n{body}  out \"y\" = {result}\n"), name });
    };
    for n in [64, 128, 256, 512] {
        let body =
            format!("  in %0 \"a\": f32[{n},{n}]\n  $1 = f32[{n},{n}] random 1\n  %2 = matmul %0, $1 : f32[{n},{n}]\n");
        add(format!("MatMul {n}"), body, "%2");
    }
    // Neither is known when it is compiled, as in attention.
    for n in [64, 128, 256] {
        let body =
            format!("  in %0 \"a\": f32[{n},{n}]\n  in %1 \"b\": f32[{n},{n}]\n  %2 = matmul %0, %1 : f32[{n},{n}]\n");
        add(format!("MatMul of inputs {n}"), body, "%2");
    }
    for n in [1_000, 10_000, 100_000, 1_000_000] {
        let gelu = "Mul(Mul(x0, 0.5), Add(Erf(Mul(x0, 0.70710677)), 1.0))";
        add(format!("Gelu {n}"), format!("  in %0 \"x\": f32[{n}]\n  %1 = map %0 {{{gelu}}} : f32[{n}]\n"), "%1");
    }
    for n in [256, 512, 1024, 2048] {
        let body = format!("  in %0 \"x\": f32[1,{n}]\n  %1 = softmax %0 {{axis 1}} : f32[1,{n}]\n");
        add(format!("Softmax {n}"), body, "%1");
    }
    for (side, name, function) in [100, 256]
        .into_iter()
        .flat_map(|n| [(n, "TensorAdd", "Add"), (n, "TensorMul", "Mul"), (n, "BroadcastAdd", "Add")])
    {
        let rows = if name == "BroadcastAdd" { 1 } else { side };
        let body = format!(
            "  in %0 \"a\": f32[{side},{side}]\n  in %1 \"b\": f32[{rows},{side}]\n  %2 = map %0, %1 {{{function}(x0, x1)}} : f32[{side},{side}]\n"
        );
        add(format!("{name} {}", side * side), body, "%2");
    }
    for n in [256, 768] {
        let body = format!(
            "  in %0 \"x\": f32[64,{n}]\n  $1 = f32[{n}] random 1\n  $2 = f32[{n}] random 2\n  %3 = norm %0, $1, $2 {{axis 1, epsilon 1e-5, center, scale, bias}} : f32[64,{n}]\n"
        );
        add(format!("LayerNorm 64x{n}"), body, "%3");
    }
    for layer in LAYERS {
        let (name, graph) = convolution(layer);
        add(name, graph, "%3");
    }
    all
}

/// A convolution with bias and padding to the same size, followed by Relu.
fn convolution((name, kernel, stride, depthwise, [h, w, c, new]): Layer) -> (String, String) {
    let (inner, groups) = if depthwise { (1, c) } else { (c, 1) };
    let grouped = if depthwise { format!(", groups {groups}") } else { String::new() };
    // Padding as TensorFlow's SAME has it: the larger half behind.
    let pad = |size: usize| {
        let all = ((size.div_ceil(stride) - 1) * stride + kernel).saturating_sub(size);
        [all / 2, all - all / 2]
    };
    let ([top, bottom], [left, right]) = (pad(h), pad(w));
    let padding = match top + bottom + left + right {
        0 => String::new(),
        _ => format!(", pad {top} {left} {bottom} {right}"),
    };
    let (oh, ow) = (h.div_ceil(stride), w.div_ceil(stride));
    let stride = if stride == 1 { String::new() } else { format!(", stride {stride}x{stride}") };
    let body = format!(
        "  in %0 \"x\": f32[1,{h},{w},{c}]\n  $1 = f32[{new},{kernel},{kernel},{inner}] random 1\n  $2 = f32[{new}] random 2\n  %3 = conv %0, $1, $2 {{kernel {kernel}x{kernel}{stride}{padding}{grouped}, bias, relu}} : f32[1,{oh},{ow},{new}]\n"
    );
    (format!("{name}, {h}x{w}x{c}"), body)
}

/// Measures all operators whose name contains one of the words; all where there are none. `ways` are the samples, and whether
/// AVX-512 is left out.
pub fn operators_named(words: &[String], ways: (usize, bool), observe: &mut dyn FnMut(&str, &str)) -> Findings {
    let mut findings = Findings::default();
    let mut peak = 0f64;
    let asked =
        |o: &Operator| words.is_empty() || words.iter().any(|w| o.name.to_lowercase().contains(&w.to_lowercase()));
    for operator in operators().iter().filter(|o| asked(o)) {
        observe("Measuring", &operator.name);
        match measure(operator, ways, &mut peak) {
            Ok(row) => findings.rows.push(row),
            Err(why) => findings.failures.push(format!("{}: {}", operator.name, failure(&why))),
        }
    }
    // Others on the machine can only make the limit seem lower: that of the core is the highest that was seen.
    for row in &mut findings.rows {
        if let Some(throughput) = row.values.get(&Metric::Throughput).and_then(Value::number) {
            row.values.insert(Metric::PeakShare, Value::Real(throughput / peak));
        }
    }
    findings
}

/// Measures one, and raises `peak` to the highest limit that was seen between its samples.
fn measure(operator: &Operator, (runs, avx2): (usize, bool), peak: &mut f64) -> Result<Row, Vec<Diagnostic>> {
    let one = |e: zant_measure::Error| crate::built::device::diagnostic(&e);
    let way = Way { avx2, ..Way::new(HOST, Profile::Fast) };
    let prepared = prepare(operator, way)?;
    let mut process = Process::new(&prepared)?;
    process.count(avx2);
    let mut contender = process.executable.serve().and_then(Contender::new).map_err(one)?;
    for start in (0..runs).step_by(TURN) {
        *peak = peak.max(limits::peak_sample());
        contender.sample(TURN.min(runs - start)).map_err(one)?;
    }
    process.finish(contender).map_err(one)?;
    let key = Key { subject: operator.name.clone(), ..way.key("") };
    let origin = super::origin(&key, "", avx2);
    let mut row = Row { origin, ..Row::new(key, process.into_values()) };
    if let (0, Some(time)) = (prepared.program().macs(), row.number(Metric::Time)) {
        let elements: usize = prepared.outputs.iter().map(|t| t.ty().elements()).sum();
        row.values.insert(Metric::ElementsPerS, Value::Real(elements as f64 / time / 1e3));
    }
    Ok(row)
}

fn prepare<'a>(operator: &Operator, way: Way) -> Result<Prepared<'a>, Vec<Diagnostic>> {
    let config = way.config(&Config::new());
    let broken = |why: String| vec![Diagnostic::error(codes::BAD_DATA, format!("{}: {why}", operator.name))];
    let graph = text::parse(&operator.graph).map_err(broken)?;
    let start = std::time::Instant::now();
    let compiled = zantc::pipeline::compile_graph(graph, &config)?;
    let compile_time = start.elapsed();
    let inputs = seeded::inputs(compiled.program.model_inputs().iter().map(|p| &p.ty));
    Ok(Prepared { compile_time, ..Prepared::new("operator", way, config, compiled, inputs)? })
}

#[cfg(test)]
mod tests {
    use zantc::config::Config;
    use zantc::ir::text;
    use zantc::pipeline::compile_graph;

    use super::operators;

    #[test]
    fn each_operator_is_one_step_of_its_size() {
        let all = operators();
        for operator in &all {
            let graph = text::parse(&operator.graph).unwrap_or_else(|e| panic!("{}: {e}", operator.name));
            let program = compile_graph(graph, &Config::new()).unwrap().program;
            assert!(!program.steps.is_empty(), "{}", operator.name);
            let multiplies = ["MatMul", "Conv", "Depthwise"].iter().any(|k| operator.name.starts_with(k));
            assert_eq!(program.macs() > 0, multiplies, "{}", operator.name);
        }
        let macs = |name: &str| {
            let operator = all.iter().find(|o| o.name == name).unwrap();
            compile_graph(text::parse(&operator.graph).unwrap(), &Config::new()).unwrap().program.macs()
        };
        assert_eq!(macs("MatMul 512"), 512 * 512 * 512);
        assert_eq!(macs("Conv resnet8 3x3, 32x32x16"), 32 * 32 * 16 * 16 * 9);
    }
}
