//! The text form of graphs: one line per input, constant, node and output; stable, for reading, snapshots and [`super::text`].
//!
//! ```text
//! graph "mnist-8"
//!   in %0 "Input3": f32[1,28,28,1]
//!   $1 = f32[8,5,5,1] -0.089 0.117 .. sha 5b1f4d09  // "Parameter5"
//!   $2 = f32[8] splat 0.5
//!   %3 = conv %0, $1, $2 {kernel 5x5, pad 2 2 2 2, bias, relu} : f32[1,28,28,8]  // Conv "Convolution28"
//!   %4 = map %3, $2 {Max(Add(x0, x1), 0.0)} : f32[1,28,28,8]
//!   out "Plus214_Output_0" = %4
//! ```
//! Numbers are those of [`ValueId`]; `$` marks constants. What is left out has its plain value: stride and dilation 1, no
//! padding, one group, and shapes that the type of the result tells. The graphs within a node stand behind its line, each up to `end`. Behind the elements of a constant stands what they were made from
//! (`codes`), where that is known. Names are escaped, so that they stay on their line; a `//` outside quotes starts a comment. Nothing
//! here panics, whatever the graph.

use std::fmt::{self, Display, Formatter, Write};

use sha2::{Digest, Sha256};

use super::{Expr, ExprIx, ExprOp, Graph, Node, Scalar, Stored, Tensor, ValueId};

/// Constants of up to this many elements are printed in full.
const FULL: usize = 16;
/// Of larger ones as many stand before the hash.
const FIRST: usize = 4;
/// Expressions of up to this many operations, none of them shared, are printed as one nested term.
const NESTED: usize = 12;

impl Display for Graph {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "graph {:?}", self.name)?;
        for &id in &self.inputs {
            if let Some(value) = self.values.get(id.index()) {
                writeln!(f, "  in {} {:?}: {}", Id(self, id), value.name, value.ty)?;
            }
        }
        for (ix, value) in self.values.iter().enumerate() {
            if let Some(data) = &value.data {
                write!(f, "  ${ix} = {}{}", value.ty, Elements(data))?;
                if let Some(stored) = self.stored.get(&ValueId(ix as u32)) {
                    print_stored(f, stored)?;
                }
                comment(f, (!value.name.is_empty()).then(|| format!("{:?}", value.name)))?;
            }
        }
        for node in &self.nodes {
            write!(f, "  {}", print_node(self, node))?;
            comment(f, node.origin.iter().map(|o| format!("{} {:?}", escaped(&o.op_type), o.name)))?;
            for graph in node.op.graphs() {
                graph.to_string().lines().try_for_each(|line| writeln!(f, "    {line}"))?;
                writeln!(f, "    end")?;
            }
        }
        for output in &self.outputs {
            writeln!(f, "  out {:?} = {}", output.name, Id(self, output.value))?;
        }
        Ok(())
    }
}

/// What a constant was made from: ` codes i8 block 1 32 scale 0.5 .. zero 0 ..`, or ` codes f16`. Of many blocks the first few stand.
fn print_stored(f: &mut Formatter<'_>, stored: &Stored) -> fmt::Result {
    write!(f, " codes {}", stored.data.dtype())?;
    if !stored.is_scaled() {
        return Ok(());
    }
    write!(f, " block")?;
    stored.block.iter().try_for_each(|b| write!(f, " {b}"))?;
    let shown = if stored.scale.len() <= FULL { FULL } else { FIRST };
    let end = if stored.scale.len() <= FULL { "" } else { " .." };
    write!(f, " scale")?;
    stored.scale.iter().take(shown).try_for_each(|s| write!(f, " {s:?}"))?;
    write!(f, "{end} zero")?;
    stored.zero.iter().take(shown).try_for_each(|z| write!(f, " {z}"))?;
    write!(f, "{end}")
}

/// One node of a graph, on one line, without where it came from.
pub fn print_node(graph: &Graph, node: &Node) -> String {
    let ids = |ids: &[ValueId]| ids.iter().map(|&id| Id(graph, id).to_string()).collect::<Vec<_>>().join(", ");
    let types: Vec<String> = node
        .outputs
        .iter()
        .map(|id| graph.values.get(id.index()).map_or_else(|| "?".into(), |v| v.ty.to_string()))
        .collect();
    let mut line = format!("{} = {}", ids(&node.outputs), node.op.name());
    if !node.inputs.is_empty() {
        line.push(' ');
        line.push_str(&ids(&node.inputs));
    }
    let attributes = super::text::attributes_of(&node.op);
    if !attributes.is_empty() {
        _ = write!(line, " {{{}}}", attributes.join(", "));
    }
    _ = write!(line, " : {}", types.join(", "));
    line
}

/// A value by its number.
struct Id<'a>(&'a Graph, ValueId);

impl Display for Id<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let constant = self.0.values.get(self.1.index()).is_some_and(|v| v.data.is_some());
        write!(f, "{}{}", if constant { '$' } else { '%' }, self.1.0)
    }
}

/// Ends a line with a comment, if there is something to say.
fn comment(f: &mut Formatter<'_>, parts: impl IntoIterator<Item = String>) -> fmt::Result {
    let text = parts.into_iter().collect::<Vec<_>>().join(", ");
    if text.is_empty() { writeln!(f) } else { writeln!(f, "  // {text}") }
}

/// Untrusted text without quotes, on one line.
fn escaped(text: &str) -> String {
    text.escape_debug().to_string()
}

/// The elements of a constant: ` splat v`, all of them, or the first ones and a hash.
struct Elements<'a>(&'a Tensor);

impl Display for Elements<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let all = |n: usize, f: &mut Formatter<'_>| self.0.scalars().take(n).try_for_each(|v| write!(f, " {v}"));
        match self.0.uniform() {
            Some(v) if self.0.len() > 1 => write!(f, " splat {v}"),
            _ if self.0.len() <= FULL => all(FULL, f),
            _ => {
                all(FIRST, f)?;
                let hash = Sha256::digest(self.0.data());
                write!(f, " .. sha {:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3])
            }
        }
    }
}

/// Operands as `x0`, constants with their type save for f32 and bool (`1.5`, `3_i64`, `true`), operations as
/// `Name(operands)`, conversions as `f32(operand)`. Longer expressions, and those that share operations, name
/// each one but the last: `t0 = Add(x0, x1); Mul(t0, t0)`.
impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let ops = self.ops();
        let Some(result) = ops.len().checked_sub(1) else { return Ok(()) };
        if ops.iter().enumerate().any(|(ix, op)| op.operands().any(|o| o >= ix)) {
            return f.write_str("operations out of order");
        }
        let mut uses = vec![0usize; ops.len()];
        ops.iter().flat_map(ExprOp::operands).for_each(|o| uses[o] += 1);
        let is_leaf = |ix: ExprIx| matches!(ops[ix], ExprOp::Input(_) | ExprOp::Const(_));
        let named: Vec<ExprIx> = (0..result).filter(|&ix| !is_leaf(ix)).collect();
        if named.len() < NESTED && named.iter().all(|&ix| uses[ix] == 1) {
            return nested(self, result, f);
        }
        let operand = |ix: ExprIx, f: &mut Formatter<'_>| match named.binary_search(&ix) {
            Ok(n) => write!(f, "t{n}"),
            Err(_) => term(ops[ix], f, |_, _| Ok(())),
        };
        for (n, &ix) in named.iter().enumerate() {
            write!(f, "t{n} = ")?;
            term(ops[ix], f, operand)?;
            f.write_str("; ")?;
        }
        term(ops[result], f, operand)
    }
}

/// An operation, its operands written by `operand`.
fn term(op: ExprOp, f: &mut Formatter<'_>, operand: impl Fn(ExprIx, &mut Formatter<'_>) -> fmt::Result) -> fmt::Result {
    match op {
        ExprOp::Input(n) => return write!(f, "x{n}"),
        ExprOp::Const(v @ (Scalar::F32(_) | Scalar::Bool(_))) => return write!(f, "{v}"),
        ExprOp::Const(v) => return write!(f, "{v}_{}", v.dtype()),
        ExprOp::Unary(op, _) => write!(f, "{op:?}("),
        ExprOp::Binary(op, ..) => write!(f, "{op:?}("),
        ExprOp::Select(..) => f.write_str("Select("),
        ExprOp::Cast(to, _) => write!(f, "{to}("),
        ExprOp::BitCast(to, _) => write!(f, "bits_{to}("),
    }?;
    for (i, o) in op.operands().enumerate() {
        f.write_str(if i > 0 { ", " } else { "" })?;
        operand(o, f)?;
    }
    f.write_str(")")
}

/// A whole term, no deeper than [`NESTED`].
fn nested(e: &Expr, ix: ExprIx, f: &mut Formatter<'_>) -> fmt::Result {
    term(e.ops()[ix], f, |o, f| nested(e, o, f))
}
