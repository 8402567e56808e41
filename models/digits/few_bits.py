"""Gives `digits.onnx` weights of 4 bits and prints both accuracies.

    python models/digits/few_bits.py

Writes `models/digits_int4`: the model, made by `models/low_bits.py` with blocks of 16, and test vectors of the same images as those of
the float model.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx

import data
import export
from train import vector_rows

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import low_bits  # noqa: E402

FLOAT, INT4 = HERE / "digits.onnx", HERE.parent / "digits_int4" / "digits_int4.onnx"


def main() -> None:
    _, test = data.split()
    INT4.parent.mkdir(exist_ok=True)
    onnx.save(low_bits.convert(onnx.load(FLOAT), 16, halves=False), INT4)
    reference = export.Reference(INT4)
    for index, row in enumerate(vector_rows(test)):
        folder = INT4.with_name(f"test_data_set_{index}")
        folder.mkdir(exist_ok=True)
        image, output = test.images[row][None].astype(np.float32), reference.run(test.images[row])
        export.save(onnx.numpy_helper.from_array(image, export.INPUT), folder / "input_0.pb")
        export.save(onnx.numpy_helper.from_array(output, export.OUTPUT), folder / "output_0.pb")
    right = {path.stem: (export.Reference(path).classify(test.images) == test.labels).mean() for path in (FLOAT, INT4)}
    print(json.dumps({name: round(float(share), 4) for name, share in right.items()}))


if __name__ == "__main__":
    main()
