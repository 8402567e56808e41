"""A small decoder-only transformer in numpy: layers, their gradients, and the model of them.

Each layer is a pair of functions: forward gives the result and what backward needs; backward takes the gradient of the result.
Blocks are pre-norm: x += attention(norm(x)), x += mlp(norm(x)), as in Radford et al., "Language Models are Unsupervised Multitask
Learners" (2019).
"""
import numpy as np

EPSILON = np.float32(1e-5)


def parameters(shape, rng):
    """The parameters by name; `shape` has vocabulary, context, width, layers and heads."""
    d, v = shape["width"], shape["vocabulary"]
    normal = lambda rows, cols, scale: (rng.standard_normal((rows, cols)) * scale).astype(np.float32)  # noqa: E731
    p = {"tokens": normal(v, d, 0.1), "positions": normal(shape["context"], d, 0.1)}
    narrow = d**-0.5 / np.sqrt(2 * shape["layers"])
    for i in range(shape["layers"]):
        p[f"{i}.norm1.scale"], p[f"{i}.norm1.bias"] = np.ones(d, np.float32), np.zeros(d, np.float32)
        p[f"{i}.qkv.weight"], p[f"{i}.qkv.bias"] = normal(d, 3 * d, d**-0.5), np.zeros(3 * d, np.float32)
        p[f"{i}.proj.weight"], p[f"{i}.proj.bias"] = normal(d, d, narrow), np.zeros(d, np.float32)
        p[f"{i}.norm2.scale"], p[f"{i}.norm2.bias"] = np.ones(d, np.float32), np.zeros(d, np.float32)
        p[f"{i}.up.weight"], p[f"{i}.up.bias"] = normal(d, 4 * d, d**-0.5), np.zeros(4 * d, np.float32)
        p[f"{i}.down.weight"], p[f"{i}.down.bias"] = normal(4 * d, d, narrow / 2), np.zeros(d, np.float32)
    p["norm.scale"], p["norm.bias"] = np.ones(d, np.float32), np.zeros(d, np.float32)
    p["head.weight"] = normal(d, v, d**-0.5)
    return p


def norm(x, scale, bias):
    centred = x - x.mean(-1, keepdims=True)
    inverse = 1 / np.sqrt((centred * centred).mean(-1, keepdims=True) + EPSILON)
    unit = centred * inverse
    return unit * scale + bias, (unit, inverse, scale)


def norm_back(dy, saved):
    unit, inverse, scale = saved
    rows = tuple(range(dy.ndim - 1))
    dunit = dy * scale
    dx = inverse * (dunit - dunit.mean(-1, keepdims=True) - unit * (dunit * unit).mean(-1, keepdims=True))
    return dx, (dy * unit).sum(rows), dy.sum(rows)


def linear_back(x, weight, dy):
    """Gradients of x, weight and bias of `x @ weight + bias`."""
    rows = dy.reshape(-1, dy.shape[-1])
    return dy @ weight.T, x.reshape(-1, x.shape[-1]).T @ rows, rows.sum(0)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def heads(x, n):
    b, t, d = x.shape
    return x.reshape(b, t, n, d // n).transpose(0, 2, 1, 3)


def merged(x):
    b, n, t, d = x.shape
    return x.transpose(0, 2, 1, 3).reshape(b, t, n * d)


def loss_and_gradients(p, shape, ids, wanted):
    """The mean of the negative logarithm of the probability of each wanted token, in nats, and its gradients."""
    n, t = shape["heads"], ids.shape[1]
    scale = np.float32((shape["width"] // n) ** -0.5)
    mask = np.triu(np.full((t, t), -1e9, np.float32), 1)
    x = p["tokens"][ids] + p["positions"][:t]
    saved = []
    for i in range(shape["layers"]):
        a, norm1 = norm(x, p[f"{i}.norm1.scale"], p[f"{i}.norm1.bias"])
        q, k, v = (heads(part, n) for part in np.split(a @ p[f"{i}.qkv.weight"] + p[f"{i}.qkv.bias"], 3, -1))
        weights = softmax(q @ k.swapaxes(-1, -2) * scale + mask)
        mixed = merged(weights @ v)
        x = x + mixed @ p[f"{i}.proj.weight"] + p[f"{i}.proj.bias"]
        c, norm2 = norm(x, p[f"{i}.norm2.scale"], p[f"{i}.norm2.bias"])
        up = c @ p[f"{i}.up.weight"] + p[f"{i}.up.bias"]
        active = np.maximum(up, 0)
        x = x + active @ p[f"{i}.down.weight"] + p[f"{i}.down.bias"]
        saved.append((a, norm1, q, k, v, weights, mixed, c, norm2, active))
    y, last = norm(x, p["norm.scale"], p["norm.bias"])
    chances = softmax(y @ p["head.weight"])
    taken = np.take_along_axis(chances, wanted[..., None], -1)
    loss = float(-np.log(taken + 1e-30).mean())

    g = {}
    dlogits = chances
    np.put_along_axis(dlogits, wanted[..., None], taken - 1, -1)
    dlogits /= np.float32(wanted.size)
    dy, g["head.weight"], _ = linear_back(y, p["head.weight"], dlogits)
    dx, g["norm.scale"], g["norm.bias"] = norm_back(dy, last)
    for i in reversed(range(shape["layers"])):
        a, norm1, q, k, v, weights, mixed, c, norm2, active = saved[i]
        dactive, g[f"{i}.down.weight"], g[f"{i}.down.bias"] = linear_back(active, p[f"{i}.down.weight"], dx)
        dc, g[f"{i}.up.weight"], g[f"{i}.up.bias"] = linear_back(c, p[f"{i}.up.weight"], dactive * (active > 0))
        back, g[f"{i}.norm2.scale"], g[f"{i}.norm2.bias"] = norm_back(dc, norm2)
        dx = dx + back
        dmixed, g[f"{i}.proj.weight"], g[f"{i}.proj.bias"] = linear_back(mixed, p[f"{i}.proj.weight"], dx)
        dmixed = heads(dmixed, n)
        dweights = dmixed @ v.swapaxes(-1, -2)
        dscores = weights * (dweights - (dweights * weights).sum(-1, keepdims=True)) * scale
        parts = dscores @ k, dscores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dmixed
        dqkv = np.concatenate([merged(part) for part in parts], -1)
        da, g[f"{i}.qkv.weight"], g[f"{i}.qkv.bias"] = linear_back(a, p[f"{i}.qkv.weight"], dqkv)
        back, g[f"{i}.norm1.scale"], g[f"{i}.norm1.bias"] = norm_back(da, norm1)
        dx = dx + back
    g["positions"] = np.zeros_like(p["positions"])
    g["positions"][:t] = dx.sum(0)
    g["tokens"] = np.zeros_like(p["tokens"])
    np.add.at(g["tokens"], ids, dx)
    return loss, g
