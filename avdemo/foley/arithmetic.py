"""Arithmetic for the compiled loop that numba has not, or not as quickly: float16 numbers, and an exponential and a logarithm in float32.

The exponential and the logarithm are polynomials, which the compiler turns into vector instructions.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import partial

import llvmlite.ir as ir
import numpy as np
from llvmlite.binding import get_host_cpu_features
from numba import config, njit
from numba.core import types
from numba.core.extending import intrinsic


@intrinsic
def as_float(typing, bits):
    """The float32 that has these 32 bits."""

    def build(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.int32), build


@intrinsic
def as_int(typing, number):
    """The 32 bits of a float32."""

    def build(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(types.int32))

    return types.int32(types.float32), build


LOG2E, ZERO, HALF, ONE, TWO = np.float32(1.44269504), np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # their sum is ln 2
OFFSET = np.float32(2.0**112)  # float32 counts exponents from -127, float16 from -15
LOWEST, HIGHEST = np.float32(-87), np.float32(88)  # whose exponential is a normal float32
E2, E3, E4 = np.float32(5.0000001201e-1), np.float32(1.6666665459e-1), np.float32(4.1665795894e-2)
HALF_ROOT = np.float32(0.70710678)
L1, L2, L3 = np.float32(3.3333331174e-1), np.float32(-2.4999993993e-1), np.float32(2.0000714765e-1)
L4, L5, L6 = np.float32(-1.6668057665e-1), np.float32(1.4249322787e-1), np.float32(-1.2420140846e-1)
L7, L8, L9 = np.float32(1.1676998740e-1), np.float32(-1.1514610310e-1), np.float32(7.0376836292e-2)
E5, E6, E7 = np.float32(8.3334519073e-3), np.float32(1.3981999507e-3), np.float32(1.9875691500e-4)


def compiled(function: Callable | None = None, *, more: frozenset[str] = frozenset()):
    """numba's njit without the GIL, and with fused multiply-adds; kept on disk where there is a place for it."""
    if function is None:
        return partial(compiled, more=more)
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", *more}}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written: it is compiled in every process
        return njit(**options)(function)


# Sums in any order, and no care for values that are not numbers: checkpoints hold none.
in_any_order = compiled(more=frozenset({"reassoc", "nnan", "nsz"}))


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


@compiled
def from_half_by_hand(bits):
    """The same for other processors, in 2.5 times the time: exponent and fraction moved into their places, the exponent's offset made
    right by a multiplication (exact for all finite numbers, the smallest included), then the sign.
    """
    wide = np.int32(bits)
    size = as_float((wide & np.int32(0x7FFF)) << np.int32(13)) * OFFSET
    return -size if wide & np.int32(0x8000) else size


from_half = from_half_by_processor if converts_halves() else from_half_by_hand


@compiled
def exp(x):
    """As expf, to 2 units in the last place (the polynomial of Moshier's Cephes)."""
    x = min(max(x, LOWEST), HIGHEST)
    whole = np.floor(x * LOG2E + HALF)
    x = (x - whole * LN2_HIGH) - whole * LN2_LOW
    y = (((((E7 * x + E6) * x + E5) * x + E4) * x + E3) * x + E2) * (x * x) + x + ONE
    return y * as_float((np.int32(whole) + np.int32(127)) << np.int32(23))


@compiled
def log(x):
    """As logf of a number from 1 on, to 2 units in the last place (Cephes)."""
    bits = as_int(x)
    exponent = np.float32((bits >> np.int32(23)) - np.int32(126))
    part = as_float((bits & np.int32(0x007FFFFF)) | np.int32(0x3F000000))  # in [0.5, 1)
    low = part < HALF_ROOT
    exponent = exponent - ONE if low else exponent
    x = part + part - ONE if low else part - ONE
    y = (((((((L9 * x + L8) * x + L7) * x + L6) * x + L5) * x + L4) * x + L3) * x + L2) * x + L1
    square = x * x
    return x + (y * x * square + exponent * LN2_LOW - HALF * square) + exponent * LN2_HIGH
