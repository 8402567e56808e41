//! Running firmware on its machine, and what it says.
//!
//! The clock of an emulated machine advances by a fixed time per instruction, so that a timer of the machine counts
//! instructions: round(ticks / ticks per instruction) is exact as long as an instruction takes more than one tick. Each start of
//! the firmware counts a loop of [`KNOWN`] instructions first; a clock that goes at another pace than is thought fails.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::{Clock, Core, Machine};
use crate::process::{self, Child};
use crate::{Built, Error};

/// QEMU's `-icount shift`: an instruction takes 2 to the power of this in nanoseconds.
const SHIFT: u32 = 7;
/// Instructions of the harness's `known`.
const KNOWN: u64 = 32_002;
/// By how many instructions the count of them may differ: what the compiler puts between the timer's readings.
const BESIDE: u64 = 8;
/// The script that runs a module of WebAssembly.
const SCRIPT: &str = include_str!("../harness/wasm/host.mjs");
/// The longest that a firmware may run, in host time.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often a running emulator is looked after.
const POLL: Duration = Duration::from_millis(5);

/// What one run on one vector took and gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Instructions from the call of the model to its return, where the machine counts them.
    pub instructions: Option<u64>,
    /// Bytes of stack below the caller's frame that were written, where the stack is memory that can be painted.
    pub stack_bytes: Option<u32>,
    /// The outputs, one after the other.
    pub outputs: Vec<u8>,
}

impl Built {
    /// Runs the firmware on vectors: for each the bytes of the model's inputs, and how many bytes of outputs it gives.
    ///
    /// # Errors
    /// An emulator that is missing, firmware that stops or does not end.
    pub fn run(&self, machine: &Machine, vectors: &[Vec<u8>], output_bytes: usize) -> Result<Vec<Run>, Error> {
        let folder = self.elf.with_extension("run");
        fs::create_dir_all(&folder).map_err(Error::io("make a folder"))?;
        let count = u32::try_from(vectors.len()).map_err(|_| Error::Run("there are too many vectors".into()))?;
        let input = [&count.to_le_bytes()[..], &vectors.concat()].concat();
        fs::write(folder.join("input.bin"), input).map_err(Error::io("write the vectors"))?;
        execute(machine, &self.elf, &folder)?;
        let output = fs::read(folder.join("output.bin")).map_err(Error::io("read the outputs"))?;
        parse(machine, &output, vectors.len(), output_bytes)
    }
}

/// The command that runs a firmware.
fn command(machine: &Machine, elf: &Path, folder: &Path) -> Result<Command, Error> {
    let mut command = Command::new(machine.emulator.program);
    if machine.core == Core::Wasm32 {
        let script = folder.join("host.mjs");
        fs::write(&script, SCRIPT).map_err(Error::io("write the script"))?;
        command.arg(script).arg(elf);
    } else {
        command.args(["-M", machine.name]).args(machine.emulator.arguments);
        // Without a network card QEMU needs no ROM of one, which is in a package of its own.
        command.args(["-nographic", "-monitor", "none", "-serial", "none", "-nic", "none"]);
        command.args(["-semihosting-config", "enable=on,target=native", "-icount", &format!("shift={SHIFT}")]);
        command.arg("-kernel").arg(elf);
    }
    Ok(command)
}

/// Runs the emulator to the firmware's end.
fn execute(machine: &Machine, elf: &Path, folder: &Path) -> Result<(), Error> {
    let program = machine.emulator.program;
    let mut command = command(machine, elf, folder)?;
    let said = folder.join("stderr.txt");
    let stderr = fs::File::create(&said).map_err(Error::io("make a file"))?;
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    let mut child = process::spawn(&mut command).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Error::Missing { what: program.into(), install: machine.emulator.install.into() }
        }
        _ => Error::Io(format!("cannot run {program}: {e}")),
    })?;
    match wait(&mut child)? {
        Some(0) => Ok(()),
        Some(70) => Err(Error::Run("the firmware cannot use the host's files".into())),
        Some(71) => Err(Error::Run("the processor faulted".into())),
        Some(72) => Err(Error::Run("the model refused the data".into())),
        Some(73) => Err(Error::Run("the model panicked".into())),
        Some(code) => Err(Error::Run(format!("{program} stopped with code {code}{}", last_line(&said)))),
        None => Err(Error::Run(format!("{program} was killed"))),
    }
}

/// The last line of what the emulator said, behind a colon.
fn last_line(said: &Path) -> String {
    let said = fs::read(said).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    said.lines().rfind(|line| !line.trim().is_empty()).map_or_else(String::new, |line| format!(": {}", line.trim()))
}

/// Waits for the end, not for ever.
fn wait(child: &mut Child) -> Result<Option<i32>, Error> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(Error::io("wait for the emulator"))? {
            return Ok(status.code());
        }
        if start.elapsed() > PATIENCE {
            child.kill();
            return Err(Error::Run(format!("the firmware did not end within {} s", PATIENCE.as_secs())));
        }
        std::thread::sleep(POLL);
    }
}

/// Words that the firmware writes before each run's outputs: ticks of both timers, bytes of stack.
const HEADER: usize = 12;

fn parse(machine: &Machine, bytes: &[u8], runs: usize, output_bytes: usize) -> Result<Vec<Run>, Error> {
    // Nothing is counted, and the known loop, before the runs.
    let before = if machine.clock.is_some() { 2 * HEADER } else { 0 };
    if bytes.len() != before + runs * (HEADER + output_bytes) {
        return Err(Error::Run(format!("the firmware wrote {} bytes, which are no {runs} results", bytes.len())));
    }
    let (counted, results) = bytes.split_at(before);
    let idle = if before > 0 { ticks(counted) } else { 0 };
    if before > 0 {
        let known = instructions(machine, ticks(&counted[HEADER..]).saturating_sub(idle));
        if known.is_none_or(|n| n.abs_diff(KNOWN) > BESIDE) {
            let message = format!(
                "the clock of {} counts {} instructions where there are {KNOWN}; this version of {} cannot be measured with",
                machine.name,
                known.unwrap_or(0),
                machine.emulator.program
            );
            return Err(Error::Run(message));
        }
    }
    let run = |result: &[u8]| {
        let (header, outputs) = result.split_at(HEADER);
        let instructions = instructions(machine, ticks(header).saturating_sub(idle));
        let stack_bytes = machine.memory.is_some().then(|| word(header, 2));
        Run { instructions, stack_bytes, outputs: outputs.to_vec() }
    };
    Ok(results.chunks_exact(HEADER + output_bytes).map(run).collect())
}

fn word(header: &[u8], index: usize) -> u32 {
    header[index * 4..].first_chunk().map_or(0, |b| u32::from_le_bytes(*b))
}

/// Ticks of a run: the low 32 bits are those of the fine timer, the rest comes from the coarse one.
fn ticks(header: &[u8]) -> u64 {
    let (fine, coarse) = (u64::from(word(header, 0)), u64::from(word(header, 1)) * 256);
    let wraps = (coarse + (1 << 31)).saturating_sub(fine) >> 32;
    fine + (wraps << 32)
}

/// The whole number of instructions that so many ticks of the fine timer are; `None` where the machine has none.
pub fn instructions(machine: &Machine, ticks: u64) -> Option<u64> {
    let Clock { hz, .. } = machine.clock?;
    let nanoseconds = u128::from(ticks) * 1_000_000_000 / u128::from(hz);
    let rounded = (nanoseconds + (1 << (SHIFT - 1))) >> SHIFT;
    Some(u64::try_from(rounded).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{HEADER, instructions, parse, ticks};
    use crate::machine::{MACHINES, Machine};

    fn header(fine: u32, coarse: u32, stack: u32) -> Vec<u8> {
        [fine, coarse, stack].iter().flat_map(|w| w.to_le_bytes()).collect()
    }

    #[test]
    fn ticks_become_whole_instructions() {
        let m7 = Machine::with_cpu("cortex-m7").unwrap();
        let m33 = Machine::with_cpu("cortex-m33").unwrap();
        for n in [0u64, 1, 2, 5, 1000, 12_345_677, 3_000_000_001] {
            for (machine, tenths) in [(m7, 32), (m33, 0)] {
                let exact = if tenths > 0 { n * tenths / 10 } else { n * 256 / 100 };
                for ticks in [exact, exact + 1] {
                    assert_eq!(instructions(machine, ticks), Some(n), "{} {ticks}", machine.name);
                }
            }
        }
    }

    #[test]
    fn the_coarse_timer_counts_the_wraps() {
        for total in [0u64, 255, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 32) + 5, 7 << 32, (9 << 32) - 3] {
            for skew in [0i64, -1, 1] {
                let coarse = (total / 256).saturating_add_signed(skew);
                assert_eq!(ticks(&header(total as u32, coarse as u32, 0)), total, "{total} {skew}");
            }
        }
    }

    #[test]
    fn results_have_their_length() {
        let mut bytes = header(32, 0, 0);
        bytes.extend(header(32 + 102_406, 400, 0));
        bytes.extend(header(32 + 3200, 12, 40));
        bytes.extend([1, 2]);
        let runs = parse(&MACHINES[0], &bytes, 1, 2).unwrap();
        let (counted, stack) = (runs[0].instructions, runs[0].stack_bytes);
        assert_eq!((counted, stack, runs[0].outputs.as_slice()), (Some(1000), Some(40), &[1u8, 2][..]));
        assert!(parse(&MACHINES[0], &bytes, 1, 3).is_err());
        assert!(parse(&MACHINES[0], &bytes[..HEADER], 1, 2).is_err());
        // A clock that counts something else is not believed.
        bytes[HEADER..][..4].copy_from_slice(&(32 + 32_002u32).to_le_bytes());
        assert!(parse(&MACHINES[0], &bytes, 1, 2).unwrap_err().to_string().contains("there are 32002"));
        // Without a clock and a stack there are outputs alone.
        let wasm = Machine::with_cpu("wasm32").unwrap();
        let runs = parse(wasm, &[header(0, 0, 0), vec![7]].concat(), 1, 1).unwrap();
        assert_eq!((runs[0].instructions, runs[0].stack_bytes, runs[0].outputs.as_slice()), (None, None, &[7u8][..]));
    }
}
