//! `-` in the place of a file: stdin, once.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use zant_measure::process::Scratch;
use zantc::diag::Diagnostic;
use zantc::onnx::Limits;

use super::{Failure, Outcome};

/// What stands for stdin.
pub(super) const STDIN: &str = "-";

/// Whether it has been read.
static READ: AtomicBool = AtomicBool::new(false);

/// All bytes of stdin, within the limit of a file.
pub(super) fn read() -> Outcome<Vec<u8>> {
    if READ.swap(true, Ordering::Relaxed) {
        return Err(Failure::Usage("stdin can be read once: only one of the files may be `-`".into()));
    }
    let limit = Limits::default().file_bytes;
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| failed(&e.to_string()))?;
    if bytes.len() as u64 > limit { Err(failed(&format!("it has more than {limit} bytes"))) } else { Ok(bytes) }
}

fn failed(why: &str) -> Failure {
    Failure::Unreadable(vec![Diagnostic::error("ZA0001", format!("cannot read stdin: {why}"))])
}

/// A file that can be read by its path.
pub(super) struct Readable {
    path: PathBuf,
    /// The folder of what came from stdin, which goes with this.
    _folder: Option<Scratch>,
}

impl Readable {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The file of a path; stdin becomes one whose name ends as its bytes say.
pub(super) fn readable(path: &Path) -> Outcome<Readable> {
    if path != Path::new(STDIN) {
        return Ok(Readable { path: path.to_path_buf(), _folder: None });
    }
    let bytes = read()?;
    let folder = Scratch::new().map_err(|e| failed(&e.to_string()))?;
    let path = folder.path().join(format!("stdin.{}", kind(&bytes)));
    std::fs::write(&path, bytes).map_err(|e| failed(&e.to_string()))?;
    Ok(Readable { path, _folder: Some(folder) })
}

/// The end of a file's name, by how its bytes begin.
fn kind(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "npy",
        [b'P', b'K', 3, 4, ..] => "npz",
        [0x1f, 0x8b, ..] => "gz",
        [0, 0, 8..=14, 1..=4, ..] => "idx",
        _ => "pb",
    }
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn bytes_say_what_they_are() {
        let kinds =
            [&b"\x93NUMPY\x01"[..], b"PK\x03\x04", b"\x1f\x8b\x08", b"\0\0\x08\x03", b"\x08\x01", b""].map(kind);
        assert_eq!(kinds, ["npy", "npz", "gz", "idx", "pb", "pb"]);
    }
}
