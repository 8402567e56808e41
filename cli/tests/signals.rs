//! What SIGINT and SIGTERM leave behind: nothing.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Processes that have a variable of this value, by their numbers and names.
fn marked(mark: &str) -> Vec<String> {
    let wanted = format!("ZANT_TEST_MARK={mark}");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.split(|b| *b == 0).any(|v| v == wanted.as_bytes()) {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            found.push(format!("{} {}", entry.file_name().to_string_lossy(), name.trim()));
        }
    }
    found
}

fn start(args: &[&str], temporary: &Path, mark: &str) -> Child {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits.onnx");
    let mut command = Command::new(env!("CARGO_BIN_EXE_zantc"));
    command.arg(args[0]).arg(model).args(&args[1..]).env("TMPDIR", temporary).env("ZANT_TEST_MARK", mark);
    // What was built before would not be built again.
    command.env("ZANTC_CACHE", "");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir(temporary.parent().unwrap());
    command.process_group(0).spawn().unwrap()
}

/// Starts a command, waits until a process of this name runs, sends a signal.
fn end(args: &[&str], until: &str, signal: (&str, i32)) {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let mark = folder.path().to_string_lossy().into_owned();
    let mut child = start(args, &temporary, &mark);
    let begun = Instant::now();
    let has_folder = || fs::read_dir(&temporary).unwrap().count() > 0;
    while !has_folder() || !marked(&mark).iter().any(|p| p.ends_with(until)) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before `{until}` ran");
        assert!(begun.elapsed() < PATIENCE, "`{until}` never ran: {:?}", marked(&mark));
        std::thread::sleep(Duration::from_millis(2));
    }
    let sent = Command::new("kill").args([&format!("-{}", signal.0), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let sent = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => assert!(sent.elapsed() < Duration::from_secs(20), "it does not end"),
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert_eq!(status.code(), Some(128 + signal.1), "{args:?}");
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(left.is_empty(), "{args:?} left {left:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is written into the current folder");
    while !marked(&mark).is_empty() {
        assert!(sent.elapsed() < Duration::from_secs(20), "these live on: {:?}", marked(&mark));
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_build_ends_with_the_program() {
    end(&["verify"], "rustc", ("TERM", 15));
    end(&["verify"], "rustc", ("INT", 2));
    end(&["bench", "--profiles", "fast", "--runs", "3"], "rustc", ("INT", 2));
}

#[test]
fn a_process_that_is_measured_ends_with_the_program() {
    end(&["bench", "--profiles", "small", "--runs", "100000"], "zant-process", ("TERM", 15));
}
