//! Processes that are timed in turns: each answers a line of its input with a line.
//!
//! Invariant: whoever is timed answers a count with the nanoseconds that so many runs took, so that one way of timing serves all.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use crate::Error;
use crate::process::{self, Child};
use crate::report::Spread;

/// A process that waits for questions. It ends with this.
#[derive(Debug)]
pub struct Served {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Served {
    /// Starts it.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(command: &mut Command) -> Result<Served, Error> {
        let name = command.get_program().to_string_lossy().into_owned();
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = process::spawn(command).map_err(|e| Error::Io(format!("cannot run {name}: {e}")))?;
        let pipes = child.take_stdin().zip(child.take_stdout());
        let (questions, answers) = pipes.ok_or_else(|| Error::Io("a process has no pipes".into()))?;
        Ok(Served { child, questions: Some(questions), answers: BufReader::new(answers) })
    }

    /// The number that a question is answered with.
    ///
    /// # Errors
    /// Where the process has ended, or answers something else.
    pub fn ask(&mut self, question: &str) -> Result<u64, Error> {
        Ok(self.ask_often(question, 1)?.pop().unwrap_or_default())
    }

    /// The answers to a question that is asked so many times in advance: nobody waits between them.
    ///
    /// # Errors
    /// As [`Served::ask`].
    pub fn ask_often(&mut self, question: &str, times: usize) -> Result<Vec<u64>, Error> {
        Ok(self.ask_for(question, times, 1)?.concat())
    }

    /// The same for a question with so many answers.
    ///
    /// # Errors
    /// As [`Served::ask`].
    pub fn ask_for(&mut self, question: &str, times: usize, answers: usize) -> Result<Vec<Vec<u64>>, Error> {
        let lines = format!("{question}\n").repeat(times);
        if let Some(pipe) = &mut self.questions {
            // A process that has ended says so by its answer.
            let _ = pipe.write_all(lines.as_bytes()).and_then(|()| pipe.flush());
        }
        (0..times).map(|_| (0..answers).map(|_| self.answer()).collect()).collect()
    }

    fn answer(&mut self) -> Result<u64, Error> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(Error::io("read an answer"))?;
        match line.trim().parse() {
            Ok(number) => Ok(number),
            Err(_) => Err(self.stopped()),
        }
    }

    /// What a process that gave no answer ended with.
    fn stopped(&mut self) -> Error {
        self.questions = None;
        match self.child.wait().ok().and_then(|s| s.code()) {
            Some(70) => Error::Run("the process cannot use its files".into()),
            Some(72) => Error::Run("the model refused the data".into()),
            Some(73) => Error::Run("the model panicked".into()),
            Some(code) => Error::Run(format!("the process that is timed stopped with code {code}")),
            None => Error::Run("the process that is timed was killed".into()),
        }
    }

    /// The most memory that was resident so far, in bytes, as Linux says; `None` elsewhere.
    pub fn peak_rss(&self) -> Option<u64> {
        process::peak_rss(self.child.id())
    }

    /// Ends its input; the numbers that it says last.
    ///
    /// # Errors
    /// Where it fails then.
    pub fn end(mut self) -> Result<Vec<u64>, Error> {
        self.questions = None;
        let lines: Vec<String> =
            self.answers.by_ref().lines().collect::<Result<_, _>>().map_err(Error::io("read an answer"))?;
        let numbers: Option<Vec<u64>> = lines.iter().map(|l| l.trim().parse().ok()).collect();
        let ended = self.child.wait().is_ok_and(|s| s.success());
        numbers.filter(|_| ended).ok_or_else(|| self.stopped())
    }
}

/// Nanoseconds that a sample takes at least: a thousand times what reading a clock costs.
const SAMPLE: u64 = 50_000;
/// Nanoseconds of warm-up at least, in which also the number of runs in a sample is found.
const WARM_UP: u64 = 20_000_000;
/// Runs of warm-up at least.
const WARM_UP_RUNS: u64 = 3;

/// A process with its samples.
#[derive(Debug)]
pub struct Contender {
    process: Served,
    /// Runs in a sample.
    runs: u64,
    /// Nanoseconds of the first run of all.
    first: u64,
    /// Microseconds of a run, for each sample.
    samples: Vec<f64>,
}

impl Contender {
    /// Warms a process up and finds how many runs take long enough to be timed.
    ///
    /// # Errors
    /// As [`Served::ask`].
    pub fn new(mut process: Served) -> Result<Contender, Error> {
        let (mut runs, mut done, mut spent) = (1u64, 1, 0);
        let first = process.ask("1")?;
        loop {
            let took = process.ask(&runs.to_string())?;
            (done, spent) = (done + runs, spent + took);
            if took < SAMPLE {
                runs = (runs * (SAMPLE * 5 / 4 / took.max(1))).clamp(runs + 1, runs * 100);
            } else if done >= WARM_UP_RUNS && spent >= WARM_UP {
                return Ok(Contender { process, runs, first, samples: Vec::new() });
            }
        }
    }

    /// Takes samples, one after the other.
    ///
    /// # Errors
    /// As [`Served::ask`].
    pub fn sample(&mut self, count: usize) -> Result<(), Error> {
        // The caches are those of whoever was before: one run brings them back.
        self.process.ask("1")?;
        let took = self.process.ask_often(&self.runs.to_string(), count)?;
        self.samples.extend(took.into_iter().map(|ns| ns as f64 / self.runs as f64 / 1e3));
        Ok(())
    }

    /// What its samples say, where there are any.
    pub fn spread(&self) -> Option<Spread> {
        Spread::of(&self.samples)
    }

    /// Microseconds of the first run of the process: code and weights come from memory, and pages are mapped.
    pub fn first(&self) -> f64 {
        self.first as f64 / 1e3
    }

    /// Its process.
    pub fn into_process(self) -> Served {
        self.process
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::Served;

    #[test]
    fn answers_are_numbers_or_errors() {
        let mut echo = Served::start(&mut Command::new("cat")).unwrap();
        assert_eq!(echo.ask("17"), Ok(17));
        assert_eq!(echo.ask_often("3", 2), Ok(vec![3, 3]));
        assert_eq!(echo.end(), Ok(vec![]));
        let mut echo = Served::start(&mut Command::new("cat")).unwrap();
        echo.ask("a").unwrap_err();
        let mut gone = Served::start(Command::new("sh").args(["-c", "exit 72"])).unwrap();
        assert_eq!(gone.ask("1").unwrap_err().to_string(), "the model refused the data");
        Served::start(&mut Command::new("no-such-program")).unwrap_err();
    }
}
