//! Instructions as the processor executes them, one by one: the process is stepped by `ptrace`.
//!
//! Invariant: what is counted is the difference of two runs of the same process, so that the harness and the system's library
//! are in neither. A repeated string instruction (`rep movsb`) counts as often as it repeats, as with
//! callgrind.

/// Instructions that a run may have for it to be stepped: tens of thousands of steps take a second.
pub const MOST_STEPS: u64 = 1_000_000;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use nix::sys::ptrace;
    use nix::sys::signal::Signal;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::Pid;

    use crate::{Error, process};

    /// How long a process may take until it waits for its input.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Steps by which short runs are counted together. Reading the clock takes some instructions more where the system changed it meanwhile;
    /// beside so many they are nothing.
    const ENOUGH: u64 = 60_000;

    /// Instructions of one run of a process that answers counts, more than those of no run.
    ///
    /// # Errors
    /// Where the system forbids it, or the process fails.
    pub fn instructions(command: impl Fn() -> Command) -> Result<u64, Error> {
        let of = |runs: u64| steps(&mut command(), &format!("{runs}\n"));
        let (one, two) = (of(1)?, of(2)?);
        let more = ENOUGH / two.saturating_sub(one).max(1);
        match more {
            0 | 1 => Ok(two.saturating_sub(one)),
            more => Ok((of(1 + more)?.saturating_sub(one) + more / 2) / more),
        }
    }

    /// Steps of a process from where it waits for its input to its end.
    fn steps(command: &mut Command, input: &str) -> Result<u64, Error> {
        use std::io::Write;
        let denied = |e: nix::Error| Error::Run(format!("the system does not let a process be stepped: {e}"));
        let mut child = process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()))
            .map_err(Error::io("start a process"))?;
        let pipe = child.take_stdin();
        let pid = Pid::from_raw(i32::try_from(child.id()).map_err(|_| Error::Run("a process has no number".into()))?);
        wait_for_sleep(child.id())?;
        ptrace::attach(pid).map_err(denied)?;
        waitpid(pid, None).map_err(denied)?;
        let written = pipe.map_or(Ok(()), |mut pipe| pipe.write_all(input.as_bytes()));
        written.map_err(Error::io("ask a process"))?;
        let mut count = 0u64;
        let mut signal: Option<Signal> = None;
        loop {
            ptrace::step(pid, signal.take()).map_err(denied)?;
            match waitpid(pid, None).map_err(denied)? {
                WaitStatus::Stopped(_, Signal::SIGTRAP) => count += 1,
                WaitStatus::Stopped(_, other) => signal = Some(other),
                WaitStatus::Exited(_, 0) => return Ok(count),
                WaitStatus::Exited(_, code) => return Err(Error::Run(format!("the process stopped with code {code}"))),
                WaitStatus::Signaled(_, signal, _) => return Err(Error::Run(format!("the process ended by {signal}"))),
                _ => {}
            }
        }
    }

    /// Waits until a process sleeps.
    fn wait_for_sleep(id: u32) -> Result<(), Error> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).map_err(Error::io("look at a process"))?;
            // The state stands after the name, which is in parentheses.
            if stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S')) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(Error::Run("the process does not wait for its input".into()))
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use linux::instructions;

/// Elsewhere nothing is stepped.
///
/// # Errors
/// Always.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub fn instructions(_: impl Fn() -> std::process::Command) -> Result<u64, crate::Error> {
    Err(crate::Error::Run("processes are stepped on Linux with x86_64 alone".into()))
}
