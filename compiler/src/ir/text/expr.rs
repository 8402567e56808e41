//! Expressions: `t0 = Add(x0, 1.5); Mul(t0, t0)`.

use super::line::{Line, dtype, number, scalar};
use crate::ir::{BinaryOp, DType, Expr, ExprIx, ExprOp, Scalar, UnaryOp};

/// How deep terms may be nested.
const MAX_DEPTH: usize = 64;

/// An expression up to the closing brace.
pub(super) fn read(line: &mut Line<'_>) -> Result<Expr, String> {
    let mut reader = Reader { expr: Expr::new(), named: Vec::new() };
    loop {
        let mut ahead = line.clone();
        // The next term has a name where another one follows it.
        let name = format!("t{}", reader.named.len());
        if ahead.take_word(&name) && ahead.take_mark('=') {
            *line = ahead;
            let term = reader.term(line, 0)?;
            line.mark(';')?;
            reader.named.push(term);
        } else {
            let result = reader.term(line, 0)?;
            return Ok(reader.expr.finish(result));
        }
    }
}

struct Reader {
    expr: Expr,
    /// What `t0`, `t1` .. are.
    named: Vec<ExprIx>,
}

impl Reader {
    fn term(&mut self, line: &mut Line<'_>, depth: usize) -> Result<ExprIx, String> {
        if depth > MAX_DEPTH {
            return Err("the term is nested too deep".into());
        }
        let word = line.word()?;
        if !line.take_mark('(') {
            return self.leaf(word);
        }
        let mut operands = vec![self.term(line, depth + 1)?];
        while line.take_mark(',') {
            operands.push(self.term(line, depth + 1)?);
        }
        line.mark(')')?;
        Ok(self.expr.push(operation(word, &operands)?))
    }

    /// `x0`, `t0`, or a constant.
    fn leaf(&mut self, word: &str) -> Result<ExprIx, String> {
        if let Some(n) = word.strip_prefix('x') {
            return Ok(self.expr.input(number(n)?));
        }
        if let Some(n) = word.strip_prefix('t').and_then(|n| n.parse::<usize>().ok()) {
            return self.named.get(n).copied().ok_or_else(|| format!("{word} is not there yet"));
        }
        let value = match word.rsplit_once('_') {
            Some((value, ty)) => scalar(value, dtype(ty)?)?,
            None => word.parse().map(Scalar::Bool).or_else(|_| scalar(word, DType::F32))?,
        };
        Ok(self.expr.constant(value))
    }
}

fn operation(name: &str, operands: &[ExprIx]) -> Result<ExprOp, String> {
    let unary = || UnaryOp::ALL.into_iter().find(|op| format!("{op:?}") == name);
    let binary = || BinaryOp::ALL.into_iter().find(|op| format!("{op:?}") == name);
    let op = match *operands {
        [a] => {
            let bits = || name.strip_prefix("bits_").and_then(DType::named);
            let cast = || DType::named(name).map(|to| ExprOp::Cast(to, a));
            let unary = unary().map(|op| ExprOp::Unary(op, a)).or_else(cast);
            unary.or_else(|| bits().map(|to| ExprOp::BitCast(to, a)))
        }
        [a, b] => binary().map(|op| ExprOp::Binary(op, a, b)),
        [c, a, b] if name == "Select" => Some(ExprOp::Select(c, a, b)),
        _ => None,
    };
    op.ok_or_else(|| format!("there is no operation {name:?} of {} values", operands.len()))
}
