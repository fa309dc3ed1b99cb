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

from typing import NamedTuple

import numpy as np

from avdemo.foley.arithmetic import HALF, ONE, TWO, ZERO, compiled, exp, from_half, in_any_order, log

TWELVE, TAIL, WIDEST = np.float32(12), np.float32(12), np.float32(2)  # the latter two of avdemo.foley.tiers


class Weights(NamedTuple):
    """Of a network, in the order of the compiled loop's arguments; matrices are the bits of float16 numbers, as (input, output).

    What both recurrent tiers have comes first for the top tier, then for the middle one. Few arrays, or compiling would take long.
    """

    expand: np.ndarray  # (64 + 64, D) uint16: of the samples that a node of a tier sees; of the middle one maybe fewer
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
    guessed: np.ndarray  # (L, D): what the MLP is told of a guess; (0, D) where samples are not guessed, and so on
    bell: np.ndarray  # (2, D): says how far the truth is from a guess, and how much wider than expected its bell curve
    bell_bias: np.ndarray  # (2,)
    at_levels: np.ndarray  # (L,): samples in [-1, 1] that levels stand for
    widths: np.ndarray  # (2, L): the parts of [-1, 1] that they stand for, and their logarithms


@compiled
def _level_of(x, values):
    """The number of the value nearest to x; values rise."""
    low, high = 0, values.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        if x > (values[middle] + values[middle + 1]) * HALF:
            low = middle + 1
        else:
            high = middle
    return low


@in_any_order
def _dot(a, b, begin):
    """The sum of a[i] * b[begin - i]: the newest sample first."""
    total = np.float32(0)
    for i in range(a.shape[0]):
        total += a[i] * b[begin - i]
    return total


@in_any_order
def _weighed(values, weights):
    total = np.float32(0)
    for i in range(values.shape[0]):
        total += values[i] * weights[i]
    return total


@compiled
def _add_bell(score, guess, deviation, number, shift, wider, values, widths):
    """Add the logits of the bell curve around a guess, as :class:`avdemo.foley.tiers.SampleMLP`."""
    spread = deviation * exp(WIDEST * (TWO / (ONE + exp(-TWO * (wider / WIDEST))) - ONE))
    middle = min(max(guess + shift * deviation, -ONE), ONE)
    width = widths[0, number]
    sharp = ONE / np.sqrt(spread * spread + width * width / TWELVE)
    for j in range(score.shape[0]):
        away = (values[j] - middle) * sharp
        score[j] += widths[1, j] - TAIL * log(ONE + away * away / (TWO * TAIL))


@compiled
def _add_rows(out, matrix, numbers, scale, count):
    """out += the sum of scale[i] * matrix[numbers[i]], i < count, a multiple of 4. The matrix holds the bits of float16 numbers."""
    for i in range(0, count, 4):
        a, b, c, d = scale[i], scale[i + 1], scale[i + 2], scale[i + 3]
        m, n, o, p = matrix[numbers[i]], matrix[numbers[i + 1]], matrix[numbers[i + 2]], matrix[numbers[i + 3]]
        for j in range(out.shape[0]):
            out[j] += a * from_half(m[j]) + b * from_half(n[j]) + c * from_half(o[j]) + d * from_half(p[j])


@compiled
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


@compiled
def _sigmoid(x, y):
    """x = sigmoid(x + y)"""
    for j in range(x.shape[0]):
        x[j] = ONE / (ONE + exp(-(x[j] + y[j])))


@compiled
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
        new = TWO / (ONE + exp(-TWO * (from_x[2 * dim + j] + reset * from_h[2 * dim + j]))) - ONE  # tanh
        h[j] = new + update * (h[j] - new)
        x[j] = h[j]


@in_any_order
def _choose(logits, uniform, temperature, weights):
    """As :func:`avdemo.foley.tiers.choose`, of one sample."""
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
        weights[j] = exp((logits[j] - best) * sharpness)
        total += weights[j]
    wanted = uniform * total
    summed = 0.0
    for j in range(logits.shape[0]):
        summed += weights[j]
        if summed > wanted:
            return j
    return logits.shape[0] - 1


@compiled
def _copy(values, out):
    """Slice assignment; written so, since on that the compiler spent more time than on all the rest."""
    for j in range(values.shape[0]):
        out[j] = values[j]


@compiled
def write(
    expand, expand_bias, gates, gates_bias, squeeze, squeeze_bias, spread, spread_bias, table, second, second_bias, answer, answer_bias, heard,
    guessed, bell, bell_bias, at_levels, widths, rows, first_row, per_row, predictor, deviations, first_node, at, recent, states, uniforms,
    temperature, levels, logits,
):  # fmt: skip
    """Write ``len(uniforms)`` samples from sample ``at`` on; the first arguments are :class:`Weights`.

    ``rows`` (rows, R) are told to the nodes, each for ``per_row`` samples, and are those from number ``first_row`` on. So are
    ``predictor`` (nodes, P) and ``deviations`` (nodes,) for each 64 samples, the first of them ``first_node``.

    ``recent`` holds the last levels, 64 or P, and ``states`` (2, layers, D) those of the tiers; they are left as they are after the last
    sample. ``logits`` (samples, L) takes the logits if it has room for them.
    """
    near, dim, count, reach = table.shape[0], table.shape[2], uniforms.shape[0], recent.shape[0]
    far = (spread.shape[0] - near) * near
    written = np.empty(reach + count, np.int64)
    _copy(recent, written)
    every, numbers, values = np.arange(max(dim, far)), np.empty(dim, np.int64), np.empty(dim, np.float32)
    told, hidden, wav = np.empty(dim, np.float32), np.empty(dim, np.float32), np.empty(far, np.float32)
    from_x, from_h = np.empty(3 * dim, np.float32), np.empty(3 * dim, np.float32)
    waist = squeeze.shape[2]
    narrow = np.empty((2, spread.shape[1]), np.float32)
    guesses = predictor.shape[0] > 0
    sound, guess, deviation, number = np.zeros(reach + count if guesses else 0, np.float32), ZERO, ONE, 0
    for i in range(reach if guesses else 0):
        sound[i] = at_levels[written[i]]
    score, weights = np.empty(answer.shape[1], np.float32), np.empty(answer.shape[1], np.float32)
    for t in range(count):
        now = at + t
        if now % far == 0:
            _copy(rows[min(now // per_row - first_row, rows.shape[0] - 1), :dim], told)
        for tier in range(2):
            taps, step = (far, near) if tier == 0 else (near, 1)
            if now % taps == 0:
                sees = far if tier == 0 else expand.shape[0] - far
                for i in range(sees):
                    wav[i] = heard[written[t + reach - sees + i]]
                if tier == 1 and rows.shape[1] > dim:
                    row = rows[min(now // per_row - first_row, rows.shape[0] - 1)]
                    for j in range(dim):
                        told[j] += row[dim + j]
                for j in range(dim):
                    told[j] += expand_bias[tier, j]
                _add_rows(told, expand[tier * far :], every, wav, sees)
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
            k = t + reach - near + i
            one, two = table[i, written[k]], table[i + 1, written[k + 1]]
            three, four = table[i + 2, written[k + 2]], table[i + 3, written[k + 3]]
            for j in range(dim):
                told[j] += (one[j] + two[j]) + (three[j] + four[j])
        if guesses:
            node = min(now // far - first_node, predictor.shape[0] - 1)
            guess, deviation = _dot(predictor[node], sound, t + reach - 1), deviations[node]
            number = _level_of(guess, at_levels)
            for j in range(dim):
                told[j] += guessed[number, j]
        _copy(second_bias, hidden)
        _add_rows(hidden, second, numbers, values, _positive(told, numbers, values))
        _copy(answer_bias, score)
        _add_rows(score, answer, numbers, values, _positive(hidden, numbers, values))
        if guesses:
            for j in range(dim):
                hidden[j] = max(hidden[j], ZERO)
            shift, wider = _weighed(hidden, bell[0]) + bell_bias[0], _weighed(hidden, bell[1]) + bell_bias[1]
            _add_bell(score, guess, deviation, number, shift, wider, at_levels, widths)
        levels[t] = _choose(score, uniforms[t], temperature, weights)
        written[reach + t] = levels[t]
        if guesses:
            sound[reach + t] = at_levels[levels[t]]
        if logits.shape[0] > 0:
            _copy(score, logits[t])
    _copy(written[count:], recent)
