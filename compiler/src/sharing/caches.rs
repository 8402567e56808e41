//! Caches by the names that exporters give them as inputs and as outputs.

/// Beginnings of the names of caches as inputs and as outputs.
const BEGINNINGS: [(&str, &str); 7] = [
    ("past_key_values", "present_key_values"),
    ("past_key_values", "present"),
    ("past", "present"),
    ("past", "new"),
    ("cache", "new_cache"),
    ("cache", "present"),
    ("state", "new_state"),
];
/// Their ends.
const ENDS: [(&str, &str); 4] = [("_in", "_out"), ("", "_out"), ("", "_new"), ("", "_next")];

/// The output that is the next value of a cache, by the names that exporters give the two.
pub(super) fn output_of<'a>(input: &str, outputs: &[&'a str]) -> Option<&'a str> {
    let begun = BEGINNINGS.iter().filter_map(|(i, o)| Some(format!("{o}{}", input.strip_prefix(i)?)));
    let ended = ENDS.iter().filter_map(|(i, o)| Some(format!("{}{o}", input.strip_suffix(i)?)));
    begun.chain(ended).find_map(|name| outputs.iter().copied().find(|output| **output == name))
}

/// The pairs of inputs and outputs that are caches by their names, where no model's author said it.
pub fn caches(inputs: &[&str], outputs: &[&str]) -> Vec<(String, String)> {
    inputs.iter().filter_map(|input| Some(((*input).to_string(), output_of(input, outputs)?.to_string()))).collect()
}
