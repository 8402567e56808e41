"""Makes the cases of `tests/onnxruntime`: a node each of an operator of `com.microsoft`, and recurrent layers with weights as bytes, with
what onnxruntime computes.

    python tests/onnxruntime_cases.py [DIR]

needs numpy, onnx, onnxruntime and sympy, none of which is a dependency of the project (the cases are of onnxruntime 1.32.0). The cases are
committed; the script says how they came to be, and makes them anew into DIR (default: `tests/onnxruntime`). Inputs are small
numbers from a fixed seed; what an operator wants to be constant is an initializer.
"""

import pathlib
import shutil
import sys

import numpy as np
import onnx
import onnxruntime as ort
import onnxruntime_files
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(5)
F32, F16, U8, I8, I32, I64 = np.float32, np.float16, np.uint8, np.int8, np.int32, np.int64


def floats(*shape, scale=1.0):
    """Normal numbers."""
    return (RANDOM.standard_normal(shape) * scale).astype(F32)


def data(dtype, *shape, low=None, high=None):
    """Integers of a type, all of its range by default."""
    info = np.iinfo(dtype)
    return RANDOM.integers(info.min if low is None else low, (info.max if high is None else high) + 1, shape).astype(dtype)


def scalar(dtype, value):
    return np.array(value, dtype=dtype)


class Case:
    """One node: inputs by name in order; those in capitals are constants, None is left out."""

    def __init__(self, name, op, inputs, outputs=1, domain="com.microsoft", **attributes):
        self.name, self.op, self.inputs, self.domain = name, op, inputs, domain
        self.before, self.after, self.operands = [], [], None
        self.outputs = [f"y{i}" for i in range(outputs)] if isinstance(outputs, int) else outputs
        self.attributes = attributes

    def model(self):
        """The model, without types of its outputs."""
        names = self.operands or [name if value is not None else "" for name, value in self.inputs]
        while names and not names[-1]:
            names.pop()
        outputs = [f"{n}_floats" for n in self.outputs] if self.after else self.outputs
        node = helper.make_node(self.op, names, outputs, domain=self.domain, **self.attributes)
        constants = [numpy_helper.from_array(v, n) for n, v in self.inputs if v is not None and n.isupper()]
        inputs = [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
            for n, v in self.inputs
            if v is not None and not n.isupper()
        ]
        outputs = [helper.make_empty_tensor_value_info(n) for n in self.outputs if n]
        graph = helper.make_graph([*self.before, node, *self.after], self.name, inputs, outputs, constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def write(self, folder):
        """The model, its inputs and what onnxruntime makes of them."""
        model = self.model()
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        feeds = {n: v for n, v in self.inputs if v is not None and not n.isupper()}
        names = [n for n in self.outputs if n]
        results = session.run(names, feeds)
        for info, result in zip(model.graph.output, results, strict=True):
            info.CopyFrom(
                helper.make_tensor_value_info(info.name, helper.np_dtype_to_tensor_dtype(result.dtype), result.shape)
            )
        vectors = folder / self.name / "test_data_set_0"
        vectors.mkdir(parents=True)
        onnx.save(model, folder / self.name / "model.onnx")
        for kind, values in (("input", [feeds[i.name] for i in model.graph.input]), ("output", results)):
            for i, value in enumerate(values):
                (vectors / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(value).SerializeToString())


def elementwise():
    x, row = floats(3, 8), floats(8)
    yield Case("gelu", "Gelu", [("x", x)])
    yield Case("bias_gelu", "BiasGelu", [("x", x), ("B", row)])
    yield Case("fast_gelu", "FastGelu", [("x", x)])
    yield Case("fast_gelu_bias", "FastGelu", [("x", x), ("B", row)])
    yield Case("quick_gelu", "QuickGelu", [("x", x)], alpha=1.5)


def fused():
    x, w, z = floats(1, 3, 7, 6), floats(4, 3, 3, 3, scale=0.3), floats(1, 4, 7, 6)
    same = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    for name, parameters in [
        ("Relu", []),
        ("Tanh", []),
        ("Sigmoid", []),
        ("LeakyRelu", [0.2]),
        ("Clip", [-0.5, 0.75]),
        ("HardSigmoid", [0.2, 0.5]),
    ]:
        more = {"activation_params": parameters} if parameters else {}
        inputs = [("x", x), ("W", w), ("B", floats(4))]
        yield Case(f"fused_conv_{name.lower()}", "FusedConv", inputs, activation=name, **same, **more)
    inputs = [("x", x), ("W", w), ("B", floats(4)), ("z", z)]
    yield Case("fused_conv_sum", "FusedConv", inputs, activation="Relu", **same)
    a, b, c = floats(4, 5), floats(6, 5), floats(6)
    inputs = [("a", a), ("B", b), ("C", c)]
    yield Case("fused_gemm_relu", "FusedGemm", inputs, transB=1, activation="Relu")
    yield Case("fused_gemm_leaky", "FusedGemm", inputs, transB=1, alpha=0.5, activation="LeakyRelu", activation_alpha=0.3)
    yield Case("fused_matmul", "FusedMatMul", [("a", floats(2, 5, 4)), ("b", floats(2, 6, 5))], transA=1, transB=1, alpha=0.25)
    yield Case("fused_matmul_batch", "FusedMatMul", [("a", floats(4, 2, 5)), ("b", floats(2, 5, 3))], transBatchA=1, alpha=2.0)


def norms():
    x, skip, scale, bias, row = floats(2, 3, 8), floats(2, 3, 8), floats(8), floats(8), floats(8)
    inputs = [("x", x), ("skip", skip), ("SCALE", scale), ("BIAS", bias), ("ROW", row)]
    yield Case("skip_layer_norm", "SkipLayerNormalization", inputs, ["y", "", "", "sum"], epsilon=1e-5)
    yield Case("skip_layer_norm_plain", "SkipLayerNormalization", inputs[:3])
    broadcast = [("x", x), ("skip", floats(1, 3, 8)), *inputs[2:4]]
    yield Case("skip_layer_norm_broadcast", "SkipLayerNormalization", broadcast)
    inputs = [("x", x), ("skip", skip), ("SCALE", scale), ("ROW", row)]
    yield Case("skip_rms_norm", "SkipSimplifiedLayerNormalization", inputs, ["y", "", "", "sum"], epsilon=1e-5)
    yield Case("rms_norm", "SimplifiedLayerNormalization", [("x", x), ("SCALE", scale)], domain="", axis=-1, epsilon=1e-5)
    ids, segments = data(I32, 2, 5, low=0, high=9), data(I32, 2, 5, low=0, high=1)
    tables = [("WORDS", floats(10, 8)), ("PLACES", floats(7, 8)), ("KINDS", floats(2, 8))]
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]], dtype=I32)
    inputs = [("ids", ids), ("segments", segments), *tables, ("SCALE", scale), ("BIAS", bias), ("mask", mask)]
    yield Case("embed_layer_norm", "EmbedLayerNormalization", inputs, ["y", "mask_index", "sum"])
    inputs = [("ids", ids), ("segments", None), *tables[:2], ("KINDS", None), ("SCALE", scale), ("BIAS", bias)]
    yield Case("embed_layer_norm_plain", "EmbedLayerNormalization", inputs, ["y", "mask_index"])


def attention():
    x, w, b = floats(2, 4, 6), floats(6, 24, scale=0.5), floats(24)
    inputs = [("x", x), ("W", w), ("B", b)]
    past = ("past", floats(2, 2, 2, 3, 4))
    lens, raw = np.array([2, 4], dtype=I32), np.array([[1, 1, 0, 1], [1, 1, 1, 1]], dtype=I32)
    yield Case("attention", "Attention", inputs, num_heads=2)
    yield Case("attention_causal", "Attention", inputs, num_heads=2, unidirectional=1, scale=0.3)
    yield Case("attention_lengths", "Attention", [*inputs, ("mask", lens)], num_heads=2)
    yield Case("attention_mask", "Attention", [*inputs, ("mask", raw)], num_heads=2)
    cached = [*inputs, ("mask", None), past]
    yield Case("attention_past", "Attention", cached, ["y", "present"], num_heads=2, unidirectional=1)
    sizes = [("x", x), ("W", floats(6, 20)), ("B", floats(20)), ("mask", None), ("past", None), ("bias", floats(2, 2, 4, 4))]
    yield Case("attention_sizes", "Attention", sizes, num_heads=2, qkv_hidden_sizes=[8, 8, 4])
    q, k, v = floats(2, 4, 8), floats(2, 5, 8), floats(2, 5, 8)
    inputs = [("q", q), ("k", k), ("v", v), ("B", floats(24))]
    yield Case("multi_head", "MultiHeadAttention", inputs, num_heads=2)
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], dtype=I32)
    yield Case("multi_head_mask", "MultiHeadAttention", [*inputs, ("mask", mask)], num_heads=2)
    biased = [*inputs[:3], ("b", None), ("mask", None), ("bias", floats(1, 2, 4, 5))]
    yield Case("multi_head_bias", "MultiHeadAttention", biased, num_heads=2, scale=0.4)
    inputs = [("q", floats(2, 2, 8)), ("k", floats(2, 2, 8)), ("v", floats(2, 2, 8))]
    past = [("past_key", floats(2, 2, 3, 4)), ("past_value", floats(2, 2, 3, 4))]
    cached = [*inputs, ("b", None), ("mask", None), ("bias", None), *past]
    outputs = ["y", "present_key", "present_value"]
    yield Case("multi_head_past", "MultiHeadAttention", cached, outputs, num_heads=2, unidirectional=1)


def rotary():
    cos, sin = np.cos(floats(9, 2)), np.sin(floats(9, 2))
    tables = [("COS", cos.astype(F32)), ("SIN", sin.astype(F32))]
    flat, places = ("x", floats(2, 3, 8)), ("at", np.array([[0, 1, 2], [4, 5, 6]], dtype=I64))
    yield Case("rotary", "RotaryEmbedding", [flat, places, *tables])
    yield Case("rotary_offset", "RotaryEmbedding", [flat, ("at", np.array([3], dtype=I64)), *tables], interleaved=1)
    yield Case("rotary_heads", "RotaryEmbedding", [("x", floats(2, 2, 3, 4)), places, *tables])
    partial = {"rotary_embedding_dim": 4, "num_heads": 2}
    yield Case("rotary_partial", "RotaryEmbedding", [("x", floats(2, 3, 16)), places, *tables], **partial)


def grouped():
    def case(name, batch, steps, past, lens, total, packed=False, tables=False, **attributes):
        # onnxruntime turns heads of multiples of 16 alone.
        size, heads, groups = 16, 4, 2
        q = floats(batch, steps, (heads + 2 * groups if packed else heads) * size)
        kv = [None, None] if packed else [floats(batch, steps, groups * size) for _ in range(2)]
        old = [floats(batch, groups, past, size) for _ in range(2)]
        angles = floats(16, size // 2)
        inputs = [("q", q), ("k", kv[0]), ("v", kv[1]), ("past_key", old[0]), ("past_value", old[1])]
        inputs += [("lens", np.array(lens, dtype=I32)), ("TOTAL", scalar(I32, total))]
        if tables:
            inputs += [("COS", np.cos(angles).astype(F32)), ("SIN", np.sin(angles).astype(F32))]
            attributes["do_rotary"] = 1
        outputs = ["y", "present_key", "present_value"]
        return Case(name, "GroupQueryAttention", inputs, outputs, num_heads=heads, kv_num_heads=groups, **attributes)

    yield case("grouped_step", 1, 1, 3, [3], 4)
    yield case("grouped_steps", 2, 1, 3, [3, 3], 4)
    yield case("grouped_rotary", 1, 1, 3, [3], 4, tables=True)
    yield case("grouped_packed", 1, 1, 3, [3], 4, packed=True, tables=True, rotary_interleaved=1)
    yield case("grouped_window", 1, 1, 5, [5], 6, local_window_size=3)
    yield case("grouped_cap", 1, 1, 3, [3], 4, softcap=2.0, scale=0.5)
    yield case("grouped_prompt", 1, 4, 0, [3], 4, tables=True)


def products():
    a, b = data(U8, 3, 8), data(I8, 8, 5, low=-60, high=60)
    scales = [("SA", scalar(F32, 0.02)), ("SB", np.abs(floats(5)) * F32(0.01))]
    inputs = [("a", a), ("B", b), *scales, ("ZA", scalar(U8, 120)), ("ZB", np.zeros(5, dtype=I8)), ("BIAS", floats(5))]
    yield Case("matmul_integer_to_float", "MatMulIntegerToFloat", inputs)
    inputs = [("a", floats(3, 8)), ("B", b), ("SB", scales[1][1]), ("ZB", np.zeros(5, dtype=I8)), ("BIAS", floats(5))]
    yield Case("dynamic_quantize_matmul", "DynamicQuantizeMatMul", inputs)
    inputs = [("a", floats(1, 8)), ("B", data(U8, 8, 5)), ("SB", scalar(F32, 0.01)), ("ZB", scalar(U8, 128))]
    yield Case("dynamic_quantize_matmul_row", "DynamicQuantizeMatMul", inputs)


def quantized():
    def point(name, scale, zero, dtype=U8):
        return [(f"S{name}", scalar(F32, scale)), (f"Z{name}", scalar(dtype, zero))]

    a = ("a", data(U8, 2, 6))
    b = ("b", data(U8, 2, 6))
    both = [a, *point("A", 0.02, 120), b, *point("B", 0.03, 110), *point("Y", 0.05, 128)]
    yield Case("qlinear_add", "QLinearAdd", both)
    yield Case("qlinear_mul", "QLinearMul", both)
    yield Case("qlinear_where", "QLinearWhere", [("c", floats(2, 6) > 0), *both])
    one = [a, *point("A", 0.04, 120), *point("Y", 0.01, 20)]
    yield Case("qlinear_sigmoid", "QLinearSigmoid", one)
    yield Case("qlinear_leaky_relu", "QLinearLeakyRelu", one, alpha=0.2)
    x = ("x", data(U8, 1, 4, 6, 6))
    one = [x, *point("X", 0.02, 100), *point("Y", 0.015, 90)]
    last = [("x", data(U8, 1, 6, 6, 4)), *one[1:]]
    window = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    yield Case("qlinear_average_pool", "QLinearAveragePool", one, **window)
    yield Case("qlinear_average_pool_last", "QLinearAveragePool", last, channels_last=1, **window)
    yield Case("qlinear_global_average_pool", "QLinearGlobalAveragePool", one)
    yield Case("qlinear_global_average_pool_last", "QLinearGlobalAveragePool", last, channels_last=1)
    yield Case("nhwc_max_pool", "NhwcMaxPool", [last[0]], **window)
    parts = [*point("Y", 0.03, 100), a, *point("A", 0.02, 120), b, *point("B", 0.03, 110)]
    yield Case("qlinear_concat", "QLinearConcat", parts, axis=1)
    w = [("W", data(I8, 5, 4, 3, 3, low=-60, high=60)), ("SW", np.abs(floats(5)) * F32(0.01)), ("ZW", np.zeros(5, dtype=I8))]
    conv = [last[0], *point("X", 0.02, 100), *w, *point("Y", 0.1, 120), ("B", data(I32, 5, low=-900, high=900))]
    yield Case("qlinear_conv_last", "QLinearConv", conv, channels_last=1, pads=[1, 1, 1, 1], strides=[1, 2])


def recurrent():
    def case(name, directions, dtype, per_channel, steps=5, batch=1, hidden=6, depth=4, **attributes):
        rows = 4 * hidden
        zero = 128 if dtype == U8 else 0
        scale = [directions, rows] if per_channel else [directions]
        weights = [data(dtype, directions, d, rows, low=zero - 100, high=zero + 100) for d in (depth, hidden)]
        scales = [np.abs(floats(*scale)) * F32(0.004) + F32(0.002) for _ in range(2)]
        zeros = [np.full(scale, zero, dtype=dtype) for _ in range(2)]
        inputs = [("x", floats(steps, batch, depth)), ("W", weights[0]), ("R", weights[1])]
        inputs += [("B", floats(directions, 2 * rows)), ("lens", None)]
        inputs += [("h", floats(directions, batch, hidden)), ("c", floats(directions, batch, hidden)), ("P", None)]
        inputs += [("SW", scales[0]), ("ZW", zeros[0]), ("SR", scales[1]), ("ZR", zeros[1])]
        if directions == 2:
            attributes["direction"] = "bidirectional"
        outputs = ["y", "y_h", "y_c"]
        return Case(name, "DynamicQuantizeLSTM", inputs, outputs, hidden_size=hidden, **attributes)

    yield case("dynamic_lstm", 1, I8, False)
    yield case("dynamic_lstm_channels", 1, I8, True)
    yield case("dynamic_lstm_unsigned", 1, U8, False, direction="reverse")
    yield case("dynamic_lstm_both", 2, I8, True)


def dequantized():
    """LSTM, GRU and RNN of floats with weights of bytes behind DequantizeLinear, between bytes too."""

    def case(name, op, gates, directions=1, per_row=True, dtype=I8, between=False, hidden=12, depth=20, **attributes):
        rows, steps, batch = gates * hidden, 6, 2
        zero = 130 if dtype == U8 else 3
        inputs, before = [("x", floats(steps, batch, depth))], []
        if between:
            inputs = [("x", data(U8, steps, batch, depth)), ("SX", scalar(F32, 0.02)), ("ZX", scalar(U8, 120))]
            before.append(helper.make_node("DequantizeLinear", ["x", "SX", "ZX"], ["x_floats"]))
        for weights, d in (("W", depth), ("R", hidden)):
            shape = [directions * rows, d] if directions > 1 and per_row else [directions, rows, d]
            axis = len(shape) - 2
            count = [shape[axis]] if per_row else []
            scale = (np.abs(floats(*count)) * F32(0.003) + F32(0.002)).astype(F32)
            inputs += [(weights, data(dtype, *shape, low=zero - 100, high=zero + 100)), (f"S{weights}", scale)]
            inputs.append((f"Z{weights}", np.full(count, zero, dtype=dtype)))
            flat = f"{weights}_rows" if len(shape) == 2 else f"{weights}_floats"
            named = [weights, f"S{weights}", f"Z{weights}"]
            before.append(helper.make_node("DequantizeLinear", named, [flat], **({"axis": axis} if per_row else {})))
            if len(shape) == 2:
                inputs.append((f"{weights}_SHAPE", np.array([directions, rows, d], dtype=I64)))
                before.append(helper.make_node("Reshape", [flat, f"{weights}_SHAPE"], [f"{weights}_floats"]))
        inputs.append(("B", floats(directions, 2 * rows)))
        if directions == 2:
            attributes["direction"] = "bidirectional"
        made = Case(name, op, inputs, ["y", "y_h"], domain="", hidden_size=hidden, **attributes)
        made.before = before
        made.operands = ["x_floats" if between else "x", "W_floats", "R_floats", "B"]
        if between:
            made.inputs += [("SY", scalar(F32, 0.01)), ("ZY", scalar(U8, 128))]
            made.after = [
                helper.make_node("QuantizeLinear", ["y_floats", "SY", "ZY"], ["y"]),
                helper.make_node("QuantizeLinear", ["y_h_floats", "SY", "ZY"], ["y_h"]),
            ]
        return made

    yield case("lstm_rows", "LSTM", 4)
    yield case("lstm_tensor", "LSTM", 4, per_row=False, dtype=U8)
    yield case("lstm_both", "LSTM", 4, directions=2)
    yield case("lstm_between", "LSTM", 4, between=True)
    yield case("gru_rows", "GRU", 3)
    yield case("gru_after", "GRU", 3, directions=2, linear_before_reset=1)
    yield case("gru_between", "GRU", 3, between=True, dtype=U8, hidden=9)
    yield case("rnn_rows", "RNN", 1, hidden=20)
    yield case("rnn_both", "RNN", 1, hidden=20, directions=2, per_row=False)


def main():
    """Make all cases, and say which onnxruntime cannot compute."""
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "onnxruntime")
    shutil.rmtree(folder, ignore_errors=True)
    ort.set_default_logger_severity(4)
    failed = []
    for family in (elementwise, fused, norms, attention, rotary, grouped, products, quantized, recurrent, dequantized):
        for case in family():
            try:
                case.write(folder)
            except Exception as error:  # onnxruntime's exceptions share nothing else
                failed.append(f"{case.name}: {str(error).splitlines()[0]}")
    print("\n".join(onnxruntime_files.write(folder)))
    print(f"{len(list(folder.iterdir()))} cases with onnxruntime {ort.__version__}")
    sys.exit("\n".join(failed) or None)


if __name__ == "__main__":
    main()
