"""Element types and stored tensors: odd values, contents that do not fit, data in other files."""

from collections.abc import Iterator

import numpy as np
from onnx import ModelProto, TensorProto, helper

from .build import FLOAT, INT64_MAX, Case, error, filled, floats, model, node, ok, single, tensor, value

FOUR = b"\0" * 16


def cases() -> Iterator[Case]:
    """Yield the models of this kind."""
    yield from _elements()
    yield from _values()
    yield from _contents()
    yield from _sparse()
    yield from _external()


def _elements() -> Iterator[Case]:
    def identity(element: int) -> ModelProto:
        return single("Identity", [2], out=[2], element=element)

    yield ok("type_float16", identity(TensorProto.FLOAT16), "a half is a number of 16 bits")
    yield ok("type_double", identity(TensorProto.DOUBLE), "f64")
    yield ok("type_bool", identity(TensorProto.BOOL), "truth values")
    yield error("type_string", identity(TensorProto.STRING), "strings need a heap")
    yield error("type_complex", identity(TensorProto.COMPLEX64), "complex numbers are not supported")
    yield error("type_undefined", identity(TensorProto.UNDEFINED), "no element type")
    yield error("type_unknown", identity(9999), "an element type of the future")
    float_type = helper.make_tensor_type_proto(FLOAT, [2])
    for name, kind in [
        ("sequence", helper.make_sequence_type_proto(float_type)),
        ("optional", helper.make_optional_type_proto(float_type)),
        ("map", helper.make_map_type_proto(TensorProto.INT64, float_type)),
        ("sparse", helper.make_sparse_tensor_type_proto(FLOAT, [2])),
    ]:
        built = identity(FLOAT)
        for port in (built.graph.input[0], built.graph.output[0]):
            port.type.CopyFrom(kind)
        yield error(f"type_{name}", built, f"a {name} is no tensor")
    text = tensor("w", TensorProto.STRING, [1], string_data=[b"a"])
    equal = model([node("Equal", ["w", "w"], ["y"])], [], [value("y", [1], TensorProto.BOOL)], [text], opset=19)
    yield error("type_string_inside", equal, "strings need a heap, also where no input or output has them")


def _added(weight: TensorProto, shape: list[int]) -> ModelProto:
    """x + w."""
    return single("Add", shape, [weight], out=shape)


def _alone(weight: TensorProto) -> ModelProto:
    """The weight is the only operand, so that nothing but itself can be wrong with it."""
    return model([node("Relu", ["w"], ["y"])], [], [value("y", None)], [weight])


def _values() -> Iterator[Case]:
    odd = [np.nan, np.inf, -np.inf, -0.0, 1e-45, 3.4e38]
    yield ok("weights_odd", _added(floats("w", odd), [6]), "NaN, infinities, -0, a subnormal, nearly the largest")
    weight = np.full([2, 1, 1, 1], np.nan)
    weight[1] = np.inf
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("BatchNormalization", ["c", "s", "s", "s", "v"], ["y"], epsilon=0.0),
    ]
    tensors = [floats("w", weight), floats("s", [1.0, 0.0]), floats("v", [-1.0, 0.0])]
    yield ok(
        "weights_not_finite",
        model(nodes, [value("x", [1, 1, 2, 2])], [value("y", [1, 2, 2, 2])], tensors),
        "folding meets NaN, infinity, and the root of a negative number",
    )


def _contents() -> Iterator[Case]:
    for name, weight, why in [
        ("raw_short", tensor("w", FLOAT, [4], FOUR[:15]), "15 bytes for 4 floats"),
        ("raw_long", tensor("w", FLOAT, [4], FOUR + b"\0"), "17 bytes for 4 floats"),
        ("data_missing", tensor("w", FLOAT, [4]), "no data"),
        ("data_short", tensor("w", FLOAT, [4], float_data=[1.0, 2.0]), "2 numbers for 4"),
        ("data_other_field", tensor("w", FLOAT, [4], int64_data=[1, 2, 3, 4]), "floats stored as integers"),
        ("dims_negative", tensor("w", FLOAT, [-4], FOUR), "a negative dimension"),
        ("dims_two_negative", tensor("w", FLOAT, [-2, -2], FOUR), "two negative dimensions, a positive product"),
        ("dims_huge", tensor("w", FLOAT, [2**40], FOUR), "16 bytes for 2^40 floats"),
        ("dims_overflow", tensor("w", FLOAT, [2**32, 2**32], b""), "a product that overflows to the 0 bytes there are"),
        ("dims_rank_100", tensor("w", FLOAT, [1] * 100, FOUR[:4]), "100 dimensions"),
        ("type_missing", tensor("w", TensorProto.UNDEFINED, [4], FOUR), "no element type"),
        ("type_future", tensor("w", 9999, [4], FOUR), "an element type of the future"),
    ]:
        yield error(f"tensor_{name}", _alone(weight), why)


def _sparse() -> Iterator[Case]:
    for name, index, size, why in [
        ("index", 9, 4, "element 9 of 4"),
        ("huge", 0, 2**40, "one number in a tensor of 2^40"),
    ]:
        built = model([node("Add", ["x", "w"], ["y"])], [value("x", [4])], [value("y", None)])
        entry = built.graph.sparse_initializer.add(dims=[size])
        entry.values.CopyFrom(floats("w", [1.0]))
        entry.indices.CopyFrom(tensor("", TensorProto.INT64, [1], index.to_bytes(8, "little")))
        yield error(f"sparse_{name}", built, why)


def _external() -> Iterator[Case]:
    # `expect.json` lies beside the models and is there to be misread.
    for name, entries, why in [
        ("up", {"location": "../../../../../../etc/passwd"}, "a path that leaves the folder"),
        ("up_inside", {"location": "a/../../corpus/expect.json"}, "a path that leaves the folder and comes back"),
        ("absolute", {"location": "/etc/passwd"}, "an absolute path"),
        ("device", {"location": "/dev/zero"}, "a file without an end"),
        ("windows", {"location": "C:\\Windows\\win.ini"}, "an absolute path on Windows"),
        ("nul", {"location": "expect.json\0.bin"}, "a path with a zero byte"),
        ("missing", {"location": "missing.bin"}, "no such file"),
        ("folder", {"location": "."}, "a folder"),
        ("empty", {"location": ""}, "no path"),
        ("none", {}, "no location"),
        ("offset_beyond", {"location": "expect.json", "offset": "1000000000000"}, "an offset beyond the end"),
        ("offset_negative", {"location": "expect.json", "offset": "-16"}, "a negative offset"),
        ("offset_text", {"location": "expect.json", "offset": "sixteen"}, "an offset that is no number"),
        ("length_huge", {"location": "expect.json", "length": "4611686018427387904"}, "2^62 bytes"),
        ("length_other", {"location": "expect.json", "length": "15"}, "15 bytes for 4 floats"),
        (
            "end_overflow",
            {"location": "expect.json", "offset": str(2**64 - 8), "length": "16"},
            "an end that overflows",
        ),
    ]:
        yield error(f"external_{name}", _added(_outside(entries), [4]), why)
    whole = tensor("w", FLOAT, [INT64_MAX // 4])
    whole.data_location = TensorProto.EXTERNAL
    whole.external_data.add(key="location", value="expect.json")
    yield error("external_dims_huge", _alone(whole), "2^63 bytes of a small file")
    inside = _outside({"location": "/etc/passwd"})
    constant = model(
        [node("Constant", [], ["w"], value=inside), node("Add", ["x", "w"], ["y"])],
        [value("x", [4])],
        [value("y", [4])],
        [filled("unused", [1])],
    )
    yield error("external_in_attribute", constant, "a constant of a node that lies in another file")


def _outside(entries: dict[str, str]) -> TensorProto:
    result = tensor("w", FLOAT, [4])
    result.data_location = TensorProto.EXTERNAL
    for key, content in entries.items():
        result.external_data.add(key=key, value=content)
    return result
