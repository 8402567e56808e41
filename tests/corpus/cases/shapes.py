"""Shapes: huge, negative, overflowing, unknown, empty; and the operators that move elements about."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto

from .build import INT64, INT64_MAX, INT64_MIN, Case, error, filled, floats, ints, model, node, ok, single, value


def cases() -> Iterator[Case]:
    """Yield the models of this kind."""
    yield from _declared()
    yield from _small()
    yield from _made()
    yield from _reshape()
    yield from _movement()
    yield from _slices()
    yield from _gather()


def _declared() -> Iterator[Case]:
    rows: list[tuple[str, list[Any], str]] = [
        ("huge", [2**62], "2^62 elements"),
        ("i64_max", [INT64_MAX], "bytes that overflow 64 bits"),
        ("product_overflow", [2**32, 2**32], "a product of dimensions that overflows to 0"),
        ("product_overflow_one", [2**32, 2**32, 1, 2**32 + 1], "a product that overflows more than once"),
        ("zero_last", [2**62, 2**62, 0], "an empty tensor with dimensions whose product overflows"),
        ("zero_first", [0, 2**62, 2**62], "an empty tensor whose strides overflow"),
        ("negative", [-1, 2], "a negative dimension"),
        ("minimum", [INT64_MIN], "the most negative dimension"),
        ("rank_100", [1] * 100, "100 dimensions"),
        ("unbound", ["seq", 2], "a symbolic dimension without a value"),
        ("unbound_unnamed", [3, None], "an unknown dimension without a name"),
    ]
    for name, shape, why in rows:
        yield error(f"shape_{name}", single("Relu", shape, out=None), why)
    for name, shape in [("batch", ["batch", 2]), ("batch_unnamed", [None, 2])]:
        yield ok(f"shape_{name}", single("Relu", shape, out=None), "a batch without a value is one")
    unused = model([node("Relu", ["x"], ["y"])], [value("x", [2]), value("u", [2**62])], [value("y", [2])])
    yield error("shape_huge_unused", unused, "an input of 2^62 elements that nothing reads")
    rank = model([node("Relu", ["x"], ["y"])], [value("x", None)], [value("y", None)])
    yield error("shape_rank_unknown", rank, "an input whose rank is unknown")
    typeless = model([node("Relu", ["x"], ["y"])], [value("x", [2])], [value("y", [2])])
    typeless.graph.input[0].ClearField("type")
    yield error("shape_type_missing", typeless, "an input without a type")


def _small() -> Iterator[Case]:
    yield ok("scalar", single("Relu", [], out=[]), "a scalar in, a scalar out")
    yield ok("scalar_constant", single("Mul", [], [floats("w", 2.0)], out=[]), "a scalar weight")
    yield ok("empty", single("Relu", [0], out=[0]), "no elements")
    yield ok("empty_inside", single("Relu", [2, 0, 3], out=[2, 0, 3]), "no elements, three dimensions")
    yield ok("empty_concat", single("Concat", [2], [floats("w", [])], out=[2], axis=0), "an operand without elements")
    yield ok(
        "empty_reduce", single("ReduceSum", [2, 0], [ints("a", [1])], out=[2], keepdims=0), "the sum of nothing is 0"
    )
    yield ok(
        "empty_matmul",
        single("MatMul", [2, 0], [floats("w", np.zeros([0, 3]))], out=[2, 3]),
        "products of nothing are 0",
    )
    yield error(
        "empty_arg_max", single("ArgMax", [2, 0], out_element=INT64, axis=1), "no element is the largest of none"
    )


def _made() -> Iterator[Case]:
    """Operators whose operands say how much they make."""
    for name, shape, why in [
        ("2_40", [2**40], "4 TiB of zeros"),
        ("2_29", [2**29], "2 GiB of zeros"),
        ("overflow", [2**32, 2**32], "a product that overflows to 0"),
        ("negative", [-1], "a negative dimension"),
    ]:
        yield error(f"constant_of_shape_{name}", _produced("ConstantOfShape", [ints("s", shape)]), why)
    two = node("ConstantOfShape", ["s"], ["y"], value=floats("", [1.0, 2.0]))
    yield error(
        "constant_of_shape_two_values", model([two], [], [value("y", [2])], [ints("s", [2])]), "one value fills"
    )
    for name, operands, why in [
        ("10_12", [0, 10**12, 1], "8 TB of numbers"),
        ("step_zero", [0, 5, 0], "steps of zero"),
        ("overflow", [INT64_MIN, INT64_MAX, 1], "a count that overflows"),
    ]:
        parts = [ints(key, np.int64(number)) for key, number in zip("sld", operands, strict=True)]
        yield error(f"range_{name}", _produced("Range", parts, INT64), why)
    for name, limit, why in [("nan", np.nan, "up to no number"), ("inf", np.inf, "without an end")]:
        parts = [floats("s", 0.0), floats("l", limit), floats("d", 1.0)]
        yield error(f"range_{name}", _produced("Range", parts), why)
    for name, shape, why in [
        ("huge", [2**40, 2], "a result of 2^41 elements"),
        ("overflow", [2**32, 2**32, 2], "a product that overflows"),
        ("mismatch", [3], "2 elements do not repeat as 3"),
        ("negative", [-5, 2], "a negative dimension"),
    ]:
        yield error(f"expand_{name}", single("Expand", [2], [ints("s", shape)]), why)
    for name, repeats, why in [
        ("huge", [2**40], "a result of 2^41 elements"),
        ("overflow", [INT64_MAX], "a product that overflows"),
        ("negative", [-1], "a negative number of repeats"),
        ("rank", [2, 2], "two repeats for one dimension"),
    ]:
        yield error(f"tile_{name}", single("Tile", [2], [ints("r", repeats)]), why)
    one_hot = [ints("d", np.int64(2**40)), floats("v", [0.0, 1.0])]
    yield error("one_hot_huge", single("OneHot", [2], one_hot, element=INT64, out_element=1), "2^40 classes")
    yield error(
        "one_hot_negative",
        single("OneHot", [2], [ints("d", np.int64(-2)), one_hot[1]], element=INT64, out_element=1),
        "a negative number of classes",
    )


def _produced(operator: str, operands: list[TensorProto], element: int = 1) -> ModelProto:
    step = node(operator, [item.name for item in operands], ["y"])
    return model([step], [], [value("y", None, element)], operands)


def _reshape() -> Iterator[Case]:
    for name, shape, why in [
        ("two_unknown", [-1, -1], "two dimensions to be found"),
        ("misfit", [5], "5 elements out of 6"),
        ("misfit_unknown", [4, -1], "6 elements in rows of 4"),
        ("negative", [-2, 3], "a negative dimension that is not -1"),
        ("overflow", [2**32, 2**32, 6], "a product that overflows"),
        ("copy_beyond", [2, 3, 0], "a dimension is copied that the input does not have"),
    ]:
        yield error(f"reshape_{name}", single("Reshape", [2, 3], [ints("s", shape)]), why)
    yield ok(
        "reshape_copies", single("Reshape", [2, 3], [ints("s", [0, 0, -1])], out=[2, 3, 1]), "copies and a rest of 1"
    )
    yield error(
        "reshape_zero_rest", single("Reshape", [0, 3], [ints("s", [0, -1])]), "0 elements in 0 rows: any rest fits"
    )
    yield error("reshape_float_shape", single("Reshape", [2, 3], [floats("s", [6.0])]), "a shape of floats")
    yield error("reshape_shape_rank", single("Reshape", [2, 3], [ints("s", [[6]])]), "a shape of two dimensions")
    live = model([node("Reshape", ["x", "s"], ["y"])], [value("x", [6]), value("s", [2], INT64)], [value("y", None)])
    yield error("reshape_at_run_time", live, "the shape is known only at run time")


def _movement() -> Iterator[Case]:
    for name, order, why in [
        ("twice", [0, 0], "one axis twice"),
        ("beyond", [0, 2], "an axis beyond the rank"),
        ("negative", [-1, 0], "a negative axis"),
        ("short", [0], "one axis of two"),
        ("huge", [INT64_MAX, INT64_MIN], "axes beyond any rank"),
    ]:
        yield error(f"transpose_{name}", single("Transpose", [2, 3], perm=order), why)
    yield error("concat_shapes", single("Concat", [2, 3], [filled("w", [3, 4])], axis=0), "rows of 3 and of 4")
    yield error("concat_ranks", single("Concat", [2, 3], [filled("w", [3])], axis=0), "two dimensions and one")
    yield error("concat_axis", single("Concat", [2, 3], [filled("w", [2, 3])], axis=2), "an axis beyond the rank")
    yield error("concat_axis_missing", single("Concat", [2, 3], [filled("w", [2, 3])]), "no axis")
    yield error("concat_nothing", model([node("Concat", [], ["y"], axis=0)], [], [value("y", [2])]), "no operands")
    yield error("squeeze_not_one", single("Squeeze", [1, 3], [ints("a", [1])]), "a dimension of 3 cannot go")
    yield error("squeeze_beyond", single("Squeeze", [1, 3], [ints("a", [5])]), "an axis beyond the rank")
    yield error("unsqueeze_twice", single("Unsqueeze", [3], [ints("a", [0, 0])]), "one axis twice")
    yield error("unsqueeze_beyond", single("Unsqueeze", [3], [ints("a", [INT64_MAX])]), "an axis beyond the rank")
    for name, parts, why in [
        ("sum", [2, 3], "parts of 5 out of 6 elements"),
        ("negative", [8, -2], "a negative part"),
        ("overflow", [INT64_MAX, INT64_MAX], "parts whose sum overflows"),
        ("count", [2, 2, 2], "three parts, two outputs"),
    ]:
        split = node("Split", ["x", "s"], ["y", "z"])
        outputs = [value("y", None), value("z", None)]
        yield error(f"split_{name}", model([split], [value("x", [6])], outputs, [ints("s", parts)]), why)
    for name, pads, why in [
        ("huge", [2**40, 2**40], "a result of 2^41 elements"),
        ("overflow", [INT64_MAX, INT64_MAX], "a sum that overflows"),
        ("negative", [-3, 0], "less than nothing is left of 2 elements"),
        ("rank", [1, 1, 1], "three pads for one dimension"),
    ]:
        yield error(f"pad_{name}", single("Pad", [2], [ints("p", pads)]), why)
    yield error("pad_mode", single("Pad", [2], [ints("p", [1, 1])], mode="sideways"), "no such mode")


def _slices() -> Iterator[Case]:
    def sliced(start: int, end: int, axis: int, step: int, out: list[int] | None = None) -> ModelProto:
        numbers = {"s": start, "e": end, "a": axis, "t": step}
        return single("Slice", [4], [ints(name, [number]) for name, number in numbers.items()], out=out)

    yield ok("slice_all", sliced(INT64_MIN, INT64_MAX, 0, 1, [4]), "bounds far outside are clamped")
    yield ok("slice_back", sliced(INT64_MAX, INT64_MIN, -1, -1, [4]), "bounds far outside are clamped, backwards")
    yield ok("slice_step_max", sliced(0, 4, 0, INT64_MAX, [1]), "a step beyond the end")
    yield ok("slice_step_min", sliced(3, INT64_MIN, 0, INT64_MIN, [1]), "a step that cannot be negated")
    yield ok("slice_nothing", sliced(3, 1, 0, 1, [0]), "bounds that cross leave nothing")
    yield error("slice_step_zero", sliced(0, 4, 0, 0), "a step of zero")
    yield error("slice_axis", sliced(0, 4, 1, 1), "an axis beyond the rank")
    uneven = [ints("s", [0, 0]), ints("e", [1])]
    yield error("slice_uneven", single("Slice", [4], uneven), "two starts and one end")
    twice = [ints("s", [0, 0]), ints("e", [1, 1]), ints("a", [0, -1])]
    yield error("slice_axis_twice", single("Slice", [4], twice), "one axis twice")


def _gather() -> Iterator[Case]:
    yield error("gather_beyond", single("Gather", [4], [ints("i", [4])]), "element 4 of 4")
    yield error("gather_before", single("Gather", [4], [ints("i", [-5])]), "element -5 of 4")
    yield error("gather_minimum", single("Gather", [4], [ints("i", [INT64_MIN])]), "an index whose sum overflows")
    yield error("gather_axis", single("Gather", [4], [ints("i", [0])], axis=1), "an axis beyond the rank")
    yield error("gather_float_index", single("Gather", [4], [floats("i", [0.0])]), "an index that is no integer")
    yield error("gather_nd_depth", single("GatherND", [4], [ints("i", [[0, 0]])]), "an index deeper than the rank")
