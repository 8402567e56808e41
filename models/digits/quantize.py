"""Quantizes `digits.onnx` to 8 bits in QDQ form, calibrated on the training part, and prints both accuracies.

    python models/digits/quantize.py

Writes `digits_int8.onnx` beside the float model: signed activations per tensor, signed weights per channel.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from data import Part, split
from export import INPUT

HERE = Path(__file__).parent
FLOAT, INT8 = HERE / "digits.onnx", HERE / "digits_int8.onnx"


class Images(CalibrationDataReader):
    """The images of a part, one by one."""

    def __init__(self, part: Part) -> None:
        self.images = iter(part.images.astype(np.float32))

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self.images, None)
        return None if image is None else {INPUT: image[None]}


def accuracy(path: Path, part: Part) -> float:
    """The share of digits that a model gets right, without optimisation: the plain meaning of the file."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    right = sum(
        int(session.run(None, {INPUT: image[None]})[0].argmax() == label)
        for image, label in zip(part.images.astype(np.float32), part.labels)
    )
    return right / len(part)


def main() -> None:
    train, test = split()
    with tempfile.TemporaryDirectory() as folder:
        folded = Path(folder) / "folded.onnx"
        # BatchNormalization is folded into the convolution before it: its result is what is calibrated.
        quant_pre_process(str(FLOAT), str(folded), skip_symbolic_shape=True)
        quantize_static(
            str(folded),
            str(INT8),
            Images(train),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
    accuracies = {path.stem: round(accuracy(path, test), 4) for path in (FLOAT, INT8)}
    print(json.dumps(accuracies))


if __name__ == "__main__":
    main()
