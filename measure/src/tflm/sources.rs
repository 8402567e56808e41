//! Which files of TFLM's tree a program needs.
//!
//! It is a checkout, or what `create_tflm_tree.py` of its own makes: below `tensorflow/lite`, the interpreter, the kernels of C++
//! and what they share. Where CMSIS-NN's sources are in it too, its kernels stand in for those of the same name.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::Error;

/// Folders below `tensorflow/lite` that have sources, from which only files are taken.
const FOLDERS: [&str; 12] = [
    "c",
    "core",
    "core/api",
    "core/c",
    "kernels/internal",
    "kernels/internal/optimized",
    "kernels/internal/reference",
    "micro",
    "micro/arena_allocator",
    "micro/kernels",
    "micro/memory_planner",
    "micro/tflite_bridge",
];
/// Folders of kernels that call CMSIS-NN.
const CMSIS: [&str; 2] = ["micro/kernels/cmsis-nn", "micro/kernels/cmsis_nn"];
/// Files that a folder is searched for in `#include`, and how many folders above them it is.
const HEADERS: [(&str, usize); 7] = [
    ("flatbuffers/flatbuffers.h", 1),
    ("fixedpoint/fixedpoint.h", 1),
    ("ruy/profiler/instrumentation.h", 2),
    ("arm_nnfunctions.h", 0),
    ("arm_nnfunctions.h", 1),
    ("third_party/cmsis_nn/Include/arm_nnfunctions.h", 3),
    ("kiss_fft.h", 0),
];
/// More files than any tree has, and deeper folders.
const FILES: usize = 200_000;
const DEPTH: usize = 24;

/// What of a tree is compiled.
#[derive(Debug)]
pub(super) struct Tree {
    /// The folder that `tensorflow/lite` is in.
    pub(super) root: PathBuf,
    /// The sources.
    pub(super) sources: Vec<PathBuf>,
    /// Folders for `#include`.
    pub(super) includes: Vec<PathBuf>,
    /// Whether CMSIS-NN is in it.
    pub(super) cmsis: bool,
}

impl Tree {
    /// Looks through a folder.
    ///
    /// # Errors
    /// A folder that cannot be read or has no TFLM.
    pub(super) fn find(folder: &Path) -> Result<Tree, Error> {
        let folder = fs::canonicalize(folder).map_err(Error::io("open the folder of TFLM"))?;
        let root = [folder.clone(), folder.join("tensorflow")]
            .into_iter()
            .find(|root| root.join("tensorflow/lite/micro/micro_interpreter.h").is_file());
        let root =
            root.ok_or_else(|| Error::Run("the folder has no tensorflow/lite/micro/micro_interpreter.h".into()))?;
        let mut files = Vec::new();
        walk(&folder, DEPTH, &mut files)?;
        files.sort();
        let cmsis = files.iter().any(|f| f.ends_with("arm_nnfunctions.h"));
        let sources = chosen(&files, &root, cmsis);
        let mut includes = vec![root.clone()];
        for (header, above) in HEADERS {
            let found = files.iter().find(|f| f.ends_with(header));
            includes.extend(found.and_then(|f| f.ancestors().nth(above + 1)).map(Path::to_path_buf));
        }
        includes.dedup();
        Ok(Tree { root, sources, includes, cmsis })
    }
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::io("read a folder of TFLM"))? {
        let path = entry.map_err(Error::io("read a folder of TFLM"))?.path();
        if path.is_dir() {
            if depth > 0 {
                walk(&path, depth - 1, files)?;
            }
        } else {
            files.push(path);
        }
        if files.len() > FILES {
            return Err(Error::Run(format!("the folder of TFLM has more than {FILES} files")));
        }
    }
    Ok(())
}

/// The sources among files.
fn chosen(files: &[PathBuf], root: &Path, cmsis: bool) -> Vec<PathBuf> {
    let lite = root.join("tensorflow/lite");
    let folder = |file: &Path| {
        let inside = file.parent()?.strip_prefix(&lite).ok()?;
        Some(inside.to_string_lossy().replace('\\', "/"))
    };
    let is_source = |file: &&PathBuf| {
        let extension = file.extension().and_then(|e| e.to_str());
        let stem = file.file_stem().map_or_else(Default::default, |s| s.to_string_lossy().to_lowercase());
        let test = stem.starts_with("test_") || stem.ends_with("_test") || stem.ends_with("test_util");
        extension.is_some_and(|e| ["c", "cc", "cpp"].contains(&e)) && !test && stem != "debug_log"
    };
    let own = |file: &&PathBuf| cmsis && folder(file).is_some_and(|f| CMSIS.contains(&f.as_str()));
    let replacing: Vec<_> = files.iter().filter(is_source).filter(own).filter_map(|f| f.file_name()).collect();
    let wanted = |file: &&PathBuf| match folder(file).as_deref() {
        Some("micro/kernels") => !file.file_name().is_some_and(|name| replacing.contains(&name)),
        Some("kernels") => file.ends_with("kernel_util.cc"),
        Some(inside) if FOLDERS.contains(&inside) => true,
        _ => own(file) || cmsis && is_library(file),
    };
    files.iter().filter(is_source).filter(wanted).cloned().collect()
}

/// Whether a file is one of CMSIS-NN's own: in its `Source`.
fn is_library(file: &Path) -> bool {
    let names: Vec<String> = file.components().map(component).collect();
    let nn = |name: &String| ["cmsis-nn", "cmsis_nn", "nn"].contains(&name.to_lowercase().as_str());
    names.windows(2).any(|pair| nn(&pair[0]) && pair[1] == "Source")
}

fn component(component: Component<'_>) -> String {
    component.as_os_str().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::chosen;

    fn names(files: &[&str], cmsis: bool) -> Vec<String> {
        let files: Vec<PathBuf> = files.iter().map(|f| Path::new("/t").join(f)).collect();
        let chosen = chosen(&files, Path::new("/t"), cmsis);
        chosen.iter().map(|f| f.strip_prefix("/t").unwrap().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_a_program_needs_is_chosen() {
        let files = [
            "tensorflow/lite/micro/micro_interpreter.cc",
            "tensorflow/lite/micro/micro_interpreter_test.cc",
            "tensorflow/lite/micro/debug_log.cc",
            "tensorflow/lite/micro/examples/hello_world/main.cc",
            "tensorflow/lite/micro/kernels/conv.cc",
            "tensorflow/lite/micro/kernels/add.cc",
            "tensorflow/lite/micro/kernels/cmsis_nn/conv.cc",
            "tensorflow/lite/micro/kernels/xtensa/conv.cc",
            "tensorflow/lite/kernels/conv.cc",
            "tensorflow/lite/kernels/kernel_util.cc",
            "tensorflow/lite/c/common.c",
            "third_party/cmsis_nn/Source/ConvolutionFunctions/arm_convolve_s8.c",
            "third_party/cmsis_nn/Tests/UnitTest/test_arm.c",
        ];
        let shared = |kernel: &str| {
            let all = [
                "tensorflow/lite/micro/micro_interpreter.cc",
                kernel,
                "tensorflow/lite/micro/kernels/add.cc",
                "tensorflow/lite/kernels/kernel_util.cc",
                "tensorflow/lite/c/common.c",
            ];
            all.map(String::from).to_vec()
        };
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        assert_eq!(sorted(names(&files, false)), sorted(shared("tensorflow/lite/micro/kernels/conv.cc")));
        let mut with = shared("tensorflow/lite/micro/kernels/cmsis_nn/conv.cc");
        with.push("third_party/cmsis_nn/Source/ConvolutionFunctions/arm_convolve_s8.c".into());
        assert_eq!(sorted(names(&files, true)), sorted(with));
    }
}
