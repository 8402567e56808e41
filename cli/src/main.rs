//! The `zantc` binary.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    zant_cli::main()
}
