"""The structure of graphs: order, definitions, operator sets, control flow, functions."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from onnx import FunctionProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto

from .build import (
    OPSET,
    Case,
    error,
    filled,
    graph,
    ints,
    model,
    node,
    ok,
    single,
    tensor,
    value,
    wrap,
)

X, Y = value("x", [2]), value("y", [2])
RELU = node("Relu", ["x"], ["y"])
RELU_GRAPH = graph([RELU], [X], [Y])


def cases() -> Iterator[Case]:
    """Yield the models of this kind."""
    yield from _definitions()
    yield from _boundaries()
    yield from _operator_sets()
    yield from _attributes()
    yield from _growth()
    yield from _control_flow()
    yield from _functions()


def _definitions() -> Iterator[Case]:
    two = [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Neg", ["b"], ["y"])]
    yield error("graph_cycle", model(two, [X], [Y]), "two nodes need each other")
    yield error("graph_cycle_self", model([node("Add", ["x", "y"], ["y"])], [X], [Y]), "a node needs its own output")
    aside = [RELU, node("Neg", ["d"], ["c"]), node("Neg", ["c"], ["d"])]
    yield error("graph_cycle_aside", model(aside, [X], [Y]), "a cycle that no output needs")
    yield error("graph_undefined_value", model([node("Add", ["x", "q"], ["y"])], [X], [Y]), "nothing defines an input")
    yield error("graph_undefined_output", model([RELU], [X], [value("q", [2])]), "nothing defines an output")
    twice = [RELU, node("Neg", ["x"], ["y"])]
    yield error("graph_output_twice", model(twice, [X], [Y]), "two nodes define one value")
    yield error(
        "graph_node_output_twice",
        model([node("Split", ["x"], ["y", "y"])], [X], [value("y", [1])]),
        "one node defines a value twice",
    )
    yield error("graph_input_redefined", model([node("Neg", ["x"], ["x"]), RELU], [X], [Y]), "a node defines an input")
    yield error("graph_input_twice", model([RELU], [X, X], [Y]), "two inputs have one name")
    weights = [filled("w", [2], 1.0), filled("w", [2], 2.0)]
    yield error(
        "graph_initializer_twice",
        model([node("Add", ["x", "w"], ["y"])], [X], [Y], weights),
        "two initializers have one name",
    )
    yield error(
        "graph_initializer_redefined",
        model([node("Neg", ["x"], ["w"]), RELU], [X], [Y], weights[:1]),
        "a node defines an initializer",
    )
    yield error("graph_input_missing", model([node("Add", ["x"], ["y"])], [X], [Y]), "Add needs two inputs")
    yield error("graph_input_blank", model([node("Relu", [""], ["y"])], [X], [Y]), "a required input is left out")
    yield error("graph_inputs_none", model([node("Relu", [], ["y"])], [X], [Y]), "Relu needs an input")
    yield error("graph_inputs_many", model([node("Relu", ["x", "x"], ["y"])], [X], [Y]), "Relu has one input")
    yield error("graph_outputs_none", model([RELU, node("Relu", ["x"], [])], [X], [Y]), "Relu has an output")
    yield error("graph_outputs_many", model([node("Relu", ["x"], ["y", "z"])], [X], [Y]), "Relu has one output")


def _boundaries() -> Iterator[Case]:
    yield error("graph_empty", model([], [], []), "a graph without outputs computes nothing")
    yield error("graph_no_outputs", model([RELU], [X], []), "a graph without outputs computes nothing")
    yield error("graph_missing", wrap(None, [("", OPSET)]), "a model without a graph")
    yield ok("graph_input_is_output", model([], [X], [X]), "an output may be an input")
    relu_and_input = model([RELU], [X], [Y, X])
    yield ok("graph_input_is_one_output", relu_and_input, "an output may be an input")
    yield ok(
        "graph_initializer_is_output",
        model([RELU], [X], [Y, value("w", [3])], [filled("w", [3])]),
        "an output may be an initializer",
    )
    yield ok("graph_only_constants", model([], [], [value("w", [3])], [filled("w", [3])]), "no inputs, one constant")
    yield ok("graph_input_unused", model([RELU], [X, value("u", [3])], [Y]), "an input may be of no use")
    yield ok(
        "graph_initializer_is_input",
        model([node("Add", ["x", "w"], ["y"])], [X, value("w", [2])], [Y], [filled("w", [2])]),
        "an input may have an initializer as its default",
    )
    same = [RELU, node("Identity", ["y"], ["a"]), node("Identity", ["y"], ["b"])]
    yield ok("graph_outputs_alias", model(same, [X], [value("a", [2]), value("b", [2]), Y]), "outputs of one value")
    yield ok("graph_output_without_shape", model([RELU], [X], [value("y", None)]), "the shape of an output follows")
    yield error(
        "graph_output_wrong_type",
        model([RELU], [X], [value("y", [2], TensorProto.INT32)]),
        "the output is declared with another element type",
    )


def _operator_sets() -> Iterator[Case]:
    for name, opsets, why in [
        ("opset_zero", [("", 0)], "there is no operator set 0"),
        ("opset_negative", [("", -1)], "there is no negative operator set"),
        ("opset_9999", [("", 9999)], "an operator set of the future"),
        ("opset_i64_max", [("", 2**63 - 1)], "an operator set of the future"),
        ("opset_none", [], "no operator set says what Relu means"),
        ("opset_other_domain", [("ai.onnx.ml", 3)], "the operator set is of another domain"),
        ("opset_twice", [("", 17), ("", 1)], "two versions of one operator set"),
    ]:
        yield error(name, wrap(RELU_GRAPH, opsets), why)
    yield error("operator_unknown", single("Relux", [2], out=[2]), "no such operator")
    yield error("operator_case", single("relu", [2], out=[2]), "names of operators are written with their case")
    yield error("operator_domain", single("Relu", [2], out=[2], domain="com.example"), "no such domain")
    listed = single("Frob", [2], out=[2], domain="com.example")
    listed.opset_import.add(domain="com.example", version=1)
    yield error("operator_domain_listed", listed, "a domain that is imported and nobody knows")
    yield error("operator_too_new", single("Mish", [2], out=[2]), "Mish came with operator set 18")
    upsample = single("Upsample", [1, 1, 2, 2], [filled("s", [4], 1.0)], out=[1, 1, 2, 2])
    yield error("operator_withdrawn", upsample, "Upsample left with operator set 10")


def _attributes() -> Iterator[Case]:
    yield error("attribute_string_for_float", single("LeakyRelu", [2], out=[2], alpha="0.1"), "alpha is a float")
    yield error("attribute_float_for_int", single("Softmax", [1, 2], out=[1, 2], axis=1.0), "axis is an integer")
    yield error("attribute_ints_for_int", single("Softmax", [1, 2], out=[1, 2], axis=[1]), "axis is one integer")
    yield error("attribute_graph_for_int", single("Softmax", [1, 2], out=[1, 2], axis=RELU_GRAPH), "axis is no graph")
    yield error("attribute_unknown", single("Relu", [2], out=[2], alpha=1.0), "Relu has no attributes")
    yield error(
        "attribute_of_old_opset",
        single("Clip", [2], out=[2], min=0.0, max=6.0),
        "Clip has inputs for its bounds since operator set 11",
    )
    doubled = single("LeakyRelu", [2], out=[2], alpha=0.1)
    doubled.graph.node[0].attribute.append(doubled.graph.node[0].attribute[0])
    yield error("attribute_twice", doubled, "one attribute stands twice")
    yield error("attribute_missing", single("Cast", [2], out=[2]), "Cast needs `to`")
    reference = single("LeakyRelu", [2], out=[2], alpha=0.1)
    reference.graph.node[0].attribute[0].ref_attr_name = "alpha"
    yield error("attribute_reference", reference, "only functions have attributes to refer to")
    yield error("constant_without_value", model([node("Constant", [], ["y"])], [], [Y]), "Constant needs a value")
    both = node("Constant", [], ["y"], value_float=1.0, value_int=1)
    yield error("constant_two_values", model([both], [], [value("y", [])]), "Constant has one value")


def _growth() -> Iterator[Case]:
    """Small files that ask for exponential time or memory, and honest ones that only look so."""
    chain = _chain(48, lambda a: [a, a], "Concat", axis=0)
    yield error("growth_concat", model(chain, [X], [value("y", None)]), "each of 48 nodes doubles the size")
    yield ok(
        "growth_add",
        model(_chain(64, lambda a: [a, a], "Add"), [X], [Y]),
        "64 times x + x: an expression tree without sharing would have 2^64 leaves",
    )
    yield ok("growth_chain", model(_chain(100, lambda a: [a], "Neg"), [X], [Y]), "a deep chain of elementwise nodes")
    yield ok("growth_sum", model([node("Sum", ["x"] * 400, ["y"])], [X], [Y]), "a node with 400 inputs")
    large = [node("ConstantOfShape", ["s"], [f"c{index}"]) for index in range(40)]
    total = node("Sum", [f"c{index}" for index in range(40)], ["y"])
    yield error(
        "growth_constants",
        model([*large, total], [], [value("y", [2**26])], [ints("s", [2**26])]),
        "40 constants of 256 MiB, each of them below a limit on one",
    )


def _chain(length: int, operands: Callable[[str], list[str]], operator: str, **attributes: Any) -> list[NodeProto]:
    names = ["x", *(f"{index}" for index in range(length - 1)), "y"]
    return [node(operator, operands(a), [b], **attributes) for a, b in zip(names, names[1:], strict=False)]


def _control_flow() -> Iterator[Case]:
    flag = tensor("c", TensorProto.BOOL, [], b"\1")
    yield error(
        "if_depth", model([_nested_if(18)], [X], [Y], [flag]), "a valid model, but conditions lie 18 deep in each other"
    )
    branch = graph([node("Relu", ["q"], ["b"])], [], [value("b", [2])])
    undefined = node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    yield error("if_undefined", model([undefined], [X], [Y], [flag]), "a branch reads what nobody defines")
    missing = node("If", ["c"], ["y"], then_branch=graph([node("Relu", ["x"], ["b"])], [], [value("b", [2])]))
    yield error("if_one_branch", model([missing], [X], [Y], [flag]), "a condition needs both branches")
    body = graph(
        [node("Identity", ["go"], ["again"]), node("Relu", ["v"], ["w"])],
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("v", [2])],
        [value("again", [], TensorProto.BOOL), value("w", [2])],
    )
    forever = [ints("n", np.int64(2**63 - 1)), flag]
    yield error(
        "loop_2_63",
        model([node("Loop", ["n", "c", "x"], ["y"], body=body)], [X], [Y], forever),
        "a loop of 2^63 - 1 turns",
    )
    yield error(
        "loop_endless",
        model([node("Loop", ["", "c", "x"], ["y"], body=body)], [X], [Y], [flag]),
        "a loop whose condition stays true",
    )


def _nested_if(depth: int) -> NodeProto:
    """`depth` conditions, each inside the branch of the one before; the other branches are plain."""
    inner = node("Relu", ["x"], ["y"])
    plain = graph([inner], [], [Y])
    for _ in range(depth):
        deeper = graph([inner], [], [Y])
        inner = node("If", ["c"], ["y"], then_branch=deeper, else_branch=plain)
    return inner


def _functions() -> Iterator[Case]:
    def call(callee: str, operand: str, result: str) -> NodeProto:
        return node(callee, [operand], [result], domain="f")

    def using(functions: Sequence[FunctionProto]) -> ModelProto:
        return model([call("A", "x", "y")], [X], [Y], functions=functions)

    yield error("function_recursion", using([_function("A", [call("A", "a", "b")])]), "a function calls itself")
    pair = [_function("A", [call("B", "a", "b")]), _function("B", [call("A", "a", "b")])]
    yield error("function_recursion_mutual", using(pair), "two functions call each other")
    names = ["A", *(f"A{level}" for level in range(1, 30))]
    doubling = [
        _function(caller, [call(callee, "a", "m"), call(callee, "m", "b")])
        for caller, callee in zip(names, names[1:], strict=False)
    ]
    doubling.append(_function(names[-1], [node("Neg", ["a"], ["b"])]))
    yield error("function_growth", using(doubling), "29 functions, each calling the next twice: 2^29 nodes")
    yield error(
        "function_undefined",
        using([_function("A", [node("Add", ["a", "x"], ["b"])])]),
        "a function cannot see the values of its caller",
    )
    twice = [_function("A", [node("Neg", ["a"], ["b"])]), _function("A", [node("Relu", ["a"], ["b"])])]
    yield error("function_twice", using(twice), "two functions have one name")


def _function(name: str, nodes: Sequence[NodeProto]) -> FunctionProto:
    opsets = [OperatorSetIdProto(domain="", version=OPSET), OperatorSetIdProto(domain="f", version=1)]
    return FunctionProto(name=name, domain="f", input=["a"], output=["b"], node=nodes, opset_import=opsets)
