//! For every target there is: what is asked to run there runs there, or is refused; nothing is called right that ran elsewhere.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use zant_measure::{MACHINES, Machine, Region};
use zantc::targets::{Board, TARGETS, find_board};

/// Targets whose crates run on the machine that tests, if it can.
const HERE: [&str; 3] = ["host", "portable", "x86-64-v3"];

fn zantc(args: &[&str], path: Option<&str>) -> Output {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits.onnx");
    let mut command = Command::new(env!("CARGO_BIN_EXE_zantc"));
    command.args(args).arg(model).current_dir(env!("CARGO_TARGET_TMPDIR"));
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command.output().expect("the binary starts")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|l| serde_json::from_str(l).expect("each line is JSON")).collect()
}

/// Checks that `verify` of a target, chosen by options, ran on its machine or refused; whether it ran.
fn runs_or_refuses(target: &str, options: &[&str]) -> bool {
    let output = zantc(&[&["verify", "--json"], options].concat(), None);
    let (said, stderr) = (lines(&output), String::from_utf8_lossy(&output.stderr).into_owned());
    if !output.status.success() {
        assert!(!stderr.contains("is right"), "{target}: {stderr}");
        let refused = |d: &Value| {
            let text = format!("{} {}", d["message"], d["help"]);
            ["is missing", "run `", "nothing here runs", "more than the"].iter().any(|part| text.contains(part))
        };
        assert!(said.iter().any(|l| l["reason"] == "diagnostic" && refused(l)), "{target}: {said:?} {stderr}");
        println!("skipped: {target} is refused here");
        return false;
    }
    let machine = Machine::with_cpu(target).map_or("here", |m| m.name);
    assert!(machine != "here" || HERE.contains(&target), "{target} has no machine");
    let ran: Vec<&Value> = said.iter().filter(|l| ["measured", "ran"].iter().any(|r| l["reason"] == *r)).collect();
    assert_eq!(ran.len(), 1, "{target}: {said:?}");
    assert_eq!((&ran[0]["target"], &ran[0]["machine"]), (&Value::from(target), &Value::from(machine)));
    assert_eq!(ran[0]["output_hash"], ran[0]["host_hash"], "{target}");
    let place = if machine == "here" { "on this machine".to_string() } else { format!("on {machine} ({target})") };
    assert!(stderr.contains(&format!("is right {place}")), "{target}: {stderr}");
    true
}

#[test]
fn every_target_runs_on_its_machine_or_is_refused() {
    let ran = TARGETS.iter().filter(|t| runs_or_refuses(t.name, &["--target", t.name])).count();
    println!("{ran} of {} targets ran", TARGETS.len());
    assert!(ran >= 2, "the host runs itself");
}

#[test]
fn boards_and_triples_run_where_their_target_does() {
    runs_or_refuses("cortex-m0", &["--board", "rp2040"]);
    runs_or_refuses("riscv32imc", &["--target", "riscv32imac-unknown-none-elf"]);
}

#[test]
fn a_missing_emulator_is_named_with_its_command() {
    for target in TARGETS.iter().filter(|t| !HERE.contains(&t.name)) {
        let output = zantc(&["verify", "--target", target.name], Some("/nonexistent"));
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && stderr.contains("apt-get install"), "{}: {stderr}", target.name);
    }
}

/// The board's memory that holds a region, where the processor's two states may have an address of their own for it.
fn holds(board: &Board, region: Region) -> bool {
    let memories = || board.flash.iter().chain(board.ram);
    let within =
        |origin: u32| memories().any(|m| m.origin <= origin && origin - m.origin + region.bytes <= m.bytes as u32);
    within(region.origin) || within(region.origin & !0x1000_0000)
}

#[test]
fn machines_and_the_example_have_the_memories_of_the_boards_that_they_are() {
    let boards = MACHINES.iter().filter_map(|m| Some((find_board(m.name)?, m.memory?)));
    let held = boards.filter(|(board, memory)| {
        let regions = [memory.vectors, Some(memory.flash), Some(memory.ram)];
        assert!(regions.into_iter().flatten().all(|r| holds(board, r)), "{}: {memory:?}", board.name);
        holds(board, memory.large)
    });
    assert_eq!(held.count(), 3, "only the DDR of mps3-an547 is no board's memory");
    let board = find_board("mps2-an500").unwrap();
    let [flash, ram] =
        [board.flash[0], board.ram[0]].map(|r| format!(": ORIGIN = {:#010x}, LENGTH = {}M", r.origin, r.bytes >> 20));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../generated-examples/firmware-mps2/memory.x");
    let text = std::fs::read_to_string(file).expect("the example is there");
    assert!(text.contains(&format!("FLASH {flash}")) && text.contains(&format!("RAM {ram}")), "{text}");
}

#[test]
fn in_this_process_is_said_so() {
    let output = zantc(&["verify", "--target", "cortex-m0", "--in-process"], Some("/nonexistent"));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && stderr.contains("is right in this process"), "{stderr}");
}

#[test]
fn what_cannot_be_measured_on_a_target_is_refused() {
    for target in TARGETS.iter().filter(|t| t.name != "host") {
        let machine = Machine::with_cpu(target.name);
        let refused = |args: &[&str], expected: &str| {
            let output = zantc(&[args, &["--target", target.name]].concat(), Some("/nonexistent"));
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && stderr.contains(expected), "{args:?} {}: {stderr}", target.name);
        };
        if machine.is_none() {
            refused(&["bench"], "can only be compiled for");
            refused(&["profile"], "can only be compiled for");
        }
        if machine.is_none_or(|m| !m.has_arm_loops()) {
            refused(&["certify"], &format!("there is no certificate for {}", target.name));
        }
        if machine.is_some_and(|m| m.clock.is_none()) {
            refused(&["profile"], "keeps no time of steps");
        }
    }
}
