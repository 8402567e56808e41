//! Pages as Markdown, fit for a repository and for a pull request.
//!
//! Invariants: names stand in code spans, which nothing ends and in which nothing is a mention, a link or an element; other
//! words cannot become elements of HTML, rows or headings.

use std::fmt::Write;

use super::{Block, Cell, Page, Table};

/// Characters of a name that are shown.
const NAME: usize = 160;

/// Prints a page.
pub(crate) fn markdown(page: &Page) -> String {
    let mut text = format!("# {}\n", words(&page.title));
    for block in &page.blocks {
        match block {
            Block::Heading(heading) => _ = write!(text, "\n## {}\n", words(heading)),
            Block::Text(line) => _ = write!(text, "\n{}\n", words(line)),
            Block::Quote(line) => _ = write!(text, "\n> {}\n", words(line)),
            Block::List(items) => {
                text.push('\n');
                items.iter().for_each(|item| _ = writeln!(text, "- {}", words(item)));
            }
            Block::Figures(figures) => {
                text.push('\n');
                figures.iter().for_each(|f| _ = writeln!(text, "- {}: **{}**", words(&f.label), words(&f.value)));
            }
            Block::Table(table) => text += &print_table(table),
            Block::Folded(heading, table) => {
                let (heading, table) = (words(heading), print_table(table));
                _ = write!(text, "\n<details><summary>{heading}</summary>\n{table}\n</details>\n");
            }
            Block::Charts(..) | Block::Fronts(..) | Block::Pictures(..) => {}
        }
    }
    text
}

fn print_table(table: &Table) -> String {
    let numeric = |column: usize| table.rows.iter().any(|row| row[column].sort.is_some());
    let mut text = String::from("\n|");
    table.head.iter().for_each(|(title, _)| _ = write!(text, " {} |", words(title)));
    text += "\n|";
    (0..table.head.len()).for_each(|c| text += if numeric(c) { " ---: |" } else { " --- |" });
    for row in &table.rows {
        text += "\n|";
        row.iter().for_each(|cell| _ = write!(text, " {} |", print_cell(cell)));
    }
    text.push('\n');
    text
}

fn print_cell(cell: &Cell) -> String {
    match cell.name && !cell.text.is_empty() {
        true => code(&cell.text),
        false => words(&cell.text),
    }
}

/// Words in which nothing has a meaning.
fn words(text: &str) -> String {
    let mut safe = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let word_follows = rest.clone().next().is_some_and(char::is_alphanumeric);
        match c {
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '&' => safe += "&amp;",
            // A mention needs its name right behind it, a reference its number.
            '@' | '#' if word_follows => _ = write!(safe, "{c}&#8203;"),
            ':' if safe.ends_with("http") || safe.ends_with("https") => safe += "&#58;",
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' => _ = write!(safe, "\\{c}"),
            '_' if !safe.ends_with(|before: char| before.is_alphanumeric()) => safe += "\\_",
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// A name in a code span: with more backticks around it than are in it.
fn code(name: &str) -> String {
    let name: String = cut(name).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let longest = name.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if name.starts_with('`') || name.ends_with('`') { " " } else { "" };
    // Tables are cut at bars before code is looked for, and not all readers agree on what escapes one.
    format!("{fence}{space}{}{space}{fence}", name.replace('|', "\u{a6}"))
}

/// The beginning of a name that is too long.
pub(super) fn cut(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}..", &name[..end]),
        None => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Block, Cell, Page, Table, Tone};
    use super::{code, markdown, words};

    #[test]
    fn a_page_is_printed() {
        let head = vec![("model".into(), ""), ("time, us".into(), "")];
        let rows = vec![vec![Cell::name("a|b"), Cell::number("1.5", 1.5).tone(Tone::Bad)]];
        let blocks = vec![
            Block::Heading("Fast".into()),
            Block::Text("Words.".into()),
            Block::Table(Table { head, rows }),
            Block::List(vec!["one".into(), "two".into()]),
        ];
        let text = markdown(&Page { title: "Report".into(), blocks });
        let table = "| model | time, us |\n| --- | ---: |\n| `a\u{a6}b` | 1.5 |\n";
        assert_eq!(text, format!("# Report\n\n## Fast\n\nWords.\n\n{table}\n- one\n- two\n"));
    }

    #[test]
    fn names_and_words_are_data() {
        assert_eq!(
            words("<b>&*x* _y_ a_b | @me #1 @ 2\n"),
            "&lt;b&gt;&amp;\\*x\\* \\_y_ a_b \\| @&#8203;me #&#8203;1 @ 2 "
        );
        assert_eq!(words("https://x"), "https&#58;//x");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("@me\n| x"), "`@me \u{a6} x`");
        assert_eq!(code(&"n".repeat(300)).len(), 164);
    }
}
