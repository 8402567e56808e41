//! Lists of nodes before they are translated: attributes of functions bound, operands brought before their users.

use std::collections::{BTreeMap, BTreeSet};

use crate::onnx::proto::{AttributeProto, FunctionProto, NodeProto};

/// How deep functions and branches may lie in each other.
pub(super) const MAX_DEPTH: usize = 32;

/// The nodes of a function's body with references to attributes replaced by the caller's values, or the defaults.
pub(super) fn bind_attributes(f: &FunctionProto, call: &NodeProto) -> Vec<NodeProto> {
    fn bind(nodes: &mut [NodeProto], values: &BTreeMap<&str, &AttributeProto>, depth: usize) {
        for node in nodes.iter_mut() {
            node.attribute.retain_mut(|a| {
                if a.ref_attr_name.is_empty() {
                    return true;
                }
                let Some(value) = values.get(a.ref_attr_name.as_str()) else { return false };
                let name = std::mem::take(&mut a.name);
                *a = AttributeProto { name, ..(*value).clone() };
                true
            });
            if depth < MAX_DEPTH {
                let graphs = node.attribute.iter_mut().filter_map(|a| a.g.as_deref_mut());
                graphs.for_each(|g| bind(&mut g.node, values, depth + 1));
            }
        }
    }
    let mut values: BTreeMap<&str, &AttributeProto> = BTreeMap::new();
    values.extend(f.attribute_proto.iter().map(|a| (a.name.as_str(), a)));
    values.extend(call.attribute.iter().map(|a| (a.name.as_str(), a)));
    let mut nodes = f.node.clone();
    bind(&mut nodes, &values, 0);
    nodes
}

/// Nodes in an order in which operands come first (that of the file where it is one), and the nodes on cycles.
pub(super) fn topological(nodes: &[NodeProto]) -> (Vec<usize>, Vec<usize>) {
    let mut makers: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, n) in nodes.iter().enumerate() {
        for o in n.output.iter().filter(|o| !o.is_empty()) {
            makers.entry(o).or_insert(i);
        }
    }
    let mut users = vec![Vec::new(); nodes.len()];
    let mut missing = vec![0usize; nodes.len()];
    for (i, n) in nodes.iter().enumerate() {
        let mut names = BTreeSet::new();
        read_names(n, &mut names, 0);
        let sources: BTreeSet<usize> = names.iter().filter_map(|s| makers.get(s)).copied().collect();
        missing[i] = sources.len();
        sources.into_iter().for_each(|s| users[s].push(i));
    }
    let mut ready: BTreeSet<usize> = (0..nodes.len()).filter(|&i| missing[i] == 0).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(i) = ready.pop_first() {
        order.push(i);
        for &u in &users[i] {
            missing[u] -= 1;
            if missing[u] == 0 {
                ready.insert(u);
            }
        }
    }
    let cyclic = (0..nodes.len()).filter(|&i| missing[i] > 0).collect();
    (order, cyclic)
}

/// The names that a node reads, with those that its subgraphs read and do not define themselves.
fn read_names<'n>(node: &'n NodeProto, names: &mut BTreeSet<&'n str>, depth: usize) {
    names.extend(node.input.iter().map(String::as_str).filter(|n| !n.is_empty()));
    if depth < MAX_DEPTH {
        for g in node.attribute.iter().filter_map(|a| a.g.as_deref()) {
            let mut within: BTreeSet<&str> = g.output.iter().map(|o| o.name.as_str()).collect();
            g.node.iter().for_each(|n| read_names(n, &mut within, depth + 1));
            g.input.iter().for_each(|i| _ = within.remove(i.name.as_str()));
            g.initializer.iter().for_each(|t| _ = within.remove(t.name.as_str()));
            g.node.iter().flat_map(|n| &n.output).for_each(|o| _ = within.remove(o.as_str()));
            names.append(&mut within);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(inputs: &[&str], output: &str) -> NodeProto {
        let input = inputs.iter().map(ToString::to_string).collect();
        NodeProto { input, output: vec![output.to_string()], ..NodeProto::default() }
    }

    #[test]
    fn operands_come_first_and_the_order_of_the_file_otherwise() {
        let nodes = [node(&["b"], "c"), node(&["x"], "a"), node(&["a"], "b"), node(&["x"], "d")];
        assert_eq!(topological(&nodes), (vec![1, 2, 0, 3], vec![]));
    }

    #[test]
    fn nodes_on_cycles_and_behind_them_are_told() {
        let nodes = [node(&["x"], "a"), node(&["c"], "b"), node(&["b"], "c"), node(&["c"], "d")];
        assert_eq!(topological(&nodes), (vec![0], vec![1, 2, 3]));
    }

    #[test]
    fn references_become_the_callers_values_or_the_defaults_or_nothing() {
        let int = |name: &str, i| AttributeProto { name: name.into(), i: Some(i), ..AttributeProto::default() };
        let reference = |name: &str, to: &str| AttributeProto {
            name: name.into(),
            ref_attr_name: to.into(),
            ..AttributeProto::default()
        };
        let attribute = vec![reference("axis", "p"), reference("k", "q"), reference("none", "r"), int("own", 4)];
        let body = NodeProto { attribute, ..NodeProto::default() };
        let f = FunctionProto {
            node: vec![body],
            attribute_proto: vec![int("p", 1), int("q", 2)],
            ..FunctionProto::default()
        };
        let call = NodeProto { attribute: vec![int("p", 3)], ..NodeProto::default() };
        assert_eq!(bind_attributes(&f, &call)[0].attribute, [int("axis", 3), int("k", 2), int("own", 4)]);
    }
}
