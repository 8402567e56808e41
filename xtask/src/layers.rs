//! Which module of the compiler may use which. A dependency that is not listed is an error: the way of the data is one way.

use std::path::Path;

use crate::command::root;

/// Each module with those it may use. Modules not listed may use all.
const LAYERS: &[(&str, &[&str])] = &[
    ("onnx", &[]),
    ("diag", &[]),
    ("ir", &[]),
    ("target", &["ir"]),
    ("config", &["diag", "ir", "target"]),
    ("program", &["ir"]),
    ("import", &["diag", "ir", "onnx"]),
    ("passes", &["ir"]),
    ("layout", &["ir"]),
    ("lower", &["diag", "ir", "layout", "program"]),
    ("plan", &["program"]),
    ("exec", &["ir", "program"]),
    ("footprint", &["config", "program", "target"]),
    ("emit", &["config", "footprint", "ir", "program"]),
    ("install", &["diag", "emit"]),
];

/// Prints each use that goes the wrong way; whether there is none.
pub(crate) fn check() -> Result<bool, String> {
    let source = root().join("compiler/src");
    let mut good = escapes()?;
    for (module, allowed) in LAYERS {
        for file in files(&source, module)? {
            let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            for used in uses(&text).filter(|u| u != module && !allowed.contains(&u.as_str())) {
                let shown = file.strip_prefix(root()).unwrap_or(&file).display();
                eprintln!("error: {shown} uses `crate::{used}`, which `{module}` may not");
                good = false;
            }
        }
    }
    Ok(good)
}

/// Where processes are started and temporary folders made. Elsewhere they would outlive a signal.
const PROCESSES: &str = "measure/src/process.rs";

/// Ways to start a process or to make a temporary folder.
const ESCAPES: [&str; 6] = [".spawn()", ".output()", ".status()", "tempdir()", "TempDir::new", "env::temp_dir"];

/// Prints each process and each temporary folder that nobody would end; whether there is none.
fn escapes() -> Result<bool, String> {
    let mut good = true;
    for crate_folder in ["compiler/src", "measure/src"] {
        let folder = root().join(crate_folder);
        let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let modules: Vec<String> =
            entries.flatten().map(|e| e.file_name().to_string_lossy().trim_end_matches(".rs").to_string()).collect();
        let mut paths = Vec::new();
        for module in modules {
            paths.extend(files(&folder, &module)?);
        }
        paths.sort();
        paths.dedup();
        for file in paths.iter().filter(|f| !f.ends_with(PROCESSES) && !f.ends_with("tests.rs")) {
            let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
            for escape in ESCAPES.iter().filter(|escape| code(&text).any(|line| line.contains(*escape))) {
                let shown = file.strip_prefix(root()).unwrap_or(file).display();
                eprintln!("error: {shown} has `{escape}`, which is for {PROCESSES} alone");
                good = false;
            }
        }
    }
    Ok(good)
}

/// The lines of a file save comments and tests.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let code = text.split("mod tests {").next().unwrap_or(text);
    code.lines().filter(|l| !l.trim_start().starts_with("//"))
}

/// The files of a module: its own file and all below its folder.
fn files(source: &Path, module: &str) -> Result<Vec<std::path::PathBuf>, String> {
    let mut open = vec![source.join(module)];
    let mut files = vec![source.join(format!("{module}.rs"))];
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|e| e.path()) {
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.retain(|f| f.extension().is_some_and(|e| e == "rs") && f.is_file() && !is_test(f));
    files.sort();
    if files.is_empty() { Err(format!("there is no module `{module}`")) } else { Ok(files) }
}

/// Whether a file holds tests alone, which may look at everything.
fn is_test(file: &Path) -> bool {
    file.file_stem().and_then(|s| s.to_str()).is_some_and(|s| s == "tests" || s.ends_with("_tests"))
}

/// The first parts of all paths that begin with `crate::`, save in comments, strings and tests.
fn uses(text: &str) -> impl Iterator<Item = String> + '_ {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    code.lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .flat_map(|l| {
            l.match_indices("crate::").filter(|(i, _)| !l[..*i].ends_with('$')).map(|(i, m)| {
                let rest = &l[i + m.len()..];
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
            })
        })
        .filter(|u| u.chars().next().is_some_and(|c| c.is_ascii_lowercase()))
}
