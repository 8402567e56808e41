//! Which operators a model in LiteRT's format has, and how a version of TFLM calls them.
//!
//! The format is a FlatBuffer (<https://flatbuffers.dev/internals/>): a table begins with the distance back to its vtable, which
//! says at which offset each field lies; a vector is a count and its elements. A model's field 1 is the vector of operator codes
//! (tensorflow/lite/schema/schema.fbs): field 0 of a code is a byte and field 3 a word, of which the larger one counts; field 1
//! is the name of a custom operator.

use std::collections::BTreeSet;

/// The field of a model that has the codes.
const CODES: usize = 1;
/// The fields of a code.
const BYTE: usize = 0;
const CUSTOM: usize = 1;
const WORD: usize = 3;
/// No model has more.
const MOST: usize = 1 << 12;

/// Little-endian numbers of a file.
struct Buffer<'a>(&'a [u8]);

impl Buffer<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    /// The place that the word at `at` points to.
    fn follow(&self, at: usize) -> Option<usize> {
        at.checked_add(u32::from_le_bytes(self.bytes(at)?) as usize)
    }

    /// Where a field of a table lies; none where the table lacks it.
    fn field(&self, table: usize, field: usize) -> Option<usize> {
        let back = i32::from_le_bytes(self.bytes(table)?);
        let vtable = usize::try_from(i64::try_from(table).ok()? - i64::from(back)).ok()?;
        let bytes = usize::from(u16::from_le_bytes(self.bytes(vtable)?));
        let entry = 4 + 2 * field;
        if entry + 2 > bytes {
            return None;
        }
        match u16::from_le_bytes(self.bytes(vtable + entry)?) {
            0 => None,
            offset => Some(table + usize::from(offset)),
        }
    }
}

/// The numbers of a model's operators, each once. Custom operators have none that others know.
///
/// # Errors
/// Files that are damaged, custom operators.
pub(super) fn codes(model: &[u8]) -> Result<BTreeSet<u32>, String> {
    let file = Buffer(model);
    let damaged = || "the model is no file of LiteRT's format".to_string();
    let root = file.follow(0).ok_or_else(damaged)?;
    let vector = file.field(root, CODES).and_then(|at| file.follow(at)).ok_or_else(damaged)?;
    let count = u32::from_le_bytes(file.bytes(vector).ok_or_else(damaged)?) as usize;
    if count > MOST {
        return Err(damaged());
    }
    let mut codes = BTreeSet::new();
    for i in 0..count {
        let code = file.follow(vector + 4 + 4 * i).ok_or_else(damaged)?;
        if file.field(code, CUSTOM).is_some() {
            return Err("the model has a custom operator".into());
        }
        let byte = file.field(code, BYTE).and_then(|at| file.bytes(at)).map_or(0, |[byte]: [u8; 1]| u32::from(byte));
        let word = file.field(code, WORD).and_then(|at| file.bytes(at)).map_or(0, u32::from_le_bytes);
        codes.insert(byte.max(word));
    }
    Ok(codes)
}

/// The name of each operator: as the schema's header has it, `BuiltinOperator_CONV_2D = 3`.
fn name(schema: &str, code: u32) -> Option<&str> {
    schema.lines().find_map(|line| {
        let (name, number) = line.trim().strip_prefix("BuiltinOperator_")?.split_once(" = ")?;
        (number.trim_end_matches(',').parse() == Ok(code)).then_some(name)
    })
}

/// The calls that add operators to a resolver, as its header names them: `AddConv2D` for `CONV_2D`. None where this version has
/// no such calls at all.
///
/// # Errors
/// Operators that this version lacks.
pub(super) fn calls(codes: &BTreeSet<u32>, schema: &str, resolver: &str) -> Result<Option<Vec<String>>, String> {
    let methods: Vec<&str> = resolver
        .split("TfLiteStatus Add")
        .skip(1)
        .filter_map(|text| text.split_once('(').map(|(name, _)| name.trim()))
        .filter(|name| !["Builtin", "Custom"].contains(name))
        .collect();
    if methods.is_empty() {
        return Ok(None);
    }
    let call = |&code: &u32| {
        let name = name(schema, code).ok_or_else(|| format!("this version has no operator {code}"))?;
        let plain = name.replace('_', "").to_lowercase();
        let method = methods.iter().find(|m| m.to_lowercase() == plain);
        method.map(|m| format!("Add{m}")).ok_or_else(|| format!("this version has no operator {name}"))
    };
    codes.iter().map(call).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{calls, codes};

    const SCHEMA: &str = "enum BuiltinOperator {\n  BuiltinOperator_ADD = 0,\n  BuiltinOperator_CONV_2D = 3,\n";

    /// A model with one operator code: the byte says 3, and the word `word`.
    fn model(word: u32) -> Vec<u8> {
        let mut file = vec![20, 0, 0, 0];
        // The model's vtable, of two fields: none, and the vector 8 bytes into the table.
        file.extend([8u16, 12, 0, 8].iter().flat_map(|v| v.to_le_bytes()));
        // Eight bytes of nothing, then the table at 20: 16 back to its vtable.
        file.extend([0; 8]);
        file.extend([16u32, 0, 4].iter().flat_map(|v| v.to_le_bytes()));
        // At 32 the vector of one code, 20 bytes behind its entry at 36.
        file.extend([1u32, 20].iter().flat_map(|v| v.to_le_bytes()));
        // At 40 the code's vtable, of four fields: the byte at 4, and the word at 8.
        file.extend([12u16, 12, 4, 0, 0, 8].iter().flat_map(|v| v.to_le_bytes()));
        file.extend([0; 4]);
        // At 56 the code.
        file.extend([16u32, 3, word].iter().flat_map(|v| v.to_le_bytes()));
        file
    }

    #[test]
    fn codes_are_read() {
        assert_eq!(codes(&model(0)).unwrap(), BTreeSet::from([3]));
        assert_eq!(codes(&model(150)).unwrap(), BTreeSet::from([150]));
    }

    #[test]
    fn damaged_files_are_refused() {
        let file = model(0);
        for bytes in 0..file.len() {
            let _ = codes(&file[..bytes]);
            for value in [0, 1, 127, 255] {
                let mut other = file.clone();
                other[bytes] = value;
                let _ = codes(&other);
            }
        }
        assert!(codes(&[]).is_err() && codes(&file[..36]).is_err() && codes(&[255; 64]).is_err());
    }

    #[test]
    fn operators_are_called_as_the_version_calls_them() {
        let header =
            "TfLiteStatus AddBuiltin(int op) {}\n TfLiteStatus AddAdd() {}\n  TfLiteStatus AddConv2D(\n int x) {}";
        let calls = |codes: &[u32], header| calls(&codes.iter().copied().collect(), SCHEMA, header);
        assert_eq!(calls(&[0, 3], header).unwrap().unwrap(), ["AddAdd", "AddConv2D"]);
        assert_eq!(calls(&[3], "TfLiteStatus AddBuiltin(int op) {}").unwrap(), None);
        assert!(calls(&[4], header).unwrap_err().contains("no operator 4"));
        assert!(calls(&[3], "TfLiteStatus AddAdd() {}").unwrap_err().contains("CONV_2D"));
    }
}
