"""Gives a float model weights of few bits; its activations stay floats.

    python models/low_bits.py MODEL.onnx RESULT.onnx [--block 32] [--halves]

The weights of MatMul and Gemm become int4 in blocks along the depth, those of Conv int4 with a scale for each output channel,
all symmetric, behind DequantizeLinear (opset 21). With `--halves` they become float16 behind Cast instead. Small weights stay.
"""

import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, version_converter

# Weights from which on a tensor is quantized.
LEAST = 256


def rounded(w: np.ndarray, largest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes from -7 to 7 and their scales, for the largest sizes that share one."""
    scale = np.maximum(largest / 7, 1e-8).astype(np.float32)
    return scale, lambda spread: np.clip(np.rint(w / spread), -7, 7).astype(np.int8)


def matrix(w: np.ndarray, axis: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of a matrix and the scales of its blocks along an axis."""
    depth = w.shape[axis]
    edges = np.arange(0, depth, block)
    largest = np.maximum.reduceat(np.abs(w), edges, axis=axis)
    scale, codes = rounded(w, largest)
    return codes(np.take(np.repeat(scale, block, axis=axis), range(depth), axis=axis)), scale


def channels(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes of a convolution's weights and the scales of its output channels."""
    scale, codes = rounded(w, np.abs(w).reshape(len(w), -1).max(axis=1))
    return codes(scale.reshape(-1, *[1] * (w.ndim - 1))), scale


def int4(name: str, codes: np.ndarray) -> TensorProto:
    """A tensor of int4, two to a byte, the first in the low bits."""
    flat = codes.reshape(-1).astype(np.uint8) & 15
    flat = np.append(flat, np.zeros(flat.size % 2, np.uint8))
    return helper.make_tensor(name, TensorProto.INT4, codes.shape, (flat[0::2] | flat[1::2] << 4).tobytes(), raw=True)


def weights(model: onnx.ModelProto) -> dict[str, tuple[str, int]]:
    """The weights of products that nothing else reads: the operator and the axis of their depth."""
    found: dict[str, tuple[str, int]] = {}
    readers: dict[str, int] = {}
    for node in model.graph.node:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1
        if node.op_type in ("MatMul", "Gemm", "Conv"):
            turned = any(a.name == "transB" and a.i for a in node.attribute)
            found[node.input[1]] = (node.op_type, 1 if turned else 0)
    return {name: how for name, how in found.items() if readers[name] == 1}


def convert(model: onnx.ModelProto, block: int, halves: bool) -> onnx.ModelProto:
    """The model with such weights."""
    model = version_converter.convert_version(model, 21)
    model.ir_version = 10
    products = weights(model)
    kept, nodes = [], []
    for tensor in model.graph.initializer:
        w = numpy_helper.to_array(tensor)
        op, axis = products.get(tensor.name, ("", 0))
        if not op or w.dtype != np.float32 or w.size < LEAST or (op != "Conv" and w.ndim != 2):
            kept.append(tensor)
        elif halves:
            kept.append(numpy_helper.from_array(w.astype(np.float16), tensor.name + "_half"))
            nodes.append(helper.make_node("Cast", [kept[-1].name], [tensor.name], to=TensorProto.FLOAT))
        else:
            codes, scale = channels(w) if op == "Conv" else matrix(w, axis, block)
            kept += [int4(tensor.name + "_codes", codes), numpy_helper.from_array(scale, tensor.name + "_scale")]
            along = {"axis": 0} if op == "Conv" else {"axis": axis, "block_size": block}
            operands = [kept[-2].name, kept[-1].name]
            nodes.append(helper.make_node("DequantizeLinear", operands, [tensor.name], **along))
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes + rest)
    onnx.checker.check_model(model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("result")
    parser.add_argument("--block", type=int, default=32)
    parser.add_argument("--halves", action="store_true")
    args = parser.parse_args()
    onnx.save(convert(onnx.load(args.model), args.block, args.halves), args.result)


if __name__ == "__main__":
    main()
