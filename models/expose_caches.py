"""READER OUT: makes of a model that reads a whole sequence the reader of a decoder's prompt.

The keys and values of each attention become outputs, `present_k_0`, `present_v_0`, `present_k_1` and so on, as exporters name them; nothing else
changes. Keys are what the transposed factor of the scores was before, values the second factor of the product behind the softmax.
"""
import sys

import onnx

model = onnx.shape_inference.infer_shapes(onnx.load(sys.argv[1]))
graph = model.graph
maker = {name: node for node in graph.node for name in node.output}
readers = {}
for node in graph.node:
    for name in node.input:
        readers.setdefault(name, []).append(node)
types = {value.name: value for value in graph.value_info}


def product_above(name):
    """The matrix product that scores come from, through masks and scales."""
    node = maker.get(name)
    if node is None or node.op_type == "MatMul":
        return node
    if node.op_type not in ("Mul", "Div", "Add", "Where"):
        return None
    return next(filter(None, map(product_above, node.input)), None)


attentions = 0
for node in [node for node in graph.node if node.op_type == "Softmax"]:
    scores = product_above(node.input[0])
    values = next((reader.input[1] for reader in readers[node.output[0]] if reader.op_type == "MatMul"), None)
    keys = maker.get(scores.input[1]) if scores is not None else None
    if values is None or keys is None or keys.op_type != "Transpose":
        continue
    for letter, name in (("k", keys.input[0]), ("v", values)):
        output = f"present_{letter}_{attentions}"
        graph.node.append(onnx.helper.make_node("Identity", [name], [output]))
        kept = graph.output.add()
        kept.CopyFrom(types[name])
        kept.name = output
    attentions += 1
if attentions == 0:
    sys.exit("no attention was found")
onnx.checker.check_model(model)
onnx.save(model, sys.argv[2])
