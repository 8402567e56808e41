//! `zantc compile` killed at random instants: the test of it, for as long as it takes.

use crate::command;

/// Runs the tests that kill; how much was found.
pub(super) fn run(short: bool) -> Result<usize, String> {
    if short {
        println!("attack kills: its short part is among the tests of the workspace");
        return Ok(0);
    }
    let ok = command::cargo(&["test", "-p", "zant-cli", "kill", "--", "--include-ignored"])?;
    println!("attack kills: {}", if ok { "0 findings" } else { "a test failed" });
    Ok(usize::from(!ok))
}
