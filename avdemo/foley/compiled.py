"""The loop that writes sound sample by sample, compiled with numba; :mod:`avdemo.foley.sampler` is what others call.

What one sample costs with 256 units, and what makes it fast (in microseconds on one core of a 2021 server processor, two trainings
beside it; 14 in all):

- The MLP's first layer is a sum of 16 rows of a table, each tap times each level (0.3), not a product with 16 embedded levels.
- Reading the weights is what takes the time. They are kept as float16, in which checkpoints store them, so that nothing is lost: a
  product of 256 x 256 takes 2.7 instead of 4, and 4 instead of 6.4 where the matrix has to come from the third cache.
- Weights lie as (input, output), so that a product adds up rows: four at a time, or the running sum would be read and written for each
  (eight at a time were slower). Rows of units that ReLU made zero are left out: half of both larger layers of the MLP, 1.3 each.
- The exponential is a polynomial, which the compiler turns into vector instructions (0.6 for choosing among 256 levels).
- Each tier's state is squeezed to 64 numbers once, and a sample is told a product of those (0.8 instead of 2.7).
- What a recurrent tier tells a sample is computed when it is that sample's turn, straight into the sum of the MLP's first layer.

Shapes: D units, L levels.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import llvmlite.ir as ir
import numpy as np
from llvmlite.binding import get_host_cpu_features
from numba import config, njit
from numba.core import types
from numba.core.extending import intrinsic


class Weights(NamedTuple):
    """Of a network, in the order of the compiled loop's arguments; matrices are the bits of float16 numbers, as (input, output).

    What both recurrent tiers have comes first for the top tier, then for the middle one. Few arrays, or compiling would take long.
    """

    expand: np.ndarray  # (64 + 16, D) uint16: of the samples that a node of a tier sees
    expand_bias: np.ndarray  # (2, D)
    gates: np.ndarray  # (2, layers, 2, D, 3D) uint16: of a layer's input, and of its state; reset, update, new
    gates_bias: np.ndarray  # (2, layers, 2, 3D)
    squeeze: np.ndarray  # (2, D, W) uint16: what its successors are told is made of W numbers; W = 0: of the state itself
    squeeze_bias: np.ndarray  # (2, W)
    spread: np.ndarray  # (4 + 16, W or D, D) uint16: what a tier tells each of its successors
    spread_bias: np.ndarray  # (4 + 16, D)
    table: np.ndarray  # (16, L, D): the MLP's first layer
    second: np.ndarray  # (D, D) uint16
    second_bias: np.ndarray  # (D,)
    answer: np.ndarray  # (D, L) uint16
    answer_bias: np.ndarray  # (L,)
    heard: np.ndarray  # (L,): levels as the recurrent tiers hear them


@intrinsic
def _as_float(typing, bits):
    """The float32 that has these 32 bits."""

    def build(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.int32), build


LOG2E, HALF, ONE, TWO = np.float32(1.44269504), np.float32(0.5), np.float32(1), np.float32(2)
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # their sum is ln 2
OFFSET = np.float32(2.0**112)  # float32 counts exponents from -127, float16 from -15
LOWEST, HIGHEST = np.float32(-87), np.float32(88)  # whose exponential is a normal float32
E2, E3, E4 = np.float32(5.0000001201e-1), np.float32(1.6666665459e-1), np.float32(4.1665795894e-2)
E5, E6, E7 = np.float32(8.3334519073e-3), np.float32(1.3981999507e-3), np.float32(1.9875691500e-4)


def _compiled(function: Callable | None = None, *, more: frozenset[str] = frozenset()):
    """numba's njit without the GIL, and with fused multiply-adds; kept on disk where there is a place for it."""
    if function is None:
        return partial(_compiled, more=more)
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", *more}}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written: it is compiled in every process
        return njit(**options)(function)


# Sums in any order, and no care for values that are not numbers: checkpoints hold none.
_in_any_order = _compiled(more=frozenset({"reassoc", "nnan", "nsz"}))


def converts_halves() -> bool:
    """Whether the processor that is compiled for turns float16 into float32 itself: all 64-bit ARM ones, and Intel's and AMD's since 2013."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return True
    asked = config.CPU_FEATURES  # a person may compile for an older processor (NUMBA_CPU_FEATURES)
    return bool(get_host_cpu_features().get("f16c")) if asked is None else "+f16c" in asked


@intrinsic
def from_half_by_processor(typing, bits):
    """The float16 that has these 16 bits, as float32."""

    def build(context, builder, signature, arguments):
        return builder.fpext(builder.bitcast(arguments[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), build


@_compiled
def from_half_by_hand(bits):
    """The same for other processors, in 2.5 times the time: exponent and fraction moved into their places, the exponent's offset made
    right by a multiplication (exact for all finite numbers, the smallest included), then the sign.
    """
    wide = np.int32(bits)
    size = _as_float((wide & np.int32(0x7FFF)) << np.int32(13)) * OFFSET
    return -size if wide & np.int32(0x8000) else size


_from_half = from_half_by_processor if converts_halves() else from_half_by_hand


@_compiled
def _exp(x):
    """As expf, to 2 units in the last place (the polynomial of Moshier's Cephes)."""
    x = min(max(x, LOWEST), HIGHEST)
    whole = np.floor(x * LOG2E + HALF)
    x = (x - whole * LN2_HIGH) - whole * LN2_LOW
    y = (((((E7 * x + E6) * x + E5) * x + E4) * x + E3) * x + E2) * (x * x) + x + ONE
    return y * _as_float((np.int32(whole) + np.int32(127)) << np.int32(23))


@_compiled
def _add_rows(out, matrix, numbers, scale, count):
    """out += the sum of scale[i] * matrix[numbers[i]], i < count, a multiple of 4. The matrix holds the bits of float16 numbers."""
    for i in range(0, count, 4):
        a, b, c, d = scale[i], scale[i + 1], scale[i + 2], scale[i + 3]
        m, n, o, p = matrix[numbers[i]], matrix[numbers[i + 1]], matrix[numbers[i + 2]], matrix[numbers[i + 3]]
        for j in range(out.shape[0]):
            out[j] += a * _from_half(m[j]) + b * _from_half(n[j]) + c * _from_half(o[j]) + d * _from_half(p[j])


@_compiled
def _positive(x, numbers, values):
    """ReLU: places and values of what is more than zero; returns how many, filled up with zeros to a multiple of 4."""
    count = 0
    for j in range(x.shape[0]):
        numbers[count] = j
        values[count] = x[j]
        count += x[j] > 0
    while count % 4:
        numbers[count], values[count] = 0, 0
        count += 1
    return count


@_compiled
def _sigmoid(x, y):
    """x = sigmoid(x + y)"""
    for j in range(x.shape[0]):
        x[j] = ONE / (ONE + _exp(-(x[j] + y[j])))


@_compiled
def _step(x, h, every, gates_x, gates_h, from_x, from_h):
    """One step of a GRU layer; x (D,) is its input and h (D,) its state, both are overwritten with the new state.

    ``from_x`` and ``from_h`` (3D,) hold the gates' biases and take the gates.
    """
    dim = x.shape[0]
    _add_rows(from_x, gates_x, every, x, dim)
    _add_rows(from_h, gates_h, every, h, dim)
    _sigmoid(from_x[: 2 * dim], from_h[: 2 * dim])
    for j in range(dim):
        reset, update = from_x[j], from_x[dim + j]
        new = TWO / (ONE + _exp(-TWO * (from_x[2 * dim + j] + reset * from_h[2 * dim + j]))) - ONE  # tanh
        h[j] = new + update * (h[j] - new)
        x[j] = h[j]


@_in_any_order
def _choose(logits, uniform, temperature, weights):
    """As :func:`avdemo.foley.network.choose`, of one sample."""
    best = logits[0]
    for j in range(logits.shape[0]):
        best = max(best, logits[j])
    if temperature == 0:
        for j in range(logits.shape[0]):
            if logits[j] == best:
                return j
    sharpness = ONE / temperature
    total = 0.0
    for j in range(logits.shape[0]):
        weights[j] = _exp((logits[j] - best) * sharpness)
        total += weights[j]
    wanted = uniform * total
    summed = 0.0
    for j in range(logits.shape[0]):
        summed += weights[j]
        if summed > wanted:
            return j
    return logits.shape[0] - 1


@_compiled
def _copy(values, out):
    """Slice assignment; written so, since on that the compiler spent more time than on all the rest."""
    for j in range(values.shape[0]):
        out[j] = values[j]


@_compiled
def write(
    expand, expand_bias, gates, gates_bias, squeeze, squeeze_bias, spread, spread_bias, table, second, second_bias, answer, answer_bias, heard,
    rows, per_frame, at, recent, states, uniforms, temperature, levels, logits,
):  # fmt: skip
    """Write ``len(uniforms)`` samples from sample ``at`` on; the first arguments are :class:`Weights`.

    ``recent`` holds the last 64 levels and ``states`` (2, layers, D) those of the tiers; they are left as they are after the last
    sample. ``logits`` (samples, L) takes the logits if it has room for them.
    """
    near, dim, count, far = table.shape[0], table.shape[2], uniforms.shape[0], recent.shape[0]
    written = np.empty(far + count, np.int64)
    _copy(recent, written)
    every, numbers, values = np.arange(max(dim, far)), np.empty(dim, np.int64), np.empty(dim, np.float32)
    told, hidden, wav = np.empty(dim, np.float32), np.empty(dim, np.float32), np.empty(far, np.float32)
    from_x, from_h = np.empty(3 * dim, np.float32), np.empty(3 * dim, np.float32)
    waist = squeeze.shape[2]
    narrow = np.empty((2, spread.shape[1]), np.float32)
    score, weights = np.empty(answer.shape[1], np.float32), np.empty(answer.shape[1], np.float32)
    for t in range(count):
        now = at + t
        if now % far == 0:
            _copy(rows[min(now // per_frame, rows.shape[0] - 1), :dim], told)
        for tier in range(2):
            taps, step = (far, near) if tier == 0 else (near, 1)
            if now % taps == 0:
                for i in range(taps):
                    wav[i] = heard[written[t + far - taps + i]]
                if tier == 1 and rows.shape[1] > dim:
                    row = rows[min(now // per_frame, rows.shape[0] - 1)]
                    for j in range(dim):
                        told[j] += row[dim + j]
                for j in range(dim):
                    told[j] += expand_bias[tier, j]
                _add_rows(told, expand[tier * far :], every, wav, taps)
                for layer in range(states.shape[1]):
                    _copy(gates_bias[tier, layer, 0], from_x)
                    _copy(gates_bias[tier, layer, 1], from_h)
                    _step(told, states[tier, layer], every, gates[tier, layer, 0], gates[tier, layer, 1], from_x, from_h)
            if now % taps == 0 or t == 0:  # the state is new
                if waist:
                    _copy(squeeze_bias[tier], narrow[tier])
                    _add_rows(narrow[tier], squeeze[tier], every, states[tier, -1], dim)
                else:
                    _copy(states[tier, -1], narrow[tier])
            if now % step == 0:  # a node below, or a sample, is to be told
                successor = tier * (far // near) + now % taps // step
                _copy(spread_bias[successor], told)
                _add_rows(told, spread[successor], every, narrow[tier], narrow.shape[1])
        for i in range(0, near, 4):
            k = t + far - near + i
            one, two = table[i, written[k]], table[i + 1, written[k + 1]]
            three, four = table[i + 2, written[k + 2]], table[i + 3, written[k + 3]]
            for j in range(dim):
                told[j] += (one[j] + two[j]) + (three[j] + four[j])
        _copy(second_bias, hidden)
        _add_rows(hidden, second, numbers, values, _positive(told, numbers, values))
        _copy(answer_bias, score)
        _add_rows(score, answer, numbers, values, _positive(hidden, numbers, values))
        levels[t] = _choose(score, uniforms[t], temperature, weights)
        written[far + t] = levels[t]
        if logits.shape[0] > 0:
            _copy(score, logits[t])
    _copy(written[count:], recent)
