//! Files that are taken for ONNX models and are something else: what they are, by their first bytes, and what to do.
//!
//! Asked only of files that are no model, so that no model is ever refused for how it begins.

use std::path::Path;

/// Another kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// What it is, with its article.
    pub kind: &'static str,
    /// How to get a model from it.
    pub help: &'static str,
}

/// Bytes that are looked at, at most.
const HEAD: usize = 512;

/// How a kind of file begins.
struct Sign {
    /// Where the mark stands.
    at: usize,
    mark: &'static [u8],
    foreign: Foreign,
}

const fn sign(at: usize, mark: &'static [u8], kind: &'static str, help: &'static str) -> Sign {
    Sign { at, mark, foreign: Foreign { kind, help } }
}

const TORCH: &str = "load it in Python and export the model by `torch.onnx.export`";
const LFS: &str = "run `git lfs pull` where it was checked out, or download the file itself";

const SIGNS: &[Sign] = &[
    sign(0, b"version https://git-lfs", "a pointer of Git LFS, not the file that it stands for", LFS),
    sign(0, b"version https://hawser", "a pointer of Git LFS, not the file that it stands for", LFS),
    sign(
        4,
        b"TFL3",
        "a TensorFlow Lite model",
        "convert it by `python -m tf2onnx.convert --tflite FILE --output model.onnx`",
    ),
    sign(4, b"ORTM", "a model in ONNX Runtime's own format (.ort)", "use the .onnx file that it was made from"),
    sign(0, b"GGUF", "a GGUF file of weights", "export the model to ONNX from the framework that it was trained in"),
    sign(
        0,
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 file, as Keras writes them",
        "load it in Python and export it by `tf2onnx.convert.from_keras`, or `model.export(.., format=\"onnx\")`",
    ),
    sign(0, b"\x1f\x8b", "compressed by gzip", "unpack it by `gunzip`, and `tar -x` where it is a .tar.gz"),
    sign(0, b"\xfd7zXZ\0", "compressed by xz", "unpack it by `unxz`"),
    sign(0, b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it by `unzstd`"),
    sign(0, b"BZh", "compressed by bzip2", "unpack it by `bunzip2`"),
    sign(257, b"ustar", "a tar archive", "unpack it by `tar -x` and name the .onnx file in it"),
    sign(0, b"\x93NUMPY", "a NumPy array", "it holds data, not a model; `zantc run -i` takes it as an input"),
    sign(0, b"\x7fELF", "an executable or a library (ELF)", "name the .onnx file"),
];

/// What the bytes of a file that is no model are, where that can be told.
pub(super) fn recognise(bytes: &[u8]) -> Option<Foreign> {
    if bytes.is_empty() {
        let help = "the download or the export has failed: fetch or export the model again";
        return Some(Foreign { kind: "empty", help });
    }
    let begins = |s: &&Sign| bytes.get(s.at..).is_some_and(|rest| rest.starts_with(s.mark));
    SIGNS
        .iter()
        .find(begins)
        .map(|s| s.foreign)
        .or_else(|| zip(bytes))
        .or_else(|| pickle(bytes))
        .or_else(|| text(bytes))
}

/// What a path is that names no file.
pub(super) fn not_a_file(path: &Path) -> Option<Foreign> {
    path.is_dir().then_some(Foreign { kind: "a folder", help: "name the .onnx file in it" })
}

/// Archives: PyTorch's and Keras' files are zips that tell by the names in them.
fn zip(bytes: &[u8]) -> Option<Foreign> {
    if !bytes.starts_with(b"PK\x03\x04") && !bytes.starts_with(b"PK\x05\x06") {
        return None;
    }
    let head = &bytes[..bytes.len().min(HEAD)];
    let has = |name: &[u8]| head.windows(name.len()).any(|w| w == name);
    Some(match () {
        () if has(b"data.pkl") || has(b"/version") || has(b"/byteorder") => {
            Foreign { kind: "a PyTorch file (a zip with a pickle in it)", help: TORCH }
        }
        () if has(b"metadata.json") || has(b"config.json") || has(b"model.weights.h5") => Foreign {
            kind: "a Keras model (.keras)",
            help: "load it in Python and export it by `model.export(.., format=\"onnx\")` or tf2onnx",
        },
        () => Foreign { kind: "a zip archive", help: "unpack it and name the .onnx file in it" },
    })
}

/// Pickles, as PyTorch wrote them before it wrote zips.
fn pickle(bytes: &[u8]) -> Option<Foreign> {
    let opens = matches!(bytes, [0x80, 2..=5, ..]);
    opens.then_some(Foreign { kind: "a Python pickle, as PyTorch writes them", help: TORCH })
}

/// Pages, and safetensors, whose header is JSON behind its length.
fn text(bytes: &[u8]) -> Option<Foreign> {
    let head = &bytes[..bytes.len().min(HEAD)];
    let header = head.get(..8).and_then(|n| n.try_into().ok()).map(u64::from_le_bytes);
    let is_header = |n: u64| n >= 2 && n <= bytes.len() as u64 && head.get(8) == Some(&b'{');
    if header.is_some_and(is_header) {
        let help = "it holds weights without the model: export the model to ONNX from the framework that it is of";
        return Some(Foreign { kind: "a safetensors file", help });
    }
    let words =
        String::from_utf8_lossy(head).trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).to_ascii_lowercase();
    let page = ["<!doctype html", "<html", "<head", "<!--"].iter().any(|tag| words.starts_with(tag));
    if page {
        let help = "the link was that of a page about the file, or asks for a login: download the file itself";
        return Some(Foreign { kind: "an HTML page", help });
    }
    if words.starts_with("<?xml") {
        return Some(Foreign { kind: "an XML document", help: "download the .onnx file itself" });
    }
    let json = words.starts_with('{') || words.starts_with('[');
    (json && std::str::from_utf8(bytes).is_ok()).then_some(Foreign {
        kind: "JSON text",
        help: "name the .onnx file; a service may have answered with an error instead of it",
    })
}

#[cfg(test)]
mod tests {
    use super::{not_a_file, recognise};

    fn kind(bytes: &[u8]) -> &'static str {
        recognise(bytes).map_or("unknown", |f| f.kind)
    }

    #[test]
    fn files_of_other_kinds_are_named() {
        let zip = |name: &str| [b"PK\x03\x04", &[0; 26][..], name.as_bytes()].concat();
        for (bytes, expected) in [
            (&b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"[..], "Git LFS"),
            (b"\x1c\0\0\0TFL3\x14\0", "TensorFlow Lite"),
            (b"\x1c\0\0\0ORTM\x14\0", "ONNX Runtime's own"),
            (b"GGUF\x03\0\0\0", "GGUF"),
            (b"\x89HDF\r\n\x1a\n\0", "Keras"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"\x80\x02\x8a\x0al\xfc", "pickle"),
            (&zip("archive/data.pkl"), "PyTorch"),
            (&zip("net/version"), "PyTorch"),
            (&zip("metadata.json"), "Keras"),
            (&zip("model.onnx"), "a zip archive"),
            (b"\x10\0\0\0\0\0\0\0{\"a\":[1,2,3,4]}  ", "safetensors"),
            (b"\n  <!DOCTYPE html><html>", "HTML"),
            (b"<html lang=\"en\">", "HTML"),
            (b"{\"error\": \"not found\"}", "JSON"),
            (b"\x93NUMPY\x01\0", "NumPy"),
            (b"", "empty"),
        ] {
            assert!(kind(bytes).contains(expected), "{expected}: {}", kind(bytes));
        }
        assert_eq!(kind(b"\x08\x09\x12\x03abc"), "unknown");
        assert!(not_a_file(&std::env::temp_dir()).is_some_and(|f| f.kind == "a folder"));
    }
}
