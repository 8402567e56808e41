//! Reads graphs from the text form that `ir::print` writes, for small models in tests and printed IR.
//!
//! Constants must be given whole: all elements, `splat v`, or `random seed` (see [`random`]). Comments, and with
//! them where nodes came from, are dropped; values that are neither inputs nor outputs lose their names, not their numbers.
//! What is read has been verified: [`parse`] gives only graphs whose invariants hold.

mod attributes;
mod expr;
mod line;
mod op;
mod recurrent;

use self::line::Line;
pub(super) use self::op::attributes_of;
use super::{Graph, Node, Output, Scalar, Stored, Tensor, Type, ValueId, checked_elements, verify};

/// The largest number of a value.
const MAX_ID: u32 = 1 << 20;
/// The most elements of a constant.
const MAX_CONSTANT: usize = 1 << 24;

/// Reads a graph.
///
/// # Errors
/// What is wrong and in which line, or the invariants that do not hold.
pub fn parse(text: &str) -> Result<Graph, String> {
    let graph = read_graph(&mut text.lines().enumerate(), 0)?;
    verify(&graph).map_err(|faults| faults.join("\n"))?;
    Ok(graph)
}

/// How deep graphs may lie in each other.
const MAX_DEPTH: usize = 32;

/// A graph, up to its `end` where it lies within another one.
fn read_graph<'t>(lines: &mut impl Iterator<Item = (usize, &'t str)>, depth: usize) -> Result<Graph, String> {
    let mut graph = Graph::default();
    while let Some((n, text)) = lines.next() {
        let at = |why: String| format!("line {}: {why}", n + 1);
        let mut line = Line::new(text).map_err(at)?;
        if depth > 0 && line.take_word("end") {
            line.end().map_err(at)?;
            return Ok(graph);
        }
        let nodes = graph.nodes.len();
        read_line(&mut graph, &mut line).map_err(at)?;
        if graph.nodes.len() == nodes {
            continue;
        }
        let node = &mut graph.nodes[nodes];
        for within in node.op.graphs_mut() {
            if depth == MAX_DEPTH {
                return Err(at("graphs lie too deep in each other".into()));
            }
            *within = read_graph(lines, depth + 1)?;
        }
        if let super::Op::Loop(repeat) = &mut node.op {
            repeat.note_states();
        }
    }
    if depth == 0 { Ok(graph) } else { Err("a graph within a node has no end".into()) }
}

fn read_line(graph: &mut Graph, line: &mut Line<'_>) -> Result<(), String> {
    if line.is_done() {
        return Ok(());
    }
    if line.take_word("graph") {
        graph.name = line.text()?;
    } else if line.take_word("in") {
        let (id, name) = (id(line)?, line.text()?);
        line.mark(':')?;
        let ty = ty(line)?;
        define(graph, id, ty)?;
        graph.values[id.index()].name = name;
        graph.inputs.push(id);
    } else if line.take_word("out") {
        let name = line.text()?;
        line.mark('=')?;
        graph.outputs.push(Output { name, value: id(line)? });
    } else if line.is_constant() {
        let id = id(line)?;
        line.mark('=')?;
        let ty = ty(line)?;
        let data = elements(line, &ty)?;
        if line.take_word("codes") {
            graph.stored.insert(id, stored(line, &data)?);
        }
        define(graph, id, ty)?;
        graph.values[id.index()].data = Some(data);
    } else {
        node(graph, line)?;
    }
    line.end()
}

/// `%1, %2 = op operands {attributes} : types`.
fn node(graph: &mut Graph, line: &mut Line<'_>) -> Result<(), String> {
    let outputs = ids(line)?;
    line.mark('=')?;
    let name = line.word()?;
    let inputs = if line.is_id() { ids(line)? } else { vec![] };
    // The types stand last, but tell some operators what to do.
    let mut rest = line.clone();
    rest.skip_braces();
    rest.mark(':')?;
    let mut types = vec![ty(&mut rest)?];
    while rest.take_mark(',') {
        types.push(ty(&mut rest)?);
    }
    let op = op::read(name, line, &types[0])?;
    *line = rest;
    if outputs.len() != types.len() {
        return Err(format!("{} results have {} types", outputs.len(), types.len()));
    }
    for (&id, ty) in outputs.iter().zip(types) {
        define(graph, id, ty)?;
    }
    graph.nodes.push(Node { op, inputs, outputs, origin: vec![] });
    Ok(())
}

/// Gives a value its type; values of lower numbers that have none yet are made, of no elements.
fn define(graph: &mut Graph, id: ValueId, ty: Type) -> Result<(), String> {
    checked_elements(&ty.shape).ok_or_else(|| format!("{ty} is too large"))?;
    while graph.values.len() <= id.index() {
        graph.add_value("", Type::new(super::DType::F32, [0]));
    }
    graph.values[id.index()].ty = ty;
    Ok(())
}

fn id(line: &mut Line<'_>) -> Result<ValueId, String> {
    let word = line.word()?;
    let number = word.strip_prefix(['%', '$']).and_then(|n| n.parse().ok()).filter(|&n| n <= MAX_ID);
    number.map(ValueId).ok_or_else(|| format!("{word:?} is not a value"))
}

fn ids(line: &mut Line<'_>) -> Result<Vec<ValueId>, String> {
    let mut ids = vec![id(line)?];
    while line.take_mark(',') {
        ids.push(id(line)?);
    }
    Ok(ids)
}

/// `f32[2,3]`.
fn ty(line: &mut Line<'_>) -> Result<Type, String> {
    let dtype = line::dtype(line.word()?)?;
    let mut shape = Vec::new();
    line.mark('[')?;
    while !line.take_mark(']') {
        if !shape.is_empty() {
            line.mark(',')?;
        }
        shape.push(line.number()?);
    }
    Ok(Type::new(dtype, shape))
}

/// The elements of a constant, from the rest of the line.
fn elements(line: &mut Line<'_>, ty: &Type) -> Result<Tensor, String> {
    let len = checked_elements(&ty.shape).filter(|&n| n <= MAX_CONSTANT).ok_or_else(|| format!("{ty} is too large"))?;
    if line.take_word("splat") {
        let v = line::scalar(line.word()?, ty.dtype)?;
        return Ok(Tensor::from_scalars(ty.clone(), std::iter::repeat_n(v, len)));
    }
    if line.take_word("random") {
        return Ok(random(ty, line.number()?));
    }
    let mut values = Vec::new();
    while !line.is_done() && !line.is_word("codes") {
        if line.take_word("..") {
            return Err("the elements are not given in full".into());
        }
        values.push(line::scalar(line.word()?, ty.dtype)?);
    }
    if values.len() != len {
        return Err(format!("{ty} has {len} elements, not {}", values.len()));
    }
    Ok(Tensor::from_scalars(ty.clone(), values))
}

/// What a constant was made from: the integers are those that give its elements, which the verifier sees to.
fn stored(line: &mut Line<'_>, data: &Tensor) -> Result<Stored, String> {
    let dtype = line::dtype(line.word()?)?;
    let ty = Type::new(dtype, data.shape());
    if dtype.is_float() {
        let halves = Tensor::from_scalars(ty, data.scalars().map(|v| Scalar::from_f64(v.to_f64(), dtype)));
        return Ok(Stored::halves(halves));
    }
    let mut stored = Stored::along(data.clone(), None, vec![], vec![]);
    stored.block.clear();
    line.keyword("block")?;
    while !line.take_word("scale") {
        stored.block.push(line.number()?);
    }
    while !line.take_word("zero") {
        stored.scale.push(line.number()?);
    }
    while !line.is_done() {
        stored.zero.push(line.number()?);
    }
    if let Some(fault) = stored.shape_fault() {
        return Err(fault);
    }
    let blocks: Vec<usize> = stored.blocks().collect();
    let integer = |(v, block): (Scalar, usize)| {
        let q = (v.to_f64() / f64::from(stored.scale[block])).round() as i64;
        Scalar::from_i64(q.saturating_add(stored.zero[block]), dtype)
    };
    stored.data = Tensor::from_scalars(ty, data.scalars().zip(blocks).map(integer));
    Ok(stored)
}

/// Elements that look random and are the same for the same seed: multiples of 1/64 from -1 to 1 for floats, integers from
/// -8 to 8 (from 0 where the type has no negative ones).
pub fn random(ty: &Type, seed: u64) -> Tensor {
    let mut state = seed;
    // splitmix64 (Steele, Lea, Flood 2014).
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let dtype = ty.dtype;
    let element = |r: u64| {
        if dtype.is_float() || matches!(dtype, super::DType::Mini(_)) {
            Scalar::from_f64((r % 129) as f64 / 64.0 - 1.0, dtype)
        } else if dtype.is_signed() {
            Scalar::from_i64((r % 17) as i64 - 8, dtype)
        } else if dtype.is_int() {
            Scalar::from_i64((r % 9) as i64, dtype)
        } else {
            Scalar::Bool(r % 2 == 1)
        }
    };
    Tensor::from_scalars(ty.clone(), (0..ty.elements()).map(|_| element(next())))
}

#[cfg(test)]
mod tests;
