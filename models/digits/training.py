"""Training of the digit network: distorted copies of the training images, Adam, a rate that falls to zero."""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from data import Part
from network import Adam, Network


@dataclass(frozen=True)
class Settings:
    """What was chosen by five-fold cross-validation inside the training part."""

    seed: int = 1
    epochs: int = 60
    batch: int = 32
    rate: float = 1e-2
    weight_decay: float = 0.3
    # Images are moved by up to this many pixels in each direction ...
    shift: float = 0.3
    # ... and get Gaussian noise of this deviation; pixels are in 0..1.
    noise: float = 0.1


def fit(part: Part, settings: Settings) -> Network:
    """Train a network on `part`, in one thread, from the seed in `settings` alone."""
    rng = np.random.default_rng(settings.seed)
    network = Network(rng)
    adam = Adam(network.layers, settings.weight_decay)
    batches = len(part) // settings.batch
    total = settings.epochs * batches
    # The order of a sum depends on how many threads share it.
    with threadpool_limits(limits=1):
        for step in range(total):
            if step % batches == 0:
                order = rng.permutation(len(part))
            start = step % batches * settings.batch
            chosen = order[start : start + settings.batch]
            network.loss(distort(part.images[chosen], settings, rng), part.labels[chosen])
            adam.step(settings.rate * (1 - step / total))
    return network


def distort(images: np.ndarray, settings: Settings, rng: np.random.Generator) -> np.ndarray:
    """Return the images, each moved by its own fraction of a pixel, with noise added."""
    offsets = rng.uniform(-settings.shift, settings.shift, (2, len(images), 1, 1, 1))
    moved = move(move(images, offsets[0], axis=2), offsets[1], axis=3)
    return moved + rng.normal(0.0, settings.noise, images.shape)


def move(images: np.ndarray, offset: np.ndarray, axis: int) -> np.ndarray:
    """Shift along `axis` by `offset` pixels, at most one, interpolating linearly; zeros come in at the border."""
    margin = [(0, 0)] * images.ndim
    margin[axis] = (1, 1)
    padded = np.pad(images, margin)
    length = images.shape[axis]
    before = padded.take(range(0, length), axis=axis)
    after = padded.take(range(2, length + 2), axis=axis)
    neighbour = np.where(offset > 0, before, after)
    return images * (1 - abs(offset)) + neighbour * abs(offset)
