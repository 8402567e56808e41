"""Compares what zantc computed of random models with what onnxruntime computes.

    cargo xtask attack models --count 3000 --dump DIR
    python tests/against_onnxruntime.py DIR

needs onnx, onnxruntime and numpy, none of which is a dependency of the project. Each folder in DIR holds a model, its inputs
and zantc's outputs. Integers and bools must be equal (quantized ones may differ by one, at ties); floats may differ
as rounding makes them. Models that onnxruntime cannot load or run are counted by reason. A mismatch is put down to the
operators of the first node whose results differ. Exit code 1 where something differs.
"""

import argparse
import collections
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

onnxruntime.set_default_logger_severity(4)
# Without optimisation, as ONNX defines the operators.
OPTIONS = onnxruntime.SessionOptions()
OPTIONS.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
OPTIONS.intra_op_num_threads = 1
OPTIONS.inter_op_num_threads = 1
# Least and greatest float of a result, relative to its largest: what roundings of another order give.
TOLERANCE = {"float64": 1e-9, "float32": 2e-4, "float16": 1e-2, "bfloat16": 5e-2}


def read(path):
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(tensor)


def vectors(folder, kind):
    count = len(list(folder.glob(f"{kind}_*.pb")))
    return [read(folder / f"{kind}_{i}.pb") for i in range(count)]


def differs(got, want, quantized):
    """Where zantc's result is another than onnxruntime's; None where it is not."""
    if got.shape != want.shape:
        return f"shape {got.shape}, onnxruntime {want.shape}"
    if got.dtype != want.dtype:
        return f"type {got.dtype}, onnxruntime {want.dtype}"
    if got.size == 0:
        return None
    a, b = got.astype(np.float64), want.astype(np.float64)
    kind = str(got.dtype)
    if kind in TOLERANCE:
        finite = np.abs(b[np.isfinite(b)])
        slack = TOLERANCE[kind] * max(1e-3, finite.max() if finite.size else 0.0)
        with np.errstate(invalid="ignore"):
            bad = ~((a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= slack))
    else:
        bad = np.abs(a - b) > (1 if quantized and got.dtype.itemsize == 1 else 0)
    if not bad.any():
        return None
    at = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(bad)))[: got.ndim]
    return f"{int(bad.sum())} of {bad.size} elements of {kind}{list(got.shape)}; at {list(at)} {got[at]}, onnxruntime {want[at]}"


def ancestors(model, output):
    """The operators that an output depends on, the last one first."""
    makers = {o: node for node in model.graph.node for o in node.output}
    seen, todo, operators = set(), [output], []
    while todo:
        node = makers.get(todo.pop(0))
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if node.op_type != "Identity":
            operators.append(node.op_type)
        todo.extend(node.input)
    return operators


def is_wild(arrays):
    """Whether there are infinities, NaN or huge numbers, with which kernels may do as they like."""
    floats = [a.astype(np.float64) for a in arrays if a.dtype.kind not in "iub"]
    large = [a.astype(np.float64) for a in arrays if a.dtype.kind in "iu" and a.dtype.itemsize > 2]
    return any(not np.isfinite(a).all() or (np.abs(a) > 1e5).any() for a in floats + large)


def compare(folder):
    """What became of a model, and the findings in it."""
    model = onnx.load(folder / "model.onnx")
    constants = [numpy_helper.to_array(t) for t in model.graph.initializer]
    constants += [numpy_helper.to_array(a.t) for n in model.graph.node for a in n.attribute if a.type == a.TENSOR]
    if is_wild(constants + vectors(folder / "test_data_set_0", "input")):
        return "wild", []
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), OPTIONS, providers=["CPUExecutionProvider"])
    except Exception as error:
        return "not loaded", [str(error).splitlines()[0][:160]]
    names = [i.name for i in session.get_inputs()]
    data = folder / "test_data_set_0"
    inputs = dict(zip([i.name for i in model.graph.input], vectors(data, "input")))
    try:
        wanted = session.run(None, {name: inputs[name] for name in names})
    except Exception as error:
        return "not run", [str(error).splitlines()[0][:160]]
    quantized = any("Linear" in n.op_type for n in model.graph.node)
    findings = []
    for info, got, want in zip(model.graph.output, vectors(data, "output"), wanted):
        why = differs(got, np.asarray(want), quantized)
        if why:
            findings.append((ancestors(model, info.name), f"{info.name}: {why}"))
    return ("differs" if findings else "equal"), findings


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--reasons", action="store_true", help="print why models were not loaded or run")
    arguments = parser.parse_args()
    counts, reasons, operators = collections.Counter(), collections.Counter(), collections.Counter()
    shortest = {}
    for folder in sorted((f for f in arguments.folder.iterdir() if f.is_dir()), key=lambda f: int(f.name)):
        outcome, findings = compare(folder)
        counts[outcome] += 1
        if outcome.startswith("not"):
            reasons.update([f"{outcome}: {findings[0]}"])
        elif outcome == "differs":
            for made_by, why in findings:
                operators[made_by[0] if made_by else "-"] += 1
                key = made_by[0] if made_by else "-"
                if key not in shortest or len(made_by) < len(shortest[key][0]):
                    shortest[key] = (made_by, f"{folder}: {why}")
    print(", ".join(f"{n} {outcome}" for outcome, n in counts.most_common()))
    for operator, n in operators.most_common():
        made_by, why = shortest[operator]
        print(f"{operator}: {n} outputs, the one of fewest nodes ({' < '.join(made_by[:6])}): {why}")
    if arguments.reasons:
        for reason, n in reasons.most_common(40):
            print(n, reason)
    return 1 if counts["differs"] else 0


if __name__ == "__main__":
    sys.exit(main())
