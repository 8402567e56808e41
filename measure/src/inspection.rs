//! One page of one model: what `zantc inspect` says of it, as a page of HTML for desks and phones.

use std::fmt::Write;

use crate::page::{Bars, Block, Cell, Figure, Group, Page, Table, Tone, html};

/// Steps of a model that its picture shows.
const DRAWN: usize = 250;
/// Bars of a chart.
const BARS: usize = 20;

/// What is known of a model. All texts but the numbers come from it or from its user, and are escaped.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// Its name.
    pub name: String,
    /// What it is compiled for.
    pub target: String,
    /// The sum of RAM and of flash and what they are made of.
    pub memory: [String; 2],
    /// Bytes of RAM and of flash.
    pub bytes: [usize; 2],
    /// Bytes of the arena, and the least that any plan of this order needs.
    pub arena: [usize; 2],
    /// Multiply-adds.
    pub macs: u64,
    /// Its inputs and outputs: what it is, name, type.
    pub ports: Vec<[String; 3]>,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Which nodes stay in floats, and why.
    pub floats: Vec<[String; 2]>,
    /// Boards: name, flash and RAM, whether it fits, and in words.
    pub boards: Vec<(String, String, bool, String)>,
    /// The arena over time, by this project's own code.
    pub arena_svg: String,
}

/// A step.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// The kernel.
    pub kernel: String,
    /// The nodes that it computes.
    pub nodes: String,
    /// The type of its result.
    pub result: String,
    /// The steps whose results it reads.
    pub reads: Vec<usize>,
    /// Bytes of its weights, and bits of each where they are few.
    pub weights: usize,
    /// Bits of each weight, where it is known.
    pub bits: Option<f64>,
    /// Multiply-adds.
    pub macs: u64,
    /// Bytes that are live.
    pub live: usize,
    /// Whether there are the most.
    pub peak: bool,
}

/// The page.
pub fn page(model: &Inspection) -> String {
    let figure = |label: &str, value: String| Figure { label: label.into(), value, tone: Tone::Plain };
    let fitting = model.boards.iter().filter(|b| b.2).count();
    let mut blocks = vec![
        Block::Figures(vec![
            figure("steps", model.steps.len().to_string()),
            figure("multiply-adds", short(model.macs as f64)),
            figure("bytes of RAM", short(model.bytes[0] as f64)),
            figure("bytes of flash", short(model.bytes[1] as f64)),
            figure("boards that it fits", format!("{fitting} of {}", model.boards.len())),
        ]),
        Block::List(model.memory.to_vec()),
        Block::Heading("Inputs and outputs".into()),
        Block::Table(Table::new(
            ["", "name", "type"],
            model.ports.iter().map(|[what, name, ty]| vec![Cell::text(what), Cell::name(name), Cell::text(ty)]),
        )),
    ];
    let drawn = model.steps.len().min(DRAWN);
    let caption = match model.steps.len() - drawn {
        0 => "Steps in their order; a line goes from a result to where it is read".to_string(),
        more => format!("The first {drawn} steps in their order; {more} more are in the table"),
    };
    blocks.push(Block::Pictures("Graph".into(), vec![(caption, graph(&model.steps[..drawn]))]));
    let arena = format!("{} bytes; the least for this order of steps is {}", model.arena[0], model.arena[1]);
    blocks.push(Block::Pictures("Arena over time".into(), vec![(arena, model.arena_svg.clone())]));
    blocks.push(Block::Charts("Weights and RAM by step".into(), charts(model)));
    blocks.push(Block::Heading("Steps".into()));
    blocks.push(Block::Table(steps(model)));
    blocks.extend(quantization(model));
    blocks.push(Block::Heading("Boards".into()));
    blocks.push(Block::Table(Table::new(["board", "memories", "the model"], model.boards.iter().map(board))));
    html(&Page { title: format!("{} for {}", model.name, model.target), blocks })
}

fn board((name, memories, fits, words): &(String, String, bool, String)) -> Vec<Cell> {
    let tone = if *fits { Tone::Good } else { Tone::Bad };
    vec![Cell::text(name), Cell::text(memories), Cell::text(words).tone(tone)]
}

/// A number of three digits and its power of a thousand.
fn short(n: f64) -> String {
    match n {
        n if n < 1e4 => format!("{n}"),
        n if n < 1e6 => format!("{:.1} k", n / 1e3),
        n if n < 1e9 => format!("{:.1} M", n / 1e6),
        n => format!("{:.1} G", n / 1e9),
    }
}

/// The largest steps by weights, by live bytes and by multiply-adds.
fn charts(model: &Inspection) -> Vec<Bars> {
    let bars = |title: &str, of: &dyn Fn(&Step) -> f64| {
        let mut largest: Vec<(usize, f64)> = model.steps.iter().map(of).enumerate().filter(|(_, v)| *v > 0.0).collect();
        largest.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        largest.truncate(BARS);
        largest.sort_by_key(|(i, _)| *i);
        let groups = largest
            .iter()
            .map(|&(i, v)| Group { name: format!("{i} {}", model.steps[i].kernel), bars: vec![Some((v, short(v)))] });
        Bars { title: title.into(), series: vec!["this model".into()], groups: groups.collect(), total: None }
    };
    let charts = [
        bars("Bytes of weights", &|s| s.weights as f64),
        bars("Live bytes", &|s| s.live as f64),
        bars("Multiply-adds", &|s| s.macs as f64),
    ];
    charts.into_iter().filter(|c| !c.groups.is_empty()).collect()
}

fn steps(model: &Inspection) -> Table {
    let number = |n: f64| Cell::number(format!("{n}"), n);
    let rows = model.steps.iter().enumerate().map(|(i, s)| {
        let live = number(s.live as f64).tone(if s.peak { Tone::Bad } else { Tone::Plain });
        let live = if s.peak { live.note("the peak".into()) } else { live };
        vec![
            number(i as f64),
            Cell::text(&s.kernel),
            Cell::text(&s.result),
            number(s.weights as f64),
            number(s.macs as f64),
            live,
            Cell::name(&s.nodes),
        ]
    });
    Table::new(["step", "kernel", "result", "weights, bytes", "MACs", "live bytes", "nodes"], rows)
}

/// Which steps have weights of few bits, and which nodes stay in floats.
fn quantization(model: &Inspection) -> Vec<Block> {
    let coded = model.steps.iter().enumerate().filter_map(|(i, s)| {
        let bits = s.bits?;
        Some(vec![
            Cell::number(i.to_string(), i as f64),
            Cell::text(&s.kernel),
            Cell::number(format!("{bits:.2}"), bits),
        ])
    });
    let coded: Vec<Vec<Cell>> = coded.collect();
    let floats: Vec<Vec<Cell>> =
        model.floats.iter().map(|[nodes, why]| vec![Cell::name(nodes), Cell::text(why)]).collect();
    let bytes = model.steps.iter().filter(|s| s.result.starts_with("i8") || s.result.starts_with("u8")).count();
    let words = format!("{bytes} of {} steps give bytes.", model.steps.len());
    let mut blocks = vec![Block::Heading("Quantization".into()), Block::Text(words)];
    if !coded.is_empty() {
        blocks.push(Block::Table(Table::new(["step", "kernel", "bits per weight"], coded)));
    }
    if !floats.is_empty() {
        blocks.push(Block::Table(Table::new(["nodes that stay in floats", "why"], floats)));
    }
    blocks
}

/// The steps from top to bottom, and a curve at the right for each result that is not read by the next step. It says nothing that comes
/// from a model.
fn graph(steps: &[Step]) -> String {
    const ROW: usize = 30;
    const WIDTH: usize = 360;
    const BOX: usize = 250;
    let height = ROW * steps.len().max(1) + 10;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" role=\"img\" aria-label=\"graph\" \
         style=\"max-width:100%;font:12px sans-serif\">\n<style>rect{{fill:#4a7fb522;stroke:#4a7fb5}}path{{fill:none;stroke:#888}}text{{fill:#1b1f24}}</style>\n"
    );
    for (i, step) in steps.iter().enumerate() {
        for &from in step.reads.iter().filter(|&&from| from < i) {
            let (y0, y1) = (ROW * from + 17, ROW * i + 17);
            let path = match i - from {
                1 => format!("M{} {}V{}", BOX / 2, y0 + 11, y1 - 11),
                far => {
                    let out = BOX + 8 + (far * 12).min(WIDTH - BOX - 12);
                    format!("M{BOX} {y0}C{out} {y0} {out} {y1} {BOX} {y1}")
                }
            };
            _ = writeln!(svg, "<path d=\"{path}\"/>");
        }
    }
    for (i, step) in steps.iter().enumerate() {
        let y = ROW * i + 6;
        // Names of kernels and of types are the compiler's.
        let label: String = format!("{i} {} {}", step.kernel, step.result).chars().take(40).collect();
        _ = writeln!(svg, "<rect x=\"1\" y=\"{y}\" width=\"{}\" height=\"22\" rx=\"4\"/>", BOX - 1);
        _ = writeln!(svg, "<text x=\"8\" y=\"{}\">{label}</text>", y + 15);
    }
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::{Inspection, Step, page};

    /// A model with hostile names and a residual.
    pub(crate) fn model() -> Inspection {
        let hostile = "</script><b onclick=x>\"";
        let step = |i: usize, reads: &[usize]| Step {
            kernel: "conv2d".into(),
            nodes: hostile.into(),
            result: "i8[1,8,8,16]".into(),
            reads: reads.into(),
            weights: 100 * i,
            bits: (i == 2).then_some(1.6),
            macs: 1000,
            live: 64 * i,
            peak: i == 3,
        };
        Inspection {
            name: hostile.into(),
            target: "cortex-m7".into(),
            memory: ["4096 bytes of RAM".into(), "8192 bytes of flash".into()],
            bytes: [4096, 8192],
            arena: [2048, 2048],
            macs: 4000,
            ports: vec![["input".into(), hostile.into(), "f32[1]".into()]],
            steps: vec![step(0, &[]), step(1, &[0]), step(2, &[1]), step(3, &[2, 0])],
            floats: vec![[hostile.into(), "it is not linear".into()]],
            boards: vec![("nrf52840".into(), "1M + 256K".into(), true, "fits".into())],
            arena_svg: "<svg></svg>".into(),
        }
    }

    #[test]
    fn the_page_has_all_parts_and_no_name_becomes_markup() {
        let text = page(&model());
        for part in ["Graph", "Arena over time", "Weights and RAM by step", "Quantization", "Boards", "1.60", "1 of 1"]
        {
            assert!(text.contains(part), "{part}");
        }
        assert!(!text.contains("<b onclick") && text.contains("&lt;b onclick"));
        // The residual is a curve, the chain are lines.
        assert_eq!(text.matches("C2").count().min(1) + text.matches("<path d=\"M125").count(), 4);
        assert!(page(&Inspection::default()).starts_with("<!doctype html>"));
    }
}
