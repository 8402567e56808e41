"""Attributes and operands that do not fit their operator: windows, products, normalisation, quantisation."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto

from .build import (
    FLOAT,
    INT64,
    INT64_MAX,
    INT64_MIN,
    Case,
    error,
    filled,
    floats,
    ints,
    model,
    node,
    ok,
    single,
    tensor,
    value,
)

IMAGE = [1, 2, 5, 5]
WEIGHT = filled("w", [2, 2, 2, 2])


def cases() -> Iterator[Case]:
    """Yield the models of this kind."""
    yield from _convolution()
    yield from _pooling()
    yield from _products()
    yield from _other()
    yield from _arithmetic()


def _convolution() -> Iterator[Case]:
    rows: list[tuple[str, dict[str, Any], str]] = [
        ("group_not_dividing", {"group": 3}, "3 groups of 2 channels"),
        ("group_zero", {"group": 0}, "no group"),
        ("group_negative", {"group": -2}, "a negative number of groups"),
        ("group_i64_max", {"group": INT64_MAX}, "more groups than channels"),
        ("kernel_negative", {"kernel_shape": [-2, -2]}, "a negative kernel"),
        ("kernel_zero", {"kernel_shape": [0, 0]}, "an empty kernel"),
        ("kernel_other", {"kernel_shape": [5, 5]}, "a kernel that is not that of the weights"),
        ("kernel_rank", {"kernel_shape": [3]}, "a kernel of one dimension for images of two"),
        ("stride_zero", {"strides": [0, 0]}, "a stride of zero"),
        ("stride_negative", {"strides": [-1, 1]}, "a negative stride"),
        ("stride_rank", {"strides": [1, 1, 1]}, "three strides for two dimensions"),
        ("dilation_zero", {"dilations": [0, 1]}, "a dilation of zero"),
        ("dilation_huge", {"dilations": [2**62, 2**62]}, "a window whose extent overflows"),
        ("pads_negative", {"pads": [-1, -1, -1, -1]}, "negative padding"),
        ("pads_huge", {"pads": [2**31] * 4}, "padding to 2^64 pixels"),
        ("pads_overflow", {"pads": [INT64_MAX] * 4}, "padding whose sum overflows"),
        ("pads_rank", {"pads": [1, 1]}, "two paddings for four sides"),
        ("auto_pad_unknown", {"auto_pad": "SAME_SIDEWAYS"}, "no such padding"),
    ]
    for name, attributes, why in rows:
        yield error(f"conv_{name}", single("Conv", IMAGE, [WEIGHT], **attributes), why)
    for name, weight, why in [
        ("weight_rank", filled("w", [2, 2, 3]), "weights of one dimension for images of two"),
        ("weight_channels", filled("w", [2, 3, 2, 2]), "weights for three channels, an input of two"),
        ("weight_large", filled("w", [2, 2, 7, 1]), "a kernel larger than the input"),
        ("weight_empty_kernel", floats("w", np.zeros([2, 2, 0, 0])), "a kernel without taps"),
    ]:
        yield error(f"conv_{name}", single("Conv", IMAGE, [weight]), why)
    yield error("conv_bias_length", single("Conv", IMAGE, [WEIGHT, filled("b", [3])]), "3 biases for 2 channels")
    yield error("conv_bias_rank", single("Conv", IMAGE, [WEIGHT, filled("b", [2, 1])]), "a bias of two dimensions")
    yield error("conv_input_rank", single("Conv", [5], [WEIGHT]), "an input without channels")
    yield error("conv_weight_type", single("Conv", IMAGE, [ints("w", np.ones([2, 2, 2, 2]))]), "integer weights")
    yield error(
        "conv_transpose_huge",
        single("ConvTranspose", IMAGE, [WEIGHT], strides=[2**40, 2**40]),
        "a result of 2^84 pixels",
    )
    yield error(
        "conv_transpose_output_padding",
        single("ConvTranspose", IMAGE, [WEIGHT], output_padding=[-9, INT64_MIN]),
        "negative output padding",
    )
    yield error(
        "conv_transpose_pads", single("ConvTranspose", IMAGE, [WEIGHT], pads=[9, 9, 9, 9]), "pads that leave nothing"
    )


def _pooling() -> Iterator[Case]:
    two: dict[str, Any] = {"kernel_shape": [2, 2]}
    rows: list[tuple[str, dict[str, Any], str]] = [
        ("kernel_missing", {}, "a window without a size"),
        ("kernel_zero", {"kernel_shape": [0, 0]}, "an empty window"),
        ("kernel_negative", {"kernel_shape": [-2, -2]}, "a negative window"),
        ("kernel_rank", {"kernel_shape": [2, 2, 2]}, "a window of three dimensions for images of two"),
        ("kernel_large", {"kernel_shape": [9, 9]}, "a window larger than the input"),
        ("kernel_i64_max", {"kernel_shape": [INT64_MAX, INT64_MAX]}, "a window whose size overflows"),
        ("stride_zero", {**two, "strides": [0, 0]}, "a stride of zero"),
        ("stride_negative", {**two, "strides": [INT64_MIN, 1]}, "a negative stride"),
        ("dilation_zero", {**two, "dilations": [0, 0]}, "a dilation of zero"),
        ("pads_huge", {"kernel_shape": [2**32, 2**32], "pads": [2**32 - 1] * 4}, "a result of 2^64 pixels"),
        ("pads_overflow", {**two, "pads": [INT64_MAX] * 4}, "padding whose sum overflows"),
    ]
    for name, attributes, why in rows:
        yield error(f"pool_{name}", single("MaxPool", IMAGE, **attributes), why)
    yield error(
        "pool_integer", single("AveragePool", IMAGE, element=TensorProto.INT64, **two), "an average of integers"
    )


def _products() -> Iterator[Case]:
    yield error("gemm_shapes", single("Gemm", [2, 3], [filled("w", [4, 5])]), "3 columns against 4 rows")
    yield error("gemm_transposed", single("Gemm", [2, 3], [filled("w", [3, 4])], transB=1), "fits only untransposed")
    yield error("gemm_rank", single("Gemm", [1, 2, 3], [filled("w", [3, 4])]), "an operand of three dimensions")
    yield error(
        "gemm_bias", single("Gemm", [2, 3], [filled("w", [3, 4]), filled("c", [3])]), "a bias of 3 for 4 columns"
    )
    yield error("matmul_shapes", single("MatMul", [2, 3], [filled("w", [4, 5])]), "3 columns against 4 rows")
    yield error("matmul_batches", single("MatMul", [2, 2, 3], [filled("w", [3, 3, 4])]), "2 matrices against 3")
    yield error("matmul_scalar", single("MatMul", [2, 3], [filled("w", [])]), "a scalar is no matrix")
    yield error("einsum_equation", single("Einsum", [2, 3], equation="ij,jk->i->k,,.."), "no equation")


def _other() -> Iterator[Case]:
    rows: list[tuple[str, str, dict[str, Any], str]] = [
        ("axis_softmax", "Softmax", {"axis": 2}, "an axis beyond the rank"),
        ("axis_flatten", "Flatten", {"axis": 3}, "an axis beyond the rank"),
        ("axis_reduce_mean", "ReduceMean", {"axes": [0, 7]}, "an axis beyond the rank"),
        ("axis_minimum", "LogSoftmax", {"axis": INT64_MIN}, "an axis that cannot be negated"),
        ("cast_unknown", "Cast", {"to": 999}, "no such element type"),
        ("cast_string", "Cast", {"to": int(TensorProto.STRING)}, "strings are not supported"),
    ]
    for name, operator, attributes, why in rows:
        yield error(name, single(operator, [2, 3], **attributes), why)
    yield error("axis_arg_max", single("ArgMax", [2, 3], out_element=INT64, axis=-3), "an axis before the first")
    yield error("axis_scalar", single("Softmax", [], axis=0), "a scalar has no axis")
    norm = [filled(name, [3]) for name in ("s", "b", "m", "v")]
    yield error("batch_norm_length", single("BatchNormalization", IMAGE, norm), "3 scales for 2 channels")
    yield error("batch_norm_missing", single("BatchNormalization", IMAGE, norm[:2]), "no mean, no variance")
    resizes: list[tuple[str, list[float], str]] = [
        ("zero", [1, 1, 0, 0], "a result without pixels"),
        ("negative", [1, 1, -1, 1], "a negative scale"),
        ("nan", [1, 1, np.nan, 1], "a scale that is no number"),
        ("huge", [1, 1, 1e30, 1e30], "a result of 10^60 pixels"),
        ("rank", [1, 1], "two scales for four dimensions"),
    ]
    for name, scales, why in resizes:
        yield error(f"resize_{name}", _resize(scales), why)
    yield error("depth_to_space_zero", single("DepthToSpace", [1, 4, 2, 2], blocksize=0), "blocks of no size")
    yield error("depth_to_space_uneven", single("DepthToSpace", [1, 4, 2, 2], blocksize=3), "4 channels in blocks of 9")
    yield error("depth_to_space_mode", single("DepthToSpace", [1, 4, 2, 2], blocksize=2, mode="XYZ"), "no such mode")
    gates = [filled("w", [1, 8, 3]), filled("r", [1, 8, 2])]
    yield error("lstm_hidden_size", single("LSTM", [4, 1, 3], gates, hidden_size=5), "not the size of the weights")
    yield error("lstm_hidden_negative", single("LSTM", [4, 1, 3], gates, hidden_size=-2), "a negative size")
    yield error("lstm_direction", single("LSTM", [4, 1, 3], gates, hidden_size=2, direction="up"), "no such direction")
    for name, count, why in [("large", 4, "4 of 3 elements"), ("negative", -1, "a negative number of elements")]:
        outputs = [value("y", None), value("i", None, INT64)]
        top = model([node("TopK", ["x", "k"], ["y", "i"])], [value("x", [3])], outputs, [ints("k", [count])])
        yield error(f"top_k_{name}", top, why)
    per_channel = [filled("s", [3]), tensor("z", TensorProto.INT8, [3], b"\0\0\0")]
    yield error(
        "dequantize_length",
        single("DequantizeLinear", [2, 4], per_channel, element=TensorProto.INT8, out_element=FLOAT, axis=1),
        "3 scales for 4 channels",
    )
    yield error(
        "dequantize_axis",
        single("DequantizeLinear", [2, 3], per_channel, element=TensorProto.INT8, out_element=FLOAT, axis=9),
        "an axis beyond the rank",
    )


def _resize(scales: list[float]) -> ModelProto:
    step = node("Resize", ["x", "", "s"], ["y"], mode="nearest")
    return model([step], [value("x", IMAGE)], [value("y", None)], [floats("s", scales)])


def _arithmetic() -> Iterator[Case]:
    yield error("broadcast", single("Add", [2, 3], [filled("w", [2, 4])]), "3 against 4 columns")
    yield error("types_mixed", single("Add", [2], [ints("w", [1, 2])], out=[2]), "f32 and i64 are not added")
    yield error("type_not_allowed", single("Sin", [2], out=[2], element=TensorProto.INT32), "no sine of integers")
    for name, operator, left, right, expect, why in [
        ("div_zero", "Div", [1, 2], [0, 1], error, "a constant integer divided by zero has no value"),
        ("div_min", "Div", [INT64_MIN, 4], [-1, 2], ok, "the smallest integer divided by -1 wraps"),
        ("mod_min", "Mod", [INT64_MIN, 4], [-1, 3], ok, "the remainder is 0 although the quotient overflows"),
        ("mul_overflow", "Mul", [INT64_MAX, 1], [2, 2], ok, "integers wrap"),
    ]:
        yield expect(f"fold_{name}", _folded(operator, [ints("a", left), ints("b", right)]), why)
    smallest = [ints("a", [INT64_MIN, 1])]
    yield ok("fold_neg_min", _folded("Neg", smallest), "the smallest integer negated wraps")
    yield ok("fold_abs_min", _folded("Abs", smallest), "the magnitude of the smallest integer wraps")
    odd = [floats("a", [np.nan, 3e38])]
    yield ok("fold_cast_nan", _folded("Cast", odd, to=int(TensorProto.INT64)), "no integer is NaN or 3e38")
    shift = [ints("a", [1, 1], np.uint64), ints("b", [64, 2**63], np.uint64)]
    yield ok("fold_shift", _folded("BitShift", shift, TensorProto.UINT64, direction="LEFT"), "all bits are shifted out")
    bounds = [floats("lo", 6.0), floats("hi", 0.0)]
    yield ok("clip_crossed", single("Clip", [2], bounds, out=[2]), "where min is above max, max counts")
    yield ok("alpha_nan", single("LeakyRelu", [2], out=[2], alpha=float("nan")), "an attribute may be NaN")
    yield ok("alpha_inf", single("LeakyRelu", [2], out=[2], alpha=float("-inf")), "an attribute may be infinite")


def _folded(
    operator: str, operands: list[TensorProto], element: int = TensorProto.INT64, **attributes: Any
) -> ModelProto:
    """A node on constants alone, beside one that is not."""
    nodes = [node(operator, [item.name for item in operands], ["y"], **attributes), node("Relu", ["x"], ["z"])]
    return model(nodes, [value("x", [2])], [value("y", [2], element), value("z", [2])], operands)
