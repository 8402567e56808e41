"""A small convolutional network in plain numpy: layers with their gradients, and Adam.

Everything is float64 and NCHW. A layer keeps what its gradient needs from its last training call, so `backward`
follows the `forward(x, training=True)` of the same batch.
"""

from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Parameters = dict[str, np.ndarray]


class Layer(Protocol):
    """One step of the network; `parameters` and `gradients` have the same keys and shapes."""

    parameters: Parameters
    gradients: Parameters

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        """Return the layer's output for the batch `x`."""

    def backward(self, grad: np.ndarray) -> np.ndarray:
        """Store the gradients of the parameters and return the one of the input."""


class Stateless:
    """A layer that learns nothing."""

    def __init__(self) -> None:
        self.parameters: Parameters = {}
        self.gradients: Parameters = {}


class Conv3x3:
    """3x3 convolution, stride 1, one pixel of padding on each side; `weight` is `[out, in, 3, 3]`."""

    def __init__(self, inputs: int, outputs: int, bias: bool, rng: np.random.Generator) -> None:
        scale = np.sqrt(2.0 / (inputs * 9))
        self.parameters: Parameters = {"weight": rng.normal(0.0, scale, (outputs, inputs, 3, 3))}
        if bias:
            self.parameters["bias"] = np.zeros(outputs)
        self.gradients: Parameters = {}

    @staticmethod
    def _windows(x: np.ndarray) -> np.ndarray:
        """Return the padded 3x3 neighbourhoods, `[n, c, h, w, 3, 3]`."""
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        return sliding_window_view(padded, (3, 3), axis=(2, 3))

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        windows = self._windows(x)
        if training:
            self._last = windows
        y = np.tensordot(windows, self.parameters["weight"], axes=((1, 4, 5), (1, 2, 3)))
        if "bias" in self.parameters:
            y += self.parameters["bias"]
        return y.transpose(0, 3, 1, 2)

    def backward(self, grad: np.ndarray) -> np.ndarray:
        self.gradients["weight"] = np.tensordot(grad, self._last, axes=((0, 2, 3), (0, 2, 3)))
        if "bias" in self.parameters:
            self.gradients["bias"] = grad.sum(axis=(0, 2, 3))
        # The gradient of the input is the convolution of `grad` with the weights turned by 180 degrees.
        turned = self.parameters["weight"][:, :, ::-1, ::-1]
        dx = np.tensordot(self._windows(grad), turned, axes=((1, 4, 5), (0, 2, 3)))
        return dx.transpose(0, 3, 1, 2)


class BatchNorm:
    """Normalisation by channel; the running statistics, not the batch's, are used outside training."""

    EPSILON = 1e-5
    MOMENTUM = 0.9

    def __init__(self, channels: int) -> None:
        self.parameters: Parameters = {"scale": np.ones(channels), "bias": np.zeros(channels)}
        self.gradients: Parameters = {}
        self.mean = np.zeros(channels)
        self.var = np.ones(channels)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        mean, var = self.mean, self.var
        if training:
            mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
            self.mean = self.MOMENTUM * self.mean + (1 - self.MOMENTUM) * mean
            self.var = self.MOMENTUM * self.var + (1 - self.MOMENTUM) * var
        inverse = 1.0 / np.sqrt(_by_channel(var) + self.EPSILON)
        normal = (x - _by_channel(mean)) * inverse
        if training:
            self._last = (normal, inverse)
        return normal * _by_channel(self.parameters["scale"]) + _by_channel(self.parameters["bias"])

    def backward(self, grad: np.ndarray) -> np.ndarray:
        normal, inverse = self._last
        self.gradients["scale"] = (grad * normal).sum(axis=(0, 2, 3))
        self.gradients["bias"] = grad.sum(axis=(0, 2, 3))
        count = grad.size / grad.shape[1]
        mean_grad = _by_channel(self.gradients["bias"] / count)
        mean_product = _by_channel(self.gradients["scale"] / count)
        centred = grad - mean_grad - normal * mean_product
        return centred * inverse * _by_channel(self.parameters["scale"])


class Relu(Stateless):
    """max(x, 0)."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if training:
            self._last = x > 0
        return np.maximum(x, 0.0)

    def backward(self, grad: np.ndarray) -> np.ndarray:
        return grad * self._last


class MaxPool2(Stateless):
    """2x2 maximum, stride 2, of images with even sides; ties share the gradient."""

    @staticmethod
    def _tiles(x: np.ndarray) -> np.ndarray:
        n, c, h, w = x.shape
        return x.reshape(n, c, h // 2, 2, w // 2, 2)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        tiles = self._tiles(x)
        y = tiles.max(axis=(3, 5))
        if training:
            chosen = tiles == y[:, :, :, None, :, None]
            self._last = chosen / chosen.sum(axis=(3, 5), keepdims=True)
        return y

    def backward(self, grad: np.ndarray) -> np.ndarray:
        n, c, h, w = grad.shape
        return (self._last * grad[:, :, :, None, :, None]).reshape(n, c, h * 2, w * 2)


class Flatten(Stateless):
    """`[n, ...]` to `[n, features]`."""

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if training:
            self._last = x.shape
        return x.reshape(len(x), -1)

    def backward(self, grad: np.ndarray) -> np.ndarray:
        return grad.reshape(self._last)


class Linear:
    """x * weight^T + bias; `weight` is `[out, in]`."""

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator) -> None:
        weight = rng.normal(0.0, np.sqrt(1.0 / inputs), (outputs, inputs))
        self.parameters: Parameters = {"weight": weight, "bias": np.zeros(outputs)}
        self.gradients: Parameters = {}

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        if training:
            self._last = x
        return x @ self.parameters["weight"].T + self.parameters["bias"]

    def backward(self, grad: np.ndarray) -> np.ndarray:
        self.gradients["weight"] = grad.T @ self._last
        self.gradients["bias"] = grad.sum(axis=0)
        return grad @ self.parameters["weight"]


class Network:
    """Conv 8, BatchNorm, Relu, pool, Conv 16, Relu, pool, Linear: from an 8x8 image to ten logits."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.conv1 = Conv3x3(1, 8, bias=False, rng=rng)
        self.norm1 = BatchNorm(8)
        self.conv2 = Conv3x3(8, 16, bias=True, rng=rng)
        self.linear = Linear(64, 10, rng)
        self.layers: list[Layer] = [
            self.conv1, self.norm1, Relu(), MaxPool2(),
            self.conv2, Relu(), MaxPool2(),
            Flatten(), self.linear,
        ]  # fmt: skip

    def forward(self, images: np.ndarray, training: bool = False) -> np.ndarray:
        """Return the logits `[n, 10]`."""
        x = images
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def loss(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Return the mean cross entropy of a training batch and leave its gradients in the layers."""
        logits = self.forward(images, training=True)
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        rows = np.arange(len(labels))
        grad = np.exp(log_probabilities)
        grad[rows, labels] -= 1.0
        grad /= len(labels)
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return float(-log_probabilities[rows, labels].mean())


class Adam:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019) on the tensors named `weight`."""

    BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

    def __init__(self, layers: list[Layer], decay: float) -> None:
        self.layers = layers
        self.decay = decay
        self.step_count = 0
        self.moments = [
            {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in layer.parameters.items()}
            for layer in layers
        ]

    def step(self, rate: float) -> None:
        """Move every parameter along its gradient, in place."""
        self.step_count += 1
        correction1 = 1 - self.BETA1**self.step_count
        correction2 = 1 - self.BETA2**self.step_count
        for layer, moments in zip(self.layers, self.moments, strict=True):
            for name, value in layer.parameters.items():
                grad = layer.gradients[name]
                first, second = moments[name]
                first += (1 - self.BETA1) * (grad - first)
                second += (1 - self.BETA2) * (grad**2 - second)
                if name == "weight":
                    value *= 1 - rate * self.decay
                value -= rate * (first / correction1) / (np.sqrt(second / correction2) + self.EPSILON)


def _by_channel(values: np.ndarray) -> np.ndarray:
    return values[None, :, None, None]
