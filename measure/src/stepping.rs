//! Instructions as the processor executes them, one by one: the process is stepped by `ptrace`.
//!
//! Invariant: what is counted is the difference of two runs of the same process, so that the harness and the system's library
//! are in neither. A repeated string instruction (`rep movsb`) counts as often as it repeats, as with
//! callgrind.

/// Instructions that a run may have for it to be stepped: tens of thousands of steps take a second.
pub const MOST_STEPS: u64 = 1_500_000;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
    use nix::sys::ptrace;
    use nix::sys::signal::Signal;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::Pid;

    use crate::{Error, process};

    /// How long a process may take until it waits for its input.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Steps by which short runs are counted together, and how often. Reading the clock takes some instructions more where the system
    /// changed it meanwhile: beside so many they are little, and the least of several counts has the fewest of them.
    const ENOUGH: u64 = 60_000;
    const TRIES: usize = 4;

    /// Steps beside which what a clock takes more (28 instructions each time, seen with glibc 2.36) is nothing.
    const MANY: u64 = 2 * ENOUGH;

    /// Instructions of one run of a process that answers counts, more than those of no run.
    ///
    /// # Errors
    /// Where the system forbids it, or the process fails.
    pub fn instructions(command: impl Fn() -> Command) -> Result<u64, Error> {
        let (none, one) = (steps(&mut command(), 0)?, steps(&mut command(), 1)?);
        let run = one.saturating_sub(none);
        if run > MANY {
            return Ok(run);
        }
        let more = (ENOUGH / run.max(1)).max(1);
        let least = |runs| (0..TRIES).try_fold(u64::MAX, |least, _| Ok(least.min(steps(&mut command(), runs)?)));
        Ok((least(more)?.saturating_sub(least(0)?) + more / 2) / more)
    }

    /// Steps of a process from where it waits for its input, after a first run, to its end with so many runs more.
    fn steps(command: &mut Command, runs: u64) -> Result<u64, Error> {
        let denied = |e: nix::Error| Error::Run(format!("the system does not let a process be stepped: {e}"));
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = process::spawn(command).map_err(Error::io("start a process"))?;
        let pipes = child.take_stdin().zip(child.take_stdout());
        let (mut questions, answers) = pipes.ok_or_else(|| Error::Io("a process has no pipes".into()))?;
        let asked = Error::io("ask a process");
        questions.write_all(b"1\n").map_err(&asked)?;
        let mut answers = BufReader::new(answers);
        answers.read_line(&mut String::new()).map_err(&asked)?;
        let pid = Pid::from_raw(i32::try_from(child.id()).map_err(|_| Error::Run("a process has no number".into()))?);
        wait_for_sleep(child.id())?;
        let _together = Together::new(pid);
        ptrace::attach(pid).map_err(denied)?;
        waitpid(pid, None).map_err(denied)?;
        questions.write_all(format!("{runs}\n").as_bytes()).map_err(&asked)?;
        drop(questions);
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
            if count > super::MOST_STEPS {
                return Err(Error::Run("a run has too many instructions to be stepped".into()));
            }
        }
    }

    /// This thread and a process on one CPU, as long as this lives: at each step one waits for the other, and to wake a CPU that
    /// sleeps takes longer than the step, above all where it is a virtual one.
    struct Together(CpuSet);

    impl Together {
        const THIS: Pid = Pid::from_raw(0);

        /// None where the system does not let them: steps count the same.
        fn new(pid: Pid) -> Option<Together> {
            let before = sched_getaffinity(Together::THIS).ok()?;
            let mut one = CpuSet::new();
            one.set(sched_getcpu().ok()?).ok()?;
            sched_setaffinity(Together::THIS, &one).ok()?;
            let together = Together(before);
            sched_setaffinity(pid, &one).ok()?;
            Some(together)
        }
    }

    impl Drop for Together {
        fn drop(&mut self) {
            let _ = sched_setaffinity(Together::THIS, &self.0);
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
