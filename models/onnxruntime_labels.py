"""The class that onnxruntime, without optimisation, gives each example, for each of many models.

    python models/onnxruntime_labels.py EXAMPLES.npy FOLDER NAME=MODEL.onnx...

Writes FOLDER/NAME.npy (int64) for each: labels for `zantc eval`, which then says how often both agree. What is there and newer than its
model is kept.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort


def classes(model: str, examples: np.ndarray) -> np.ndarray:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    scores = [session.run(None, {name: example[None].astype(np.float32)})[0] for example in examples]
    return np.concatenate(scores).reshape(len(examples), -1).argmax(axis=1).astype(np.int64)


def main() -> None:
    examples, folder = np.load(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for pair in sys.argv[3:]:
        name, model = pair.split("=", 1)
        path = folder / f"{name}.npy"
        if path.exists() and path.stat().st_mtime >= Path(model).stat().st_mtime:
            continue
        print(f"  onnxruntime answers by {name}", flush=True)
        np.save(path, classes(model, examples))


if __name__ == "__main__":
    main()
