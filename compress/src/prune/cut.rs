//! Channels taken out of a model: rows and columns of its constants, and the numbers that count them.

use std::collections::BTreeSet;

use zantc::ir::Tensor;
use zantc::onnx::RawTensor;

use crate::net::{Net, integer, with_integer};
use crate::prune::groups::Groups;

/// Something that has a part for each channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The node that reads or has it.
    pub(crate) node: usize,
    pub(crate) what: What,
    /// The unit of each part.
    pub(crate) ids: Vec<usize>,
}

/// What is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A dimension of a constant operand.
    Axis {
        /// The operand's place.
        operand: usize,
        /// The dimension.
        axis: usize,
    },
    /// A number in a constant operand that is a shape.
    Entry {
        /// The operand's place.
        operand: usize,
        /// The number's place.
        entry: usize,
    },
    /// The number of groups of a convolution.
    Group,
}

/// The model without such units. They are of groups of this model, and something stays of all that is cut.
pub(crate) fn remove(net: &Net, groups: &Groups, units: &BTreeSet<usize>) -> Net {
    let mut net = net.clone();
    for cut in &groups.cuts {
        let kept: Vec<usize> = (0..cut.ids.len()).filter(|at| !units.contains(&cut.ids[*at])).collect();
        if kept.len() == cut.ids.len() {
            continue;
        }
        match cut.what {
            What::Axis { operand, axis } => {
                let name = own(&mut net, cut.node, operand);
                if let Some(raw) = net.constant(&name).and_then(|raw| sliced(raw, axis, &kept)) {
                    net.insert(raw);
                }
            }
            What::Entry { operand, entry } => {
                let name = own(&mut net, cut.node, operand);
                let Some(mut numbers) = net.integers(&name) else { continue };
                numbers[entry] = kept.len() as i64;
                net.set(&name, &Tensor::from_elements([numbers.len()], &numbers));
            }
            What::Group => {
                let node = &mut net.nodes_mut()[cut.node];
                let group = integer(node, "group", 1) * kept.len() as i64 / cut.ids.len().max(1) as i64;
                node.attribute.retain(|a| a.name != "group");
                node.attribute.push(with_integer("group", group));
            }
        }
    }
    net
}

/// The name of a constant operand that only this node reads; others keep theirs.
pub(crate) fn own(net: &mut Net, node: usize, operand: usize) -> String {
    let name = net.nodes()[node].input[operand].clone();
    let links = net.links();
    if links.readers(&name).len() < 2 && !links.is_output(&name) {
        return name;
    }
    let Some(raw) = net.constant(&name).cloned() else { return name };
    let copy = net.fresh(&format!("{name}_own"));
    net.insert(RawTensor { name: copy.clone(), ..raw });
    net.nodes_mut()[node].input[operand] = copy.clone();
    copy
}

/// Some indices of a dimension of a tensor.
fn sliced(raw: &RawTensor, axis: usize, kept: &[usize]) -> Option<RawTensor> {
    let extent = *raw.dims.get(axis)?;
    let outer: usize = raw.dims[..axis].iter().product();
    let inner = raw.data.len().checked_div(outer * extent)?;
    let mut data = Vec::with_capacity(outer * kept.len() * inner);
    for block in 0..outer {
        for index in kept {
            data.extend_from_slice(raw.data.get((block * extent + index) * inner..)?.get(..inner)?);
        }
    }
    let mut dims = raw.dims.clone();
    dims[axis] = kept.len();
    Some(RawTensor { name: raw.name.clone(), dtype: raw.dtype, dims, data: data.into() })
}
