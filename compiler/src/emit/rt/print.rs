//! The text of a file of the runtime with what is reached of it alone.

use std::ops::Range;

use super::conditions::{Known, known};
use super::fold::cuts;
use super::imports::{Import, written};
use super::index::{FILES, Id};
use super::items::{File, Item, Kind};
use super::reach::Reached;

/// Changes of a text: ranges in ascending order, each with what stands there instead.
type Changes = Vec<(Range<usize>, String)>;

/// The text of a file.
pub(super) fn trimmed(file: usize, reached: &Reached) -> String {
    let source = &FILES[file];
    let mut changes = Changes::new();
    for (n, item) in source.items.iter().enumerate() {
        let id = Id { file, item: n, member: None };
        change(source, item, id, reached, &mut changes);
    }
    changed(source.text, changes)
}

fn change(file: &File, item: &Item, id: Id, reached: &Reached, changes: &mut Changes) {
    let all: &[Import] = if let Kind::Use(all) = &item.kind { all } else { &[] };
    let is_kept = |number: &usize| reached.imports.contains(&(id, *number));
    let kept: Vec<&Import> = (0..all.len()).filter(is_kept).map(|number| &all[number]).collect();
    if !reached.may_be(id.file, item) || (kept.is_empty() && !reached.live.contains(&id)) {
        changes.push((with_space(file.text, item.text.clone()), String::new()));
        return;
    }
    if let Some((condition, attribute)) = &item.condition {
        match known(&file.text[condition.clone()], &reached.never) {
            Known::True => {
                let behind = file.text[attribute.end..].len() - file.text[attribute.end..].trim_start().len();
                changes.push((attribute.start..attribute.end + behind, String::new()));
            }
            Known::Open(open) if is_shorter(&open, &file.text[condition.clone()]) => {
                changes.push((condition.clone(), open));
            }
            Known::Open(_) | Known::False => {}
        }
    }
    if let Kind::Use(all) = &item.kind
        && kept.len() < all.len()
    {
        let start = code(&file.text[item.text.clone()]) + item.text.start;
        let before = file.text[start..].split_once("use ").map_or("", |(before, _)| before);
        changes.push((start..item.text.end, written(before, &kept)));
    }
    changes.extend(cuts(id, reached.facts).into_iter().map(|cut| (cut.bytes, cut.instead)));
    let none = item.members.iter().enumerate().all(|(n, _)| !reached.live.contains(&Id { member: Some(n), ..id }));
    if let (true, Some(first), Some(last)) =
        (none && !matches!(item.kind, Kind::Macro(_)), item.members.first(), item.members.last())
    {
        // A body of nothing.
        let start = with_space(file.text, first.text.clone()).start;
        let behind = file.text[last.text.end..].len() - file.text[last.text.end..].trim_start().len();
        changes.push((start..last.text.end + behind, String::new()));
        return;
    }
    for (n, member) in item.members.iter().enumerate() {
        change(file, member, Id { member: Some(n), ..id }, reached, changes);
    }
}

/// Whether something was left out of a condition.
fn is_shorter(open: &str, condition: &str) -> bool {
    let count = |text: &str| text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b',').count();
    count(open) < count(condition)
}

/// Where the code of an item begins behind its comments and attributes, which take whole lines.
fn code(item: &str) -> usize {
    let mut at = 0;
    for line in item.split_inclusive('\n') {
        let text = line.trim_start();
        if text.starts_with("use ") || text.starts_with("pub ") || text.starts_with("pub(") {
            break;
        }
        at += line.len();
    }
    at
}

/// A range with the white space before it.
fn with_space(text: &str, range: Range<usize>) -> Range<usize> {
    text[..range.start].trim_end().len()..range.end
}

fn changed(text: &str, changes: Changes) -> String {
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (range, instead) in changes {
        out += opened(&out, &text[at..range.start.max(at)]);
        out += &instead;
        at = range.end;
    }
    out += opened(&out, &text[at..]);
    out
}

/// Text that goes on behind other text, without an empty line at the start of a body.
fn opened<'t>(before: &str, text: &'t str) -> &'t str {
    if before.ends_with('{') && text.starts_with("\n\n") { &text[1..] } else { text }
}
