//! Counts by valgrind: instructions (callgrind) and allocations (DHAT).

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Error, process};

/// What callgrind counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions {
    /// Of the process with one run.
    pub process: u64,
    /// Of one run more.
    pub run: u64,
}

/// What DHAT counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Bytes of all blocks, and how many there were.
    pub total: (u64, u64),
    /// The same at the largest sum of bytes.
    pub peak: (u64, u64),
    /// The same at the end.
    pub end: (u64, u64),
}

/// Counts the instructions of a process that answers counts.
///
/// # Errors
/// Where valgrind is missing or the process fails.
pub fn instructions(command: &Command) -> Result<Instructions, Error> {
    let count = |runs: &str| {
        let said = run(command, &["--tool=callgrind", "--callgrind-out-file=/dev/null"], runs)?;
        number_after(&said, "Collected :").ok_or_else(|| Error::Run("callgrind counted nothing".into()))
    };
    let (one, two) = (count("1\n")?, count("2\n")?);
    Ok(Instructions { process: one, run: two.saturating_sub(one) })
}

/// Runs a process that asks callgrind for its counts; gives what was counted up to each time it asked, and up to its end. `file` is
/// for what callgrind writes.
///
/// # Errors
/// Where valgrind is missing or the process fails.
pub fn parts(command: &Command, input: &str, file: &Path) -> Result<Vec<u64>, Error> {
    let out = format!("--callgrind-out-file={}", file.display());
    run(command, &["--tool=callgrind", "--combine-dumps=yes", &out], input)?;
    let text = std::fs::read_to_string(file).map_err(Error::io("read what callgrind wrote"))?;
    let unread = || Error::Run("callgrind wrote something else than counts".into());
    let counts = text.lines().filter_map(|l| l.strip_prefix("totals:"));
    counts.map(|n| n.trim().parse().map_err(|_| unread())).collect()
}

/// Counts the allocations of a process that answers counts, with one run.
///
/// # Errors
/// Where valgrind is missing or the process fails.
pub fn blocks(command: &Command) -> Result<Blocks, Error> {
    let said = run(command, &["--tool=dhat", "--dhat-out-file=/dev/null"], "1\n")?;
    let of = |what: &str| {
        let line = said.lines().find_map(|l| l.split_once(what)).map(|(_, rest)| rest)?;
        let (bytes, blocks) = line.split_once(" bytes in ")?;
        let number = |text: &str| text.trim().replace(',', "").parse::<u64>().ok();
        Some((number(bytes)?, number(blocks.split_whitespace().next()?)?))
    };
    let unread = || Error::Run("DHAT said nothing of blocks".into());
    Ok(Blocks {
        total: of("Total:").ok_or_else(unread)?,
        peak: of("At t-gmax:").ok_or_else(unread)?,
        end: of("At t-end:").ok_or_else(unread)?,
    })
}

/// Runs a process under valgrind; what valgrind says.
fn run(command: &Command, tool: &[&str], input: &str) -> Result<String, Error> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(tool).arg(command.get_program()).args(command.get_args());
    let child = process::spawn(valgrind.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()));
    let mut child = child.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Error::Missing { what: "valgrind".into(), install: "apt-get install valgrind".into() }
        }
        _ => Error::Io(format!("cannot run valgrind: {e}")),
    })?;
    if let Some(mut pipe) = child.take_stdin() {
        // A process that has ended says so by its code.
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(Error::io("wait for valgrind"))?;
    if !output.status.success() {
        return Err(Error::Run(format!("the process failed under valgrind ({})", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The number after a word.
fn number_after(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|l| l.split_once(word))?.1.trim().replace(',', "").parse().ok()
}
