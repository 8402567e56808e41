"""Trains a character model on the text beside it, and writes it as a decoder and its prefill twin: a few minutes on one core.

    python models/wonderland/train.py [--steps 4000]
    python models/wonderland/train.py --check     # trains nothing: compares the two models with each other by ONNX Runtime

The text is Lewis Carroll, Alice's Adventures in Wonderland (1865), in the public domain: a paragraph in each line.
"""
import argparse
import json
import pathlib
import time

import numpy as np

import export
import network

FOLDER = pathlib.Path(__file__).parent
SHAPE = {"context": 128, "width": 64, "layers": 3, "heads": 4}
SEED = 1865
BATCH = 8
RATE = 3e-3
WARM_UP = 100
DECAY = 0.2
BETAS = 0.9, 0.98
# The last part of the text is held back.
HELD_BACK = 0.05


def batches(ids, rng, length):
    while True:
        at = rng.integers(0, len(ids) - length - 1, BATCH)[:, None] + np.arange(length + 1)
        chosen = ids[at]
        yield chosen[:, :-1], chosen[:, 1:]


def rate(step, steps):
    """Linear warm-up, then half a cosine down to a tenth."""
    if step < WARM_UP:
        return RATE * (step + 1) / WARM_UP
    done = (step - WARM_UP) / max(1, steps - WARM_UP)
    return RATE * (0.1 + 0.45 * (1 + np.cos(np.pi * done)))


def train(ids, shape, steps):
    """Adam with decoupled decay of weights (Loshchilov and Hutter, 2019), gradients clipped to a norm of 1."""
    rng = np.random.default_rng(SEED)
    p = network.parameters(shape, rng)
    first, second = ({k: np.zeros_like(v) for k, v in p.items()} for _ in range(2))
    start, shown = time.time(), []
    for step, (x, y) in zip(range(steps), batches(ids, rng, shape["context"])):
        loss, g = network.loss_and_gradients(p, shape, x, y)
        size = np.sqrt(sum(float((v * v).sum()) for v in g.values()))
        clip, now = min(1.0, 1.0 / size), rate(step, steps)
        for k, v in g.items():
            v *= np.float32(clip)
            first[k] += np.float32(1 - BETAS[0]) * (v - first[k])
            second[k] += np.float32(1 - BETAS[1]) * (v * v - second[k])
            a, b = first[k] / np.float32(1 - BETAS[0] ** (step + 1)), second[k] / np.float32(1 - BETAS[1] ** (step + 1))
            if k.endswith("weight"):
                p[k] *= np.float32(1 - now * DECAY)
            p[k] -= np.float32(now) * a / (np.sqrt(b) + np.float32(1e-8))
        shown.append(loss)
        if (step + 1) % 200 == 0:
            print(f"step {step + 1}: {np.mean(shown[-200:]) / np.log(2):.3f} bits a character, {time.time() - start:.0f} s", flush=True)
    return p


def bits(p, shape, ids):
    """Bits a character over text in pieces of the context's length."""
    n = shape["context"]
    pieces = [ids[i : i + n + 1] for i in range(0, len(ids) - n - 1, n)]
    x = np.stack(pieces)
    return network.loss_and_gradients(p, shape, x[:, :-1], x[:, 1:])[0] / np.log(2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    text = (FOLDER / "text.txt").read_text(encoding="ascii")
    alphabet = "".join(sorted(set(text)))
    if args.check:
        return export.check(FOLDER, alphabet)
    shape = {**SHAPE, "vocabulary": len(alphabet)}
    ids = np.array([alphabet.index(c) for c in text])
    kept = int(len(ids) * (1 - HELD_BACK))
    start = time.time()
    p = train(ids[:kept], shape, args.steps)
    figures = {"bits_seen": round(float(bits(p, shape, ids[:20000])), 3), "bits_held_back": round(float(bits(p, shape, ids[kept:])), 3)}
    print(figures, f"{time.time() - start:.0f} s")
    # Rounding to multiples of 2^-12 keeps last-bit differences between processors out of the file.
    p = {k: (np.round(v * 4096) / 4096).astype(np.float32) for k, v in p.items()}
    export.write(FOLDER, p, shape)
    (FOLDER / "alphabet.txt").write_text(alphabet, encoding="ascii", newline="")
    info = {"shape": shape, "steps": args.steps, "seed": SEED, "parameters": int(sum(v.size for v in p.values())), **figures}
    (FOLDER / "info.json").write_text(json.dumps(info, indent=2) + "\n")
    export.check(FOLDER, alphabet)


if __name__ == "__main__":
    main()
