"""RUNTIME MODEL FOLDER NAME:DTYPE:SHAPE..: runs a model on FOLDER/input_K.bin as often as each line of input says, and
answers with the nanoseconds that it took."""
import sys
import time

import numpy as np

runtime, model, folder, *ports = sys.argv[1:]
inputs = {}
for i, port in enumerate(ports):
    name, dtype, shape = port.rsplit(":", 2)
    shape = [int(d) for d in shape.split(",") if d]
    inputs[name] = np.fromfile(f"{folder}/input_{i}.bin", dtype=dtype).reshape(shape)

if runtime.startswith("ort"):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 4
    if runtime == "ort-exact":
        options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for name, value in inputs.items():
        binding.bind_cpu_input(name, value)
    for output in session.get_outputs():
        binding.bind_output(output.name)
    # The methods below `session` and `binding`: the least that Python adds to a run.
    run, bound = session._sess.run_with_iobinding, binding._iobinding
    invoke = lambda: run(bound, None)
else:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model, num_threads=1)
    interpreter.allocate_tensors()
    for detail, value in zip(interpreter.get_input_details(), inputs.values(), strict=True):
        interpreter.set_tensor(detail["index"], value.reshape(detail["shape"]))
    invoke = interpreter.invoke

for line in sys.stdin:
    rounds = range(int(line))
    start = time.perf_counter_ns()
    for _ in rounds:
        invoke()
    print(time.perf_counter_ns() - start, flush=True)
