//! Diagnostics as people read them, in the style of rustc.
//!
//! Invariant: text from a model never reaches the terminal as it is. Control characters and those that change the
//! direction of text are escaped, so that a name can neither forge a line nor move the cursor.

use std::fmt::Write;

use super::{Diagnostic, Severity};

/// Characters of a printed line that are shown.
const MAX_LINE: usize = 240;

/// Whether escape sequences for colours may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Colours are wanted: the text goes to a terminal.
    pub color: bool,
}

impl Style {
    /// Text in one of the terminal's styles: an SGR sequence such as `1;31`.
    pub fn paint(self, sgr: &str, text: &str) -> String {
        if self.color { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.to_string() }
    }
}

/// Text from outside on one line: characters that are invisible or have effects are written as `\u{..}`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || has_effects(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that are no control characters and still change how others are shown: directions, joiners, separators.
fn has_effects(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// All findings with a line that counts them; empty without any.
pub fn render_all(diagnostics: &[Diagnostic], style: Style) -> String {
    let mut text = String::new();
    for d in diagnostics {
        text += &render(d, style);
        text.push('\n');
    }
    let count = |s: Severity| diagnostics.iter().filter(|d| d.severity == s).count();
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) => {}
        (0, w) => _ = writeln!(text, "{}: {}", head(Severity::Warning, style), plural(w, "warning")),
        (e, 0) => _ = writeln!(text, "{}: {}", head(Severity::Error, style), plural(e, "error")),
        (e, w) => {
            _ = writeln!(text, "{}: {}, {}", head(Severity::Error, style), plural(e, "error"), plural(w, "warning"));
        }
    }
    text
}

fn head(severity: Severity, style: Style) -> String {
    match severity {
        Severity::Error => style.paint("1;31", "error"),
        Severity::Warning => style.paint("1;33", "warning"),
        Severity::Note => style.paint("1;32", "note"),
    }
}

/// One finding:
///
/// ```text
/// error[ZA0204]: the inner dimensions 3 and 4 differ
///  --> node 12 `fc1` (MatMul)
///   |
///   | y = MatMul(x, w)
///   |                ^
///   = help: ..
/// ```
pub fn render(d: &Diagnostic, style: Style) -> String {
    let name = match d.severity {
        Severity::Error => style.paint("1;31", &format!("error[{}]", d.code)),
        Severity::Warning => style.paint("1;33", &format!("warning[{}]", d.code)),
        Severity::Note => style.paint("1;32", &format!("note[{}]", d.code)),
    };
    let mut text = format!("{name}{}\n", style.paint("1", &format!(": {}", escape(&d.message))));
    if let Some(place) = &d.node {
        let (name, op) = (escape(&place.name), escape(&place.op_type));
        _ = writeln!(text, " {} node {} `{name}` ({op})", style.paint("1;34", "-->"), place.index);
        for scope in &place.scope {
            _ = writeln!(text, "     in {}", escape(scope));
        }
        if !place.line.is_empty() {
            quote(&mut text, line(&place.line, place.span), style);
        }
    }
    if let Some(place) = &d.file {
        let path = escape(&place.path.to_string_lossy());
        let column = place.text.get(..place.span.0).map_or(0, |before| before.chars().count()) + 1;
        _ = writeln!(text, " {} {path}:{}:{column}", style.paint("1;34", "-->"), place.line);
        quote(&mut text, line(&place.text, Some(place.span)), style);
    }
    for help in &d.help {
        _ = writeln!(text, "  {} help: {}", style.paint("1;34", "="), escape(help));
    }
    text
}

/// A line with its caret.
fn quote(text: &mut String, (line, caret): (String, Option<(usize, usize)>), style: Style) {
    let bar = style.paint("1;34", "|");
    _ = writeln!(text, "  {bar}\n  {bar} {line}");
    if let Some((column, width)) = caret {
        let carets = style.paint("1;31", &"^".repeat(width));
        _ = writeln!(text, "  {bar} {}{carets}", " ".repeat(column));
    }
}

/// A line, cut around the part at fault, and where the caret goes: column and width in characters.
fn line(line: &str, span: Option<(usize, usize)>) -> (String, Option<(usize, usize)>) {
    let parts = span.and_then(|(start, len)| {
        let end = start.checked_add(len)?;
        Some((line.get(..start)?, line.get(start..end)?, line.get(end..)?))
    });
    let Some((before, at, after)) = parts else {
        return (cut(&escape(line), MAX_LINE), None);
    };
    let (before, at) = (escape(before), cut(&escape(at), MAX_LINE / 2));
    // What stands before the fault is cut at its beginning.
    let room = MAX_LINE / 4;
    let length = before.chars().count();
    let before = match length > room {
        true => format!("..{}", before.chars().skip(length - room).collect::<String>()),
        false => before,
    };
    let (column, width) = (before.chars().count(), at.chars().count().max(1));
    let after = cut(&escape(after), MAX_LINE.saturating_sub(column + width));
    (format!("{before}{at}{after}"), Some((column, width)))
}

/// At most so many characters.
fn cut(text: &str, room: usize) -> String {
    match text.char_indices().nth(room) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Style, escape, render, render_all};
    use crate::diag::{Diagnostic, FilePlace, NodePlace, codes};

    fn place(line: &str, span: Option<(usize, usize)>) -> NodePlace {
        NodePlace {
            index: 12,
            name: "fc1".into(),
            op_type: "MatMul".into(),
            line: line.into(),
            span,
            scope: Vec::new(),
        }
    }

    #[test]
    fn a_finding_points_at_the_fault() {
        let d = Diagnostic::error(codes::SHAPE_MISMATCH, "the inner dimensions 3 and 4 differ")
            .at(place("y = MatMul(x, w)", Some((14, 1))))
            .help("transpose the second operand");
        let expected = "error[ZA0204]: the inner dimensions 3 and 4 differ\n --> node 12 `fc1` (MatMul)\n  |\n  | y = MatMul(x, w)\n  |               ^\n  = help: transpose the second operand\n";
        assert_eq!(render(&d, Style::default()), expected);
    }

    #[test]
    fn the_place_in_the_exported_program_is_shown() {
        let mut at = place("", None);
        at.scope = vec!["encoder (Linear)".into(), "model.py:3\n".into()];
        let d = Diagnostic::note(codes::SHAPE_MISMATCH, "bad").at(at);
        let expected =
            "note[ZA0204]: bad\n --> node 12 `fc1` (MatMul)\n     in encoder (Linear)\n     in model.py:3\\u{a}\n";
        assert_eq!(render(&d, Style::default()), expected);
        assert_eq!(render_all(&[d], Style::default()), format!("{expected}\n"));
    }

    #[test]
    fn names_cannot_forge_output() {
        let mut hostile = place("y = \u{202e}Bad\n(x)\x1b[2J", None);
        hostile.name = "a\nerror[ZA0001]: forged\x1b[31m\u{2066}\u{7f}\u{9b}".into();
        let d = Diagnostic::error(codes::UNSUPPORTED_OPERATOR, "unknown \r operator").at(hostile);
        let text = render(&d, Style::default());
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.chars().all(|c| c == '\n' || (!c.is_control() && c != '\u{202e}' && c != '\u{2066}')), "{text:?}");
    }

    #[test]
    fn long_lines_are_cut_around_the_fault() {
        let line = format!("{} = Concat({}, BAD, {})", "o", "x".repeat(5000), "y".repeat(5000));
        let at = line.find("BAD").unwrap();
        let d = Diagnostic::error(codes::SHAPE_MISMATCH, "bad").at(place(&line, Some((at, 3))));
        let text = render(&d, Style::default());
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[3].len() < 260, "{}", lines[3].len());
        let caret = lines[4].find("^^^").unwrap();
        assert_eq!(&lines[3][caret..caret + 3], "BAD");
    }

    #[test]
    fn a_line_of_a_file_is_shown() {
        let (path, text) = ("a/zant.toml".into(), "\tnäne = 1".to_string());
        let d = Diagnostic::error(codes::BAD_OPTION, "unknown field").in_file(FilePlace {
            path,
            line: 3,
            text,
            span: (1, 5),
        });
        let expected = "error[ZA0401]: unknown field\n --> a/zant.toml:3:2\n  |\n  | \\u{9}näne = 1\n  |      ^^^^\n";
        assert_eq!(render(&d, Style::default()), expected);
    }

    #[test]
    fn a_span_that_does_not_fit_is_ignored() {
        let d = Diagnostic::error(codes::SHAPE_MISMATCH, "bad").at(place("é = F(x)", Some((1, usize::MAX))));
        assert!(render(&d, Style::default()).contains("  | é = F(x)\n"));
    }

    #[test]
    fn findings_are_counted() {
        let e = Diagnostic::error(codes::TOO_LARGE, "a");
        let w = Diagnostic::warning(codes::SOFTWARE_FMA, "b");
        assert!(
            render_all(&[e.clone(), w.clone(), e.clone()], Style::default()).ends_with("error: 2 errors, 1 warning\n")
        );
        assert!(render_all(&[w], Style::default()).ends_with("warning: 1 warning\n"));
        assert_eq!(render_all(&[], Style::default()), "");
        assert!(render(&e, Style { color: true }).starts_with("\x1b[1;31merror[ZA0210]\x1b[0m"));
    }

    #[test]
    fn ordinary_text_stays() {
        assert_eq!(escape("größe 漢字 `x`"), "größe 漢字 `x`");
    }
}
