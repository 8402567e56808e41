//! Which module of the compiler may use which. A dependency that is not listed is an error: the way of the data is one way. The
//! runtime has floors, and no circle; `measure` has no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use zant_runtime::sources::SOURCES;

use crate::command::root;

/// Each module with those it may use. Modules not listed may use all.
const LAYERS: &[(&str, &[&str])] = &[
    ("onnx", &[]),
    ("diag", &[]),
    ("ir", &[]),
    ("targets", &["ir"]),
    ("config", &["diag", "ir", "targets"]),
    ("program", &["ir"]),
    ("import", &["diag", "ir", "onnx"]),
    ("passes", &["ir"]),
    ("layout", &["ir"]),
    ("lower", &["diag", "ir", "layout", "program", "targets"]),
    ("plan", &["program"]),
    ("exec", &["ir", "program"]),
    ("footprint", &["config", "program", "targets"]),
    ("emit", &["config", "footprint", "ir", "program", "targets"]),
    ("harness", &["config", "emit", "ir", "program"]),
    ("install", &["diag", "emit"]),
    ("budget", &["config", "diag", "footprint", "ir", "plan", "program", "targets"]),
    ("cache", &["diag", "ir"]),
    ("labels", &["config", "diag", "ir", "onnx"]),
    (
        "pipeline",
        &["budget", "cache", "config", "diag", "import", "ir", "labels", "lower", "onnx", "passes", "plan", "program"],
    ),
    ("project", &["config", "diag", "emit", "onnx", "pipeline"]),
    ("verify", &["cache", "diag", "emit", "exec", "import", "ir", "onnx", "pipeline", "program", "project"]),
    ("sharing", &["config", "diag", "emit", "exec", "ir", "onnx", "pipeline", "plan", "program", "project", "verify"]),
    ("group", &["config", "diag", "emit", "pipeline", "project"]),
    ("build_script", &["config", "diag", "emit", "group", "install", "pipeline", "project", "sharing", "targets"]),
];

/// The floors of the runtime from the bottom: a file uses those of its own floor and of floors below.
const FLOORS: [&str; 7] = ["math", "terms", "arch", "loops", "kernels", "arena", "once"];

/// The one use that goes up: functions that an FPU has an instruction for.
const UP: (&str, &str) = ("math/", "/fpu.rs");

/// Prints each use that goes the wrong way; whether there is none.
pub(crate) fn check() -> Result<bool, String> {
    let source = root().join("compiler/src");
    let mut good = escapes()? & runtime() & measure()?;
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

/// Prints each file of the runtime that uses one of a floor above, and each that needs itself in the end; whether there is none.
fn runtime() -> bool {
    let floor = |path: &str| FLOORS.iter().position(|f| path.trim_end_matches(".rs").split('/').next() == Some(f));
    let mut good = true;
    for source in SOURCES {
        for need in source.needs {
            let is_up = floor(source.path) < floor(need) && !(source.path.starts_with(UP.0) && need.ends_with(UP.1));
            if is_up {
                eprintln!("error: runtime/src/{} uses {need}, which is a floor above", source.path);
                good = false;
            }
        }
        if needed(source.path).contains(source.path) {
            eprintln!("error: runtime/src/{} needs itself in the end", source.path);
            good = false;
        }
    }
    good
}

/// All files that a file of the runtime needs, by way of others too.
fn needed(path: &str) -> BTreeSet<&'static str> {
    reached(path, |path| SOURCES.iter().find(|s| s.path == path).map_or(Vec::new(), |s| s.needs.to_vec()))
}

/// Prints each module of `measure` that uses itself in the end; whether there is none.
fn measure() -> Result<bool, String> {
    let source = root().join("measure/src");
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for module in modules(&source)?.into_iter().filter(|m| m != "lib") {
        let mut used = BTreeSet::new();
        for file in files(&source, &module)? {
            let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            used.extend(uses(&text).filter(|u| *u != module));
        }
        graph.insert(module, used);
    }
    let next = |module: &str| graph.get(module).into_iter().flatten().map(String::as_str).collect();
    let circular: Vec<&String> = graph.keys().filter(|m| reached(m, next).contains(m.as_str())).collect();
    for module in &circular {
        eprintln!("error: measure/src/{module} uses itself in the end");
    }
    Ok(circular.is_empty())
}

/// All that is reached from a node of a graph.
fn reached<'a>(from: &str, next: impl Fn(&str) -> Vec<&'a str>) -> BTreeSet<&'a str> {
    let mut open = next(from);
    let mut all = BTreeSet::new();
    while let Some(node) = open.pop() {
        if all.insert(node) {
            open.extend(next(node));
        }
    }
    all
}

/// The modules of a crate, by what lies in its folder.
fn modules(source: &Path) -> Result<BTreeSet<String>, String> {
    let entries = std::fs::read_dir(source).map_err(|e| format!("{}: {e}", source.display()))?;
    Ok(entries.flatten().map(|e| e.file_name().to_string_lossy().trim_end_matches(".rs").to_string()).collect())
}

/// Where processes are started and temporary folders made. Elsewhere they would outlive a signal.
const PROCESSES: &str = "measure/src/process.rs";

/// Ways to start a process or to make a temporary folder.
const ESCAPES: [&str; 6] = [".spawn()", ".output()", ".status()", "tempdir()", "TempDir::new", "env::temp_dir"];

/// Prints each process and each temporary folder that nobody would end; whether there is none.
fn escapes() -> Result<bool, String> {
    let mut good = true;
    for crate_folder in ["cli/src", "compiler/src", "compress/src", "measure/src"] {
        let folder = root().join(crate_folder);
        let mut paths = Vec::new();
        for module in modules(&folder)? {
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
