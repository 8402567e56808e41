"""Names are data: whatever they hold, the emitted code, manifest, pages and paths stay what they are."""

from collections.abc import Iterator, Sequence

from onnx import ModelProto

from .build import Case, error, filled, model, node, ok, value

# One hostile text per model; it becomes the name of everything in it, and the documentation.
TEXTS = {
    "newline": ("a\nb\r\nc", "line breaks end a comment line"),
    "code": ("*/ } fn main(){} //", "closes a block comment and a function"),
    "code_newline": ('\n*/ }\ncompile_error!("out");\n/*', "breaks out of doc comments of either kind"),
    "quote": ('";compile_error!("x', "ends a string literal"),
    "raw_quote": ('"###;x!{}r###"', "ends a raw string literal"),
    "backslash": ("a\\", "escapes the quote that should end its literal"),
    "attribute": ("#![allow(unsafe_code)]", "an inner attribute"),
    "include": ('include_str!("/etc/passwd")', "a macro that reads a file"),
    "braces": ("{}{0:?}{x}%s%n", "format strings of several languages"),
    "bidi": ("a\u202e\u2066b\u2069", "direction marks make code read otherwise than it compiles"),
    "zero_width": ("a\u200b\ufeffb", "characters that cannot be seen"),
    "letters": ("\u5909\u6570 \u00f1 \u0645", "letters outside ASCII"),
    "emoji": ("\U0001f980", "no character of an identifier"),
    "combining": ("\u0301\u0301", "marks without a letter before them"),
    "nul": ("a\0b", "a zero byte"),
    "escape": ("\x1b[2J\x1b]0;x\x07", "terminal control sequences in diagnostics"),
    "path_up": ("../../etc/passwd", "a path that leaves the folder"),
    "path_absolute": ("/etc/passwd", "an absolute path"),
    "path_windows": ("C:\\Windows\\con", "an absolute path and a device on Windows"),
    "toml": ('x"\n[dependencies]\nevil = "*', "one more section in a manifest"),
    "html": ("</pre><script>alert(1)</script>", "markup in documentation and pictures"),
    "markdown": ("```\n# x\n[a](http://x)", "ends a code block of a page"),
    "dot": ('"];x[label="', "ends a label of a Graphviz file"),
    "shell": ("$(touch x);`id`", "commands in a shell"),
    "digits": ("0", "begins with a digit"),
    "underscore": ("_", "no identifier of Rust although it looks like one"),
    "punctuation": ("///", "nothing that an identifier may hold"),
    "rust_raw": ("r#fn", "looks like a raw identifier"),
    "long": ("n" * 121, "longer than a line"),
}

KEYWORDS = ["fn", "self", "Self", "crate", "super", "type", "async", "gen", "extern", "'static", "true", "unsafe"]
EMITTED = ["Model", "Inputs", "Outputs", "run", "new", "arena", "weights", "rt", "core", "f32", "Ok", "None", "main"]
PUNCTUATION = ["a.b", "a/b", "a_b", "a-b", "a:b", "a b", "a__b", "_a_b", "a_b_"]
NUMBERED = ["a.b", "a/b", "a_b", "a_b_1", "a_b_2", "a_b_3", "a_b1", "a_b2"]
CASES = ["ab", "Ab", "aB", "AB", "a_b", "A_B"]
ACCENTS = ["\u00e9", "e\u0301", "e", "\u0435"]


def cases() -> Iterator[Case]:
    """Yield the models of this kind."""
    for name, (text, why) in TEXTS.items():
        yield ok(f"name_{name}", _everywhere(text), why)
    groups = {
        "keywords": (KEYWORDS, "words that Rust keeps for itself"),
        "emitted": (EMITTED, "names that emitted code has a use for"),
        "punctuation_only": (PUNCTUATION, "names that differ only by punctuation"),
        "numbered": (NUMBERED, "names that look like the numbered copies of others"),
        "case_only": (CASES, "names that differ only by case"),
        "accents": (ACCENTS, "names that look alike or are equal after normalisation"),
    }
    for name, (names, why) in groups.items():
        yield ok(f"names_{name}", _ports(names), why)
    # The name of the file gives the name of the crate.
    for stem, why in {"fn": "a keyword", "core": "a crate that every crate sees", "0 x-y.z": "no identifier"}.items():
        yield ok(stem, _relu("g", ""), f"the file is named by {why}")
    yield ok("name_graph_empty", _relu("", ""), "the graph has no name")
    yield ok("name_node_empty", _relu("g", ""), "nodes need no names")
    yield ok("name_node_duplicate", _relu("g", "same"), "names of nodes are for people; two alike do no harm")
    yield from _empty()


def _everywhere(text: str) -> ModelProto:
    """Input, weight, intermediate, output, node, graph and producer all carry the text."""
    source, weight, inner, result = text, f"{text}.w", f"{text}.i", f"{text}.y"
    nodes = [
        node("Add", [source, weight], [inner], name=text, doc_string=text),
        node("Relu", [inner], [result], name=f"{text}.r"),
    ]
    built = model(nodes, [value(source, [2])], [value(result, [2])], [filled(weight, [2])], name=text)
    built.producer_name = built.doc_string = text
    return built


def _ports(names: Sequence[str]) -> ModelProto:
    """Every name is an input, and with a suffix that changes nothing in kind an output."""
    nodes = [node("Relu", [name], [f"{name}!"], name=name) for name in names]
    return model(nodes, [value(name, [2]) for name in names], [value(f"{name}!", [2]) for name in names])


def _relu(graph_name: str, node_name: str) -> ModelProto:
    nodes = [node("Relu", ["x"], ["i"], name=node_name), node("Neg", ["i"], ["y"], name=node_name)]
    return model(nodes, [value("x", [2])], [value("y", [2])], name=graph_name)


def _empty() -> Iterator[Case]:
    relu = [node("Relu", ["x"], ["y"])]
    x, y = value("x", [2]), value("y", [2])
    yield error("name_input_empty", model(relu, [x, value("", [2])], [y]), "a graph input needs a name")
    yield error("name_output_empty", model(relu, [x], [y, value("", [2])]), "a graph output needs a name")
    yield error("name_initializer_empty", model(relu, [x], [y], [filled("", [2])]), "an initializer needs a name")
    yield error("name_operator_empty", model([node("", ["x"], ["y"])], [x], [y]), "a node needs an operator")
    yield error(
        "name_hostile_unbound",
        model([node("Relu", ["x"], ["y"])], [value("x", ["\x1b[2J*/\n--dim"])], [value("y", None)]),
        "an unbound dimension whose name must not reach the terminal as it is",
    )
    yield error(
        "name_hostile_operator",
        model([node("\x1b[2J*/\n\u202eRelu", ["x"], ["y"])], [x], [y]),
        "an unknown operator whose name must not reach the terminal as it is",
    )
