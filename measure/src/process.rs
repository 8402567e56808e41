//! Every process that is started and every temporary folder that is made, in one place, so that nothing outlives the program.
//!
//! A process has a group of its own, with all that it starts; a signal that ends the program (SIGINT, SIGTERM, SIGHUP) first kills the
//! groups, then removes the folders. Whoever waits for a process that was killed then waits until the program has ended: nobody reports
//! a failure that is none. Work that must not be left half done says so by [`uninterrupted`].
//!
//! Invariants: a group is known before anybody can ask for its end, and forgotten before its number can be another's; temporary
//! files of those who are started lie in a folder of ours.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What must go when the program ends.
#[derive(Debug)]
struct Known {
    groups: Vec<u32>,
    /// The folder in which all temporary folders are, as long as there are any.
    root: Option<tempfile::TempDir>,
    /// How many there are, and how many there were.
    scratches: (usize, usize),
}

/// The folder for temporary files of others.
const OTHERS: &str = "tmp";

static KNOWN: Mutex<Known> = Mutex::new(Known { groups: Vec::new(), root: None, scratches: (0, 0) });
/// Held by whoever must not be interrupted.
static BUSY: Mutex<()> = Mutex::new(());

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process with all that it starts. It is killed with this.
#[derive(Debug)]
pub struct Child {
    child: std::process::Child,
    ended: Option<ExitStatus>,
}

/// Starts a process.
///
/// # Errors
/// Where the system refuses.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let mut known = known();
    if let Some(root) = &known.root {
        let folder = root.path().join(OTHERS);
        for name in ["TMPDIR", "TMP", "TEMP"] {
            command.env(name, &folder);
        }
    }
    let child = command.spawn()?;
    known.groups.push(child.id());
    Ok(Child { child, ended: None })
}

/// Runs a process without input to its end; gives what it said.
///
/// # Errors
/// Where it cannot be started, or its output cannot be read.
pub fn output(command: &mut Command) -> io::Result<Output> {
    spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?.wait_with_output()
}

impl Child {
    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The pipe to its input, the first time, where it has one.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The pipe from its output, the first time, where it has one.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, where it has.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            let mut known = known();
            self.ended = self.child.try_wait()?;
            if self.ended.is_some() {
                let id = self.child.id();
                known.groups.retain(|g| *g != id);
            }
        }
        Ok(self.ended)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.child.stdin.take());
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            wait_for_end(self.child.id())?;
        }
    }

    /// Kills it with all that it has started.
    pub fn kill(&mut self) {
        if self.ended.is_none() {
            kill_group(self.child.id());
            // Where there are no groups.
            let _ = self.child.kill();
            let _ = self.wait();
        }
    }

    /// Ends its input, reads its output, waits for its end.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn wait_with_output(mut self) -> io::Result<Output> {
        drop(self.child.stdin.take());
        let (out, err) = (self.child.stdout.take(), self.child.stderr.take());
        let said = |pipe: Option<&mut dyn Read>| -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            pipe.map_or(Ok(0), |p| p.read_to_end(&mut bytes))?;
            Ok(bytes)
        };
        let (stdout, stderr) = std::thread::scope(|scope| {
            let errors = scope.spawn(move || {
                let mut err = err;
                said(err.as_mut().map(|p| p as &mut dyn Read))
            });
            let mut out = out;
            let stdout = said(out.as_mut().map(|p| p as &mut dyn Read));
            (stdout, errors.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())))
        });
        Ok(Output { status: self.wait()?, stdout: stdout?, stderr: stderr? })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The most memory of a process that was resident so far, in bytes, as Linux says; `None` elsewhere.
pub fn peak_rss(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|k| k * 1024)
}

/// Waits until a process has ended, which stays known to the system.
#[cfg(unix)]
fn wait_for_end(id: u32) -> io::Result<()> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let Some(pid) = pid(id) else { return Ok(()) };
    match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

#[cfg(not(unix))]
fn wait_for_end(_: u32) -> io::Result<()> {
    std::thread::sleep(std::time::Duration::from_millis(1));
    Ok(())
}

#[cfg(unix)]
fn pid(id: u32) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(id).ok()?)
}

#[cfg(unix)]
fn kill_group(id: u32) {
    if let Some(pid) = pid(id) {
        // It may have ended by itself.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill_group(_: u32) {}

/// A temporary folder. It goes with this, and when a signal ends the program.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes a folder.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn new() -> io::Result<Scratch> {
        let mut known = known();
        let (count, number) = known.scratches;
        let root = match known.root.take() {
            Some(root) => root,
            None => {
                let root = tempfile::Builder::new().prefix("zantc-").tempdir()?;
                std::fs::create_dir(root.path().join(OTHERS))?;
                root
            }
        };
        let path = root.path().join(number.to_string());
        let made = std::fs::create_dir(&path);
        if made.is_ok() || count > 0 {
            known.root = Some(root);
        }
        made?;
        known.scratches = (count + 1, number + 1);
        Ok(Scratch { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A signal that comes now waits until the folder is gone.
        let mut known = known();
        // What cannot be removed now goes with the whole.
        let _ = std::fs::remove_dir_all(&self.path);
        known.scratches.0 -= 1;
        if known.scratches.0 == 0 {
            known.root = None;
        }
    }
}

/// Does something whose end signals wait for. Not to be called within itself.
pub fn uninterrupted<T>(work: impl FnOnce() -> T) -> T {
    let _busy = BUSY.lock().unwrap_or_else(PoisonError::into_inner);
    work()
}

/// Waits for the program's end where a signal is ending it; else does nothing. Called before anything is said of a failure, which may
/// be that of a process that was just killed.
pub fn settle() {
    drop(known());
}

/// From now on, signals that end the program first end what it has started and remove its folders; the exit code is then 128 and the
/// signal's number.
///
/// # Errors
/// Where the system refuses.
#[cfg(unix)]
pub fn end_on_signals() -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            end(signal);
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map(drop)
}

/// Elsewhere processes end with the terminal.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn end_on_signals() -> io::Result<()> {
    Ok(())
}

/// Ends the program. Both locks are held to the end: nobody starts or reports anything.
#[cfg(unix)]
fn end(signal: i32) -> ! {
    use std::time::Duration;
    let _busy = BUSY.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known();
    known.groups.iter().for_each(|g| kill_group(*g));
    // What was killed may still be writing for a moment.
    for _ in 0..50 {
        if known.groups.iter().all(|g| is_gone(*g)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    for folder in known.root.iter().map(tempfile::TempDir::path) {
        for _ in 0..20 {
            match std::fs::remove_dir_all(folder) {
                Err(_) if folder.exists() => std::thread::sleep(Duration::from_millis(25)),
                Ok(()) | Err(_) => break,
            }
        }
    }
    std::process::exit(128 + signal)
}

/// Whether all of a group have ended. Its first is ours to bury.
#[cfg(unix)]
fn is_gone(id: u32) -> bool {
    use rustix::process::{WaitOptions, test_kill_process_group, waitpid};
    let Some(pid) = pid(id) else { return true };
    let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    test_kill_process_group(pid).is_err()
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::{Scratch, known, output, spawn};

    #[test]
    fn output_is_read_from_both_pipes() {
        let script = "i=0; while [ $i -lt 20000 ]; do echo out; echo err >&2; i=$((i+1)); done; exit 3";
        let said = output(Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!((said.status.code(), said.stdout.len(), said.stderr.len()), (Some(3), 80_000, 80_000));
        assert!(output(&mut Command::new("no-such-program")).is_err());
    }

    #[test]
    fn what_a_process_has_started_ends_with_it() {
        let scratch = Scratch::new().unwrap();
        let file = scratch.path().join("pid");
        let script = format!("sleep 60 & echo $! > '{0}.new'; mv '{0}.new' '{0}'; wait", file.display());
        let child = spawn(Command::new("sh").args(["-c", &script]).stdin(Stdio::null())).unwrap();
        let id = child.id();
        let start = Instant::now();
        while !file.exists() {
            assert!(start.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(known().groups.contains(&id));
        let sleeper = std::fs::read_to_string(&file).unwrap();
        drop(child);
        assert!(!known().groups.contains(&id));
        let lives =
            || std::fs::read_to_string(format!("/proc/{}/cmdline", sleeper.trim())).is_ok_and(|c| !c.is_empty());
        while lives() {
            assert!(start.elapsed() < Duration::from_secs(20), "what the process had started lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn temporary_files_of_others_lie_in_the_folder() {
        let scratch = Scratch::new().unwrap();
        let said = output(Command::new("sh").args(["-c", "echo $TMPDIR; test -d $TMPDIR"])).unwrap();
        assert!(said.status.success());
        assert!(String::from_utf8(said.stdout).unwrap().contains("zantc-"));
        let path = scratch.path().to_path_buf();
        drop(scratch);
        assert!(!path.exists());
    }
}
