//! Rust text as tokens, with their places: as much as it takes to tell items and names apart.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word: an identifier or a keyword.
    Word,
    /// One byte of punctuation.
    Mark(u8),
    /// A number, a text or a letter.
    Literal,
    /// A lifetime.
    Lifetime,
    /// A comment up to the end of its line.
    Comment,
}

/// A token and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// Its first byte.
    pub(super) start: usize,
    /// One past its last byte.
    pub(super) end: usize,
}

impl Token {
    /// Its bytes.
    pub(super) fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// Whether it is this mark.
    pub(super) fn is(self, mark: u8) -> bool {
        self.kind == Kind::Mark(mark)
    }

    /// How it changes the depth of brackets.
    pub(super) fn depth(self) -> isize {
        match self.kind {
            Kind::Mark(b'(' | b'[' | b'{') => 1,
            Kind::Mark(b')' | b']' | b'}') => -1,
            Kind::Mark(_) | Kind::Word | Kind::Literal | Kind::Lifetime | Kind::Comment => 0,
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The tokens of a text. Block comments are none of ours.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::with_capacity(bytes.len() / 4);
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let (kind, end) = token(bytes, at);
        tokens.push(Token { kind, start: at, end });
        at = end;
    }
    tokens
}

fn token(bytes: &[u8], at: usize) -> (Kind, usize) {
    let next = |n: usize| bytes.get(at + n).copied().unwrap_or(0);
    let run = |from: usize, keep: fn(u8) -> bool| from + bytes[from..].iter().take_while(|b| keep(**b)).count();
    match bytes[at] {
        b'/' if next(1) == b'/' => (Kind::Comment, run(at, |b| b != b'\n')),
        b'"' => (Kind::Literal, quoted(bytes, at)),
        b'b' if next(1) == b'"' || next(1) == b'\'' => (Kind::Literal, quoted(bytes, at + 1)),
        b'r' if next(1) == b'"' || (next(1) == b'#' && matches!(next(2), b'"' | b'#')) => {
            (Kind::Literal, raw(bytes, at))
        }
        b'\'' if is_word(next(1)) && next(2) != b'\'' && next(1).is_ascii() => (Kind::Lifetime, run(at + 1, is_word)),
        b'\'' => (Kind::Literal, quoted(bytes, at)),
        digit if digit.is_ascii_digit() => (Kind::Literal, number(bytes, at)),
        word if is_word(word) => (Kind::Word, run(at, is_word)),
        mark => (Kind::Mark(mark), at + 1),
    }
}

/// The end of a text or letter that begins with a quote.
fn quoted(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != bytes[at] {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    (end + 1).min(bytes.len())
}

/// The end of a text in which nothing is escaped.
fn raw(bytes: &[u8], at: usize) -> usize {
    let hashes = bytes[at + 1..].iter().take_while(|b| **b == b'#').count();
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let body = at + 2 + hashes;
    let found = bytes[body..].windows(close.len()).position(|w| w == close);
    found.map_or(bytes.len(), |n| body + n + close.len())
}

/// The end of a number. A point belongs to it where a digit follows.
fn number(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while end < bytes.len() {
        let point = bytes[end] == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !is_word(bytes[end]) && !point {
            break;
        }
        end += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_apart() {
        let text = "fn f<'a>(x: &'a u8) { 0..n; 1.5_f32; x.0.y; 'q'; '\\''; b'{'; \"a \\\" }\"; r#\"}\"#; } // end";
        let words = |kind| tokens(text).into_iter().filter(move |t| t.kind == kind).map(|t| &text[t.range()]);
        assert_eq!(words(Kind::Word).collect::<Vec<_>>(), ["fn", "f", "x", "u8", "n", "x", "y"]);
        let literals = ["0", "1.5_f32", "0", "'q'", "'\\''", "b'{'", "\"a \\\" }\"", "r#\"}\"#"];
        assert_eq!(words(Kind::Literal).collect::<Vec<_>>(), literals);
        assert_eq!(words(Kind::Lifetime).collect::<Vec<_>>(), ["'a", "'a"]);
        assert_eq!(words(Kind::Comment).collect::<Vec<_>>(), ["// end"]);
        assert_eq!(tokens(text).iter().map(|t| t.depth()).sum::<isize>(), 0);
    }
}
