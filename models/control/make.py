"""Makes the models with control flow: graphs in ONNX's text form, weights by a seed, vectors by onnxruntime.

    python models/control/make.py

Each folder gets `model.onnx` and data sets. The versions are those of `requirements.txt`.
"""

from pathlib import Path

import numpy as np
import onnx
import onnx.checker
import onnx.numpy_helper
import onnx.parser
import onnxruntime

HERE = Path(__file__).parent
RANDOM = np.random.default_rng(19)


def weights(**shapes):
    """Normal numbers, scaled by the length of what is added up."""
    made = {}
    for name, shape in shapes.items():
        scale = 1 / np.sqrt(np.prod(shape[1:]) if len(shape) > 2 else shape[0])
        made[name] = (RANDOM.normal(size=shape) * scale).astype(np.float32)
    return made


def save(name, text, constants, data_sets):
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17]>\n' + text)
    for key, value in constants.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(value), key))
    onnx.checker.check_model(model)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    for n, inputs in enumerate(data_sets):
        outputs = session.run(None, inputs)
        into = folder / f"test_data_set_{n}"
        into.mkdir(exist_ok=True)
        for kind, values in (("input", inputs.values()), ("output", outputs)):
            for k, value in enumerate(values):
                tensor = onnx.numpy_helper.from_array(np.asarray(value), list(inputs)[k] if kind == "input" else "")
                (into / f"{kind}_{k}.pb").write_bytes(tensor.SerializeToString())


def vad():
    """A voice activity detector of Silero's kind: the features depend on the sample rate, the rest is one recurrent cell."""
    text = """
    vad (float[1, 1, 512] input, int64 sr, float[1, 32] h, float[1, 32] c) => (float[1, 1] output, float[1, 32] hn, float[1, 32] cn)
    {
        rate = Constant<value = int64 {16000}>()
        wide = Equal(sr, rate)
        features = If (wide) <
            then_branch = at_16000 () => (float[1, 32, 1] f) {
                a0 = Conv<kernel_shape = [16], strides = [8], pads = [4, 4]>(input, wide_0, bias_0)
                a1 = Relu(a0)
                a2 = Conv<kernel_shape = [4], strides = [4]>(a1, wide_1, bias_1)
                a3 = Relu(a2)
                f = GlobalMaxPool(a3)
            },
            else_branch = at_8000 () => (float[1, 32, 1] f) {
                starts = Constant<value_ints = [0]>()
                ends = Constant<value_ints = [256]>()
                axes = Constant<value_ints = [2]>()
                half = Slice(input, starts, ends, axes)
                a0 = Conv<kernel_shape = [8], strides = [4], pads = [2, 2]>(half, narrow_0, bias_0)
                a1 = Relu(a0)
                a2 = Conv<kernel_shape = [4], strides = [4]>(a1, narrow_1, bias_1)
                a3 = Relu(a2)
                f = GlobalAveragePool(a3)
            }
        >
        x = Flatten(features)
        from_x = MatMul(x, w)
        from_h = MatMul(h, r)
        both = Add(from_x, from_h)
        gates = Add(both, b)
        i0, f0, g0, o0 = Split<axis = 1>(gates)
        i = Sigmoid(i0)
        f = Sigmoid(f0)
        g = Tanh(g0)
        o = Sigmoid(o0)
        kept = Mul(f, c)
        new = Mul(i, g)
        cn = Add(kept, new)
        bounded = Tanh(cn)
        hn = Mul(o, bounded)
        logit = Gemm(hn, head, head_bias)
        output = Sigmoid(logit)
    }
    """
    shapes = dict(wide_0=(32, 1, 16), wide_1=(32, 32, 4), narrow_0=(32, 1, 8), narrow_1=(32, 32, 4))
    shapes |= dict(w=(32, 128), r=(32, 128), head=(32, 1))
    constants = weights(**shapes) | {n: RANDOM.normal(size=32).astype(np.float32) / 8 for n in ("bias_0", "bias_1")}
    constants |= dict(b=RANDOM.normal(size=128).astype(np.float32) / 8, head_bias=np.zeros(1, np.float32))
    data_sets = []
    for rate in (16000, 8000):
        samples = RANDOM.normal(size=(1, 1, 512)).astype(np.float32)
        state = {n: RANDOM.normal(size=(1, 32)).astype(np.float32) / 4 for n in "hc"}
        data_sets.append(dict(input=samples, sr=np.array(rate, np.int64)) | state)
    save("vad", text, constants, data_sets)


CELL = """
                from_x = MatMul(x_t, w)
                from_h = MatMul(h_in, r)
                xz, xr, xn = Split<axis = 1>(from_x)
                hz, hr, hn = Split<axis = 1>(from_h)
                z0 = Add(xz, hz)
                z = Sigmoid(z0)
                r0 = Add(xr, hr)
                rr = Sigmoid(r0)
                n0 = Mul(rr, hn)
                n1 = Add(xn, n0)
                n = Tanh(n1)
                away = Sub(h_in, n)
                part = Mul(z, away)
                h_out = Add(n, part)
                row = Identity(h_out)
"""
GRU = dict(w=(8, 48), r=(16, 48))


def gru_loop():
    text = """
    gru_loop (float[20, 1, 8] x) => (float[20, 1, 16] y)
    {
        steps = Constant<value = int64 {20}>()
        h0 = Constant<value = float[1, 16] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}>()
        h_last, y = Loop (steps, , h0) <
            body = step (int64 t, bool go_in, float[1, 16] h_in) => (bool go_out, float[1, 16] h_out, float[1, 16] row) {
                go_out = Identity(go_in)
                x_t = Gather(x, t)
%s
            }
        >
    }
    """ % CELL
    save("gru_loop", text, weights(**GRU), [dict(x=RANDOM.normal(size=(20, 1, 8)).astype(np.float32)) for _ in range(2)])


def gru_scan():
    text = """
    gru_scan (float[1, 20, 8] x) => (float[1, 20, 16] y)
    {
        h0 = Constant<value = float[1, 16] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}>()
        h_last, y = Scan <num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [1],
                          scan_input_directions = [1], scan_output_directions = [1],
            body = step (float[1, 16] h_in, float[1, 8] x_t) => (float[1, 16] h_out, float[1, 16] row) {
%s
            }
        > (h0, x)
    }
    """ % CELL
    save("gru_scan", text, weights(**GRU), [dict(x=RANDOM.normal(size=(1, 20, 8)).astype(np.float32)) for _ in range(2)])


def early_end():
    """Newton's square roots, as many iterations as the data need."""
    text = """
    early_end (float[5] x) => (float[5] y, float n)
    {
        most = Constant<value = int64 {50}>()
        go = Constant<value = bool {1}>()
        one = Constant<value = float {1}>()
        half = Constant<value = float {0.5}>()
        close = Constant<value = float {0.0001}>()
        first = Add(x, one)
        zero = Constant<value = float {0}>()
        y, n = Loop (most, go, first, zero) <
            body = step (int64 t, bool go_in, float[5] y_in, float n_in) => (bool go_out, float[5] y_out, float n_out) {
                quotient = Div(x, y_in)
                sum = Add(y_in, quotient)
                y_out = Mul(sum, half)
                difference = Sub(y_out, y_in)
                distance = Abs(difference)
                largest = ReduceMax<keepdims = 0>(distance)
                go_out = Greater(largest, close)
                n_out = Add(n_in, one)
            }
        >
    }
    """
    values = [np.array(v, np.float32) for v in ([1, 2, 3, 4, 5], [1, 1, 1, 1, 1], [1e4, 0.01, 7, 100, 3])]
    save("early_end", text, {}, [dict(x=v) for v in values])


if __name__ == "__main__":
    vad()
    gru_loop()
    gru_scan()
    early_end()
