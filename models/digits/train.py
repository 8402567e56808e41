"""Make `digits.onnx`, its test vectors and `info.json`; with `--check`, verify the committed ones instead.

    python models/digits/train.py
    python models/digits/train.py --check

Run twice it writes the same bytes. Each file that can be made is one `Artefact` in a folder of its own; one more
version of the model (another number format, say) is one more entry in `ARTEFACTS`.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx

import data
import export
from network import Network
from training import Settings, fit

HERE = Path(__file__).resolve().parent
MIN_ACCURACY = 0.98
# Each of these digits gives one test vector: its first image in the test part. The model gets all three right.
VECTOR_DIGITS = (2, 5, 8)
# ONNX Runtime chooses its instructions by the processor, so probabilities may differ in their last bits.
OUTPUT_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Artefact:
    """One model file with what lies beside it, and how to build it from the trained network."""

    path: Path
    build: Callable[[Network, data.Part], onnx.ModelProto]

    @property
    def info(self) -> Path:
        return self.path.with_name("info.json")

    def vector(self, index: int) -> Path:
        """Return the folder of a test vector, where `zantc verify` looks for it."""
        return self.path.with_name(f"test_data_set_{index}")


ARTEFACTS = [Artefact(HERE / "digits.onnx", lambda network, _train: export.build(network))]


def main() -> int:
    """Run the command line; 1 when a check fails."""
    parser = argparse.ArgumentParser(description="Make or check the digit classifier.")
    parser.add_argument("--check", action="store_true", help="train nothing, verify the files that are there")
    check_only = parser.parse_args().check
    train, test = data.split()
    if not check_only:
        settings = Settings()
        network = fit(train, settings)
        for artefact in ARTEFACTS:
            make(artefact, network, train, test, settings)
    problems = [problem for artefact in ARTEFACTS for problem in check(artefact, train, test)]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


def make(artefact: Artefact, network: Network, train: data.Part, test: data.Part, settings: Settings) -> None:
    """Write the model, its vectors and its description."""
    model = artefact.build(network, train)
    export.save(model, artefact.path)
    reference = export.Reference(artefact.path)
    for index, row in enumerate(vector_rows(test)):
        image, output = test.images[row], reference.run(test.images[row])
        folder = artefact.vector(index)
        export.save(onnx.numpy_helper.from_array(image[None].astype(np.float32), export.INPUT), folder / "input_0.pb")
        export.save(onnx.numpy_helper.from_array(output, export.OUTPUT), folder / "output_0.pb")
    info = describe(artefact, model, train, test, settings)
    artefact.info.write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8", newline="\n")


def describe(artefact: Artefact, model: onnx.ModelProto, train: data.Part, test: data.Part, settings: Settings) -> dict:
    """Return the content of `info.json`."""
    return {
        "model": artefact.path.name,
        "sha256": digest(artefact.path),
        "accuracy": accuracies(artefact, train, test),
        "parameters": sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer),
        "split": {
            "train": len(train),
            "test": len(test),
            "seed": data.SPLIT_SEED,
            "stratified": True,
        },
        "training": asdict(settings),
        "weight_grid": export.GRID,
        "test_vectors": [
            {"folder": artefact.vector(index).name, "digit": int(test.labels[row]), "row": int(test.rows[row])}
            for index, row in enumerate(vector_rows(test))
        ],
        "made_with": {name: version(name) for name in ("numpy", "onnx", "onnxruntime", "scikit-learn")},
    }


def accuracies(artefact: Artefact, train: data.Part, test: data.Part) -> dict[str, float]:
    """Return the share of right answers of the file on both parts, by the reference."""
    reference = export.Reference(artefact.path)
    parts = {"test": test, "train": train}
    return {
        name: round(float((reference.classify(part.images) == part.labels).mean()), 4) for name, part in parts.items()
    }


def vector_rows(test: data.Part) -> list[int]:
    """Return the places in the test part of the images that are test vectors."""
    return [int(np.flatnonzero(test.labels == digit)[0]) for digit in VECTOR_DIGITS]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check(artefact: Artefact, train: data.Part, test: data.Part) -> list[str]:
    """Return what is wrong with the files of `artefact`."""
    onnx.checker.check_model(onnx.load(artefact.path), full_check=True)
    info = json.loads(artefact.info.read_text(encoding="utf-8"))
    found = accuracies(artefact, train, test)
    problems = []
    if digest(artefact.path) != info["sha256"]:
        problems.append(f"{artefact.path.name} is not the file that {artefact.info.name} describes")
    if found != info["accuracy"]:
        problems.append(f"accuracy is {found}, {artefact.info.name} says {info['accuracy']}")
    if found["test"] < MIN_ACCURACY:
        problems.append(f"accuracy on the test part is {found['test']}, below {MIN_ACCURACY}")
    problems += check_vectors(artefact, test)
    print(f"{artefact.path.name}: accuracy {found['test']:.2%} on {len(test)} test digits")
    return problems


def check_vectors(artefact: Artefact, test: data.Part) -> list[str]:
    """Return which test vectors are not what the data and the reference give."""
    reference = export.Reference(artefact.path)
    problems = []
    for index, row in enumerate(vector_rows(test)):
        folder = artefact.vector(index)
        image = export.load_tensor(folder / "input_0.pb")
        output = export.load_tensor(folder / "output_0.pb")
        if not np.array_equal(image, test.images[row][None].astype(np.float32)):
            problems.append(f"{folder.name}: input is not row {test.rows[row]} of the data set")
        if not np.allclose(output, reference.run(image[0]), rtol=0, atol=OUTPUT_TOLERANCE):
            problems.append(f"{folder.name}: output is not what the reference computes")
        if output.argmax() != test.labels[row]:
            problems.append(f"{folder.name}: output does not name the digit {test.labels[row]}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
