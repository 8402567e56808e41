"""Writes the trained parameters as two ONNX models over one file of weights: `decode.onnx` reads one token with a cache of keys and
values, `prefill.onnx` the first tokens of a prompt at once, and gives their keys and values.

    prefill: tokens i64[1,32]                                -> logits f32[1,32,V], present_k_I, present_v_I f32[1,H,32,D]
    decode:  token i64[1,1], position i64[1], past_*_I       -> logits f32[1,1,V], present_k_I, present_v_I f32[1,H,128,D]
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PROMPT = 32
WEIGHTS = "weights.bin"
FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64


class Graph:
    """Nodes, inputs and outputs of a model; large constants lie in the file of weights, at `places`."""

    def __init__(self, name, p, shape, places):
        self.name, self.p, self.shape, self.places = name, p, shape, places
        self.nodes, self.constants, self.inputs, self.outputs = [], {}, [], []

    def input(self, name, kind, dims):
        self.inputs.append(helper.make_tensor_value_info(name, kind, dims))
        return name

    def output(self, name, dims):
        self.outputs.append(helper.make_tensor_value_info(name, FLOAT, dims))

    def weight(self, name):
        if name not in self.constants:
            value, place = self.p[name], self.places[name]
            tensor = TensorProto(name=name, data_type=FLOAT, dims=value.shape, data_location=TensorProto.EXTERNAL)
            for key, text in (("location", WEIGHTS), ("offset", str(place)), ("length", str(value.nbytes))):
                tensor.external_data.add(key=key, value=text)
            self.constants[name] = tensor
        return name

    def constant(self, name, value):
        self.constants.setdefault(name, numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        outputs = output if isinstance(output, list) else [output]
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes))
        return output

    def norm(self, x, name):
        inputs = [x, self.weight(f"{name}.scale"), self.weight(f"{name}.bias")]
        return self.node("LayerNormalization", inputs, f"{name}.out" if name != "norm" else "final", axis=-1, epsilon=1e-5)

    def linear(self, x, name):
        product = self.node("MatMul", [x, self.weight(f"{name}.weight")], f"{name}.product")
        return self.node("Add", [product, self.weight(f"{name}.bias")], f"{name}.out")

    def layers(self, x, tokens, attend):
        """All blocks; `attend(i, q, k, v)` gives what the heads of layer i have found, per head."""
        d, h = self.shape["width"], self.shape["heads"]
        split = self.constant("to_heads", np.array([1, tokens, h, d // h]))
        join = self.constant("from_heads", np.array([1, tokens, d]))
        for i in range(self.shape["layers"]):
            parts = self.node("Split", [self.linear(self.norm(x, f"{i}.norm1"), f"{i}.qkv")], [f"{i}.{part}" for part in "qkv"], axis=-1, num_outputs=3)
            rows = [self.node("Reshape", [part, split], f"{part}.rows") for part in parts]
            q, k, v = (self.node("Transpose", [part], f"{part}.heads", perm=[0, 2, 1, 3]) for part in rows)
            found = self.node("Transpose", [attend(i, q, k, v)], f"{i}.found.rows", perm=[0, 2, 1, 3])
            mixed = self.linear(self.node("Reshape", [found, join], f"{i}.mixed"), f"{i}.proj")
            x = self.node("Add", [x, mixed], f"{i}.attended")
            up = self.node("Relu", [self.linear(self.norm(x, f"{i}.norm2"), f"{i}.up")], f"{i}.active")
            x = self.node("Add", [x, self.linear(up, f"{i}.down")], f"{i}.out")
        self.node("MatMul", [self.norm(x, "norm"), self.weight("head.weight")], "logits")

    def attention(self, i, q, k, v, mask):
        """softmax(q k' / sqrt(d), where the mask allows) v."""
        d = self.shape["width"] // self.shape["heads"]
        keys = self.node("Transpose", [k], f"{i}.keys", perm=[0, 1, 3, 2])
        scores = self.node("MatMul", [q, keys], f"{i}.scores")
        scores = self.node("Mul", [scores, self.constant("scale", np.float32(d**-0.5))], f"{i}.scaled")
        scores = self.node("Where", [mask, scores, self.constant("never", np.float32(-np.inf))], f"{i}.masked")
        return self.node("MatMul", [self.node("Softmax", [scores], f"{i}.shares", axis=-1), v], f"{i}.found")

    def model(self):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, list(self.constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8, producer_name="models/wonderland")
        return model


def prefill(p, shape, places):
    g, t = Graph("wonderland prefill", p, shape, places), PROMPT
    d, h = shape["width"], shape["heads"]
    tokens = g.input("tokens", INT, [1, t])
    rows = g.node("Gather", [g.weight("tokens_table"), tokens], "embedded", axis=0)
    ends = [g.constant("zero", np.array([0])), g.constant("prompt", np.array([t])), g.constant("axis", np.array([0]))]
    x = g.node("Add", [rows, g.node("Slice", [g.weight("positions"), *ends], "first_positions")], "start")
    mask = g.constant("causal", np.tril(np.ones((1, 1, t, t), bool)))

    def attend(i, q, k, v):
        for part, value in (("k", k), ("v", v)):
            g.node("Identity", [value], f"present_{part}_{i}")
        return g.attention(i, q, k, v, mask)

    g.layers(x, t, attend)
    g.output("logits", [1, t, shape["vocabulary"]])
    for i in range(shape["layers"]):
        for part in "kv":
            g.output(f"present_{part}_{i}", [1, h, t, d // h])
    return g.model()


def decode(p, shape, places):
    g, t = Graph("wonderland decode", p, shape, places), shape["context"]
    d, h = shape["width"], shape["heads"]
    token, position = g.input("token", INT, [1, 1]), g.input("position", INT, [1])
    rows = g.node("Gather", [g.weight("tokens_table"), token], "embedded", axis=0)
    x = g.node("Add", [rows, g.node("Gather", [g.weight("positions"), position], "placed", axis=0)], "start")
    slots = g.constant("slots", np.arange(t).reshape(1, 1, 1, t))
    mask = g.node("LessOrEqual", [slots, position], "seen")
    here = g.node("Equal", [g.constant("rows", np.arange(t).reshape(1, 1, t, 1)), position], "here")
    for i in range(shape["layers"]):
        for part in "kv":
            g.input(f"past_{part}_{i}", FLOAT, [1, h, t, d // h])

    def attend(i, q, k, v):
        k, v = (g.node("Where", [here, new, f"past_{part}_{i}"], f"present_{part}_{i}") for part, new in (("k", k), ("v", v)))
        return g.attention(i, q, k, v, mask)

    g.layers(x, 1, attend)
    g.output("logits", [1, 1, shape["vocabulary"]])
    for i in range(shape["layers"]):
        for part in "kv":
            g.output(f"present_{part}_{i}", [1, h, t, d // h])
    return g.model()


def write(folder, p, shape):
    p = {("tokens_table" if k == "tokens" else k): v for k, v in p.items()}
    places, blob = {}, b""
    for name, value in p.items():
        places[name] = len(blob)
        blob += value.tobytes()
        blob += bytes(-len(blob) % 64)
    (folder / WEIGHTS).write_bytes(blob)
    for name, make in (("prefill", prefill), ("decode", decode)):
        path = folder / f"{name}.onnx"
        path.write_bytes(make(p, shape, places).SerializeToString(deterministic=True))
        onnx.checker.check_model(str(path), full_check=True)


def check(folder, alphabet, tokens=80):
    """The most likely tokens after a prompt, by `decode` alone and by both: they have to be the same, and logits within 1e-4."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = {name: onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), options) for name in ("prefill", "decode")}
    text = "`Curiouser and curiouser!' cried Alice"[:PROMPT]
    prompt = [alphabet.index(c) for c in text]
    past = {i.name: np.zeros(i.shape, np.float32) for i in session["decode"].get_inputs() if i.name.startswith("past")}

    def step(token, position, past):
        feed = {"token": np.array([[token]]), "position": np.array([position]), **past}
        logits, *present = session["decode"].run(None, feed)
        return logits[0, 0], dict(zip(past, present))

    alone = dict(past)
    for position, token in enumerate(prompt):
        logits, alone = step(token, position, alone)
    first, *present = session["prefill"].run(None, {"tokens": np.array([prompt])})
    assert np.abs(first[0, -1] - logits).max() < 1e-4 * np.abs(logits).max()
    both = dict(past)
    for name, value in zip(both, present):
        both[name] = np.concatenate([value, both[name][:, :, PROMPT:]], 2)
    found = []
    for cache, scores in ((alone, logits), (both, first[0, -1])):
        written = []
        for position in range(PROMPT, PROMPT + tokens):
            written.append(int(scores.argmax()))
            scores, cache = step(written[-1], position, cache)
        found.append("".join(alphabet[token] for token in written))
    assert found[0] == found[1], found
    print(f"{text!r} + {found[0]!r}")
