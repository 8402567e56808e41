"""Files that are not models, or not whole ones: what the decoder meets."""

from collections.abc import Iterator

from .build import OPSET, Case, error, filled, ok, single, wrap

VARINT, LENGTH, GROUP = 0, 2, 3
# Fields of ModelProto, GraphProto, NodeProto and AttributeProto.
IR_VERSION, GRAPH = 1, 7
NODE = 1
ATTRIBUTE = 5
ATTRIBUTE_GRAPH = 6


def cases() -> Iterator[Case]:
    """Yield the files of this kind."""
    valid = single("Add", [4], [filled("weights", [4])], out=[4]).SerializeToString(deterministic=True)
    yield error("file_empty", b"", "no bytes")
    yield error("file_text", b"This is not a model.\n", "text")
    yield error("file_zeros", b"\0" * 64, "field number zero")
    yield error("file_gzip", bytes.fromhex("1f8b0800000000000003") + b"\xff" * 20, "a compressed file")
    yield error(
        "file_lfs_pointer",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n",
        "what Git leaves where large files were not fetched",
    )
    for part in (1, 2, 3):
        cut = len(valid) * part // 4
        yield error(f"file_cut_{part}", valid[:cut], f"{part} of 4 quarters of a model")
    yield error("file_cut_last", valid[:-1], "a model without its last byte")
    yield from _wire()
    yield error("wire_utf8", valid.replace(b"weights", b"weight\xff"), "a name that is no UTF-8")
    yield ok("wire_field_unknown", valid + _message(500, b"later"), "fields of the future are passed over")


def _wire() -> Iterator[Case]:
    """Broken encodings, after a sound beginning."""
    begin = wrap(None, [("", OPSET)]).SerializeToString(deterministic=True)
    yield error(
        "wire_varint_long", begin + _tag(IR_VERSION, VARINT) + b"\xff" * 11 + b"\1", "a number of more than ten bytes"
    )
    yield error("wire_length_beyond", begin + _tag(GRAPH, LENGTH) + b"\x7f" + b"\0", "127 bytes announced, one there")
    yield error("wire_length_huge", begin + _tag(GRAPH, LENGTH) + _varint(2**63 + 5) + b"\0", "2^63 bytes announced")
    yield error("wire_type", begin + _tag(GRAPH, VARINT) + b"\1", "a graph that is a number")
    yield error("wire_type_reserved", begin + _tag(GRAPH, 7) + b"\1", "a wire type that does not exist")
    yield error(
        "wire_group_open", begin + _tag(IR_VERSION, VARINT) + b"\x08" + _tag(99, GROUP), "a group without an end"
    )
    yield error("wire_groups_deep", begin + _tag(99, GROUP) * 500, "500 groups, each in the one before")
    yield error("wire_graphs_deep", begin + _deep_graphs(), "hundreds of graphs, each in a node of the one before")
    yield error("wire_empty_nodes", begin + _message(GRAPH, _message(NODE, b"") * 500), "500 nodes of two bytes each")


def _deep_graphs() -> bytes:
    content = b""
    while len(content) < 1200:
        for field in (ATTRIBUTE_GRAPH, ATTRIBUTE, NODE):
            content = _message(field, content)
    return _message(GRAPH, content)


def _message(field: int, content: bytes) -> bytes:
    return _tag(field, LENGTH) + _varint(len(content)) + content


def _tag(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _varint(number: int) -> bytes:
    result = bytearray()
    while number >= 0x80:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*result, number])
