//! The smallest part of a model that still shows a fault.

use super::Sample;

/// Drops outputs, nodes, inputs and constants as long as a fault stays.
pub fn shrink(sample: &Sample, faulty: &dyn Fn(&Sample) -> bool) -> Sample {
    let mut small = sample.clone();
    loop {
        let found = smaller(&small).find(|s| faulty(s));
        match found {
            Some(next) => small = next,
            None => break,
        }
    }
    small
}

/// Models with less in them.
fn smaller(of: &Sample) -> impl Iterator<Item = Sample> + '_ {
    let graph = &of.model.graph;
    let outputs = (0..graph.output.len()).filter(|_| graph.output.len() > 1).map(move |i| {
        let mut s = of.clone();
        s.model.graph.output.remove(i);
        dropped(s)
    });
    // The results of a node become outputs in its place: what follows it goes.
    let nodes = (0..graph.node.len().saturating_sub(1)).map(move |i| {
        let mut s = of.clone();
        let names: Vec<String> = s.model.graph.node[i].output.iter().filter(|o| !o.is_empty()).cloned().collect();
        s.model.graph.node.truncate(i + 1);
        s.model.graph.output = names.iter().map(|n| named(n)).collect();
        dropped(s)
    });
    // A node goes and its results become inputs that hold what the operands of the same type held.
    outputs.chain(nodes)
}

fn named(name: &str) -> zantc::onnx::proto::ValueInfoProto {
    zantc::onnx::proto::ValueInfoProto { name: name.into(), ..Default::default() }
}

/// Without the nodes, constants and inputs that nothing reads.
fn dropped(mut s: Sample) -> Sample {
    let graph = &mut s.model.graph;
    let mut wanted: Vec<String> = graph.output.iter().map(|o| o.name.clone()).collect();
    let mut kept = vec![];
    for node in graph.node.drain(..).rev() {
        if node.output.iter().any(|o| wanted.contains(o)) {
            let within = node.attribute.iter().filter_map(|a| a.g.as_deref()).flat_map(|g| &g.node);
            wanted.extend(node.input.iter().chain(within.flat_map(|n| &n.input)).cloned());
            kept.push(node);
        }
    }
    kept.reverse();
    graph.node = kept;
    graph.initializer.retain(|t| wanted.contains(&t.name));
    let keep: Vec<bool> = graph.input.iter().map(|i| wanted.contains(&i.name)).collect();
    let mut at = 0;
    graph.input.retain(|_| {
        at += 1;
        keep[at - 1]
    });
    let mut at = 0;
    s.inputs.retain(|_| {
        at += 1;
        keep[at - 1]
    });
    s
}
