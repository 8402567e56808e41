//! Code that a crate's CPU never runs: branches on constants of the instruction set whose values are known.
//!
//! Both branches compute the same bits on every instruction set, so that a branch that is taken where it need not be is still right.

use std::ops::Range;

use super::index::{FILES, Id, part};
use super::items::{File, Kind};
use super::lex::Kind as Lex;

/// What is known of the CPU that kernels are called with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Whether small code is preferred to fast code.
    pub(super) compact: bool,
    /// Whether inner loops of small code may have vectors.
    pub(super) vectors: bool,
}

/// A place that is written otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Its bytes.
    pub(super) bytes: Range<usize>,
    /// What stands there instead.
    pub(super) instead: String,
    /// The tokens that are gone.
    pub(super) gone: Vec<Range<usize>>,
}

/// What becomes of the branches in an item or member that has none inside, in ascending order.
pub(super) fn cuts(id: Id, facts: Facts) -> Vec<Cut> {
    let item = part(id);
    if !item.members.is_empty() || !matches!(item.kind, Kind::Named(_)) || (facts.compact && !is_once(id)) {
        return Vec::new();
    }
    let tokens = item.own.first().map_or(0, |r| r.start)..item.own.last().map_or(0, |r| r.end);
    let folder = Folder { file: &FILES[id.file], facts, end: tokens.end };
    let (mut cuts, mut at) = (Vec::new(), tokens.start);
    while at < tokens.end {
        match folder.branch(at) {
            Some((cut, next)) => {
                cuts.push(cut);
                at = next;
            }
            None => at += 1,
        }
    }
    cuts
}

/// Whether code of small crates runs on the CPU itself rather than on that of its inner loops: the `run` of a kernel with `ONCE`, and what
/// is private to a file of which all kernels are such.
fn is_once(id: Id) -> bool {
    let file = &FILES[id.file];
    let item = &file.items[id.item];
    let is_kernel = |item: &super::items::Item| {
        let Kind::Impl { of, .. } = &item.kind else { return false };
        of.clone().any(|at| file.word(at).is_some_and(|word| word.ends_with("Kernel")))
    };
    let once = |item: &super::items::Item| {
        let is_true = |at: usize| file.word(at) == Some("true");
        item.members.iter().any(|m| m.name() == Some("ONCE") && m.own.iter().cloned().flatten().any(is_true))
    };
    if is_kernel(item) {
        return once(item);
    }
    let mut kernels = file.items.iter().filter(|item| is_kernel(item)).peekable();
    let is_public = file.text[part(id).text.clone()].lines().any(|line| line.trim_start().starts_with("pub"));
    kernels.peek().is_some() && kernels.all(once) && !is_public
}

struct Folder {
    file: &'static File,
    facts: Facts,
    /// One past the last token.
    end: usize,
}

impl Folder {
    fn is(&self, at: usize, mark: u8) -> bool {
        at < self.end && self.file.tokens[at].is(mark)
    }

    fn text(&self, tokens: Range<usize>) -> &'static str {
        let (first, last) = (self.file.tokens[tokens.start], self.file.tokens[tokens.end - 1]);
        &self.file.text[first.start..last.end]
    }

    fn start(&self, at: usize) -> usize {
        self.file.tokens[at].start
    }

    /// One past the brackets that open at a token.
    fn closed(&self, open: usize) -> usize {
        let (mut at, mut depth) = (open, 0);
        while at < self.end {
            depth += self.file.tokens[at].depth();
            at += 1;
            if depth == 0 {
                break;
            }
        }
        at
    }

    /// Whether a term of a condition holds, if that is known.
    fn value(&self, term: &str) -> Option<bool> {
        match term {
            "I::COMPACT" => Some(self.facts.compact),
            "!I::COMPACT" => Some(!self.facts.compact),
            "I::VECTORS" if !self.facts.compact || !self.facts.vectors => Some(false),
            _ => None,
        }
    }

    /// What becomes of the `if` that may begin at a token, and the token to go on from.
    fn branch(&self, at: usize) -> Option<(Cut, usize)> {
        let before = at.checked_sub(1).filter(|&b| self.is(b, b';') || self.is(b, b'{') || self.is(b, b'}'));
        if self.file.word(at) != Some("if") || (before.is_none() && !self.follows_comment(at)) {
            return None;
        }
        let (terms, open) = self.terms(at + 1)?;
        let close = self.closed(open);
        let values: Vec<Option<bool>> = terms.iter().map(|term| self.value(self.text(term.clone()))).collect();
        if values.contains(&Some(false)) {
            return match self.otherwise(close) {
                None => Some((self.without(at, close), close)),
                Some(Some((open, end))) => Some((self.inlined(at, open..end, end), end)),
                Some(None) => None,
            };
        }
        if values.iter().all(|v| *v == Some(true)) {
            return match self.otherwise(close) {
                Some(Some((_, end))) => Some((self.inlined(at, open..close, end), end)),
                Some(None) => None,
                None => self.last(at, open, close),
            };
        }
        let known = values.iter().position(|v| *v == Some(true))?;
        // The term goes, with the `&&` behind it or before it.
        let range = match terms.get(known + 1) {
            Some(next) => self.start(terms[known].start)..self.start(next.start),
            None => self.file.tokens[terms[known - 1].end - 1].end..self.file.tokens[terms[known].end - 1].end,
        };
        Some((Cut { bytes: range, instead: String::new(), gone: vec![terms[known].clone()] }, open))
    }

    fn follows_comment(&self, at: usize) -> bool {
        at > 0 && self.file.tokens[at - 1].kind == Lex::Comment
    }

    /// The terms of a condition that are joined by `&&`, and the bracket behind it.
    fn terms(&self, from: usize) -> Option<(Vec<Range<usize>>, usize)> {
        let (mut terms, mut start, mut at) = (Vec::new(), from, from);
        while at < self.end {
            if self.is(at, b'{') {
                terms.push(start..at);
                return terms.iter().all(|t| !t.is_empty()).then_some((terms, at));
            }
            if self.is(at, b'|') || self.file.word(at) == Some("let") {
                return None;
            }
            if self.is(at, b'&') && self.is(at + 1, b'&') {
                terms.push(start..at);
                start = at + 2;
                at += 2;
                continue;
            }
            at = if self.file.tokens[at].depth() > 0 { self.closed(at) } else { at + 1 };
        }
        None
    }

    /// The block behind `else`, from its bracket on; `Some(None)` where that is another `if`.
    fn otherwise(&self, close: usize) -> Option<Option<(usize, usize)>> {
        if self.file.word(close) != Some("else") {
            return None;
        }
        Some(self.is(close + 1, b'{').then(|| (close + 1, self.closed(close + 1))))
    }

    /// Nothing instead of a statement and the comments above it.
    fn without(&self, at: usize, end: usize) -> Cut {
        let mut first = at;
        while first > 0 && self.file.tokens[first - 1].kind == Lex::Comment {
            first -= 1;
        }
        let start = self.file.text[..self.start(first)].trim_end().len();
        let bytes = start..self.file.tokens[end - 1].end;
        Cut { bytes, instead: String::new(), gone: std::iter::once(at..end).collect() }
    }

    /// The statements of a block instead of the statement `at..end` that has it.
    fn inlined(&self, at: usize, block: Range<usize>, end: usize) -> Cut {
        let bytes = self.start(at)..self.file.tokens[end - 1].end;
        let inner = block.start + 1..block.end - 1;
        let instead = if inner.is_empty() { String::new() } else { dedented(self.text(inner.clone())) };
        Cut { bytes, instead, gone: vec![at..inner.start, inner.end..end] }
    }

    /// The statements of a block that ends with `return` instead of all that is left of a function.
    fn last(&self, at: usize, open: usize, close: usize) -> Option<(Cut, usize)> {
        let body = (0..=at).rev().find(|&b| self.is(b, b'{') && self.closed(b) == self.end)?;
        let is_outermost = self.closed(body) == self.end && self.depth(body + 1, at) == 0;
        let inner = open + 1..close - 1;
        let statement = self.last_statement(inner.clone());
        if !is_outermost || self.file.word(statement.start) != Some("return") {
            return None;
        }
        let kept = inner.start..statement.start;
        let mut instead = if kept.is_empty() { String::new() } else { dedented(self.text(kept.clone())) };
        let mut gone = vec![at..kept.start, kept.end..self.end - 1];
        let value = statement.start + 1..statement.end - 1;
        if !value.is_empty() {
            instead += if kept.is_empty() { "" } else { "\n        " };
            instead += &dedented(self.text(value.clone()));
            gone = vec![at..kept.start, statement.start..value.start, value.end..self.end - 1];
        }
        let bytes = self.start(at)..self.file.tokens[self.end - 2].end;
        Some((Cut { bytes, instead, gone }, self.end))
    }

    /// How deep brackets are between two tokens.
    fn depth(&self, from: usize, to: usize) -> isize {
        (from..to).map(|at| self.file.tokens[at].depth()).sum()
    }

    /// The last statement of a block.
    fn last_statement(&self, inner: Range<usize>) -> Range<usize> {
        let (mut start, mut at) = (inner.start, inner.start);
        while at < inner.end {
            let next = if self.file.tokens[at].depth() > 0 { self.closed(at) } else { at + 1 };
            let ends = self.is(at, b';') || (self.is(at, b'{') && !self.is(next, b';') && !self.is(next, b'.'));
            if ends && next < inner.end {
                start = next;
            }
            at = next;
        }
        start..inner.end
    }
}

/// Text of a block, four columns to the left.
fn dedented(text: &str) -> String {
    let lines = text.lines().map(|line| line.strip_prefix("    ").unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n").trim_end().to_string()
}
