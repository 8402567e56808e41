//! Pages as one file of HTML: style and script inside, nothing fetched.
//!
//! Invariants: all text is escaped; a policy in the page forbids all that would be fetched, and any script but the page's own, by its
//! hash; drawings lie in shadow trees, out of which their style does not reach; without the script all is there, in the order of
//! the report.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::markdown::cut;
use super::{Block, Cell, Page, Table, Tone, chart, front};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// Tables with this many rows can be searched.
const SEARCHED: usize = 12;

/// Prints a page.
pub(crate) fn html(page: &Page) -> String {
    let title = escape(&page.title);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header><h1>{title}</h1><button type=\"button\" id=\"theme\" hidden>Dark</button></header>\n",
        policy()
    );
    contents(&mut text, page);
    text += "<main>\n";
    let mut section = 0;
    for block in &page.blocks {
        if let Some(heading) = block.heading() {
            section += 1;
            _ = writeln!(text, "<h2 id=\"s{section}\">{}</h2>", escape(heading));
        }
        text += &print(block);
    }
    _ = write!(text, "</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
    text
}

/// What may be loaded: nothing; what may run: the script of the page.
fn policy() -> String {
    // As it stands between the tags.
    let hash = base64(&Sha256::digest(format!("\n{SCRIPT}")));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    )
}

/// Base 64, padded.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let bits = (0..3).fold(0u32, |bits, i| bits << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        let digit = |i: usize| match i <= chunk.len() {
            true => char::from(DIGITS[(bits >> (18 - 6 * i)) as usize % 64]),
            false => '=',
        };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// Links to the headings.
fn contents(text: &mut String, page: &Page) {
    let links = page
        .blocks
        .iter()
        .filter_map(Block::heading)
        .zip(1..)
        .map(|(h, i)| format!("<a href=\"#s{i}\">{}</a>", escape(h)));
    _ = writeln!(text, "<nav aria-label=\"Contents\">{}</nav>", links.collect::<Vec<_>>().join(""));
}

fn print(block: &Block) -> String {
    match block {
        Block::Heading(_) => String::new(),
        Block::Text(words) => format!("<p>{}</p>\n", escape(words)),
        Block::Quote(words) => format!("<blockquote>{}</blockquote>\n", escape(words)),
        Block::List(items) => {
            let items: Vec<String> = items.iter().map(|i| format!("<li>{}</li>", escape(i))).collect();
            format!("<ul>{}</ul>\n", items.join(""))
        }
        Block::Figures(figures) => {
            let figures = figures.iter().map(|f| {
                let (tone, value, label) = (class(f.tone), escape(&f.value), escape(&f.label));
                format!("<div class=\"figure\"><b{tone}>{value}</b><span>{label}</span></div>")
            });
            format!("<div class=\"figures\">{}</div>\n", figures.collect::<Vec<_>>().join(""))
        }
        Block::Table(table) | Block::Folded(_, table) => print_table(table),
        Block::Charts(_, charts) => charts.iter().map(chart::svg).collect(),
        Block::Fronts(_, fronts) => {
            format!("<div class=\"fronts\">{}</div>\n", fronts.iter().map(front::svg).collect::<String>())
        }
        Block::Pictures(_, pictures) => pictures.iter().map(|(name, svg)| frame(name, svg)).collect(),
    }
}

fn print_table(table: &Table) -> String {
    let mut text = String::from("<div class=\"table\">");
    if table.rows.len() >= SEARCHED {
        text += "<input type=\"search\" placeholder=\"Filter rows\" aria-label=\"Filter rows\" hidden>";
    }
    text += "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>";
    let numeric: Vec<bool> =
        (0..table.head.len()).map(|c| table.rows.iter().any(|row| row[c].sort.is_some())).collect();
    for ((title, help), numeric) in table.head.iter().zip(&numeric) {
        let help = if help.is_empty() { String::new() } else { format!(" title=\"{}\"", escape(help)) };
        let class = if *numeric { " class=\"n\"" } else { "" };
        _ = write!(text, "<th scope=\"col\"{class}{help}>{}</th>", escape(title));
    }
    text += "</tr></thead>\n<tbody>\n";
    for row in &table.rows {
        let cells: Vec<String> = row.iter().zip(&numeric).map(|(cell, numeric)| print_cell(cell, *numeric)).collect();
        _ = writeln!(text, "<tr>{}</tr>", cells.join(""));
    }
    text + "</tbody></table></div></div>\n"
}

/// A cell of a column that has numbers, or of another one.
fn print_cell(cell: &Cell, numeric: bool) -> String {
    let words = escape(&cut(&cell.text));
    // A column shows as much of a name as there is room for.
    let words = if cell.name { format!("<code title=\"{words}\">{words}</code>") } else { words };
    let tone = match cell.tone {
        Tone::Plain => "",
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Faint => "faint",
    };
    let class = format!("{} {tone}", if numeric { "n" } else { "" });
    let class = if class == " " { String::new() } else { format!(" class=\"{}\"", class.trim()) };
    let sort = cell.sort.map_or(String::new(), |v| format!(" data-v=\"{v}\""));
    let note = if cell.note.is_empty() { String::new() } else { format!(" title=\"{}\"", escape(&cell.note)) };
    format!("<td{class}{sort}{note}>{words}</td>")
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain | Tone::Faint => "",
        Tone::Good => " class=\"good\"",
        Tone::Bad => " class=\"bad\"",
    }
}

/// A drawing that opens, with its style in a tree of its own.
fn frame(name: &str, svg: &str) -> String {
    format!(
        "<details class=\"picture\"><summary><code>{}</code></summary><div class=\"scroll\" tabindex=\"0\">\
         <div><template shadowrootmode=\"open\">{svg}</template></div></div></details>\n",
        escape(&cut(name)),
    )
}

/// Text as it may stand anywhere in a page, attributes included.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            '\n' | '\t' => safe.push(c),
            // Not allowed in HTML, or unseen.
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::super::{Bars, Block, Cell, Figure, Group, Page, Table, Tone};
    use super::{base64, html};

    const EVIL: &str = "</script><script>alert(1)</script><img src=x onerror='alert(2)'>\" onclick=\"";

    #[test]
    fn names_are_data_wherever_they_stand() {
        let cell = Cell::name(EVIL).note(EVIL.into());
        let groups = vec![Group { name: EVIL.into(), bars: vec![Some((1.0, EVIL.into()))] }];
        let bars = Bars { title: EVIL.into(), series: vec![EVIL.into()], groups, total: None };
        let blocks = vec![
            Block::Heading(EVIL.into()),
            Block::Text(EVIL.into()),
            Block::Quote(EVIL.into()),
            Block::List(vec![EVIL.into()]),
            Block::Figures(vec![Figure { label: EVIL.into(), value: EVIL.into(), tone: Tone::Bad }]),
            Block::Table(Table {
                head: vec![(EVIL.into(), "")],
                rows: vec![vec![cell.clone()], vec![Cell { name: false, ..cell }]],
            }),
            Block::Charts(EVIL.into(), vec![bars]),
            Block::Pictures(EVIL.into(), vec![(EVIL.into(), "<svg></svg>".into())]),
        ];
        let text = html(&Page { title: EVIL.into(), blocks });
        assert_eq!(text.matches("<script>").count(), 1);
        assert_eq!(text.matches("</script>").count(), 1);
        assert!(!text.contains("<img") && !text.contains("\" onclick"), "{text}");
    }

    #[test]
    fn base_64_is_padded() {
        // RFC 4648, section 10.
        let words = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|w| base64(w.as_bytes()));
        assert_eq!(words, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn nothing_is_fetched() {
        let text = html(&Page { title: "Report".into(), blocks: Vec::new() });
        assert!(text.contains("default-src 'none'"));
        for word in ["http://", "https://", "url(", "@import", "src=\"/"] {
            assert!(!text.contains(word), "{word}");
        }
    }
}
