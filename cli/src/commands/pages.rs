//! `zantc completions` and `zantc man`: what shells and `man` want to know of the command line, made from it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell as Dialect;

use super::compile::unwritable;
use super::shell::Shell;
use super::stdin::STDIN;
use super::{Cli, Outcome};

/// Print what completes the command line in a shell: `zantc completions bash > /etc/bash_completion.d/zantc`
#[derive(clap::Args)]
pub(super) struct CompletionArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    dialect: Dialect,
}

/// Print the manual page, or write one for each command into a folder
#[derive(clap::Args)]
pub(super) struct ManArgs {
    /// Write zantc.1, zantc-compile.1, .. into this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionArgs, shell: &mut Shell) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.dialect, &mut Cli::command(), "zantc", &mut text);
    shell.out(&String::from_utf8_lossy(&text))
}

pub(super) fn man(args: &ManArgs, shell: &mut Shell) -> Outcome {
    let Some(folder) = &args.output else {
        let mut text = Vec::new();
        let rendered = clap_mangen::Man::new(Cli::command()).render(&mut text);
        rendered.map_err(|e| unwritable(Path::new(STDIN), &e))?;
        return shell.out(&String::from_utf8_lossy(&text));
    };
    fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(|e| unwritable(folder, &e))?;
    shell.status("Wrote", &format!("zantc.1 and a page for each command to {}", folder.display()));
    Ok(())
}
