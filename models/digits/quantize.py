"""Quantizes `digits.onnx` in QDQ form, calibrated on the training part, and prints all accuracies.

    python models/digits/quantize.py

Writes `models/digits_int8` with activations of 8 bits and `models/digits_16x8` with activations of 16: the model, with signed
activations per tensor and signed 8-bit weights per channel, and test vectors of the same images as those of the float model.
Their outputs are the plain meaning of the file, node by node in floats.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

import data
import export
from train import vector_rows

HERE = Path(__file__).resolve().parent
FLOAT = HERE / "digits.onnx"
QUANTIZED = {
    HERE.parent / "digits_int8" / "digits_int8.onnx": QuantType.QInt8,
    HERE.parent / "digits_16x8" / "digits_16x8.onnx": QuantType.QInt16,
}


class Images(CalibrationDataReader):
    """The images of a part, one by one."""

    def __init__(self, part: data.Part) -> None:
        self.images = iter(part.images.astype(np.float32))

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self.images, None)
        return None if image is None else {export.INPUT: image[None]}


def quantize(path: Path, activations: QuantType, train: data.Part) -> None:
    """Write a quantized model."""
    path.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        folded = Path(folder) / "folded.onnx"
        # BatchNormalization is folded into the convolution before it: its result is what is calibrated.
        quant_pre_process(str(FLOAT), str(folded), skip_symbolic_shape=True)
        quantize_static(
            str(folded),
            str(path),
            Images(train),
            quant_format=QuantFormat.QDQ,
            activation_type=activations,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )


def write_vectors(path: Path, test: data.Part) -> None:
    """Write the test vectors of a quantized model."""
    reference = export.Reference(path)
    for index, row in enumerate(vector_rows(test)):
        folder = path.with_name(f"test_data_set_{index}")
        image, output = test.images[row][None].astype(np.float32), reference.run(test.images[row])
        export.save(onnx.numpy_helper.from_array(image, export.INPUT), folder / "input_0.pb")
        export.save(onnx.numpy_helper.from_array(output, export.OUTPUT), folder / "output_0.pb")


def accuracy(path: Path, part: data.Part) -> float:
    """The share of digits that a model gets right."""
    return round(float((export.Reference(path).classify(part.images) == part.labels).mean()), 4)


def main() -> None:
    train, test = data.split()
    for path, activations in QUANTIZED.items():
        quantize(path, activations, train)
        write_vectors(path, test)
    print(json.dumps({path.stem: accuracy(path, test) for path in (FLOAT, *QUANTIZED)}))


if __name__ == "__main__":
    main()
