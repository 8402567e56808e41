//! Conditions of compilation, of which some are known to be false: those of instruction set families that a crate has no files of.

/// What is left of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It never holds.
    False,
    /// It always holds.
    True,
    /// It depends on the machine.
    Open(String),
}

/// A condition without those that never hold, which are given as they are written, with single spaces.
pub(super) fn known(condition: &str, never: &[&str]) -> Known {
    let one_line = condition.split_whitespace().collect::<Vec<_>>().join(" ");
    let condition = one_line.replace("( ", "(").replace(", )", ")").replace(" )", ")");
    if never.contains(&condition.as_str()) {
        return Known::False;
    }
    let Some((operator, inner)) = condition.strip_suffix(')').and_then(|c| c.split_once('(')) else {
        return Known::Open(condition);
    };
    let parts: Vec<Known> = parts(inner).into_iter().map(|part| known(part, never)).collect();
    match operator {
        "not" => match parts.as_slice() {
            [Known::False] => Known::True,
            [Known::True] => Known::False,
            [Known::Open(open)] => Known::Open(format!("not({open})")),
            _ => Known::Open(condition),
        },
        "any" => joined("any", parts, &Known::True, Known::False),
        "all" => joined("all", parts, &Known::False, Known::True),
        _ => Known::Open(condition),
    }
}

/// Several conditions: `decisive` decides for all, and without any the result is `none`.
fn joined(operator: &str, parts: Vec<Known>, decisive: &Known, none: Known) -> Known {
    if parts.contains(decisive) {
        return decisive.clone();
    }
    let open = |part| match part {
        Known::Open(open) => Some(open),
        Known::False | Known::True => None,
    };
    let open: Vec<String> = parts.into_iter().filter_map(open).collect();
    match open.as_slice() {
        [] => none,
        [one] => Known::Open(one.clone()),
        many => Known::Open(format!("{operator}({})", many.join(", "))),
    }
}

/// The parts between commas that are in no brackets.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_holds_is_left_out() {
        let never = ["all(x, y)"];
        let open = |text: &str| Known::Open(text.into());
        assert_eq!(known("all(x, y)", &never), Known::False);
        assert_eq!(known("not(all(x, y))", &never), Known::True);
        assert_eq!(known("not(any(\n    all(x, y),\n    all(z, not(w)),\n))", &never), open("not(all(z, not(w)))"));
        assert_eq!(known("all(all(x, y), z)", &never), Known::False);
        assert_eq!(known("all(x = \"1\", z)", &never), open("all(x = \"1\", z)"));
    }
}
