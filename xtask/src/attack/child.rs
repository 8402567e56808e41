//! Runs a part of the attack in child processes of bounded memory, each case in bounded time.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::{Part, Task};

/// Bytes of address space of a child, in KiB: a case that asks for more dies.
const MEMORY_KIB: u64 = 4 << 20;
/// Peak memory of a bomb, in MB.
const BOMB_MB: u64 = 600;

/// How long a case may take; the machine may be busy, and the compiler is not optimised for tests.
fn patience(part: Part) -> Duration {
    Duration::from_secs(if part == Part::Bombs { 90 } else { 45 })
}

/// What the children of a part have said.
#[derive(Default)]
struct Heard {
    cases: u64,
    current: Option<u64>,
    findings: Vec<String>,
    ended: BTreeMap<String, u64>,
    summaries: Vec<String>,
}

/// Runs a part; how much was found.
pub(super) fn run(task: &Task<'_>) -> Result<usize, String> {
    let started = Instant::now();
    let mut heard = Heard::default();
    let mut next = task.from;
    let end = task.from.saturating_add(task.count);
    while next < end && task.until.is_none_or(|u| Instant::now() < u) {
        // A bomb has a process of its own, whose peak memory is the bomb's.
        let count = if task.part == Part::Bombs { 1 } else { end - next };
        let mut child = spawn(task, next, count)?;
        let lines = lines_of(&mut child)?;
        heard.current = None;
        let finished = listen(task, &mut heard, &lines, started);
        let _ = child.kill();
        let status = child.wait().map_err(|e| e.to_string())?;
        let at = heard.current;
        match finished {
            Ok(true) => next = at.map_or(end, |c| c + 1),
            // The end of the time.
            Ok(false) => break,
            Err(why) => {
                let why = if why.is_empty() { format!("the process died: {status}") } else { why };
                finding(task, &mut heard, &why);
                next = at.map_or(next, |c| c) + 1;
            }
        }
        if heard.findings.len() > 200 {
            break;
        }
    }
    eprint!("\r");
    let ended: Vec<String> = heard.ended.iter().map(|(w, n)| format!("{n} {w}")).collect();
    println!(
        "attack {}: {} cases in {:.0} s, {} findings{}{}",
        task.part.name(),
        heard.cases,
        started.elapsed().as_secs_f64(),
        heard.findings.len(),
        if ended.is_empty() { "" } else { ": " },
        ended.join(", ")
    );
    heard.summaries.iter().for_each(|s| println!("{s}"));
    Ok(heard.findings.len())
}

fn spawn(task: &Task<'_>, from: u64, count: u64) -> Result<Child, String> {
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {MEMORY_KIB} 2>/dev/null; exec \"$0\" \"$@\"")]).arg(own);
    command.args(["attack", &task.part.name(), "--worker"]);
    command.args(["--seed", &from.to_string(), "--count", &count.to_string()]);
    if let Some(folder) = &task.args.dump {
        command.arg("--dump").arg(folder);
    }
    if task.args.table {
        command.arg("--table");
    }
    // Panics are findings; their text comes on stdout.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().map_err(|e| format!("no child: {e}"))
}

fn lines_of(child: &mut Child) -> Result<Receiver<String>, String> {
    let out = child.stdout.take().ok_or("the child has no output")?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    Ok(receiver)
}

/// Listens to a child to its end (true), or to that of the time.
fn listen(task: &Task<'_>, heard: &mut Heard, lines: &Receiver<String>, started: Instant) -> Result<bool, String> {
    let mut shown = Instant::now();
    let mut done = false;
    loop {
        if task.until.is_some_and(|u| Instant::now() >= u) {
            return Ok(false);
        }
        let line = match lines.recv_timeout(patience(task.part)) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) if done => return Ok(true),
            Err(RecvTimeoutError::Disconnected) => return Err(String::new()),
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!("no end within {} s", patience(task.part).as_secs()));
            }
        };
        let (kind, rest) = line.split_at(line.len().min(1));
        match kind {
            "@" => {
                heard.current = rest.parse().ok();
                heard.cases += 1;
            }
            "!" => finding(task, heard, &unescaped(rest)),
            "=" => heard.summaries.push(unescaped(rest)),
            "+" => *heard.ended.entry(rest.to_string()).or_default() += 1,
            "m" => {
                let mb: u64 = rest.parse().unwrap_or(0);
                heard.summaries.push(format!("  peak memory {mb} MB: {}", name_of(task.part, heard.current)));
                if mb > BOMB_MB {
                    finding(task, heard, &format!("took {mb} MB, more than {BOMB_MB}"));
                }
            }
            "." => done = true,
            _ => {}
        }
        if shown.elapsed() > Duration::from_secs(1) {
            shown = Instant::now();
            let (cases, found) = (heard.cases, heard.findings.len());
            eprint!(
                "\r{}: {cases} cases, {:.0} s, {found} findings ",
                task.part.name(),
                started.elapsed().as_secs_f64()
            );
            let _ = std::io::stderr().flush();
        }
    }
}

/// What case this is, for people.
fn name_of(part: Part, case: Option<u64>) -> String {
    let Some(case) = case else { return "before the first case".into() };
    let bomb = zant_tests::attack::bombs::BOMBS.get(case as usize).filter(|_| part == Part::Bombs);
    bomb.map_or_else(|| format!("case {case}"), |(name, _)| (*name).to_string())
}

fn finding(task: &Task<'_>, heard: &mut Heard, why: &str) {
    let text = format!("{} {}: {why}", task.part.name(), name_of(task.part, heard.current));
    println!("\nFOUND {text}\n");
    heard.findings.push(text);
}

/// A line's text, whose line breaks are written out.
fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\\\", "\\")
}
