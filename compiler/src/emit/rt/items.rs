//! A file of the runtime as items, and those that have members as these: what can be left out by itself.

use std::ops::Range;

use super::imports::{Import, imports};
use super::lex::{Kind as Lex, Token, tokens};

/// A file, split.
#[derive(Debug)]
pub(super) struct File {
    /// The path below `src`.
    pub(super) path: &'static str,
    /// All of it.
    pub(super) text: &'static str,
    /// Its tokens.
    pub(super) tokens: Vec<Token>,
    /// Its items in order.
    pub(super) items: Vec<Item>,
}

/// What an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something with a name of its own.
    Named(&'static str),
    /// A trait.
    Trait(&'static str),
    /// Names of others.
    Use(Vec<Import>),
    /// An implementation: the tokens of its trait, and those of its type.
    Impl {
        /// The trait; empty where there is none.
        of: Range<usize>,
        /// The type.
        on: Range<usize>,
    },
    /// A macro.
    Macro(&'static str),
    /// The call of a macro, which may make anything.
    Call,
}

/// An item or a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// What it is.
    pub(super) kind: Kind,
    /// Its bytes, with the comments and attributes above it.
    pub(super) text: Range<usize>,
    /// Its tokens, those of its attributes too; without those of its members.
    pub(super) own: Vec<Range<usize>>,
    /// What stands in `cfg(..)`, and the bytes of the attribute with the line's end.
    pub(super) condition: Option<(Range<usize>, Range<usize>)>,
    /// What it has inside; between the first and the last stand only members.
    pub(super) members: Vec<Item>,
}

impl Item {
    /// Its name, where it has one.
    pub(super) fn name(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Named(name) | Kind::Trait(name) | Kind::Macro(name) => Some(name),
            Kind::Use(_) | Kind::Impl { .. } | Kind::Call => None,
        }
    }
}

impl File {
    /// Splits a file.
    pub(super) fn new(path: &'static str, text: &'static str) -> File {
        let tokens = tokens(text);
        let mut splitter = Splitter { path, text, tokens: &tokens, at: 0 };
        splitter.head();
        let items = splitter.items(tokens.len());
        File { path, text, items, tokens }
    }

    /// The word that a token is.
    pub(super) fn word(&self, token: usize) -> Option<&'static str> {
        let token = self.tokens.get(token).filter(|t| t.kind == Lex::Word)?;
        Some(&self.text[token.range()])
    }

    /// One past the end of the brackets that open at a token.
    pub(super) fn closed(&self, open: usize) -> usize {
        closed(&self.tokens, open)
    }
}

/// One past the end of the brackets that open at a token.
fn closed(tokens: &[Token], open: usize) -> usize {
    let (mut at, mut depth) = (open, 0);
    while let Some(token) = tokens.get(at) {
        depth += token.depth();
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Reads items off tokens.
struct Splitter<'a> {
    path: &'static str,
    text: &'static str,
    tokens: &'a [Token],
    at: usize,
}

impl Splitter<'_> {
    fn token(&self, at: usize) -> Option<Token> {
        self.tokens.get(at).copied()
    }

    fn is(&self, at: usize, mark: u8) -> bool {
        self.token(at).is_some_and(|t| t.is(mark))
    }

    fn str(&self, at: usize) -> &'static str {
        self.token(at).map_or("", |t| &self.text[t.range()])
    }

    /// Steps over what stands on top: license, documentation, attributes of the file.
    fn head(&mut self) {
        loop {
            let comment = self.str(self.at);
            let is_of_file = comment.starts_with("//!") || comment.starts_with("// SPDX");
            if self.is(self.at, b'#') && self.is(self.at + 1, b'!') {
                self.at = self.closed(self.at + 2);
            } else if is_of_file {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// One past the end of the brackets that open at a token.
    fn closed(&self, open: usize) -> usize {
        closed(self.tokens, open)
    }

    /// The items up to a token.
    fn items(&mut self, end: usize) -> Vec<Item> {
        let mut items = Vec::new();
        while self.at < end {
            items.extend(self.item(end));
        }
        items
    }

    /// The next item; none where only comments are left.
    fn item(&mut self, end: usize) -> Option<Item> {
        let first = self.at;
        let condition = self.attributes(end);
        if self.at >= end {
            return None;
        }
        let code = self.at;
        let keyword = self.keyword(code);
        let (kind, stop, inside) = self.kind(code, keyword);
        let text = self.token(first)?.start..self.token(stop - 1)?.end;
        let mut own: Vec<Range<usize>> = std::iter::once(first..stop).collect();
        let mut members = Vec::new();
        if let Some(open) = inside {
            self.at = open + 1;
            members = if matches!(kind, Kind::Macro(_)) { self.made(stop - 1) } else { self.items(stop - 1) };
            own = self.around(first..stop, &members);
        }
        self.at = stop;
        Some(Item { kind, text, own, condition, members })
    }

    /// The tokens of a range that are not those of members.
    fn around(&self, all: Range<usize>, members: &[Item]) -> Vec<Range<usize>> {
        let mut from = all.start;
        let mut own = Vec::new();
        for member in members {
            let at = |byte: usize| self.tokens.partition_point(|t| t.start < byte);
            own.push(from..at(member.text.start));
            from = at(member.text.end);
        }
        own.push(from..all.end);
        own
    }

    /// Steps over comments and attributes; the condition among them.
    fn attributes(&mut self, end: usize) -> Option<(Range<usize>, Range<usize>)> {
        let mut condition = None;
        while self.at < end {
            if self.token(self.at).is_some_and(|t| t.kind == Lex::Comment) {
                self.at += 1;
            } else if self.is(self.at, b'#') {
                let after = self.closed(self.at + 1);
                if self.str(self.at + 2) == "cfg" {
                    let bytes = self.token(self.at).map_or(0, |t| t.start)..self.token(after - 1).map_or(0, |t| t.end);
                    let inner =
                        self.token(self.at + 3).map_or(0, |t| t.end)..self.token(after - 2).map_or(0, |t| t.start);
                    condition = Some((inner, bytes));
                }
                self.at = after;
            } else {
                break;
            }
        }
        condition
    }

    /// The token of the word that says what an item is.
    fn keyword(&self, code: usize) -> usize {
        let mut at = code;
        loop {
            at = match self.str(at) {
                "pub" if self.is(at + 1, b'(') => self.closed(at + 1),
                "pub" | "unsafe" | "async" | "default" => at + 1,
                "const" if matches!(self.str(at + 1), "fn" | "unsafe") => at + 1,
                "extern" if self.str(at + 1).starts_with('"') => at + 2,
                _ => return at,
            }
        }
    }

    /// What an item is, one past its last token, and the bracket that its members follow.
    fn kind(&self, code: usize, keyword: usize) -> (Kind, usize, Option<usize>) {
        let name = self.str(keyword + 1);
        match self.str(keyword) {
            "use" => {
                let stop = self.semicolon(keyword);
                let tree = &self.text[self.tokens[keyword].end..self.tokens[stop - 1].start];
                (Kind::Use(imports(self.path, tree)), stop, None)
            }
            "const" | "static" | "type" => (Kind::Named(name), self.semicolon(keyword), None),
            "fn" | "struct" | "enum" | "union" | "mod" => (Kind::Named(name), self.body(keyword).0, None),
            "trait" => {
                let (stop, open) = self.body(keyword);
                (Kind::Trait(name), stop, open)
            }
            "impl" => {
                let (stop, open) = self.body(keyword);
                (self.implementation(keyword, open.unwrap_or(stop)), stop, open)
            }
            "macro_rules" => {
                let stop = self.closed(keyword + 3);
                (Kind::Macro(self.str(keyword + 2)), stop, Some(keyword + 3))
            }
            _ => {
                let open = (code..self.tokens.len()).find(|&at| self.tokens[at].depth() > 0).unwrap_or(code);
                let stop = self.closed(open);
                (Kind::Call, if self.is(stop, b';') { stop + 1 } else { stop }, None)
            }
        }
    }

    /// One past the next semicolon outside brackets.
    fn semicolon(&self, from: usize) -> usize {
        let (mut at, mut depth) = (from, 0);
        while let Some(token) = self.token(at) {
            depth += token.depth();
            at += 1;
            if depth == 0 && token.is(b';') {
                break;
            }
        }
        at
    }

    /// One past the end of an item that ends with a body or a semicolon, and the bracket that opens the body.
    fn body(&self, from: usize) -> (usize, Option<usize>) {
        let (mut at, mut depth) = (from, 0);
        while let Some(token) = self.token(at) {
            if depth == 0 && token.is(b'{') {
                return (self.closed(at), Some(at));
            }
            depth += token.depth();
            at += 1;
            if depth == 0 && token.is(b';') {
                break;
            }
        }
        (at, None)
    }

    /// The trait and the type of an implementation whose body opens at a token.
    fn implementation(&self, keyword: usize, open: usize) -> Kind {
        let mut at = keyword + 1;
        if self.is(at, b'<') {
            at = self.angle(at);
        }
        let (start, mut split, mut end) = (at, None, open);
        while at < open {
            match self.str(at) {
                "for" => split = Some(at),
                "where" => {
                    end = at;
                    break;
                }
                _ => {}
            }
            at = if self.is(at, b'<') { self.angle(at) } else { at + 1 };
        }
        match split {
            Some(at) => Kind::Impl { of: start..at, on: at + 1..end },
            None => Kind::Impl { of: start..start, on: start..end },
        }
    }

    /// One past the angle bracket that closes one.
    fn angle(&self, open: usize) -> usize {
        let (mut at, mut depth) = (open, 0);
        while let Some(token) = self.token(at) {
            let is_arrow = at > 0 && self.is(at - 1, b'-');
            depth += isize::from(token.is(b'<')) - isize::from(token.is(b'>') && !is_arrow);
            at += 1;
            if depth == 0 {
                break;
            }
        }
        at
    }

    /// Functions and types that a macro makes, and rows such as `load(x: &[f32]) -> V;` of which it makes functions. A macro that
    /// makes whole implementations stays whole.
    fn made(&mut self, end: usize) -> Vec<Item> {
        let mut made = Vec::new();
        if (self.at..end).any(|at| self.str(at) == "impl") {
            return made;
        }
        while self.at < end {
            let first = self.at;
            let condition = if self.starts_line(first) { self.attributes(end) } else { None };
            let keyword = self.keyword(self.at);
            let (name, stop) = match self.str(keyword) {
                "fn" => (self.str(keyword + 1), self.body(keyword).0),
                "type" if self.is(keyword + 2, b'=') => (self.str(keyword + 1), self.semicolon(keyword)),
                row if self.starts_line(first) && self.is_row(keyword) => (row, self.semicolon(keyword)),
                _ => {
                    self.at = self.at.max(first + 1);
                    continue;
                }
            };
            let is_named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if is_named && self.starts_line(first) {
                let text = self.tokens[first].start..self.tokens[stop - 1].end;
                let own = std::iter::once(first..stop).collect();
                made.push(Item { kind: Kind::Named(name), text, own, condition, members: Vec::new() });
            }
            self.at = stop;
        }
        made
    }

    /// Whether a token is the first of its line.
    fn starts_line(&self, at: usize) -> bool {
        let Some(token) = self.token(at) else { return false };
        self.text[..token.start].rsplit('\n').next().is_some_and(|before| before.trim().is_empty())
    }

    /// Whether a signature without a body stands here.
    fn is_row(&self, at: usize) -> bool {
        if self.token(at).is_none_or(|t| t.kind != Lex::Word) || !self.is(at + 1, b'(') {
            return false;
        }
        let after = self.closed(at + 1);
        self.is(after, b';') || (self.is(after, b'-') && self.is(after + 1, b'>'))
    }
}

#[cfg(test)]
mod tests {
    use zant_runtime::sources::SOURCES;

    use super::*;

    #[allow(clippy::wildcard_enum_match_arm)] // the enum of another crate may grow
    fn name(item: &syn::Item) -> String {
        match item {
            syn::Item::Const(i) => i.ident.to_string(),
            syn::Item::Enum(i) => i.ident.to_string(),
            syn::Item::Fn(i) => i.sig.ident.to_string(),
            syn::Item::Mod(i) => i.ident.to_string(),
            syn::Item::Static(i) => i.ident.to_string(),
            syn::Item::Struct(i) => i.ident.to_string(),
            syn::Item::Trait(i) => i.ident.to_string(),
            syn::Item::Type(i) => i.ident.to_string(),
            syn::Item::Macro(i) => i.ident.as_ref().map_or(String::new(), ToString::to_string),
            other => {
                assert!(
                    !matches!(other, syn::Item::Union(_) | syn::Item::TraitAlias(_)),
                    "the runtime has a new kind of item"
                );
                String::new()
            }
        }
    }

    fn members(item: &syn::Item) -> usize {
        if let syn::Item::Trait(i) = item {
            i.items.len()
        } else if let syn::Item::Impl(i) = item {
            i.items.len()
        } else {
            0
        }
    }

    /// Every file has the items that Rust's own grammar finds in it.
    #[test]
    fn files_are_split_as_the_grammar_says() {
        for source in SOURCES {
            let file = File::new(source.path, source.text);
            let whole = syn::parse_file(source.text).expect("the runtime is Rust");
            let expected: Vec<(String, usize)> = whole.items.iter().map(|i| (name(i), members(i))).collect();
            let is_macro = |item: &Item| matches!(item.kind, Kind::Macro(_));
            let count = |item: &Item| if is_macro(item) { 0 } else { item.members.len() };
            let found: Vec<(String, usize)> =
                file.items.iter().map(|i| (i.name().unwrap_or("").to_string(), count(i))).collect();
            assert_eq!(found, expected, "{}", source.path);
            for item in &file.items {
                syn::parse_str::<syn::Item>(&source.text[item.text.clone()])
                    .unwrap_or_else(|e| panic!("{}: {e}: {}", source.path, &source.text[item.text.clone()]));
            }
        }
    }
}
