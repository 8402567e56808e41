//! External data: puts the bytes of tensors that live in other files into the tensors.
//!
//! A location is taken only if it is a relative path of plain names, if the file it leads to lies in the model's
//! folder after every link is followed, and if that is a regular file with one name (a second hard link could be a
//! file from anywhere). Files are read once each; tensors are slices of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use sha1::{Digest, Sha1};

use super::limits::within;
use super::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto};
use super::{Limits, LoadError, files, tensor};

/// Replaces all external data in the model; gives the files read, as `folder` joined with their location.
pub(super) fn resolve(
    model: &mut ModelProto,
    folder: Option<&Path>,
    limits: &Limits,
) -> Result<Vec<PathBuf>, LoadError> {
    let mut store = Store { folder, root: None, limits, files: BTreeMap::new(), names: BTreeSet::new(), total: 0 };
    let visit = &mut |tensor: &mut TensorProto| store.resolve(tensor);
    visit_graph(&mut model.graph, visit)?;
    for function in &mut model.functions {
        visit_nodes(&mut function.node, visit)?;
        visit_attributes(&mut function.attribute_proto, visit)?;
    }
    for training in &mut model.training_info {
        for graph in training.initialization.iter_mut().chain(&mut training.algorithm) {
            visit_graph(graph, visit)?;
        }
    }
    Ok(store.names.into_iter().collect())
}

type Visit<'a> = dyn FnMut(&mut TensorProto) -> Result<(), LoadError> + 'a;

fn visit_graph(graph: &mut GraphProto, visit: &mut Visit<'_>) -> Result<(), LoadError> {
    graph.initializer.iter_mut().try_for_each(&mut *visit)?;
    graph.sparse_initializer.iter_mut().try_for_each(|sparse| visit_sparse(sparse, visit))?;
    visit_nodes(&mut graph.node, visit)
}

fn visit_nodes(nodes: &mut [NodeProto], visit: &mut Visit<'_>) -> Result<(), LoadError> {
    nodes.iter_mut().try_for_each(|node| visit_attributes(&mut node.attribute, visit))
}

fn visit_attributes(attributes: &mut [AttributeProto], visit: &mut Visit<'_>) -> Result<(), LoadError> {
    for attribute in attributes {
        attribute.t.as_deref_mut().into_iter().try_for_each(&mut *visit)?;
        attribute.tensors.iter_mut().try_for_each(&mut *visit)?;
        let sparse = attribute.sparse_tensor.as_deref_mut().into_iter().chain(&mut attribute.sparse_tensors);
        sparse.into_iter().try_for_each(|sparse| visit_sparse(sparse, visit))?;
        let graphs = attribute.g.as_deref_mut().into_iter().chain(&mut attribute.graphs);
        graphs.into_iter().try_for_each(|graph| visit_graph(graph, visit))?;
    }
    Ok(())
}

fn visit_sparse(sparse: &mut SparseTensorProto, visit: &mut Visit<'_>) -> Result<(), LoadError> {
    sparse.values.iter_mut().chain(&mut sparse.indices).try_for_each(visit)
}

/// The files read so far.
struct Store<'a> {
    folder: Option<&'a Path>,
    /// `folder` with every link followed; looked up at the first external tensor.
    root: Option<PathBuf>,
    limits: &'a Limits,
    /// Contents by path with every link followed.
    files: BTreeMap<PathBuf, Bytes>,
    names: BTreeSet<PathBuf>,
    total: u64,
}

impl Store<'_> {
    fn resolve(&mut self, proto: &mut TensorProto) -> Result<(), LoadError> {
        if proto.data_location != TensorProto::LOCATION_EXTERNAL {
            return Ok(());
        }
        let entries = Entries::read(proto)?;
        let shape = tensor::Shape::read(proto, self.limits)?;
        if let Some(found) = entries.length
            && found != shape.bytes
        {
            let field = "length of external_data";
            return Err(LoadError::DataLength {
                tensor: proto.name.clone(),
                field,
                unit: "bytes",
                expected: shape.bytes,
                found,
            });
        }
        let path = self.locate(&proto.name, &entries.location)?;
        let file = self.open(&proto.name, &entries.location, &path)?;
        if let Some(checksum) = &entries.checksum
            && Sha1::digest(&file).as_slice() != checksum
        {
            return Err(external(&proto.name, format!("the SHA-1 of {:?} is not the one given", entries.location)));
        }
        proto.raw_data = Some(slice(&proto.name, &path, &file, &entries, shape.bytes)?);
        proto.external_data.clear();
        proto.data_location = TensorProto::LOCATION_DEFAULT;
        Ok(())
    }

    /// Where a location leads to, with every link followed; inside the folder.
    fn locate(&mut self, tensor: &str, location: &str) -> Result<PathBuf, LoadError> {
        let refuse = |reason: &str| LoadError::ExternalOutside {
            tensor: tensor.to_owned(),
            location: location.to_owned(),
            reason: reason.to_owned(),
        };
        let folder = self.folder.ok_or_else(|| refuse("the model was not read from a folder"))?;
        // The same answer on every system: a backslash separates on some of them.
        if location.contains(['\\', '\0']) {
            return Err(refuse("it has a backslash or a zero byte"));
        }
        if !Path::new(location).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(refuse("it is not a relative path downwards"));
        }
        let root = match &self.root {
            Some(root) => root,
            None => {
                let root = fs::canonicalize(folder).map_err(|source| files::unreadable(folder, source))?;
                self.root.insert(root)
            }
        };
        let named = folder.join(location);
        let path = fs::canonicalize(&named).map_err(|source| files::unreadable(&named, source))?;
        if !path.starts_with(root) {
            return Err(refuse("a link in it leads out of the model's folder"));
        }
        self.names.insert(named);
        Ok(path)
    }

    /// Contents of a file found by `locate`.
    fn open(&mut self, tensor: &str, location: &str, path: &Path) -> Result<Bytes, LoadError> {
        if let Some(file) = self.files.get(path) {
            return Ok(file.clone());
        }
        let refuse = |reason: &str| LoadError::ExternalOutside {
            tensor: tensor.to_owned(),
            location: location.to_owned(),
            reason: reason.to_owned(),
        };
        // Not following links: `path` has none left, and one that appears now is somebody's attempt.
        let seen = fs::symlink_metadata(path).map_err(|source| files::unreadable(path, source))?;
        if !seen.is_file() {
            return Err(refuse("it is not a regular file"));
        }
        if hard_links(&seen) > 1 {
            return Err(refuse("the file has several names (hard links), it may come from outside of the folder"));
        }
        let total = self.total.saturating_add(seen.len());
        within("bytes of external data", total, self.limits.external_bytes)?;
        let file = Bytes::from(files::read_seen(path, &seen, self.limits.external_bytes - self.total)?);
        self.total += file.len() as u64;
        self.files.insert(path.to_owned(), file.clone());
        Ok(file)
    }
}

#[cfg(unix)]
fn hard_links(seen: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(seen)
}

/// Other systems do not tell through the standard library.
#[cfg(not(unix))]
fn hard_links(_seen: &fs::Metadata) -> u64 {
    1
}

/// The tensor's part of its file. Without a length the tensor takes the rest, which must be its size.
fn slice(tensor: &str, path: &Path, file: &Bytes, entries: &Entries, bytes: u64) -> Result<Bytes, LoadError> {
    let found = file.len() as u64;
    let needed = entries
        .offset
        .checked_add(bytes)
        .ok_or_else(|| external(tensor, format!("offset {} and length {bytes} overflow", entries.offset)))?;
    if needed > found {
        return Err(LoadError::ExternalShort { tensor: tensor.to_owned(), path: path.to_owned(), needed, found });
    }
    if entries.length.is_none() && needed < found {
        return Err(LoadError::DataLength {
            tensor: tensor.to_owned(),
            field: "the rest of the external file",
            unit: "bytes",
            expected: bytes,
            found: found - entries.offset,
        });
    }
    // Both are at most the length of a buffer in memory.
    Ok(file.slice(entries.offset as usize..needed as usize))
}

fn external(tensor: &str, reason: String) -> LoadError {
    LoadError::External { tensor: tensor.to_owned(), reason }
}

/// What `external_data` says.
struct Entries {
    location: String,
    offset: u64,
    length: Option<u64>,
    checksum: Option<[u8; 20]>,
}

impl Entries {
    fn read(proto: &TensorProto) -> Result<Entries, LoadError> {
        let fail = |reason: String| external(&proto.name, reason);
        if let Some(field) = tensor::filled_fields(proto).next() {
            return Err(fail(format!("the tensor has {} too", field.name())));
        }
        let mut known = [None; 4];
        for entry in &proto.external_data {
            let Some(index) = ["location", "offset", "length", "checksum"].iter().position(|key| *key == entry.key)
            else {
                continue; // Other keys are notes of the tool that wrote the file.
            };
            if known[index].replace(entry.value.as_str()).is_some() {
                return Err(fail(format!("{} is given twice", entry.key)));
            }
        }
        let [location, offset, length, checksum] = known;
        let number = |key: &str, text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let value = if digits { text.parse::<u64>().ok() } else { None };
            value.ok_or_else(|| fail(format!("{key} {text:?} is not a number of bytes")))
        };
        Ok(Entries {
            location: location
                .filter(|text| !text.is_empty())
                .ok_or_else(|| fail("it has no location".to_owned()))?
                .to_owned(),
            offset: offset.map_or(Ok(0), |text| number("offset", text))?,
            length: length.map(|text| number("length", text)).transpose()?,
            checksum: checksum
                .map(|text| sha1_from_hex(text).ok_or_else(|| fail(format!("checksum {text:?} is not a SHA-1"))))
                .transpose()?,
        })
    }
}

fn sha1_from_hex(text: &str) -> Option<[u8; 20]> {
    let digits: Vec<u8> = text.chars().map(|digit| Some(digit.to_digit(16)? as u8)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    if rest.is_empty() { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests;
