//! Running firmware under QEMU, and what it says.
//!
//! The clock of the emulated machine advances by a fixed time per instruction, so that a timer of the machine counts
//! instructions: round(ticks / ticks per instruction) is exact as long as an instruction takes more than one tick.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::Machine;
use crate::{Built, Error};

/// QEMU's `-icount shift`: an instruction takes 2 to the power of this in nanoseconds.
const SHIFT: u32 = 7;
/// The longest that a firmware may run, in host time.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often a running emulator is looked after.
const POLL: Duration = Duration::from_millis(5);

/// What one run on one vector took and gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Instructions from the call of the model to its return.
    pub instructions: u64,
    /// Bytes of stack below the caller's frame that were written.
    pub stack_bytes: u32,
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

/// Runs the emulator to the firmware's end.
fn execute(machine: &Machine, elf: &Path, folder: &Path) -> Result<(), Error> {
    let child = Command::new("qemu-system-arm")
        .current_dir(folder)
        .args(["-M", machine.name, "-nographic", "-monitor", "none", "-serial", "none"])
        .args(["-semihosting-config", "enable=on,target=native", "-icount", &format!("shift={SHIFT}")])
        .arg("-kernel")
        .arg(elf)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Error::Missing { what: "qemu-system-arm".into(), install: "apt-get install qemu-system-arm".into() }
        }
        _ => Error::Io(format!("cannot run qemu-system-arm: {e}")),
    })?;
    match wait(&mut child)? {
        Some(0) => Ok(()),
        Some(70) => Err(Error::Run("the firmware cannot use the host's files".into())),
        Some(71) => Err(Error::Run("the processor faulted".into())),
        Some(72) => Err(Error::Run("the model refused the data".into())),
        Some(73) => Err(Error::Run("the model panicked".into())),
        Some(code) => Err(Error::Run(format!("the emulator stopped with code {code}"))),
        None => Err(Error::Run("the emulator was killed".into())),
    }
}

/// Waits for the end, not for ever.
fn wait(child: &mut Child) -> Result<Option<i32>, Error> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(Error::io("wait for the emulator"))? {
            return Ok(status.code());
        }
        if start.elapsed() > PATIENCE {
            // It may have ended meanwhile, which is as good.
            let _ = child.kill();
            let _ = child.wait();
            return Err(Error::Run(format!("the firmware did not end within {} s", PATIENCE.as_secs())));
        }
        std::thread::sleep(POLL);
    }
}

/// Words that the firmware writes before each run's outputs: ticks of both timers, bytes of stack.
const HEADER: usize = 12;

fn parse(machine: &Machine, bytes: &[u8], runs: usize, output_bytes: usize) -> Result<Vec<Run>, Error> {
    if bytes.len() != HEADER + runs * (HEADER + output_bytes) {
        return Err(Error::Run(format!("the firmware wrote {} bytes, which are no {runs} results", bytes.len())));
    }
    let (empty, results) = bytes.split_at(HEADER);
    let idle = ticks(empty);
    let run = |result: &[u8]| {
        let (header, outputs) = result.split_at(HEADER);
        let instructions = instructions(machine, ticks(header).saturating_sub(idle));
        Run { instructions, stack_bytes: word(header, 2), outputs: outputs.to_vec() }
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

/// The whole number of instructions that so many ticks of the fine timer are.
pub fn instructions(machine: &Machine, ticks: u64) -> u64 {
    let nanoseconds = u128::from(ticks) * 1_000_000_000 / u128::from(machine.timer_hz);
    let rounded = (nanoseconds + (1 << (SHIFT - 1))) >> SHIFT;
    u64::try_from(rounded).unwrap_or(u64::MAX)
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
                    assert_eq!(instructions(machine, ticks), n, "{} {ticks}", machine.name);
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
        bytes.extend(header(32 + 3200, 12, 40));
        bytes.extend([1, 2]);
        let runs = parse(&MACHINES[0], &bytes, 1, 2).unwrap();
        assert_eq!((runs[0].instructions, runs[0].stack_bytes, runs[0].outputs.as_slice()), (1000, 40, &[1u8, 2][..]));
        assert!(parse(&MACHINES[0], &bytes, 1, 3).is_err());
        assert!(parse(&MACHINES[0], &bytes[..HEADER], 1, 2).is_err());
    }
}
