"""Trains three networks on scikit-learn's diabetes data: of floats, of ternary weights, and of those with bytes between the layers.

    python models/diabetes/train.py

Writes `float`, `ternary` and `ternary_a8`, each with a `model.onnx`, and the test part as `inputs.npy` and `labels.npy`, and prints
the share of the variance that each network explains there. Run twice it writes the same bytes.

Ternary weights are those of b1.58 (Ma et al. 2024): `s * clip(round(w / s), -1, 1)` with `s` the mean of |w|. Training goes through the rounding as
if it were not there. With bytes, a row is rounded to 127 parts of its absolute maximum before each ternary layer.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "digits"))
from network import Adam, Linear, Relu  # noqa: E402

SEED = 7
WIDTH = 128
# Chosen by five-fold cross-validation inside the training part, which gave 0.48 (float) and 0.49.
EPOCHS, BATCH, RATE, DECAY = 15, 32, 1e-3, 3.0
# Rounded weights do not depend on the last bits of a processor: see `models/digits/export.py`.
GRID = 2.0**-10
SMALLEST = 1e-5


class Ternary(Linear):
    """A Linear whose weights are rounded to -s, 0 and s, and whose inputs are rounded to bytes where `rounds`."""

    def __init__(self, inputs: int, outputs: int, rounds: bool, rng: np.random.Generator) -> None:
        super().__init__(inputs, outputs, rng)
        self.rounds = rounds

    def codes(self) -> tuple[np.ndarray, float]:
        """Return -1, 0, 1 and the scale."""
        weight = self.parameters["weight"]
        scale = max(round(float(np.abs(weight).mean()) / GRID) * GRID, GRID)
        return np.clip(np.rint(weight / scale), -1, 1), scale

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if self.rounds:
            step = np.maximum(np.abs(x).max(axis=1, keepdims=True), SMALLEST) / 127
            x = np.rint(x / step) * step
        if training:
            self._last = x
        codes, scale = self.codes()
        return x @ (codes * scale).T + self.parameters["bias"]

    def backward(self, grad: np.ndarray) -> np.ndarray:
        self.gradients["weight"] = grad.T @ self._last
        self.gradients["bias"] = grad.sum(axis=0)
        codes, scale = self.codes()
        return grad @ (codes * scale)


def train(x: np.ndarray, y: np.ndarray, ternary: bool, rounds: bool) -> list:
    """Train Linear, Relu, Linear, Relu, Linear on standardized numbers; the layers between are ternary, the last is not."""
    rng = np.random.default_rng(SEED)
    hidden = (lambda i, o: Ternary(i, o, rounds, rng)) if ternary else (lambda i, o: Linear(i, o, rng))
    layers = [hidden(x.shape[1], WIDTH), Relu(), hidden(WIDTH, WIDTH), Relu(), Linear(WIDTH, 1, rng)]
    adam = Adam(layers, DECAY)
    steps = EPOCHS * (len(x) // BATCH)
    for step in range(steps):
        chosen = rng.permutation(len(x))[:BATCH]
        value = x[chosen]
        for layer in layers:
            value = layer.forward(value, training=True)
        grad = 2 * (value - y[chosen, None]) / BATCH
        for layer in reversed(layers):
            grad = layer.backward(grad)
        adam.step(RATE * (1 - step / steps))
    return layers


def build(layers: list, mean: np.ndarray, spread: np.ndarray, unit: tuple[float, float]) -> onnx.ModelProto:
    """Return the model from the data's own numbers to the label's own unit."""
    constants = {"mean": mean, "spread": spread, "offset": unit[0], "unit": unit[1]}
    tensors = [numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in constants.items()]
    nodes = [helper.make_node("Sub", ["patient", "mean"], ["centred"]), helper.make_node("Div", ["centred", "spread"], ["x"])]
    value = "x"
    for k, layer in enumerate(layers):
        if isinstance(layer, Relu):
            nodes.append(helper.make_node("Relu", [value], [f"relu{k}"]))
            value = f"relu{k}"
            continue
        if isinstance(layer, Ternary) and layer.rounds:
            nodes += rounded(value, k)
            value = f"real{k}"
        codes, scale = layer.codes() if isinstance(layer, Ternary) else (np.rint(layer.parameters["weight"] / GRID), GRID)
        bias = np.rint(layer.parameters["bias"] / GRID) * GRID
        tensors += [
            numpy_helper.from_array((codes * scale).astype(np.float32), f"weight{k}"),
            numpy_helper.from_array(bias.astype(np.float32), f"bias{k}"),
        ]
        nodes.append(helper.make_node("Gemm", [value, f"weight{k}", f"bias{k}"], [f"dense{k}"], transB=1))
        value = f"dense{k}"
    if any(isinstance(layer, Ternary) and layer.rounds for layer in layers):
        tensors += [numpy_helper.from_array(np.float32(v), name) for name, v in (("least", SMALLEST), ("most", 127))]
    nodes += [helper.make_node("Mul", [value, "unit"], ["scaled"]), helper.make_node("Add", ["scaled", "offset"], ["progression"])]
    patient = helper.make_tensor_value_info("patient", TensorProto.FLOAT, [1, len(mean)], "The ten numbers as scikit-learn has them.")
    result = helper.make_tensor_value_info("progression", TensorProto.FLOAT, [1, 1], "Progression of the disease after a year.")
    graph = helper.make_graph(nodes, "diabetes", [patient], [result], tensors)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)], producer_name="models/diabetes/train.py")
    onnx.checker.check_model(model, full_check=True)
    return model


def rounded(value: str, k: int) -> list[onnx.NodeProto]:
    """Return the nodes that round a row to parts of its absolute maximum."""
    make = helper.make_node
    return [
        make("Abs", [value], [f"size{k}"]),
        make("ReduceMax", [f"size{k}"], [f"largest{k}"], axes=[-1], keepdims=1),
        make("Max", [f"largest{k}", "least"], [f"bound{k}"]),
        make("Div", [f"bound{k}", "most"], [f"step{k}"]),
        make("Div", [value, f"step{k}"], [f"parts{k}"]),
        make("Round", [f"parts{k}"], [f"whole{k}"]),
        make("Mul", [f"whole{k}", f"step{k}"], [f"real{k}"]),
    ]


def explained(path: Path, x: np.ndarray, y: np.ndarray) -> float:
    """Return the share of the variance of `y` that a model file explains in ONNX Runtime."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = np.array([session.run(None, {"patient": row[None]})[0][0, 0] for row in x])
    return 1 - float(((found - y) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def main() -> None:
    x, y = load_diabetes(return_X_y=True)
    x, test_x, y, test_y = train_test_split(x.astype(np.float32), y.astype(np.float32), test_size=0.2, random_state=SEED)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    unit = (float(y.mean()), float(y.std()))
    np.save(HERE / "inputs.npy", test_x)
    np.save(HERE / "labels.npy", test_y)
    for name, ternary, rounds in (("float", False, False), ("ternary", True, False), ("ternary_a8", True, True)):
        with threadpool_limits(limits=1):
            layers = train(((x - mean) / spread).astype(np.float64), (y - unit[0]) / unit[1], ternary, rounds)
        path = HERE / name / "model.onnx"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(build(layers, mean, spread, unit).SerializeToString(deterministic=True))
        print(f"{name}: {explained(path, test_x, test_y):.4f} of the variance of {len(test_y)} patients, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
