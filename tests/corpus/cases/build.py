"""Short ways to build models that no checker has looked at.

The constructors of the `onnx` package refuse some of what the corpus needs, so tensors are filled in by hand here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import (
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    OperatorSetIdProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)

OPSET = 17
FLOAT = TensorProto.FLOAT
INT64 = TensorProto.INT64
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


@dataclass(frozen=True)
class Case:
    """One file of the corpus: its stem, its bytes, whether it must compile, and why."""

    name: str
    data: bytes
    expect: str
    why: str


def ok(name: str, data: ModelProto | bytes, why: str) -> Case:
    """A valid model, however strange: it must compile."""
    return Case(name, _bytes(data), "ok", why)


def error(name: str, data: ModelProto | bytes, why: str) -> Case:
    """A file that must be refused with a diagnostic."""
    return Case(name, _bytes(data), "error", why)


def _bytes(data: ModelProto | bytes) -> bytes:
    return data if isinstance(data, bytes) else data.SerializeToString(deterministic=True)


def value(name: str, shape: Sequence[int | str | None] | None, element: int = FLOAT) -> ValueInfoProto:
    """A graph input or output; a shape of None leaves the shape out."""
    return helper.make_tensor_value_info(name, element, shape)


def node(operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> NodeProto:
    """A node; `name` and `domain` may stand among the attributes."""
    return helper.make_node(operator, inputs, outputs, **attributes)


def floats(name: str, values: Any) -> TensorProto:
    """An f32 initializer from nested lists."""
    return numpy_helper.from_array(np.array(values, dtype=np.float32), name)


def filled(name: str, shape: Sequence[int], content: float = 0.5) -> TensorProto:
    """An f32 initializer of one repeated number."""
    return floats(name, np.full(shape, content))


def ints(name: str, values: Any, dtype: Any = np.int64) -> TensorProto:
    """An integer initializer from nested lists, of i64 unless told otherwise."""
    return numpy_helper.from_array(np.array(values, dtype=dtype), name)


def tensor(
    name: str, element: int, dims: Iterable[int], raw: bytes | None = None, **fields: Iterable[Any]
) -> TensorProto:
    """A tensor whose fields need not agree with each other."""
    result = TensorProto(name=name, data_type=element, dims=list(dims))
    if raw is not None:
        result.raw_data = raw
    for field, values in fields.items():
        getattr(result, field).extend(values)
    return result


def graph(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    initializers: Sequence[TensorProto] = (),
    name: str = "g",
) -> GraphProto:
    """A graph without any check."""
    return GraphProto(node=nodes, input=inputs, output=outputs, initializer=initializers, name=name)


def model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    initializers: Sequence[TensorProto] = (),
    *,
    name: str = "g",
    opset: int = OPSET,
    functions: Sequence[FunctionProto] = (),
) -> ModelProto:
    """A model of IR version 8 with one operator set."""
    result = wrap(graph(nodes, inputs, outputs, initializers, name), [("", opset)])
    result.functions.extend(functions)
    if functions:
        result.opset_import.append(OperatorSetIdProto(domain=functions[0].domain, version=1))
    return result


def wrap(content: GraphProto | None, opsets: Sequence[tuple[str, int]]) -> ModelProto:
    """A model of IR version 8 around a graph, or around none."""
    result = ModelProto(ir_version=8, graph=content)
    result.opset_import.extend(OperatorSetIdProto(domain=domain, version=version) for domain, version in opsets)
    return result


def single(
    operator: str,
    shape: Sequence[int | str | None],
    initializers: Sequence[TensorProto] = (),
    *,
    out: Sequence[int] | None = None,
    element: int = FLOAT,
    out_element: int | None = None,
    opset: int = OPSET,
    **attributes: Any,
) -> ModelProto:
    """A model of one node: its first input is the graph's `x`, the others are the initializers, its output is `y`."""
    operation = node(operator, ["x", *(item.name for item in initializers)], ["y"], **attributes)
    result = value("y", out, element if out_element is None else out_element)
    return model([operation], [value("x", shape, element)], [result], initializers, opset=opset)
