//! What a mistyped name may have meant.

/// The name that takes the fewest edits; the first of those.
pub fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names.into_iter().min_by_key(|name| distance(name, given))
}

/// Characters to insert, remove or replace (Levenshtein's distance), row by row.
fn distance(a: &str, b: &str) -> usize {
    // Nothing that long is near anything.
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn few_edits_are_near() {
        let names = ["cortex-m4", "cortex-m7", "wasm32"];
        assert_eq!(nearest("cortexm7", names), Some("cortex-m7"));
        assert_eq!(nearest("wasm", names), Some("wasm32"));
        assert_eq!(nearest("wasm", []), None);
    }
}
