//! Strings, which are numbers here: places in a list of labels.

use super::node::{At, Fault, Imported, NodeCx};
use crate::diag::codes;
use crate::ir::{Labels, ValueId};

/// Operators that move strings, or exchange them for numbers.
const OF_STRINGS: [&str; 10] = [
    "ArrayFeatureExtractor",
    "CategoryMapper",
    "Flatten",
    "Gather",
    "Identity",
    "LabelEncoder",
    "Reshape",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
];

/// Numbers that stand for strings stay that where they are moved; nothing else may be done with them.
pub(super) fn carry(cx: &mut NodeCx<'_>) -> Imported<()> {
    let names = |v: ValueId| cx.b.labels.get(&v).filter(|l| matches!(l, Labels::Names(_)));
    let Some((n, labels)) = (0..cx.inputs.len()).find_map(|n| Some((n, names(cx.opt(n)?)?.clone()))) else {
        return Ok(());
    };
    let name = cx.node.op_type.as_str();
    if n > 0 || !OF_STRINGS.contains(&name) {
        let message = format!("`{}` of strings", name.escape_debug());
        return Err(Fault::new(codes::UNSUPPORTED_TYPE, message)
            .help("leave labels to the end of the model, or train it with integers as classes")
            .at(At::Input(n)));
    }
    if let Some(Some(result)) = cx.outputs.first().copied()
        && !matches!(name, "LabelEncoder" | "CategoryMapper")
    {
        cx.mark_labels(result, labels);
    }
    Ok(())
}
