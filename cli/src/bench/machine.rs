//! The machine that measures, in a report's words. Invariant: nothing in it names a person or a place.

use std::collections::BTreeMap;
use std::process::Command;

use zant_measure::process::output;
use zant_measure::report::MachineInfo;

/// The tools that a report names, where they are there.
const TOOLS: [&str; 5] = ["rustc", "cargo", "cc", "valgrind", "qemu-system-arm"];

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
