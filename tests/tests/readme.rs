//! The README shows code that is emitted.

use std::fs;

use zant_tests::cases::workspace;

#[test]
fn the_excerpt_is_what_is_emitted() {
    let read = |path: &str| fs::read_to_string(workspace().join(path)).expect("it is part of the project");
    let (readme, model) = (read("README.md"), read("generated-examples/digits/src/model.rs"));
    let (_, shown) = readme.split_once("<!-- excerpt -->\n```rust\n").expect("there is an excerpt");
    let (shown, _) = shown.split_once("```").expect("it ends");
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim().to_string()).filter(|line| !line.is_empty()).collect()
    };
    let mut emitted = lines(&model).into_iter();
    for line in lines(shown) {
        assert!(emitted.any(|other| other == line), "`{line}` is not emitted, or not in this place");
    }
}
