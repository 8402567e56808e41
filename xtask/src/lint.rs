//! `cargo xtask lint`: formatting, clippy, documentation, and the direction of dependencies.

use crate::command::{cargo, command, status};
use crate::layers;

pub(crate) fn lint() -> Result<bool, String> {
    let fmt = cargo(&["fmt", "--all", "--check"])?;
    let clippy = cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    let mut doc = command("cargo", &["doc", "--quiet", "--workspace", "--no-deps"]);
    let doc = status(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    let layers = layers::check()?;
    Ok(fmt && clippy && doc && layers)
}
