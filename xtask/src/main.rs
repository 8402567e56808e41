//! Everything CI and people run, by one name: `cargo xtask`.

fn main() {}
