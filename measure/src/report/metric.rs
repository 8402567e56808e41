//! The quantities that reports have: name, unit, which way is better, and what each means.
//!
//! Invariant: an entry of [`DEFINITIONS`] for each [`Metric`], in their order, which is that of the columns.

use serde::Serialize;

/// A quantity that a report can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Multiply-adds.
    Macs,
    /// Instructions of an inference.
    Instructions,
    /// Instructions of the whole process.
    ProcessInstructions,
    /// Instructions for each multiply-add.
    InstructionsPerMac,
    /// Time of an inference.
    Time,
    /// Operations in a second.
    Throughput,
    /// Part of the limit of the core that the throughput is.
    PeakShare,
    /// Part of the model that a step is.
    Share,
    /// Allocations.
    Allocations,
    /// All bytes that were ever allocated.
    HeapTotal,
    /// The largest allocation.
    PrimaryAllocation,
    /// Its part of the peak.
    PrimaryShare,
    /// Bytes that were not freed.
    Leaked,
    /// Heap at its largest.
    HeapPeak,
    /// Memory of the model at its largest.
    PeakMemory,
    /// Memory of the process at its largest.
    PeakRss,
    /// The arena.
    Arena,
    /// Live bytes of the arena while a step runs.
    Live,
    /// The stack.
    Stack,
    /// The executable.
    Executable,
    /// Weights in it.
    Weights,
    /// Code and constants of the model in it.
    Code,
    /// What else is in it.
    Rest,
    /// The emitted sources.
    Source,
    /// Compile time of `zantc`.
    CompileTime,
    /// Build time of cargo.
    BuildTime,
    /// Time of an inference by onnxruntime.
    Onnxruntime,
    /// Time of an inference by LiteRT.
    Litert,
    /// Time of an inference by tract.
    Tract,
    /// Time of an inference by rten.
    Rten,
}

/// What a quantity is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Plain counts.
    Count,
    /// Bytes.
    Bytes,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Parts of one.
    Part,
    /// Thousand million operations a second, a multiply-add being two.
    Giga,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The smaller, the better.
    Lower,
    /// The larger, the better.
    Higher,
    /// A property of the subject or the machine: neither.
    Neither,
}

/// What a quantity is.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its name in reports.
    pub name: &'static str,
    /// The head of its column.
    pub title: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
    /// What it means and how it is measured.
    pub text: &'static str,
}

const fn define(name: &'static str, title: &'static str, unit: Unit, better: Better, text: &'static str) -> Definition {
    Definition { name, title, unit, better, text }
}

use Better::{Higher, Lower, Neither};
use Unit::{Bytes, Count, Giga, Microseconds, Milliseconds, Part};

/// In the order of [`Metric`].
#[rustfmt::skip]
const DEFINITIONS: [Definition; 30] = [
    define("macs", "MACs", Count, Neither, "Multiply-adds of an inference, from the plan."),
    define("instructions", "instructions", Count, Lower, "Instructions of one inference: exact; on the host the difference of two callgrind runs, on a target QEMU's count."),
    define("process_instructions", "instructions, process", Count, Lower, "Instructions of the whole process with one inference (callgrind), loading included."),
    define("instructions_per_mac", "per MAC", Part, Lower, "Instructions of one inference by its multiply-adds."),
    define("time", "time", Microseconds, Lower, "Time of one inference in the process, after warm-up: minimum, median and 95th percentile."),
    define("throughput", "GOP/s", Giga, Higher, "Operations in a second, two for each multiply-add, at the median time."),
    define("peak_share", "of peak", Part, Higher, "Throughput by that of independent fused multiply-adds of 256 bits, measured in the same run."),
    define("share", "share", Part, Neither, "Part of the model's instructions, or time where there are no counts, that the step takes."),
    define("allocations", "allocations", Count, Lower, "Calls of the allocator."),
    define("heap_total", "heap, total", Bytes, Lower, "All bytes that were ever allocated."),
    define("primary_allocation", "largest allocation", Bytes, Lower, "The largest single allocation."),
    define("primary_share", "of the peak", Part, Neither, "The largest allocation by the peak of the heap."),
    define("leaked", "leaked", Bytes, Lower, "Bytes that were allocated and not freed."),
    define("heap_peak", "heap, peak", Bytes, Lower, "Bytes of the heap in use at its largest."),
    define("peak_memory", "peak memory", Bytes, Lower, "The model with its arena, where it lies in statics, the peak of the heap, and the stack."),
    define("peak_rss", "peak RSS", Bytes, Lower, "Memory of the process that was resident at its largest, as the system says."),
    define("arena", "arena", Bytes, Lower, "The arena: all intermediate results and outputs, from the plan."),
    define("live", "live", Bytes, Lower, "Bytes of the arena that hold live buffers while the step runs, from the plan."),
    define("stack", "stack", Bytes, Lower, "Bytes of stack that an inference took, by what it left of paint."),
    define("executable", "executable", Bytes, Lower, "The stripped executable; on a target what is flashed."),
    define("weights", "weights", Bytes, Lower, "Weights in the executable."),
    define("code", "code", Bytes, Lower, "Machine code and constants beside the weights."),
    define("rest", "rest", Bytes, Lower, "The executable without weights and code: headers, tables, the harness."),
    define("source", "source", Bytes, Lower, "The emitted Rust sources, without the weights."),
    define("compile_time", "zantc", Milliseconds, Lower, "Time from the model's file to the emitted crate."),
    define("build_time", "cargo", Milliseconds, Lower, "Time in which cargo builds the crate and the harness, from nothing."),
    define("onnxruntime", "onnxruntime", Microseconds, Neither, "Time of one inference by onnxruntime with one thread, in the same interleaved run."),
    define("litert", "LiteRT", Microseconds, Neither, "Time of one inference by LiteRT with one thread, in the same interleaved run."),
    define("tract", "tract", Microseconds, Neither, "Time of one inference by tract with one thread, in the same interleaved run."),
    define("rten", "rten", Microseconds, Neither, "Time of one inference by rten with one thread, in the same interleaved run."),
];

impl Metric {
    /// All, in the order of columns.
    pub const ALL: [Metric; 30] = [
        Metric::Macs,
        Metric::Instructions,
        Metric::ProcessInstructions,
        Metric::InstructionsPerMac,
        Metric::Time,
        Metric::Throughput,
        Metric::PeakShare,
        Metric::Share,
        Metric::Allocations,
        Metric::HeapTotal,
        Metric::PrimaryAllocation,
        Metric::PrimaryShare,
        Metric::Leaked,
        Metric::HeapPeak,
        Metric::PeakMemory,
        Metric::PeakRss,
        Metric::Arena,
        Metric::Live,
        Metric::Stack,
        Metric::Executable,
        Metric::Weights,
        Metric::Code,
        Metric::Rest,
        Metric::Source,
        Metric::CompileTime,
        Metric::BuildTime,
        Metric::Onnxruntime,
        Metric::Litert,
        Metric::Tract,
        Metric::Rten,
    ];

    /// The one that has this name in reports.
    pub fn named(name: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|m| m.definition().name == name)
    }

    /// What it is.
    pub fn definition(self) -> &'static Definition {
        &DEFINITIONS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::Metric;

    #[test]
    fn each_is_defined_under_the_name_that_reports_use() {
        for (i, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, i);
            let name = serde_json::to_value(metric).unwrap();
            assert_eq!(name, metric.definition().name);
            assert_eq!(Metric::named(metric.definition().name), Some(metric));
        }
    }
}
