//! TfIdfVectorizer of numbers: how often each n-gram of a list occurs, with elements left out between.

use super::pieces::{concat, pick, slice};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited};
use crate::ir::formula::{binary, num, select, x};
use crate::ir::{BinaryOp, DType, Op, ReduceKind, Scalar, Tensor, Type, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[limited("TfIdfVectorizer", vectorize, "numbers, no strings")];

/// What is done with counts.
#[derive(Clone, Copy)]
enum Weighting {
    Count,
    Presence,
    Both,
}

/// The n-grams of one length: their elements, and their numbers among all n-grams.
struct Grams {
    length: usize,
    elements: Vec<i64>,
    first: usize,
}

/// The n-grams by length, of which those of the wanted lengths count.
fn grams(cx: &NodeCx<'_>) -> Imported<(Vec<Grams>, usize)> {
    let pool = cx.ints_opt("pool_int64s")?.ok_or_else(|| {
        Fault::form("n-grams of strings are not supported")
            .help("number the words before the model, and export `pool_int64s`")
    })?;
    let starts = cx.ints_opt("ngram_counts")?.ok_or_else(|| Fault::missing("ngram_counts"))?;
    let wrong =
        || Fault::attribute("ngram_counts", format!("is {starts:?}, which does not divide {} numbers", pool.len()));
    let mut all = Vec::new();
    let mut first = 0;
    for (i, &start) in starts.iter().enumerate() {
        let end = starts.get(i + 1).copied().unwrap_or(pool.len() as i64);
        let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let elements = range.and_then(|(start, end)| pool.get(start..end)).ok_or_else(wrong)?.to_vec();
        if !elements.len().is_multiple_of(i + 1) {
            return Err(wrong());
        }
        let count = elements.len() / (i + 1);
        all.push(Grams { length: i + 1, elements, first });
        first += count;
    }
    Ok((all, first))
}

fn size(cx: &NodeCx<'_>, name: &str, least: i64) -> Imported<usize> {
    let v = cx.int_opt(name)?.ok_or_else(|| Fault::missing(name))?;
    let valid = usize::try_from(v).ok().filter(|_| v >= least && v < 1 << 16);
    valid.ok_or_else(|| Fault::attribute(name, format!("is {v}")))
}

fn vectorize(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let [both, presence, count] = [("TFIDF", Weighting::Both), ("IDF", Weighting::Presence), ("TF", Weighting::Count)];
    let mode = cx.word("mode", &[count, presence, both])?;
    let (shortest, longest) = (size(cx, "min_gram_length", 1)?, size(cx, "max_gram_length", 1)?);
    let skips = size(cx, "max_skip_count", 0)?;
    let (grams, count) = grams(cx)?;
    let indexes = cx.ints_opt("ngram_indexes")?.ok_or_else(|| Fault::missing("ngram_indexes"))?;
    let weights = cx.floats_opt("weights")?.unwrap_or_else(|| vec![1.0; count]);
    let limit = 1 << 20;
    if indexes.len() != count || weights.len() != count || indexes.iter().any(|i| !(0..limit).contains(i)) {
        return Err(Fault::attribute("ngram_indexes", format!("does not have a place for each of {count} n-grams")));
    }
    let shape = cx.shape(input);
    let rows = match *shape.as_slice() {
        [c] => cx.reshape(input, [1, c])?,
        [_, _] => input,
        _ => return Err(Fault::shape(format!("{} is neither a row nor a matrix", cx.ty(input)))),
    };
    if !matches!(cx.dtype(input), DType::I32 | DType::I64) {
        return Err(Fault::ty(format!("n-grams of {}", cx.dtype(input))));
    }
    let rows = cx.cast(rows, DType::I64)?;
    let n = cx.shape(rows)[0];
    let zeros = |cx: &mut NodeCx<'_>, len: usize| super::pieces::fill(cx, Scalar::F32(0.0), vec![n, len]);
    let mut counts = Vec::new();
    for g in &grams {
        let is_wanted = (shortest..=longest).contains(&g.length);
        let len = g.elements.len() / g.length;
        counts.push(if is_wanted && len > 0 { occurrences(cx, rows, g, skips)? } else { zeros(cx, len)? });
        debug_assert_eq!(counts.len(), g.length);
        debug_assert!(g.first + len <= count);
    }
    // One column of zeros for the places that no n-gram has.
    counts.push(zeros(cx, 1)?);
    let counts = concat(cx, 1, &counts)?;
    let width = indexes.iter().max().map_or(0, |&i| i as usize + 1);
    let mut source = vec![count; width];
    indexes.iter().enumerate().for_each(|(gram, &place)| source[place as usize] = gram);
    let y = pick(cx, counts, 1, &source)?;
    let own: Vec<f32> = source.iter().map(|&gram| weights.get(gram).copied().unwrap_or(0.0)).collect();
    let y = weighted(cx, y, mode, &own)?;
    if shape.len() == 1 { cx.reshape(y, [width]) } else { Ok(y) }
}

fn weighted(cx: &mut NodeCx<'_>, counts: ValueId, mode: Weighting, weights: &[f32]) -> Imported {
    let formula = match mode {
        Weighting::Count => return Ok(counts),
        Weighting::Presence => select(num(0.0).lt(x(0)), x(1), num(0.0)),
        Weighting::Both => x(0) * x(1),
    };
    let weights = cx.add_constant(Tensor::from_elements([weights.len()], weights));
    cx.map(formula.expr(DType::F32), &[counts, weights])
}

/// How often each n-gram occurs in each row, `[n, grams]`, with every distance between its elements up to one more than `skips`.
fn occurrences(cx: &mut NodeCx<'_>, rows: ValueId, g: &Grams, skips: usize) -> Imported {
    let [n, columns] = [cx.shape(rows)[0], cx.shape(rows)[1]];
    let grams = g.elements.len() / g.length;
    let skips = if g.length == 1 { 0 } else { skips };
    let mut sum = super::pieces::fill(cx, Scalar::F32(0.0), vec![n, grams])?;
    for distance in 1..=skips + 1 {
        let Some(windows) = columns.checked_sub((g.length - 1) * distance).filter(|&w| w > 0) else { break };
        let mut same = None;
        for k in 0..g.length {
            let part = slice(cx, rows, 1, (k * distance, 1, windows))?;
            let part = cx.reshape(part, [n, windows, 1])?;
            let own: Vec<i64> = g.elements.iter().skip(k).step_by(g.length).copied().collect();
            let own = cx.add_constant(Tensor::from_elements([grams], &own));
            let equal = cx.binary(BinaryOp::Eq, part, own)?;
            same = Some(match same {
                None => equal,
                Some(before) => cx.map(binary(BinaryOp::And, x(0), x(1)).expr(DType::Bool), &[before, equal])?,
            });
        }
        let Some(same) = same else { break };
        debug_assert_eq!(cx.ty(same), Type::new(DType::Bool, [n, windows, grams]));
        let ones = cx.cast(same, DType::F32)?;
        let found = cx.emit(Op::Reduce { kind: ReduceKind::Sum, axes: vec![1] }, &[ones])?;
        sum = cx.binary(BinaryOp::Add, sum, found)?;
    }
    Ok(sum)
}
