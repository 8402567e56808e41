"""INPUTS MODEL LOGITS COUNT NAME:DTYPE:SHAPE:PLACE.. COUNT INPUT=>OUTPUT:DTYPE:SHAPE..: a session of a decoder by onnxruntime.

The same from MODEL on may follow for a model that reads prompts at once. `new` empties the caches and answers with nanoseconds and two zeros; `k`
reads the inputs from the file, computes, and answers with the nanoseconds of computing, of both, the most likely token and two zeros; `pN` lets
the reader of prompts do so, N of whose tokens count. The caches are inputs and outputs, bound to memory: an output of the input's shape takes its
place for the next run, a part of it is copied into the next slots (not timed).
"""
import sys
import time

import numpy as np
import onnxruntime

path, *rest = sys.argv[1:]


def shaped(text):
    return [int(d) for d in text.split(",") if d]


class Part:
    """A model with its inputs and caches."""

    def __init__(self, arguments):
        take = lambda: arguments.pop(0)  # noqa: E731
        model, self.logits = take(), take()
        self.ports = []
        for _ in range(int(take())):
            name, dtype, shape, place = take().rsplit(":", 3)
            self.ports.append((name, np.dtype(dtype), shaped(shape), int(place)))
        self.states = []
        for _ in range(int(take())):
            pair, dtype, shape = take().rsplit(":", 2)
            taken, given = pair.split("=>")
            self.states.append((taken, given, np.dtype(dtype), shaped(shape)))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.shapes = {output.name: output.shape for output in self.session.get_outputs()}
        self.inputs = {value.name for value in self.session.get_inputs()}
        self.empty()

    def empty(self):
        self.outputs = {given: np.zeros(self.shapes[given], dtype) for _, given, dtype, _ in self.states}

    def run(self, row):
        """Computes; answers with the times and the token whose score in a row of the output is the highest."""
        binding = self.session.io_binding()
        with open(path, "rb") as file:
            bytes_ = file.read()
        held = []
        for name, dtype, shape, place in self.ports:
            count = int(np.prod(shape, dtype=np.int64))
            value = np.frombuffer(bytes_, dtype, count, place).reshape(shape).copy()
            held.append(value)
            binding.bind_cpu_input(name, value)
        for taken, given, dtype, _ in self.states:
            if taken in self.inputs and all(taken != name for name, *_ in self.ports):
                binding.bind_cpu_input(taken, caches[taken])
            output = self.outputs[given]
            binding.bind_output(given, "cpu", 0, dtype, output.shape, output.ctypes.data)
        binding.bind_output(self.logits)
        run, bound = self.session._sess.run_with_iobinding, binding._iobinding
        start = time.perf_counter_ns()
        run(bound, None)
        forward = time.perf_counter_ns()
        scores = binding.get_outputs()[len(self.states)].numpy().reshape(-1, self.shapes[self.logits][-1])
        token = int(scores[row if len(scores) > 1 else 0].argmax())
        end = time.perf_counter_ns()
        print(forward - start, end - start, token, 0, 0, sep="\n", flush=True)

    def keep(self, slot):
        """The outputs become caches: whole, or from a slot on."""
        for taken, given, _, shape in self.states:
            output = self.outputs[given]
            if list(output.shape) == shape:
                caches[taken], self.outputs[given] = output, caches[taken]
            else:
                axis = next(i for i, (a, b) in enumerate(zip(shape, output.shape)) if a != b)
                at = [slice(None)] * len(shape)
                at[axis] = slice(slot % shape[axis], slot % shape[axis] + output.shape[axis])
                caches[taken][tuple(at)] = output


decoder = Part(rest)
reader = Part(rest) if rest else None
caches, slot = {}, 0


def begin():
    global caches, slot
    caches = {taken: np.zeros(shape, dtype) for taken, _, dtype, shape in decoder.states}
    slot = 0
    for part in filter(None, (decoder, reader)):
        part.empty()


begin()
for line in sys.stdin:
    if line.startswith("n"):
        start = time.perf_counter_ns()
        begin()
        print(time.perf_counter_ns() - start, 0, 0, sep="\n", flush=True)
    elif line.startswith("p"):
        length = int(line[1:])
        reader.run(length - 1)
        reader.keep(0)
        slot = length
    else:
        decoder.run(-1)
        decoder.keep(slot)
        slot += 1
