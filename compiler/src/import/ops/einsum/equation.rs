//! The equation of an Einsum. It is untrusted text: whatever is not of the form is refused.

/// What names a dimension: a letter's code, or [`ELLIPSIS`] plus the distance from the last dimension of the ellipsis.
pub(super) type Label = usize;

/// Labels from here on are those of the ellipsis.
const ELLIPSIS: Label = 256;

/// The labels of all dimensions.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Equation {
    /// Of each operand.
    pub(super) terms: Vec<Vec<Label>>,
    /// Of the result.
    pub(super) result: Vec<Label>,
}

impl Equation {
    /// Reads an equation for operands of the given ranks.
    pub(super) fn parse(text: &str, ranks: &[usize]) -> Result<Equation, String> {
        let text: String = text.chars().filter(|c| *c != ' ').collect();
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (text.as_str(), None),
        };
        let terms: Vec<&str> = left.split(',').collect();
        if terms.len() != ranks.len() {
            return Err(format!("has {} terms for {} operands", terms.len(), ranks.len()));
        }
        let mut width = 0;
        let mut labels = Vec::with_capacity(terms.len());
        for (term, &rank) in terms.iter().zip(ranks) {
            let term = Term::parse(term)?;
            let letters = term.before.len() + term.after.len();
            let dots = rank.checked_sub(letters).filter(|&d| term.ellipsis || d == 0);
            let dots = dots.ok_or_else(|| format!("has a term of {letters} letters for an operand of rank {rank}"))?;
            width = width.max(dots);
            labels.push(term.labels(dots));
        }
        let result = match right {
            Some(right) => {
                let term = Term::parse(right)?;
                term.labels(if term.ellipsis { width } else { 0 })
            }
            None => implicit(&labels, width),
        };
        let known = |l: &Label| labels.iter().any(|term| term.contains(l));
        if !result.iter().all(known) || (1..result.len()).any(|i| result[..i].contains(&result[i])) {
            return Err("has a result with a label that no operand has, or that stands twice".into());
        }
        Ok(Equation { terms: labels, result })
    }
}

/// Without a result term: the ellipsis, then all letters that stand once, in alphabetical order.
fn implicit(terms: &[Vec<Label>], width: usize) -> Vec<Label> {
    let times = |l: Label| terms.iter().flatten().filter(|&&t| t == l).count();
    let letters = (0..ELLIPSIS).filter(|&l| times(l) == 1);
    (0..width).rev().map(|d| ELLIPSIS + d).chain(letters).collect()
}

/// One term: letters, perhaps with an ellipsis among them.
struct Term {
    before: Vec<Label>,
    ellipsis: bool,
    after: Vec<Label>,
}

impl Term {
    fn parse(text: &str) -> Result<Term, String> {
        let (before, after) = text.split_once("...").map_or((text, None), |(before, after)| (before, Some(after)));
        let letters = |part: &str| -> Result<Vec<Label>, String> {
            part.chars()
                .map(|c| match c {
                    'a'..='z' | 'A'..='Z' => Ok(c as Label),
                    other => Err(format!("has a `{}` where a letter should stand", other.escape_debug())),
                })
                .collect()
        };
        Ok(Term { before: letters(before)?, ellipsis: after.is_some(), after: letters(after.unwrap_or(""))? })
    }

    /// The labels, with an ellipsis of `dots` dimensions.
    fn labels(&self, dots: usize) -> Vec<Label> {
        let ellipsis = (0..dots).rev().map(|d| ELLIPSIS + d);
        self.before.iter().copied().chain(ellipsis).chain(self.after.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<Label> {
        text.bytes().map(usize::from).collect()
    }

    #[test]
    fn letters_spaces_and_implicit_results() {
        let e = Equation::parse(" ij, jk ", &[2, 2]).unwrap();
        assert_eq!((e.terms, e.result), (vec![labels("ij"), labels("jk")], labels("ik")));
        assert!(Equation::parse("ii->", &[2]).unwrap().result.is_empty());
        assert_eq!(Equation::parse("ba", &[2]).unwrap().result, labels("ab"));
        assert_eq!(Equation::parse(",->", &[0, 0]).unwrap().terms, [Vec::<usize>::new(), Vec::new()]);
    }

    #[test]
    fn an_ellipsis_is_numbered_from_its_end() {
        let e = Equation::parse("...i,i...->...", &[3, 2]).unwrap();
        assert_eq!(e.terms[0], [ELLIPSIS + 1, ELLIPSIS, usize::from(b'i')]);
        assert_eq!(e.terms[1], [usize::from(b'i'), ELLIPSIS]);
        assert_eq!(e.result, [ELLIPSIS + 1, ELLIPSIS]);
    }

    #[test]
    fn what_is_not_an_equation_is_refused() {
        for (text, ranks) in [
            ("ij", &[3][..]),
            ("ij,jk->ik", &[2][..]),
            ("ij->ik", &[2][..]),
            ("ij->ii", &[2][..]),
            ("i-j", &[2][..]),
            ("......", &[2][..]),
            ("i->j->i", &[1][..]),
            ("\u{e9}", &[1][..]),
            (".i", &[1][..]),
        ] {
            assert!(Equation::parse(text, ranks).is_err(), "{text}");
        }
    }
}
