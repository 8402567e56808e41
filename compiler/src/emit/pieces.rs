//! Emitted code as text, formatted piece by piece.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use std::collections::BTreeSet;

/// Formats items as rustfmt would.
pub(super) fn format(tokens: TokenStream) -> String {
    let file = syn::parse2(tokens).expect("emitted code is Rust");
    prettyplease::unparse(&file)
}

pub(super) fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// A blank line before each item that has documentation, as people write.
pub(super) fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = "";
    for line in text.lines() {
        let trimmed = line.trim_start();
        let after_item = matches!(before.trim(), "}" | "};") || before.trim_end().ends_with(';');
        if trimmed.starts_with("///") && after_item {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
        before = line;
    }
    out
}

/// Items or statements that are formatted together: the syntax tree of all at once would take a hundred times their text.
const PIECE: usize = 64;
/// What stands for the calls of the steps until they are formatted, and the line that it becomes.
pub(super) const CALLS: &str = "zant_calls_of_steps";
pub(super) const CALLS_LINE: &str = "        zant_calls_of_steps;\n";

/// Formats code piece by piece, and notes the identifiers that it mentions.
#[derive(Default)]
pub(super) struct Pieces {
    /// All identifiers so far.
    pub(super) mentioned: BTreeSet<String>,
}

impl Pieces {
    /// The text of items.
    pub(super) fn items(&mut self, items: impl IntoIterator<Item = TokenStream>) -> String {
        self.formatted(items, |piece| format(quote!(#(#piece)*)))
    }

    /// The text of statements of a function within an `impl`.
    pub(super) fn calls(&mut self, statements: impl IntoIterator<Item = TokenStream>) -> String {
        self.formatted(statements, |piece| {
            let text = format(quote!(impl M { fn f() { #(#piece)* } }));
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            lines[2..lines.len() - 2].concat()
        })
    }

    fn formatted(
        &mut self,
        all: impl IntoIterator<Item = TokenStream>,
        text: impl Fn(&[TokenStream]) -> String,
    ) -> String {
        let (mut all, mut out) = (all.into_iter(), String::new());
        loop {
            let piece: Vec<TokenStream> = all.by_ref().take(PIECE).collect();
            if piece.is_empty() {
                return out;
            }
            piece.iter().for_each(|tokens| collect_idents(tokens, &mut self.mentioned));
            out += &text(&piece);
        }
    }
}

/// Adds the identifiers in tokens to a set.
fn collect_idents(tokens: &TokenStream, idents: &mut BTreeSet<String>) {
    for t in tokens.clone() {
        match t {
            TokenTree::Ident(i) => {
                idents.insert(i.to_string());
            }
            TokenTree::Group(g) => collect_idents(&g.stream(), idents),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Whether tokens contain an identifier.
pub(super) fn mentions(tokens: &TokenStream, name: &str) -> bool {
    tokens.clone().into_iter().any(|t| match t {
        TokenTree::Ident(i) => i == name,
        TokenTree::Group(g) => mentions(&g.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_in_pieces_is_the_code_at_once() {
        let functions: Vec<TokenStream> = (0..3 * PIECE + 1)
            .map(|i| {
                let (name, doc) = (ident(&format!("step_{i}")), format!(" Step {i}."));
                quote!(#[doc = #doc] fn #name(arena: &mut Arena<ARENA_BYTES>) -> Result<(), DataError> { run(&P, arena.get::<View>()) })
            })
            .collect();
        let mut pieces = Pieces::default();
        assert_eq!(pieces.items(functions.clone()), format(quote!(#(#functions)*)));
        assert!(["step_0", "Arena", "View"].iter().all(|name| pieces.mentioned.contains(*name)));
        let calls: Vec<TokenStream> = (0..2 * PIECE)
            .map(|i| {
                let name = ident(&format!("a_step_with_a_name_that_is_rather_long_{i}"));
                quote!(#name(cpu, arena, the_first_input_of_the_model, the_second_input_of_the_model)?; observe();)
            })
            .collect();
        let around = |body: TokenStream| format(quote!(impl M { fn f() { let a = 1; #body Ok(a) } }));
        let (marker, split) = (ident(CALLS), pieces.calls(calls.clone()));
        let whole = around(quote!(#(#calls)*));
        assert_eq!(around(quote!(#marker;)).replacen(CALLS_LINE, &split, 1), whole);
    }
}
