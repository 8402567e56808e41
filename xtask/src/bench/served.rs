//! A process that is asked for times: a line with a count of runs, answered by a line with the nanoseconds they took.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub(crate) struct Served {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Served {
    pub(crate) fn start(program: &Path, args: &[String]) -> Result<Served, String> {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|e| format!("{} cannot be run: {e}", program.display()))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (questions, answers) = pipes.ok_or("a process has no pipes")?;
        Ok(Served { child, questions, answers: BufReader::new(answers) })
    }

    /// The nanoseconds that `count` runs take.
    pub(crate) fn time(&mut self, count: u64) -> Result<f64, String> {
        writeln!(self.questions, "{count}").map_err(|e| e.to_string())?;
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(|e| e.to_string())?;
        line.trim().parse().map_err(|_| "a process that is timed has stopped".to_string())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have stopped by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
