//! One line as tokens: quoted text, marks, and words of everything else.

use half::{bf16, f16};

use crate::ir::{DType, Scalar};

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    Text(String),
    Mark(char),
    Word(&'a str),
}

/// The tokens of a line that are still to be read.
#[derive(Clone)]
pub(super) struct Line<'a> {
    /// The next one last.
    tokens: Vec<Token<'a>>,
}

const MARKS: &[char] = &['=', ',', ':', ';', '{', '}', '[', ']', '(', ')'];

impl<'a> Line<'a> {
    pub(super) fn new(text: &'a str) -> Result<Line<'a>, String> {
        let mut tokens = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() && !rest.starts_with("//") {
            rest = if let Some(quoted) = rest.strip_prefix('"') {
                let (text, after) = unquoted(quoted)?;
                tokens.push(Token::Text(text));
                after
            } else if let Some(after) = rest.strip_prefix(MARKS) {
                tokens.extend(rest.chars().next().map(Token::Mark));
                after
            } else {
                let end =
                    rest.find(|c: char| c.is_whitespace() || c == '"' || MARKS.contains(&c)).unwrap_or(rest.len());
                tokens.push(Token::Word(&rest[..end]));
                &rest[end..]
            };
            rest = rest.trim_start();
        }
        tokens.reverse();
        Ok(Line { tokens })
    }

    pub(super) fn is_done(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Whether a value comes next.
    pub(super) fn is_id(&self) -> bool {
        matches!(self.tokens.last(), Some(Token::Word(w)) if w.starts_with(['%', '$']))
    }

    /// Whether the line defines a constant.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self.tokens.last(), Some(Token::Word(w)) if w.starts_with('$'))
    }

    /// Whether a mark comes next.
    pub(super) fn is_mark(&self, mark: char) -> bool {
        self.tokens.last() == Some(&Token::Mark(mark))
    }

    /// Takes a mark if it comes next.
    pub(super) fn take_mark(&mut self, mark: char) -> bool {
        self.take(&Token::Mark(mark))
    }

    /// Takes a word if it comes next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        self.take(&Token::Word(word))
    }

    /// Whether a word comes next.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.tokens.last() == Some(&Token::Word(word))
    }

    /// Takes a word that must come next.
    pub(super) fn keyword(&mut self, word: &str) -> Result<(), String> {
        if self.take_word(word) { Ok(()) } else { Err(self.expected(&format!("{word:?}"))) }
    }

    fn take(&mut self, token: &Token<'_>) -> bool {
        let is_next = self.tokens.last() == Some(token);
        if is_next {
            self.tokens.pop();
        }
        is_next
    }

    pub(super) fn mark(&mut self, mark: char) -> Result<(), String> {
        if self.take_mark(mark) { Ok(()) } else { Err(self.expected(&format!("{mark:?}"))) }
    }

    pub(super) fn word(&mut self) -> Result<&'a str, String> {
        match self.tokens.last() {
            Some(&Token::Word(word)) => {
                self.tokens.pop();
                Ok(word)
            }
            Some(Token::Text(_) | Token::Mark(_)) | None => Err(self.expected("a word")),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, String> {
        match self.tokens.pop() {
            Some(Token::Text(text)) => Ok(text),
            other => {
                self.tokens.extend(other);
                Err(self.expected("quoted text"))
            }
        }
    }

    pub(super) fn number<T: std::str::FromStr>(&mut self) -> Result<T, String> {
        number(self.word()?)
    }

    /// Leaves out what stands in braces, if they come next.
    pub(super) fn skip_braces(&mut self) {
        if self.is_mark('{') {
            while self.tokens.pop().is_some_and(|t| t != Token::Mark('}')) {}
        }
    }

    pub(super) fn end(&self) -> Result<(), String> {
        if self.is_done() { Ok(()) } else { Err(self.expected("the end of the line")) }
    }

    fn expected(&self, what: &str) -> String {
        match self.tokens.last() {
            Some(Token::Text(text)) => format!("expected {what}, found {text:?}"),
            Some(Token::Mark(mark)) => format!("expected {what}, found {mark:?}"),
            Some(Token::Word(word)) => format!("expected {what}, found {word:?}"),
            None => format!("expected {what}"),
        }
    }
}

/// The text up to the closing quote, without escapes, and what follows.
fn unquoted(quoted: &str) -> Result<(String, &str), String> {
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok((text, chars.as_str())),
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('0') => text.push('\0'),
                Some('u') => {
                    let code: String = chars.by_ref().skip(1).take_while(|&c| c != '}').collect();
                    let c = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                    text.push(c.ok_or_else(|| format!("there is no character {code:?}"))?);
                }
                Some(c) => text.push(c),
                None => break,
            },
            c => text.push(c),
        }
    }
    Err("the quotes are not closed".into())
}

pub(super) fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("{word:?} is not a number that fits here"))
}

pub(super) fn dtype(word: &str) -> Result<DType, String> {
    DType::named(word).ok_or_else(|| format!("{word:?} is not an element type"))
}

/// A value of a known type.
pub(super) fn scalar(word: &str, dtype: DType) -> Result<Scalar, String> {
    Ok(match dtype {
        DType::Bool => Scalar::Bool(number(word)?),
        DType::I8 => Scalar::I8(number(word)?),
        DType::I16 => Scalar::I16(number(word)?),
        DType::I32 => Scalar::I32(number(word)?),
        DType::I64 => Scalar::I64(number(word)?),
        DType::U8 => Scalar::U8(number(word)?),
        DType::U16 => Scalar::U16(number(word)?),
        DType::U32 => Scalar::U32(number(word)?),
        DType::U64 => Scalar::U64(number(word)?),
        DType::F16 => Scalar::F16(f16::from_f32(number(word)?)),
        DType::BF16 => Scalar::BF16(bf16::from_f32(number(word)?)),
        DType::F32 => Scalar::F32(number(word)?),
        DType::F64 => Scalar::F64(number(word)?),
        DType::Mini(_) => Scalar::from_f64(number(word)?, dtype),
    })
}
