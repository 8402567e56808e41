"""The digits of scikit-learn and the one split that every step of this folder uses."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

CLASSES = 10
SIZE = 8
TEST_FRACTION = 0.2
SPLIT_SEED = 20
# Pixels are counts 0..16; dividing by a power of two keeps them exact in every float type.
PIXEL_MAX = 16.0


@dataclass(frozen=True)
class Part:
    """Some of the digits: images `[n, 1, 8, 8]` in 0..1, labels `[n]`, and their rows in the data set."""

    images: np.ndarray
    labels: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def split() -> tuple[Part, Part]:
    """Return the training and the test part; the classes are spread evenly over both."""
    digits = load_digits()
    images = (digits.images / PIXEL_MAX).reshape(-1, 1, SIZE, SIZE)
    train, test = train_test_split(
        np.arange(len(images)),
        test_size=TEST_FRACTION,
        random_state=SPLIT_SEED,
        stratify=digits.target,
    )
    return (
        Part(images[train], digits.target[train], train),
        Part(images[test], digits.target[test], test),
    )
