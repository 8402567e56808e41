"""MODEL INPUTS LOGITS NAME:DTYPE:SHAPE:PLACE.. -- INPUT:OUTPUT:DTYPE:SHAPE..: a session of a decoder by onnxruntime.

`new` empties the caches and answers with nanoseconds and two zeros; `k` reads the inputs from the file, computes, and answers with the
nanoseconds of computing, of both, the most likely token and two zeros. The caches are inputs and outputs, bound to memory: an output of the
input's shape takes its place for the next run, a part of it is copied into the next slot (not timed).
"""
import sys
import time

import numpy as np
import onnxruntime

model, path, logits, *rest = sys.argv[1:]
split = rest.index("--")


def shaped(text):
    return [int(d) for d in text.split(",") if d]


ports = []
for port in rest[:split]:
    name, dtype, shape, place = port.rsplit(":", 3)
    ports.append((name, np.dtype(dtype), shaped(shape), int(place)))
states = []
for state in rest[split + 1 :]:
    pair, dtype, shape = state.rsplit(":", 2)
    taken, given = pair.split("=>")
    states.append((taken, given, np.dtype(dtype), shaped(shape)))

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 4
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
shapes = {output.name: output.shape for output in session.get_outputs()}


def zeros(shape, dtype):
    return np.zeros(shape, dtype)


def make():
    caches = {taken: zeros(shape, dtype) for taken, _, dtype, shape in states}
    outputs = {given: zeros(shapes[given], dtype) for _, given, dtype, _ in states}
    return caches, outputs


caches, outputs = make()
slot = 0
for line in sys.stdin:
    if line.startswith("n"):
        start = time.perf_counter_ns()
        caches, outputs = make()
        slot = 0
        print(time.perf_counter_ns() - start, 0, 0, sep="\n", flush=True)
        continue
    binding = session.io_binding()
    with open(path, "rb") as file:
        bytes_ = file.read()
    held = []
    for name, dtype, shape, place in ports:
        count = int(np.prod(shape, dtype=np.int64))
        value = np.frombuffer(bytes_, dtype, count, place).reshape(shape).copy()
        held.append(value)
        binding.bind_cpu_input(name, value)
    for taken, given, dtype, _ in states:
        binding.bind_cpu_input(taken, caches[taken])
        binding.bind_output(given, "cpu", 0, dtype, outputs[given].shape, outputs[given].ctypes.data)
    binding.bind_output(logits)
    run, bound = session._sess.run_with_iobinding, binding._iobinding
    start = time.perf_counter_ns()
    run(bound, None)
    forward = time.perf_counter_ns()
    scores = binding.get_outputs()[len(states)].numpy().reshape(-1, shapes[logits][-1])[-1]
    token = int(scores.argmax())
    end = time.perf_counter_ns()
    for taken, given, _, shape in states:
        if list(outputs[given].shape) == shape:
            caches[taken], outputs[given] = outputs[given], caches[taken]
        else:
            axis = next(i for i, (a, b) in enumerate(zip(shape, outputs[given].shape)) if a != b)
            at = [slice(None)] * len(shape)
            at[axis] = slice(slot % shape[axis], slot % shape[axis] + outputs[given].shape[axis])
            caches[taken][tuple(at)] = outputs[given]
    slot += 1
    print(forward - start, end - start, token, 0, 0, sep="\n", flush=True)
