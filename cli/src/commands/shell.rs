//! Where a command writes: status on stderr as cargo does, data on stdout, either as text or as JSON lines.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use zantc::diag::{Diagnostic, Severity, Style, escape, render_all};

use super::{Failure, Outcome};

/// How diagnostics and results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Text for people.
    Human,
    /// One JSON object per line on stdout.
    Json,
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verbosity {
    /// Errors and data.
    Quiet,
    /// What is done, and what is worth a warning.
    Normal,
    /// Each phase of it as well.
    Verbose,
}

/// When text has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR says otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Shortest time between two lines of progress.
const PROGRESS_PAUSE: Duration = Duration::from_millis(100);

/// The beginning of a text that is too long for a column.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_string(),
    }
}

/// The two streams of a command.
pub(super) struct Shell {
    format: Format,
    verbosity: Verbosity,
    terminal: bool,
    style: Style,
    /// When progress was last shown; `None` where no such line stands on the terminal.
    progress: Option<Instant>,
    started: Instant,
}

impl Shell {
    pub(super) fn new(format: Format, verbosity: Verbosity, color: Color) -> Shell {
        let terminal = io::stderr().is_terminal();
        let color = match color {
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
            Color::Always => true,
            Color::Never => false,
        };
        Shell { format, verbosity, terminal, style: Style { color }, progress: None, started: Instant::now() }
    }

    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Writes JSON from now on.
    pub(super) fn use_json(&mut self) {
        self.format = Format::Json;
    }

    /// Time since the command started, in words.
    pub(super) fn elapsed(&self) -> String {
        format!("{:.2}s", self.started.elapsed().as_secs_f64())
    }

    /// A line of status: `   Compiling mnist-8`.
    pub(super) fn status(&mut self, verb: &str, message: &str) {
        self.clear_progress();
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        eprintln!("{} {}", self.style.paint("1;32", &format!("{verb:>12}")), escape(message));
    }

    /// What is being done, on a line that the next one replaces, on a terminal only; a line of its own where much is to be said.
    pub(super) fn progress(&mut self, message: &str) {
        match self.verbosity {
            Verbosity::Quiet => return,
            Verbosity::Verbose => return self.status("Working", &format!("{message} (at {})", self.elapsed())),
            Verbosity::Normal => {}
        }
        let recent = self.progress.is_some_and(|at| at.elapsed() < PROGRESS_PAUSE);
        if self.terminal && !recent && self.started.elapsed() >= PROGRESS_PAUSE {
            let line: String = escape(message).chars().take(60).collect();
            eprint!("\r\x1b[K{} {line}", self.style.paint("1;36", &format!("{:>12}", "Working")));
            self.progress = Some(Instant::now());
        }
    }

    fn clear_progress(&mut self) {
        if self.progress.take().is_some() {
            eprint!("\r\x1b[K");
        }
    }

    /// Findings: on stderr as text, on stdout as JSON.
    pub(super) fn diagnostics(&mut self, diagnostics: &[Diagnostic]) {
        self.clear_progress();
        let errors: Vec<Diagnostic>;
        let diagnostics = match self.verbosity {
            Verbosity::Quiet => {
                errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).cloned().collect();
                &errors
            }
            Verbosity::Normal | Verbosity::Verbose => diagnostics,
        };
        match self.format {
            Format::Human => eprint!("{}", render_all(diagnostics, self.style)),
            Format::Json => {
                for d in diagnostics {
                    let mut value = serde_json::to_value(d).expect("diagnostics are plain data");
                    value["reason"] = "diagnostic".into();
                    // Nothing is left to be told when stdout is gone as well.
                    drop(self.json(&value));
                }
            }
        }
    }

    /// A mistake in the command itself.
    pub(super) fn error(&mut self, message: &str) {
        self.clear_progress();
        eprintln!("{}: {}", self.style.paint("1;31", "error"), escape(message));
    }

    /// Data on stdout. A reader that has gone away (`| head`) is no failure.
    pub(super) fn out(&mut self, text: &str) -> Outcome {
        self.clear_progress();
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::from(Diagnostic::error("ZA0011", format!("cannot write to stdout: {e}"))))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// One JSON object on a line of its own.
    pub(super) fn json(&mut self, value: &serde_json::Value) -> Outcome {
        self.out(&format!("{value}\n"))
    }
}

/// A number with its noun: `1 step`, `2 steps`.
pub(super) fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// A table with columns as wide as they need to be; the first is aligned left, numbers right.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |c: usize| {
        let cells = rows.iter().map(|r| r[c].chars().count());
        cells.chain([head[c].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let numeric = |c: usize| {
        rows.iter().all(|r| r[c].is_empty() || r[c].starts_with(|f: char| f.is_ascii_digit() || f == '-' || f == 'i'))
    };
    let right: Vec<bool> = (0..head.len()).map(numeric).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().enumerate().map(|(c, text)| match right[c] {
            true => format!("{text:>w$}", w = widths[c]),
            false => format!("{text:<w$}", w = widths[c]),
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let head: Vec<String> = head.iter().map(|h| (*h).to_string()).collect();
    let rule: Vec<String> = widths.iter().map(|&w| "-".repeat(w)).collect();
    line(&head) + &line(&rule) + &rows.iter().map(|r| line(r)).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["conv".to_string(), "7".into()], vec!["x".into(), "1234".into()]];
        assert_eq!(table(&["op", "n"], &rows), "op       n\n----  ----\nconv     7\nx     1234\n");
    }
}
