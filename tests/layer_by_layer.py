"""Compares every quantized layer of a model with the unoptimised float meaning of the graph, one layer at a time.

    python layer_by_layer.py ZANTC MODEL.onnx [INPUT.npy ..]

The graph is cut at every quantized activation: each becomes an output and, for its readers, an input of its own, so that
every layer is fed with the reference's own bytes. The reference is onnxruntime with every optimisation off; the cut model is
compiled and run by `zantc run`. Inputs that are not given are drawn from a seeded normal distribution.

Prints each layer with elements that differ, and fails where more than one element of 20,000 of the model does, or one by
more than one quantum. Where onnxruntime's products of u8 and s8 saturate (x86 without VNNI), only QDQ models can be compared.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

BYTES = (TensorProto.INT8, TensorProto.UINT8)
QUANTIZED = ("QuantizeLinear", "QLinear", "QGemm")


def cut_points(graph):
    """Names of the quantized activations that a node computes."""
    constants = {i.name for i in graph.initializer}
    constants |= {o for n in graph.node if n.op_type == "Constant" for o in n.output}
    return [
        n.output[0]
        for n in graph.node
        if n.op_type.startswith(QUANTIZED) and not all(i in constants for i in n.input)
    ]


def reference(model, feeds, names):
    """The values of all cut points, by onnxruntime without optimisation."""
    run = onnx.ModelProto()
    run.CopyFrom(model)
    own = {o.name for o in run.graph.output}
    run.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in own)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(run.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(names, feeds)))


def cut(model, values):
    """The model with its layers apart; gives it and the names of the inputs that were added."""
    apart = onnx.ModelProto()
    apart.CopyFrom(model)
    graph = apart.graph
    fed = []
    for number, (name, value) in enumerate(values.items()):
        readers = [n for n in graph.node if name in n.input]
        if readers:
            new = f"fed_{number}"
            for node in readers:
                node.input[:] = [new if i == name else i for i in node.input]
            dtype = helper.np_dtype_to_tensor_dtype(value.dtype)
            graph.input.append(helper.make_tensor_value_info(new, dtype, value.shape))
            fed.append((new, name))
    del graph.output[:]
    for name, value in values.items():
        dtype = helper.np_dtype_to_tensor_dtype(value.dtype)
        graph.output.append(helper.make_tensor_value_info(name, dtype, value.shape))
    return apart, fed


def main():
    zantc, path, given = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    model = onnx.load(path)
    constants = {i.name for i in model.graph.initializer}
    ports = [i for i in model.graph.input if i.name not in constants]
    rng = np.random.default_rng(0)
    feeds = {}
    for i, port in enumerate(ports):
        shape = [d.dim_value or 1 for d in port.type.tensor_type.shape.dim]
        dtype = helper.tensor_dtype_to_np_dtype(port.type.tensor_type.elem_type)
        if i < len(given):
            feeds[port.name] = np.load(given[i])
        elif port.type.tensor_type.elem_type in BYTES:
            feeds[port.name] = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, shape).astype(dtype)
        else:
            feeds[port.name] = rng.random(shape).astype(dtype)
    values = reference(model, feeds, cut_points(model.graph))
    apart, fed = cut(model, values)
    feeds |= {new: values[name] for new, name in fed}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        onnx.save(apart, folder / "apart.onnx")
        inputs = []
        for i, port in enumerate(p for p in apart.graph.input if p.name not in constants):
            np.save(folder / f"in_{i}.npy", feeds[port.name])
            inputs += ["--input", str(folder / f"in_{i}.npy")]
        command = [zantc, "run", str(folder / "apart.onnx"), *inputs, "--output", str(folder / "out")]
        subprocess.run([*command, "--output-format", "npy"], check=True, stdout=subprocess.DEVNULL)
        total = differing = worst = 0
        for i, (name, value) in enumerate(values.items()):
            got = np.load(folder / "out" / f"output_{i}.npy").astype(int)
            off = np.abs(got - value.astype(int))
            total += off.size
            differing += int((off > 0).sum())
            worst = max(worst, int(off.max(initial=0)))
            if off.any():
                print(f"{name}: {(off > 0).sum()} of {off.size} elements off, by up to {off.max()}")
    print(f"{path.parent.name}: {len(values)} layers, {differing} of {total} elements off, by up to {worst}")
    return 0 if differing * 20000 <= total and worst <= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
