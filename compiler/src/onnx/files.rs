//! Reading and writing whole files: only regular ones, and never more bytes than agreed.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use super::LoadError;

/// Reads a regular file of at most `limit` bytes. The size is checked before anything is read; fifos, devices and
/// folders are refused, for their size says nothing and opening them may wait for ever.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, LoadError> {
    let seen = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    read_seen(path, &seen, limit)
}

/// The same for a file whose metadata have been looked at: what is opened must be that very file.
pub(super) fn read_seen(path: &Path, seen: &Metadata, limit: u64) -> Result<Vec<u8>, LoadError> {
    if !seen.is_file() {
        return Err(unreadable(path, io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let file = File::open(path).map_err(|source| unreadable(path, source))?;
    let opened = file.metadata().map_err(|source| unreadable(path, source))?;
    if !same_file(seen, &opened) {
        return Err(unreadable(path, io::Error::other("replaced while it was being opened")));
    }
    let length = opened.len();
    if length > limit {
        return Err(too_large(length, limit));
    }
    let capacity = usize::try_from(length).map_err(|_| too_large(length, limit))?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(capacity).map_err(|_| unreadable(path, io::ErrorKind::OutOfMemory.into()))?;
    // One byte more than announced would show that the file has grown.
    file.take(length.saturating_add(1)).read_to_end(&mut bytes).map_err(|source| unreadable(path, source))?;
    if bytes.len() as u64 != length {
        return Err(unreadable(path, io::Error::other("changed while it was being read")));
    }
    Ok(bytes)
}

/// Writes a file as a whole.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), LoadError> {
    fs::write(path, bytes).map_err(|source| LoadError::Write { path: path.to_owned(), source })
}

pub(super) fn unreadable(path: &Path, source: io::Error) -> LoadError {
    LoadError::Read { path: path.to_owned(), source }
}

pub(super) fn too_large(found: u64, limit: u64) -> LoadError {
    LoadError::Limit { what: "bytes in a file", found, limit }
}

#[cfg(unix)]
fn same_file(seen: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    opened.is_file() && seen.dev() == opened.dev() && seen.ino() == opened.ino()
}

#[cfg(not(unix))]
fn same_file(_seen: &Metadata, opened: &Metadata) -> bool {
    opened.is_file()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;
    use std::path::Path;

    use super::{read, read_seen, write};
    use crate::onnx::LoadError;

    #[test]
    fn files_are_read_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, &[1, 2, 3]).unwrap();
        assert_eq!(read(&path, 3).unwrap(), [1, 2, 3]);
        let LoadError::Limit { found: 3, limit: 2, .. } = read(&path, 2).unwrap_err() else { panic!("no limit") };
        // The size is looked at first: this sparse file is larger than memory.
        fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read(&path, 1 << 30).unwrap_err().code(), "ZA0003");
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path(), 9).unwrap_err().code(), "ZA0001");
        assert_eq!(read(&dir.path().join("absent"), 9).unwrap_err().code(), "ZA0001");
        assert_eq!(write(&dir.path().join("absent/file"), &[]).unwrap_err().code(), "ZA0011");
        if cfg!(unix) {
            let LoadError::Read { source, .. } = read(Path::new("/dev/zero"), u64::MAX).unwrap_err() else {
                panic!("another error")
            };
            assert_eq!(source.kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_replaced_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("file"), dir.path().join("other"));
        write(&path, &[1]).unwrap();
        write(&other, &[2]).unwrap();
        let seen = fs::metadata(&path).unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!(read_seen(&path, &seen, 9).unwrap_err().code(), "ZA0001");
    }
}
