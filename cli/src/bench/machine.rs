//! The machine and the run that measure, in a report's words. Invariant: nothing in it names a person or a place.

use std::collections::BTreeMap;
use std::process::Command;

use zant_measure::process::output;
use zant_measure::report::{Kind, MachineInfo, Report, Run};

/// The tools that a report names, where they are there.
const TOOLS: [&str; 5] = ["rustc", "cargo", "cc", "valgrind", "qemu-system-arm"];

/// A report of this run, on this machine.
pub fn begin(kind: Kind) -> Report {
    let mut report = Report::new(kind, zantc::emit::VERSION, describe());
    let date = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
    report.runs.push(Run {
        date,
        commit: commit().unwrap_or_default(),
        command: command(),
        load: load().map(|l| [l, l]),
    });
    report
}

/// Ends it: the load is that of the end.
pub fn end(report: &mut Report) {
    if let (Some(run), Some(now)) = (report.runs.last_mut(), load()) {
        run.load.iter_mut().for_each(|[_, after]| *after = now);
    }
}

/// The commit of the folder that this runs in.
fn commit() -> Option<String> {
    let arguments = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
    let said = output(Command::new("git").args(arguments)).ok()?;
    let name = String::from_utf8_lossy(&said.stdout).trim().to_string();
    said.status.success().then_some(name)
}

/// This program's arguments, of paths the last part.
fn command() -> String {
    let arguments = std::env::args_os().skip(1).map(|argument| {
        let argument = argument.to_string_lossy().into_owned();
        let (option, value) = argument.split_once('=').map_or(("", argument.as_str()), |(o, v)| (o, v));
        let last = value.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default().to_string();
        if option.is_empty() { last } else { format!("{option}={last}") }
    });
    std::iter::once("zantc".to_string()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Processes that run or wait to run, over the last minute, as Linux says.
fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// The instruction sets that a crate uses on this machine.
pub(super) fn used(avx2: bool) -> String {
    let sets = isa().into_iter().filter(|set| !(avx2 && set.starts_with("avx512")));
    sets.collect::<Vec<_>>().join(" ")
}

/// Describes this machine.
pub fn describe() -> MachineInfo {
    let version = |tool: &str| zant_measure::cargo::version(tool).ok().filter(|v| !v.is_empty());
    let tools = TOOLS.iter().filter_map(|t| Some((t.to_string(), version(t)?)));
    MachineInfo {
        cpu: cpu().unwrap_or_else(|| "unknown".into()),
        isa: isa().join(" "),
        os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        tools: tools.collect::<BTreeMap<_, _>>(),
    }
}

/// What the processor calls itself.
fn cpu() -> Option<String> {
    if let Ok(text) = std::fs::read_to_string("/proc/cpuinfo") {
        let line = text.lines().find(|l| l.starts_with("model name"))?;
        return Some(line.split_once(':')?.1.trim().to_string());
    }
    let output = output(Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"])).ok()?;
    let name = String::from_utf8_lossy(&output.stdout).trim().to_string();
    (!name.is_empty()).then_some(name)
}

/// The instruction sets that emitted code asks for at run time, as far as the processor has them.
#[cfg(target_arch = "x86_64")]
fn isa() -> Vec<&'static str> {
    let sets = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ("avx512vnni", std::arch::is_x86_feature_detected!("avx512vnni")),
    ];
    sets.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
}

/// The instruction sets that emitted code is compiled for.
#[cfg(not(target_arch = "x86_64"))]
fn isa() -> Vec<&'static str> {
    if cfg!(target_arch = "aarch64") { vec!["neon"] } else { Vec::new() }
}
