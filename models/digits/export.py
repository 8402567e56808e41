"""From a trained network to an ONNX file, and ONNX Runtime as the reference that computes it."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from data import CLASSES, SIZE
from network import BatchNorm, Layer, Network

IR_VERSION = 8
OPSET = 17
INPUT, OUTPUT = "image", "probabilities"
# Weights are rounded to multiples of this. Training in float64 repeats to about 1e-10 on any processor, so the
# rounded weights, and with them the bytes of the file, are the same everywhere; accuracy does not notice.
GRID = 2.0**-10


def build(network: Network) -> onnx.ModelProto:
    """Return the model with one image as its batch; BatchNormalization stays a node of its own."""
    conv = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1]}
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    steps: list[tuple[str, str, list[str], dict[str, Any]]] = [
        ("conv1", "Conv", ["conv1.weight"], conv),
        ("norm1", "BatchNormalization", [f"norm1.{n}" for n in ("scale", "bias", "mean", "var")],
         {"epsilon": BatchNorm.EPSILON}),
        ("relu1", "Relu", [], {}),
        ("pool1", "MaxPool", [], pool),
        ("conv2", "Conv", ["conv2.weight", "conv2.bias"], conv),
        ("relu2", "Relu", [], {}),
        ("pool2", "MaxPool", [], pool),
        ("flatten", "Flatten", [], {"axis": 1}),
        ("linear", "Gemm", ["linear.weight", "linear.bias"], {"transB": 1}),
        (OUTPUT, "Softmax", [], {"axis": 1}),
    ]  # fmt: skip
    nodes, value = [], INPUT
    for name, operator, parameters, attributes in steps:
        nodes.append(helper.make_node(operator, [value, *parameters], [name], name=name, **attributes))
        value = name
    return _model(nodes, _initializers(network))


def _initializers(network: Network) -> list[TensorProto]:
    layers: dict[str, Layer] = {
        "conv1": network.conv1,
        "norm1": network.norm1,
        "conv2": network.conv2,
        "linear": network.linear,
    }
    tensors = [(f"{layer}.{name}", value) for layer in layers for name, value in layers[layer].parameters.items()]
    tensors += [("norm1.mean", network.norm1.mean), ("norm1.var", network.norm1.var)]
    return [_tensor(name, np.round(value / GRID) * GRID) for name, value in tensors]


def _tensor(name: str, value: np.ndarray) -> TensorProto:
    return numpy_helper.from_array(value.astype(np.float32), name)


def _model(nodes: list[onnx.NodeProto], initializers: list[TensorProto]) -> onnx.ModelProto:
    image = helper.make_tensor_value_info(
        INPUT,
        TensorProto.FLOAT,
        [1, 1, SIZE, SIZE],
        "One grey image of a handwritten digit, 0.0 for paper to 1.0 for ink.",
    )
    probabilities = helper.make_tensor_value_info(
        OUTPUT,
        TensorProto.FLOAT,
        [1, CLASSES],
        "The probability of each digit from 0 to 9; they add up to one.",
    )
    graph = helper.make_graph(nodes, "digits", [image], [probabilities], initializers)
    graph.doc_string = "Conv 3x3, BatchNormalization, Relu, MaxPool, Conv 3x3, Relu, MaxPool, Gemm, Softmax."
    model = helper.make_model(
        graph,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="models/digits/train.py",
        doc_string="Classifies 8x8 images of handwritten digits; trained on the digits of scikit-learn.",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def save(message: onnx.ModelProto | TensorProto, path: Path) -> None:
    """Write a protobuf message so that equal messages are equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(message.SerializeToString(deterministic=True))


def load_tensor(path: Path) -> np.ndarray:
    """Read a TensorProto."""
    return numpy_helper.to_array(onnx.load_tensor(path))


class Reference:
    """A model file in ONNX Runtime: one thread, no graph optimisation, so the nodes run as they are written."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(self, image: np.ndarray) -> np.ndarray:
        """Return the probabilities `[1, 10]` of one image `[1, 8, 8]`."""
        return self._session.run([OUTPUT], {INPUT: image[None].astype(np.float32)})[0]

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Return the most probable class of each image."""
        return np.array([self.run(image).argmax() for image in images])
