"""Quantizes a model by onnxruntime's own quantizer, to stand beside ours.

    python models/onnxruntime_int8.py MODEL.onnx EXAMPLES.npy RESULT.onnx [--calibrate minmax|entropy|percentile] [--examples 512]

Static, QuantizeLinear and DequantizeLinear, weights per channel, int8; the model is prepared as its documentation says.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}


class Examples(CalibrationDataReader):
    """One example a run."""

    def __init__(self, name: str, numbers: np.ndarray) -> None:
        self.runs = iter([{name: example[None].astype(np.float32)} for example in numbers])

    def get_next(self) -> dict | None:
        return next(self.runs, None)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("numbers")
    parser.add_argument("result")
    parser.add_argument("--calibrate", choices=METHODS, default="minmax")
    parser.add_argument("--examples", type=int, default=512)
    args = parser.parse_args()
    name = onnx.load(args.model, load_external_data=False).graph.input[0].name
    with tempfile.TemporaryDirectory() as folder:
        prepared = str(Path(folder) / "model.onnx")
        quant_pre_process(args.model, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            args.result,
            Examples(name, np.load(args.numbers)[: args.examples]),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QInt8,
            calibrate_method=METHODS[args.calibrate],
        )


if __name__ == "__main__":
    main()
