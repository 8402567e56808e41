//! What was measured, as JSON and as a table.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::operators::Operator;
use super::peers;

/// Nanoseconds of a run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Times {
    pub(crate) median: f64,
    pub(crate) min: f64,
}

impl Times {
    pub(crate) fn of(samples: &[f64]) -> Times {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
        Times { median: at(sorted.len() / 2), min: at(0) }
    }
}

/// One model.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Compiled for speed, built at level 3.
    pub(crate) ours: Times,
    /// Compiled for size, built at level "z".
    pub(crate) small: Times,
    pub(crate) onnxruntime: Times,
    /// onnxruntime where it is told not to saturate products of bytes.
    pub(crate) exact: Option<Times>,
    pub(crate) litert: Option<Times>,
    pub(crate) macs: u64,
    pub(crate) weight_bytes: usize,
    pub(crate) arena_bytes: usize,
    /// Nanoseconds that the multiply-adds take where nothing else does.
    pub(crate) compute_floor: f64,
    /// Nanoseconds that reading as many bytes as the weights have takes, again and again.
    pub(crate) read_floor: f64,
    /// By callgrind, of one run.
    pub(crate) instructions: Option<u64>,
    pub(crate) small_instructions: Option<u64>,
    /// Code of the model and all it calls.
    pub(crate) text_bytes: u64,
    pub(crate) small_text_bytes: u64,
}

impl Row {
    fn floor(&self) -> f64 {
        self.compute_floor.max(self.read_floor)
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// What the system calls the processor.
    cpu: String,
    rows: Vec<Row>,
    operators: Vec<Operator>,
}

/// The geometric means of the ratios to onnxruntime's medians and minima.
fn means(rows: &[&Row]) -> Option<[f64; 2]> {
    let mean = |ratio: fn(&Row) -> f64| {
        let logarithms: Vec<f64> = rows.iter().map(|r| ratio(r).ln()).filter(|r| r.is_finite()).collect();
        (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp()
    };
    let ratios = [mean(|r| r.ours.median / r.onnxruntime.median), mean(|r| r.ours.min / r.onnxruntime.min)];
    (!rows.is_empty()).then_some(ratios)
}

/// One model in one line, for those who wait.
pub(crate) fn line(row: &Row) -> String {
    let mut text = format!(
        "{}: {:.2} us, ours/onnxruntime {:.3} (minima {:.3})",
        row.name,
        row.ours.median / 1e3,
        row.ours.median / row.onnxruntime.median,
        row.ours.min / row.onnxruntime.min
    );
    if let Some(exact) = row.exact {
        let _ = write!(text, ", ours/exact {:.3} ({:.3})", row.ours.median / exact.median, row.ours.min / exact.min);
    }
    if let Some(litert) = row.litert {
        let _ = write!(text, ", ours/litert {:.3} ({:.3})", row.ours.median / litert.median, row.ours.min / litert.min);
    }
    let _ = write!(text, ", ours/floor {:.2}", row.ours.min / row.floor());
    text
}

impl Report {
    pub(crate) fn new(rows: Vec<Row>, operators: Vec<Operator>) -> Report {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = info.lines().find_map(|l| l.strip_prefix("model name")).unwrap_or(": unknown");
        Report { cpu: cpu.trim_start_matches([' ', '\t', ':']).to_string(), rows, operators }
    }

    /// The report that is kept, where there is one.
    pub(crate) fn read(folder: &Path) -> Option<Report> {
        serde_json::from_slice(&std::fs::read(folder.join("benchmarks.json")).ok()?).ok()
    }

    /// The same with the rows of an older report that this one lacks, in the order of `names`, and its operators.
    pub(crate) fn merged(self, old: Report, names: &[String]) -> Report {
        let Report { cpu, rows, operators } = self;
        let mut all: Vec<Row> = rows;
        let kept = old.rows.into_iter().filter(|o| !all.iter().any(|r| r.name == o.name)).collect::<Vec<_>>();
        all.extend(kept);
        all.sort_by_key(|r| names.iter().position(|n| *n == r.name));
        Report { cpu, rows: all, operators: if operators.is_empty() { old.operators } else { operators } }
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!(
            "# Measurements\n\nWritten by `cargo xtask bench` on one core of: {}. Times are microseconds of one run, batch 1, one thread,\nmeasured in turns: medians, then minima. Ratios below 1 are in favour of zantc. The floor is the larger of two times: that of the\nmultiply-adds alone at the measured peak of 256-bit fused multiply-adds, and that of reading the weights from the cache they fit.\n*Small* is `--optimize size` at `opt-level = \"z\"`; code is `.text` of the model and all it calls.\n*Exact* is onnxruntime with `session.x64quantprecision=1`, for models of bytes that load with it. Sums of bytes are exact here; those of\nonnxruntime saturate on CPUs without VNNI. The floor of models of bytes is that of floats: exact products by `vpmaddwd`, the best of AVX2,\nreach 1.6 times as many, `vpdpbusd` eight times.\n\n",
            self.cpu
        );
        text += "| model | zantc | onnxruntime | zantc / onnxruntime | zantc / exact | LiteRT | zantc / LiteRT | floor | zantc / floor | Minstr | code | small | small Minstr | small code |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
        for r in &self.rows {
            let us = |t: Times| format!("{:.2}, {:.2}", t.median / 1e3, t.min / 1e3);
            let ratio = |t: Times| format!("{:.3}, {:.3}", r.ours.median / t.median, r.ours.min / t.min);
            let millions = |n: Option<u64>| n.map_or(String::new(), |n| format!("{:.4}", n as f64 / 1e6));
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} | {} | {} | {:.2} | {:.2} | {} | {} | {} | {} | {} |",
                r.name,
                us(r.ours),
                us(r.onnxruntime),
                ratio(r.onnxruntime),
                r.exact.map_or(String::new(), ratio),
                r.litert.map_or(String::new(), us),
                r.litert.map_or(String::new(), ratio),
                r.floor() / 1e3,
                r.ours.min / r.floor(),
                millions(r.instructions),
                r.text_bytes,
                us(r.small),
                millions(r.small_instructions),
                r.small_text_bytes,
            );
        }
        let (bytes, floats): (Vec<&Row>, Vec<&Row>) = self.rows.iter().partition(|r| peers::is_quantized(&r.name));
        for (rows, what) in [(floats, "models of floats"), (bytes, "models of bytes")] {
            let Some([median, min]) = means(&rows) else { continue };
            let _ = writeln!(
                text,
                "\nGeometric mean of zantc / onnxruntime, {what}: {median:.3} of medians, {min:.3} of minima."
            );
        }
        if !self.operators.is_empty() {
            self.add_operators(&mut text);
        }
        text
    }

    fn add_operators(&self, text: &mut String) {
        *text += "\n## Operators\n\nMinima, with the widest vectors of the CPU and with those of AVX2. Matrices are square, and the second is packed; their\nspeed is also given as a share of the peak of 256-bit fused multiply-adds in the same turns.\n\n| operator | size | us | by AVX2 | speed | by AVX2 |\n| --- | ---: | ---: | ---: | ---: | ---: |\n";
        for o in &self.operators {
            let speed = |t: Times| {
                if o.name == "matmul" {
                    let flops = 2.0 * (o.size as f64).powi(3);
                    format!("{:.1} GFLOP/s, {:.0} %", flops / t.min, 100.0 * flops * o.flop / t.min)
                } else {
                    format!("{:.2} ns an element", t.min / o.size as f64)
                }
            };
            let (best, avx2) = (o.best.min / 1e3, o.avx2.min / 1e3);
            let _ = writeln!(
                text,
                "| {} | {} | {best:.3} | {avx2:.3} | {} | {} |",
                o.name,
                o.size,
                speed(o.best),
                speed(o.avx2)
            );
        }
    }

    /// Writes `benchmarks.md` and `benchmarks.json`.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), String> {
        let json = serde_json::to_string_pretty(self).map_err(|e| e.to_string())?;
        for (name, text) in [("benchmarks.md", self.markdown()), ("benchmarks.json", json + "\n")] {
            std::fs::write(folder.join(name), text).map_err(|e| format!("{name}: {e}"))?;
        }
        Ok(())
    }
}
