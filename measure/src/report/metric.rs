//! The quantities that reports have: name, unit, which way is better, and what each means.
//!
//! Invariant: a line of the table is all that there is of a quantity; the order of lines is that of columns.

use serde::Serialize;

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
    /// How many times one thing is another.
    Times,
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

/// How a change of a quantity is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judge {
    /// It is the same whenever the same is measured: any difference is one.
    Exact,
    /// It has a spread.
    Spread,
    /// It is shown: a property of the model or of another program; what follows from others; a part of the executable, of which
    /// one may grow for another; what was measured once, on a system that does other things.
    Shown,
}

/// What kind of value a quantity has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Whole numbers.
    Count,
    /// Numbers.
    Real,
    /// Either.
    Number,
    /// Times of many runs; of emulators and of single calls, plain numbers.
    Times,
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
    /// How changes are judged.
    pub judge: Judge,
    /// What kind of value it has.
    pub holds: Holds,
    /// What it means and how it is measured.
    pub text: &'static str,
}

macro_rules! metrics {
    ($($metric:ident $name:literal $title:literal $unit:ident $better:ident $judge:ident $holds:ident $text:literal)*) => {
        /// A quantity that a report can have.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Metric {
            $(#[doc = $text] $metric,)*
        }

        impl Metric {
            /// All, in the order of columns.
            pub const ALL: [Metric; [$($name),*].len()] = [$(Metric::$metric),*];

            /// What it is.
            pub fn definition(self) -> &'static Definition {
                match self {
                    $(Metric::$metric => &Definition {
                        name: $name,
                        title: $title,
                        unit: Unit::$unit,
                        better: Better::$better,
                        judge: Judge::$judge,
                        holds: Holds::$holds,
                        text: $text,
                    },)*
                }
            }
        }
    };
}

metrics! {
    Macs "macs" "MACs" Count Neither Shown Count "Multiply-adds of an inference, from the plan."
    Instructions "instructions" "instructions" Count Lower Exact Count "Instructions of one inference that the processor executes: exact; on the host the difference of two runs, on a target QEMU's count."
    InstructionsAvx2 "instructions_avx2" "instructions, AVX2" Count Lower Exact Count "Instructions of one inference on a processor with AVX2 and no AVX-512, which valgrind's is."
    ProcessInstructions "process_instructions" "instructions, process" Count Lower Exact Count "Instructions of the whole process with one inference (callgrind), loading included."
    InstructionsPerMac "instructions_per_mac" "per MAC" Part Lower Shown Real "Instructions of one inference by its multiply-adds."
    Time "time" "time" Microseconds Lower Spread Times "Time of one inference in the process, after warm-up: minimum, median and 95th percentile."
    Estimate "estimate" "time, estimated" Microseconds Lower Shown Real "Time of one inference on a chip with the target's core, not measured: the instructions by what the table of estimates in docs/measuring.md says of the core."
    FirstRun "first_run" "first run" Microseconds Lower Shown Real "Time of the first inference of the process, cold: code and weights come from memory."
    Throughput "throughput" "GOP/s" Giga Higher Shown Real "Operations in a second, two for each multiply-add, at the median time."
    ElementsPerS "elements_per_s" "Gelements/s" Giga Higher Shown Real "Elements of the result in a second at the median time, of an operator without multiply-adds, in thousand millions."
    PeakShare "peak_share" "of peak" Part Higher Shown Real "Throughput by that of independent fused multiply-adds of 256 bits, measured in the same run."
    Share "share" "share" Part Neither Shown Real "Part of the model's time, or instructions where there is no clock, that the step takes."
    Allocations "allocations" "allocations" Count Lower Exact Count "Calls of the allocator."
    HeapTotal "heap_total" "heap, total" Bytes Lower Exact Count "All bytes that were ever allocated."
    PrimaryAllocation "primary_allocation" "largest allocation" Bytes Lower Exact Count "The largest single allocation."
    PrimaryShare "primary_share" "of the peak" Part Neither Shown Real "The largest allocation by the peak of the heap."
    Leaked "leaked" "leaked" Bytes Lower Exact Count "Bytes that were allocated and not freed."
    HeapPeak "heap_peak" "heap, peak" Bytes Lower Exact Count "Bytes of the heap in use at its largest."
    PeakMemory "peak_memory" "peak memory" Bytes Lower Exact Count "The model with its arena, where it lies in statics, the peak of the heap, and the stack."
    PeakRss "peak_rss" "peak RSS" Bytes Lower Shown Number "Memory of the process that was resident at its largest, as the system says."
    Arena "arena" "arena" Bytes Lower Exact Count "The arena: all intermediate results and outputs, from the plan."
    Live "live" "live" Bytes Lower Shown Count "Bytes of the arena that hold live buffers while the step runs, from the plan."
    Stack "stack" "stack" Bytes Lower Exact Count "Bytes of stack that an inference took, by what it left of paint."
    Executable "executable" "executable" Bytes Lower Exact Count "The stripped executable; on a target what is flashed."
    Weights "weights" "weights" Bytes Lower Shown Count "Weights in the executable."
    Code "code" "code" Bytes Lower Shown Count "Machine code and constants beside the weights."
    Rest "rest" "rest" Bytes Lower Shown Count "The executable without weights and code: headers, tables, the harness."
    Source "source" "source" Bytes Lower Shown Count "The emitted Rust sources, without the weights."
    CompileTime "compile_time" "zantc" Milliseconds Lower Shown Real "Time from the model's file to the emitted crate."
    BuildTime "build_time" "cargo" Milliseconds Lower Shown Real "Time in which cargo builds the crate and the harness, from nothing."
    Onnxruntime "onnxruntime" "onnxruntime" Microseconds Neither Shown Times "Time of one inference by onnxruntime with one thread, in the same interleaved run."
    OnnxruntimeExact "onnxruntime_exact" "onnxruntime, exact" Microseconds Neither Shown Times "The same, told not to saturate sums of products of bytes in 16 bits."
    Litert "litert" "LiteRT" Microseconds Neither Shown Times "Time of one inference by LiteRT with one thread, in the same interleaved run."
    Tract "tract" "tract" Microseconds Neither Shown Times "Time of one inference by tract with one thread, in the same interleaved run."
    Rten "rten" "rten" Microseconds Neither Shown Times "Time of one inference by rten with one thread, in the same interleaved run."
    Floor "floor" "floor" Microseconds Neither Shown Real "The longer of two times: of the multiply-adds alone at the peak of 256 bits, and of reading the weights from the cache they fit."
    Accuracy "accuracy" "accuracy" Part Higher Exact Real "Part of the validation data's examples that is right, or another share; the notes say which metric."
    Deviation "deviation" "error" Count Lower Exact Real "The mean difference of the answers to what is expected; the notes say which metric."
    Examples "examples" "examples" Count Neither Shown Count "Examples of the validation data."
    Parameters "parameters" "parameters" Count Lower Exact Count "Weights and biases of the ONNX file that are not zero; scales and zero points are none."
    Onnx "onnx" "ONNX file" Bytes Lower Exact Count "The ONNX file, with its external data."
    SmallWeights "small_weights" "weights for size" Bytes Lower Exact Count "The weights in flash of a build with `--optimize size`, which stores no zeros of sparse weights."
    TokensPerS "tokens_per_s" "tokens/s" Count Higher Shown Real "Tokens in a second: of each token of a session the shortest time over all rounds, taking the most likely one included."
    FirstTokenCold "first_token_cold" "first token, cold" Microseconds Lower Shown Real "Time of the first session of a process up to its first token: making the model, the prompt, the token."
    FirstToken "first_token" "first token" Microseconds Lower Shown Times "The same in a process that had sessions before."
    Calls "calls" "calls" Count Neither Shown Count "How often it is called in a session."
    Cache "cache" "cache" Bytes Lower Exact Count "Bytes of what the model keeps from token to token; they are a part of the arena, or of the model."
    TokenMemory "token_memory" "memory a token" Bytes Lower Exact Count "Bytes that a token allocates; the cache has its room from the start."
    OnnxruntimeTokens "onnxruntime_tokens" "onnxruntime, tokens/s" Count Neither Shown Real "Tokens in a second by onnxruntime with one thread, its caches inputs and outputs, in turns with ours, by the same rule."
    Ahead "ahead" "to onnxruntime" Times Higher Shown Real "Tokens in a second by those of onnxruntime."
    SameTokens "same_tokens" "same tokens" Part Higher Exact Real "Part of a session's tokens that are those of onnxruntime."
    Smaller "smaller" "smaller" Times Higher Shown Real "Weights of the original in flash by those of the row."
    Faster "faster" "faster" Times Higher Shown Real "Time of the original by that of the row, where both were measured on one processor."
}

impl Metric {
    /// The one that has this name in reports.
    pub fn named(name: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|m| m.definition().name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Metric;

    #[test]
    fn each_is_defined_under_the_name_that_reports_use() {
        for metric in Metric::ALL {
            let name = serde_json::to_value(metric).unwrap();
            assert_eq!(name, metric.definition().name);
            assert_eq!(Metric::named(metric.definition().name), Some(metric));
        }
    }
}
