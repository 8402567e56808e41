"""Files as onnxruntime's own tools write them: a transformer encoder fused by its optimizer, and by a session; quantized dynamically; a
quantized convolutional network and an LSTM. `tests/onnxruntime_cases.py` calls `write`.
"""

import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.transformers import optimizer

RANDOM = np.random.default_rng(11)
HIDDEN, HEADS, INNER, STEPS, WORDS = 16, 2, 32, 6, 20


class Graph:
    """A graph that is being written."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weights(self, name, *shape, scale=0.3):
        return self.constant(name, (RANDOM.standard_normal(shape) * scale).astype(np.float32))

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def model(self, inputs, outputs):
        infos = [[helper.make_tensor_value_info(*info) for info in side] for side in (inputs, outputs)]
        graph = helper.make_graph(self.nodes, "graph", *infos, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        return model


def encoder():
    """A layer of BERT as exporters write it: ids, segments and a mask in, states out."""
    g = Graph()

    def norm(x, name):
        scale = g.constant(f"{name}_gamma", (1 + RANDOM.standard_normal(HIDDEN) * 0.1).astype(np.float32))
        return g.node("LayerNormalization", [x, scale, g.weights(f"{name}_beta", HIDDEN)], name, axis=-1, epsilon=1e-5)

    def dense(x, name, columns, rows=HIDDEN):
        product = g.node("MatMul", [x, g.weights(f"{name}_w", rows, columns)], f"{name}_product")
        return g.node("Add", [g.weights(f"{name}_b", columns), product], name)

    words = g.node("Gather", [g.weights("words", WORDS, HIDDEN), "ids"], "word")
    kinds = g.node("Gather", [g.weights("kinds", 2, HIDDEN), "segments"], "kind")
    places = g.constant("places", np.arange(STEPS, dtype=np.int64)[None])
    place = g.node("Gather", [g.weights("positions", STEPS, HIDDEN), places], "place")
    both = g.node("Add", [words, kinds], "word_kind")
    x = norm(g.node("Add", [both, place], "embedding"), "embedded")
    axes = [g.constant(f"axis_{n}", np.array([n], dtype=np.int64)) for n in (1, 2)]
    mask = g.node("Unsqueeze", [g.node("Unsqueeze", ["mask", axes[0]], "mask_1"), axes[1]], "mask_2")
    mask = g.node("Cast", [mask], "mask_float", to=TensorProto.FLOAT)
    mask = g.node("Sub", [g.constant("one", np.float32(1)), mask], "mask_off")
    mask = g.node("Mul", [mask, g.constant("low", np.float32(-10000))], "mask_low")
    shape = g.constant("heads", np.array([0, 0, HEADS, HIDDEN // HEADS], dtype=np.int64))
    parts = {}
    for name, perm in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
        part = g.node("Reshape", [dense(x, name, HIDDEN), shape], f"{name}_heads")
        parts[name] = g.node("Transpose", [part], f"{name}_turned", perm=perm)
    scores = g.node("MatMul", [parts["query"], parts["key"]], "scores")
    scale = g.constant("scale", np.float32(np.sqrt(HIDDEN // HEADS)))
    scores = g.node("Add", [g.node("Div", [scores, scale], "scaled"), mask], "masked")
    scores = g.node("Softmax", [scores], "probabilities", axis=-1)
    context = g.node("Transpose", [g.node("MatMul", [scores, parts["value"]], "context")], "context_turned", perm=[0, 2, 1, 3])
    flat = g.constant("flat", np.array([0, 0, HIDDEN], dtype=np.int64))
    context = g.node("Reshape", [context, flat], "context_flat")
    x = norm(g.node("Add", [dense(context, "output", HIDDEN), x], "attended"), "normed")
    inner = dense(x, "inner", INNER)
    erf = g.node("Erf", [g.node("Div", [inner, g.constant("root", np.float32(np.sqrt(2)))], "over_root")], "erf")
    erf = g.node("Add", [erf, g.constant("unit", np.float32(1))], "erf_1")
    gelu = g.node("Mul", [g.node("Mul", [inner, erf], "inner_erf"), g.constant("half", np.float32(0.5))], "gelu")
    norm(g.node("Add", [dense(gelu, "outer", HIDDEN, INNER), x], "fed"), "y")
    whole = [1, STEPS]
    names = ("ids", "segments", "mask")
    return g.model([(n, TensorProto.INT64, whole) for n in names], [("y", TensorProto.FLOAT, [*whole, HIDDEN])])


def network():
    """Two convolutions, a residual sum, a pool and a product."""
    g = Graph()
    w = [g.weights("w1", 8, 3, 3, 3), g.weights("b1", 8)]
    x = g.node("Relu", [g.node("Conv", ["x", *w], "conv_1", pads=[1, 1, 1, 1])], "relu_1")
    w = [g.weights("w2", 8, 8, 3, 3, scale=0.15), g.weights("b2", 8)]
    y = g.node("Conv", [x, *w], "conv_2", pads=[1, 1, 1, 1])
    x = g.node("Relu", [g.node("Add", [x, y], "sum")], "relu_2")
    x = g.node("MaxPool", [x], "pool", kernel_shape=[2, 2], strides=[2, 2])
    x = g.node("Flatten", [g.node("GlobalAveragePool", [x], "mean")], "flat")
    g.node("Gemm", [x, g.weights("w3", 5, 8), g.weights("b3", 5)], "y", transB=1)
    return g.model([("x", TensorProto.FLOAT, [1, 3, 8, 8])], [("y", TensorProto.FLOAT, [1, 5])])


def recurrent():
    """An LSTM in both directions."""
    g = Graph()
    operands = [g.weights("w", 2, 48, 10), g.weights("r", 2, 48, 12), g.weights("b", 2, 96)]
    g.node("LSTM", ["x", *operands], "y", hidden_size=12, direction="bidirectional")
    return g.model([("x", TensorProto.FLOAT, [7, 1, 10])], [("y", TensorProto.FLOAT, [7, 2, 1, 12])])


class Examples(CalibrationDataReader):
    """Some runs."""

    def __init__(self, runs):
        self.runs = iter(runs)

    def get_next(self):
        return next(self.runs, None)


def optimised(model, level=ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED):
    """What a session makes of a model."""
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.graph_optimization_level = level
        options.optimized_model_filepath = str(pathlib.Path(folder) / "model.onnx")
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def through(model, change):
    """What a tool makes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = (str(pathlib.Path(folder) / name) for name in ("before.onnx", "after.onnx"))
        onnx.save(model, before)
        change(before, after)
        return onnx.load(after)


def fused(before, after):
    made = optimizer.optimize_model(before, model_type="bert", num_heads=HEADS, hidden_size=HIDDEN, opt_level=0)
    made.save_model_to_file(after)


def files():
    """Name, model and inputs."""
    tokens = {
        "ids": RANDOM.integers(0, WORDS, (1, STEPS)),
        "segments": np.array([[0, 0, 0, 1, 1, 1]]),
        "mask": np.array([[1, 1, 1, 1, 1, 0]]),
    }
    bert = encoder()
    by_optimizer = through(bert, fused)
    yield "file_encoder_session", optimised(bert), tokens
    yield "file_encoder_optimizer", by_optimizer, tokens
    more = {"DefaultTensorType": TensorProto.FLOAT}

    def dynamic(before, after):
        # The projections inside of Attention stay floats: QAttention is not meant here.
        quantize_dynamic(before, after, ["MatMul", "Gemm"], weight_type=QuantType.QInt8, extra_options=more)

    yield "file_encoder_dynamic", optimised(through(bert, dynamic)), tokens
    yield "file_encoder_optimizer_dynamic", optimised(through(by_optimizer, dynamic)), tokens
    pictures = [{"x": RANDOM.standard_normal((1, 3, 8, 8)).astype(np.float32)} for _ in range(8)]

    def static(before, after):
        quantize_static(
            before,
            after,
            Examples(pictures),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            extra_options={"WeightSymmetric": True},
        )

    quantized = through(network(), static)
    yield "file_network_session", optimised(quantized), pictures[0]
    # With the layout that a session chooses for itself.
    yield "file_network_layout", optimised(quantized, ort.GraphOptimizationLevel.ORT_ENABLE_ALL), pictures[0]
    x = {"x": RANDOM.standard_normal((7, 1, 10)).astype(np.float32)}
    yield "file_lstm_dynamic", through(recurrent(), lambda a, b: quantize_dynamic(a, b, op_types_to_quantize=["LSTM"])), x


def write(folder):
    """Write all files with what onnxruntime computes of them; gives what is in them."""
    seen = []
    for name, model, feeds in files():
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        results = session.run(None, feeds)
        vectors = folder / name / "test_data_set_0"
        vectors.mkdir(parents=True)
        onnx.save(model, folder / name / "model.onnx")
        inputs = [feeds[i.name] for i in session.get_inputs()]
        for kind, values in (("input", inputs), ("output", results)):
            for i, value in enumerate(values):
                (vectors / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(value).SerializeToString())
        operators = sorted({f"{n.domain}.{n.op_type}" if n.domain else n.op_type for n in model.graph.node})
        seen.append(f"{name}: {', '.join(operators)}")
    return seen
