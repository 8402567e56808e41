# SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
"""Derives the polynomial coefficients of `runtime/src/math`.

Usage: python minimax.py [NAME ...]      (needs mpmath, numpy and scipy; no NAME: every polynomial)

Each entry of FITS is a minimax fit sum(c[k] * x**e[k]) of f on [a, b] by Remez exchange in 90-digit
arithmetic; `weight` multiplies the error, so that weight = 1/F makes it relative to F. The coefficients are
rounded to the target precision one by one, lowest order first, and the others are fitted again each time, so
that the rounding of one is repaired by the next. Printed: the coefficients, exactly as they stand in the Rust
files, and the largest weighted error as a power of two.
"""

import sys

from mpmath import (acos, asin, asinh, atan, atanh, cos, erf, erfc, exp, expm1, inf, log, log1p, lu_solve,
                    matrix, mp, mpf, pi, sin, sinh, sqrt, tanh)

mp.prec = 300


def rounded(x, bits):
    """x rounded to nearest with `bits` bits of precision."""
    with mp.workprec(bits):
        return +mpf(x)


def grid(a, b, count):
    """Chebyshev points of [a, b]: dense at the ends, where minimax errors have their extrema."""
    return [(a + b) / 2 - (b - a) / 2 * cos(pi * (2 * i + 1) / (2 * count)) for i in range(count)]


def line(ts, ws, powers):
    """The single best coefficient: a convex function of one variable, by bisection of the bracket."""
    def worst(c):
        return max(abs((c * p[0] - t) * w) for t, w, p in zip(ts, ws, powers))
    ratios = [t / p[0] for t, p in zip(ts, powers) if p[0] != 0]
    low, high = min(ratios), max(ratios)
    for _ in range(120):
        third = (high - low) / 3
        if worst(low + third) < worst(high - third):
            high -= third
        else:
            low += third
    return [low], worst(low)


def remez(target, weight, exponents, a, b, points=600, rounds=40):
    """Minimax coefficients and largest weighted error of target on the grid."""
    xs = grid(mpf(a), mpf(b), points)
    ws = [weight(x) for x in xs]
    # Where the weight vanishes any value is good, and the system below would be singular.
    largest = max(abs(w) for w in ws)
    xs, ws = zip(*[(x, w) for x, w in zip(xs, ws) if abs(w) > largest / 10000])
    points = len(xs)
    ts = [target(x) for x in xs]
    powers = [[x ** e for e in exponents] for x in xs]
    n = len(exponents)
    if n == 1:
        return line(ts, ws, powers)
    reference = [round((i + mpf(1) / 2) * points / (n + 1) - mpf(1) / 2) for i in range(n + 1)]
    reference = [int(min(max(i, 0), points - 1)) for i in reference]
    for _ in range(rounds):
        system = matrix(n + 1, n + 1)
        right = matrix(n + 1, 1)
        for row, i in enumerate(reference):
            for col in range(n):
                system[row, col] = powers[i][col]
            system[row, n] = (-1) ** row / ws[i]
            right[row] = ts[i]
        solution = lu_solve(system, right)
        coefficients = [solution[k] for k in range(n)]
        level = abs(solution[n])
        errors = [(sum(c * p for c, p in zip(coefficients, powers[i])) - ts[i]) * ws[i] for i in range(points)]
        largest = max(abs(e) for e in errors)
        if largest <= level * (1 + mpf(10) ** -6):
            break
        # One extremum of each run of equal sign; then the n + 1 neighbours with the largest errors.
        extrema = []
        for i, e in enumerate(errors):
            if extrema and (errors[extrema[-1]] > 0) == (e > 0):
                if abs(e) > abs(errors[extrema[-1]]):
                    extrema[-1] = i
            else:
                extrema.append(i)
        while len(extrema) > n + 1:
            if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]):
                extrema.pop(0)
            else:
                extrema.pop()
        if len(extrema) < n + 1 or extrema == reference:
            break
        reference = extrema
    return coefficients, largest


def worst_error(target, weight, exponents, coefficients, a, b):
    """The largest weighted error on a fine grid."""
    xs = grid(mpf(a), mpf(b), 3000)
    return max(abs((sum(c * x ** e for c, e in zip(coefficients, exponents)) - target(x)) * weight(x)) for x in xs)


def fit(target, weight, exponents, a, b, bits=24):
    """As remez, with coefficients of `bits` bits."""
    best, _ = remez(target, weight, exponents, a, b)
    for k in range(len(exponents)):
        best[k] = rounded(best[k], bits)
        if k + 1 == len(exponents):
            break
        def rest(x, k=k):
            return target(x) - sum(c * x ** e for c, e in zip(best[:k + 1], exponents))
        again, _ = remez(rest, weight, exponents[k + 1:], a, b)
        # The exchange need not converge where zero lies inside [a, b]: keep what is better.
        candidate = best[:k + 1] + again
        if worst_error(target, weight, exponents, candidate, a, b) < worst_error(target, weight, exponents, best, a, b):
            best = candidate
    return best, worst_error(target, weight, exponents, best, a, b)


def fit_below(target, weight, exponents, a, b, end):
    """As fit for 24 bits, with the value at b at most `end`: a linear program in f64, so for f32 only."""
    import numpy
    from scipy.optimize import linprog

    xs = [a, b] + grid(a, b, 1500)
    # Errors in units of 2^-24, so that the solver's tolerance is small beside them.
    ws = numpy.array([float(weight(x) * 2 ** 24) for x in xs])
    ts = numpy.array([float(target(x)) for x in xs])
    powers = numpy.array([[float(x ** e) for e in exponents] for x in xs])
    # Columns of equal size, for the solver's sake.
    sizes = abs(powers).max(axis=0)
    powers = powers / sizes
    fixed = numpy.array([])
    for k in range(len(exponents)):
        rest = ts - powers[:, :k] @ fixed
        rows = powers[:, k:] * ws[:, None]
        level = numpy.ones((len(xs), 1))
        left = numpy.vstack([numpy.hstack([rows, -level]), numpy.hstack([-rows, -level]), numpy.append(powers[1, k:], 0)])
        right = numpy.concatenate([rest * ws, -rest * ws, [float(end) - powers[1, :k] @ fixed]])
        free = len(exponents) - k
        solution = linprog([0] * free + [1], left, right, bounds=[(None, None)] * free + [(0, None)], method="highs")
        fixed = numpy.append(fixed, float(numpy.float32(solution.x[0] / sizes[k])) * sizes[k])
    best = [mpf(c) for c in fixed / sizes]
    return best, worst_error(target, weight, exponents, best, a, b)


LN2 = log(mpf(2))


def even(f):
    """f(sqrt(z)), for fits in z = x^2."""
    return lambda z: f(sqrt(z))


# name: (f, weight, exponents, a, b, bits[, largest value at b])
FITS = {
    # expm1(r) = r + r^2 * q(r) on the reduced range of exp; relative to exp.
    "exp": (lambda r: (expm1(r) - r) / r ** 2, lambda r: r ** 2 / exp(r), range(5), "-0.3468", "0.34681", 24),
    # The same with one term less, absolute: enough where the result is 1 - 2 / (1 + exp).
    "tanh_exp": (lambda r: (expm1(r) - r) / r ** 2, lambda r: r ** 2, range(4), "-0.3468", "0.34681", 24),
    # The same with one term more, relative to expm1.
    "expm1": (lambda r: (expm1(r) - r) / r ** 2, lambda r: r ** 2 / expm1(r), range(6), "-0.3468", "0.34681", 24),
    # tanh(x) = x + x * z * P(z), z = x^2.
    "tanh": (even(lambda x: (tanh(x) / x - 1) / x ** 2), even(lambda x: x ** 3 / tanh(x)), range(5), "1e-9", "0.3165", 24),
    # erf(x) = x + x * P(z).
    "erf_small": (even(lambda x: erf(x) / x - 1), even(lambda x: x / erf(x)), range(6), "1e-9", "0.9604", 24),
    # erfc(1 + u) = P(u)^4, absolute error of erfc; at the end so small that 1 - P^4 rounds to 1.
    "erf_large": (lambda u: erfc(1 + u) ** (mpf(1) / 4), lambda u: 4 * erfc(1 + u) ** (mpf(3) / 4), range(8), "-0.02", "3.0", 24,
                  mpf("2.8e-8") ** (mpf(1) / 4)),
    # log(1 + f) = f - f^2/2 + s * (f^2/2 + R), R = z * P(z), s = f / (2 + f), z = s^2.
    "log": (even(lambda s: (2 * atanh(s) / s - 2) / s ** 2), even(lambda s: s ** 3 / (2 * atanh(s))), range(4), "1e-9", "0.02945", 24),
    "log3": (even(lambda s: (2 * atanh(s) / s - 2) / s ** 2), even(lambda s: s ** 3 / (2 * atanh(s))), range(3), "1e-9", "0.02945", 24),
    "sin": (even(lambda x: (sin(x) / x - 1) / x ** 2), even(lambda x: x ** 3 / sin(x)), range(4), "1e-9", "0.617", 24),
    "sin3": (even(lambda x: (sin(x) / x - 1) / x ** 2), even(lambda x: x ** 3 / sin(x)), range(3), "1e-9", "0.617", 24),
    "cos": (even(lambda x: (cos(x) - 1 + x ** 2 / 2) / x ** 4), even(lambda x: x ** 4 / cos(x)), range(3), "1e-9", "0.617", 24),
    "asin": (even(lambda x: (asin(x) / x - 1) / x ** 2), even(lambda x: x ** 3 / asin(x)), range(5), "1e-9", "0.25", 24),
    "atan": (even(lambda x: (atan(x) / x - 1) / x ** 2), even(lambda x: x ** 3 / atan(x)), range(5), "1e-9", "0.17158", 24),
    "sinh": (even(lambda x: (sinh(x) / x - 1) / x ** 2), even(lambda x: x ** 3 / sinh(x)), range(4), "1e-9", "1.0", 24),
    # log2(m) = s * (2/ln2 + z * (2/(3 ln2) + z * P(z))), s = (m - 1) / (m + 1), z = s^2.
    "pow_log2": (even(lambda s: (2 * atanh(s) / (s * LN2) - 2 / LN2 - 2 * s ** 2 / (3 * LN2)) / s ** 4),
                 even(lambda s: s ** 5 * LN2 / (2 * atanh(s))), range(3), "1e-6", "0.02945", 24),
    # exp(u) = 1 + u + u^2/2 + u^3 * P(u).
    "pow_exp": (lambda r: (exp(r) - 1 - r - r ** 2 / 2) / r ** 3, lambda r: r ** 3 / exp(r), range(5), "-0.3468", "0.34681", 24),
    # The f64 functions: the same forms with more terms.
    "exp_f64": (lambda r: (expm1(r) - r) / r ** 2, lambda r: r ** 2 / expm1(r), range(10), "-0.34658", "0.34659", 53),
    "log_f64": (even(lambda s: (2 * atanh(s) / s - 2) / s ** 2), even(lambda s: s ** 3 / (2 * atanh(s))), range(7), "1e-12", "0.02945", 53),
    # log2(m) = s * (2/ln2 + z * (2/(3 ln2) + z * (2/(5 ln2) + z * P(z)))).
    "pow_log2_f64": (even(lambda s: (2 * atanh(s) / (s * LN2) - 2 / LN2 - 2 * s ** 2 / (3 * LN2) - 2 * s ** 4 / (5 * LN2)) / s ** 6),
                     even(lambda s: s ** 7 * LN2 / (2 * atanh(s))), range(7), "1e-6", "0.02945", 53),
    "pow_exp_f64": (lambda r: (exp(r) - 1 - r - r ** 2 / 2) / r ** 3, lambda r: r ** 3 / exp(r), range(10), "-0.34658", "0.34659", 53),
}


def main():
    for name in sys.argv[1:] or FITS:
        target, weight, exponents, a, b, bits, *end = FITS[name]
        if end:
            coefficients, error = fit_below(target, weight, list(exponents), mpf(a), mpf(b), end[0])
        else:
            coefficients, error = fit(target, weight, list(exponents), mpf(a), mpf(b), bits)
        print(f"{name}: weighted error 2^{mp.nstr(log(error, 2), 4)}")
        for e, c in zip(exponents, coefficients):
            print(f"    x^{e}: {mp.nstr(c, 9 if bits == 24 else 18)}")


if __name__ == "__main__":
    main()
