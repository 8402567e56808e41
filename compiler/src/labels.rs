//! The names of classes: from a file, or from a model's metadata.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::config::Config;
use crate::diag::{Diagnostic, codes};
use crate::ir::{Graph, Labels};
use crate::onnx::Model;

/// Keys of the metadata under which exporters put the names of classes.
const KEYS: [&str; 7] = ["labels", "classes", "names", "class_names", "label_names", "id2label", "categories"];
/// Largest file of names that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Notes the names of the classes that an output has the scores of. Those of the metadata count where they fit an output.
pub(crate) fn label(graph: &mut Graph, model: &Model, config: &Config) -> Result<(), Vec<Diagnostic>> {
    let (names, is_chosen) = match &config.labels {
        Some(path) => (read(Path::new(path))?, true),
        None => {
            let props = model.proto.metadata_props.iter();
            let found = props.filter(|p| KEYS.contains(&p.key.as_str())).find_map(|p| parse(&p.value));
            (found.unwrap_or_default(), false)
        }
    };
    let fits = |at: &usize| {
        let shape = &graph.ty(graph.outputs[*at].value).shape;
        shape.last() == Some(&names.len()) && !graph.labels.contains_key(at)
    };
    let output = (0..graph.outputs.len()).find(fits);
    match output {
        Some(at) if !names.is_empty() => {
            graph.labels.insert(at, Labels::Classes(names));
            Ok(())
        }
        Some(_) | None if is_chosen => {
            let sizes: Vec<String> = graph.outputs.iter().map(|o| graph.ty(o.value).to_string()).collect();
            let message = format!(
                "there are {} labels, which no output has as many scores as: {}",
                names.len(),
                sizes.join(", ")
            );
            let help = "a file of labels has a line for each class, in the order of the scores";
            Err(vec![Diagnostic::error(codes::BAD_OPTION, message).help(help)])
        }
        Some(_) | None => Ok(()),
    }
}

fn read(path: &Path) -> Result<Vec<String>, Vec<Diagnostic>> {
    let fail =
        |why: String| vec![Diagnostic::error(codes::BAD_OPTION, format!("cannot use the labels {path:?}: {why}"))];
    let file = std::fs::File::open(path).map_err(|e| fail(e.to_string()))?;
    let mut text = String::new();
    let length = file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|e| fail(e.to_string()))?;
    if length as u64 > MAX_BYTES {
        return Err(fail(format!("it has more than {MAX_BYTES} bytes")));
    }
    parse(&text).ok_or_else(|| fail("it has no names".into()))
}

/// Names as lines, as a list, or as a dictionary from numbers: JSON's, or as Python prints them.
fn parse(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    let names = match text.bytes().next()? {
        b'[' => list(text)?,
        b'{' => dictionary(text)?,
        _ if text.contains('\n') => text.lines().map(|line| line.trim().to_string()).collect(),
        _ => text.split(',').map(|name| name.trim().to_string()).collect(),
    };
    (!names.is_empty()).then_some(names)
}

/// The words in quotes of a list.
fn list(text: &str) -> Option<Vec<String>> {
    serde_json::from_str(text).ok().or_else(|| {
        let quoted = quoted(text);
        quoted
            .into_iter()
            .map(|(before, name)| before.trim().trim_matches(['[', ',']).trim().is_empty().then_some(name))
            .collect()
    })
}

/// The names of the numbers from 0 on.
fn dictionary(text: &str) -> Option<Vec<String>> {
    let json: Option<BTreeMap<String, String>> = serde_json::from_str(text).ok();
    let pairs: Vec<(usize, String)> = match json {
        Some(names) => {
            names.into_iter().map(|(key, name)| Some((key.parse().ok()?, name))).collect::<Option<Vec<_>>>()?
        }
        None => quoted(text)
            .into_iter()
            .map(|(before, name)| Some((before.trim().trim_matches(['{', ',', ':', ' ']).parse().ok()?, name)))
            .collect::<Option<Vec<_>>>()?,
    };
    let by_number: BTreeMap<usize, String> = pairs.into_iter().collect();
    let is_whole = by_number.keys().copied().eq(0..by_number.len());
    is_whole.then(|| by_number.into_values().collect())
}

/// The texts in single or double quotes, each with what stands before it.
fn quoted(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['\'', '"']) {
        let quote = char::from(rest.as_bytes()[start]);
        let (before, body) = (&rest[..start], &rest[start + 1..]);
        let (mut name, mut escaped, mut end) = (String::new(), false, body.len());
        for (at, c) in body.char_indices() {
            match c {
                _ if escaped => {
                    name.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                c if c == quote => {
                    end = at;
                    break;
                }
                c => name.push(c),
            }
        }
        found.push((before, name));
        rest = body.get(end + 1..).unwrap_or("");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_are_read_in_every_form() {
        let names = Some(vec!["cat".to_string(), "it's a dog".to_string()]);
        for text in [
            "cat\nit's a dog\n",
            "cat, it's a dog",
            "[\"cat\", \"it's a dog\"]",
            "['cat', \"it's a dog\"]",
            "['cat', 'it\\'s a dog']",
            "{\"1\": \"it's a dog\", \"0\": \"cat\"}",
            "{0: 'cat', 1: \"it's a dog\"}",
        ] {
            assert_eq!(parse(text), names, "{text}");
        }
        for text in ["", "{1: 'cat'}", "{\"a\": \"b\"}", "[1, 2]"] {
            assert_eq!(parse(text).filter(|n| n.iter().all(|n| n != "1")), None, "{text}");
        }
    }
}
