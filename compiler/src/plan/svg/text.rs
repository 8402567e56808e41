//! Text in a picture: names are data from strangers, so they are cut and escaped.

use std::fmt::Write;

/// Characters of a name that are shown anywhere.
const LONGEST: usize = 200;

/// `text` as XML character data or attribute value. Characters that XML does not allow, and those that would
/// turn the direction of the text around, become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The first characters of `text`, at most `room`, the last one an ellipsis if some are missing.
pub(super) fn cut(text: &str, room: usize) -> String {
    let room = room.min(LONGEST);
    if text.chars().nth(room).is_none() {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(room.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A power of two, or a multiple of one, in the largest unit that keeps it whole.
pub(super) fn binary(bytes: usize) -> String {
    let mut text = String::new();
    let (unit, name) = match bytes {
        b if b >= 1 << 20 && b.is_multiple_of(1 << 20) => (1 << 20, "MiB"),
        b if b >= 1 << 10 && b.is_multiple_of(1 << 10) => (1 << 10, "KiB"),
        _ => (1, "B"),
    };
    // Writing to a string does not fail.
    let _ = write!(text, "{} {name}", grouped(bytes / unit));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(escape("</text><script>&\"'"), "&lt;/text&gt;&lt;script&gt;&amp;&quot;&#39;");
        assert_eq!(escape("a\u{0}\n\u{202e}b"), "a\u{fffd}\u{fffd}\u{fffd}b");
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüx", 3), "äö…");
        assert_eq!(cut(&"x".repeat(1000), 900).chars().count(), LONGEST);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1000, 1_234_567].map(grouped).each_ref().map(|s| s.as_str())
        );
        assert_eq!(
            [binary(512), binary(1536), binary(96 << 10), binary(3 << 20)],
            ["512 B", "1,536 B", "96 KiB", "3 MiB"]
        );
    }
}
