"""Drawn beings that sound: a barking dog, a crying baby, somebody who snores."""

from __future__ import annotations

import numpy as np

from avdemo.corpora.stage import Colour, Draw, Pen, Play, colour, shade, spot
from avdemo.corpora.stage_drums import SKINS

FURS = ((150, 98, 52), (212, 170, 112), (60, 50, 46), (232, 224, 210), (110, 72, 44), (180, 130, 84))
HAIRS = ((60, 40, 26), (24, 20, 18), (170, 128, 70), (120, 70, 36))
CLOTHS = ((150, 190, 226), (244, 190, 200), (250, 236, 190), (190, 220, 190), (235, 235, 240))


def _mouth(pen: Pen, canvas: np.ndarray, y: float, wide: float, opening: float, lip: Colour) -> None:
    """An open mouth with its tongue."""
    if opening < 0.04:
        pen.line(canvas, [(-wide * 0.7, y), (0, y + 0.02), (wide * 0.7, y)], shade(lip, 0.7), 0.04)
        return
    high = 0.04 + 0.3 * opening
    pen.disc(canvas, 0, y + 0.3 * high, wide * (0.85 + 0.25 * opening), high, shade(lip, 0.8))
    pen.disc(canvas, 0, y + 0.3 * high, wide * (0.72 + 0.25 * opening), high * 0.84, (70, 16, 22))
    pen.disc(canvas, 0, y + 0.3 * high + 0.5 * high, wide * 0.5, high * 0.38, (214, 96, 104))


def dog_face(play: Play) -> Draw:
    """A dog's head from the front: it throws up its head and opens its jaw with each bark."""
    rng = play.rng
    pen = spot(rng, 40, 60)
    fur, second = colour(rng, *FURS), colour(rng, *FURS)
    inner, erect, patch = shade(fur, 0.65), rng.random() < 0.5, rng.random() < 0.5
    snout = rng.uniform(0.3, 0.42)
    up, quick = play.jolt(0.16), play.tremble()
    jaw = np.clip(1.15 * np.maximum(play.loud, 0.8 * up), 0, 1)

    def draw(canvas: np.ndarray, t: int) -> None:
        pen.shape(canvas, [(-0.5, 0.35), (0.5, 0.35), (0.78, 1.5), (-0.78, 1.5)], shade(fur, 0.85))
        head = pen.moved(0.03 * quick[t], -0.16 * up[t], 0.02 * quick[t], 1 + 0.08 * up[t])
        for side in (-1, 1):
            if erect:
                tip = (side * (0.62 + 0.06 * up[t]), -0.95)
                head.shape(canvas, [(side * 0.2, -0.5), tip, (side * 0.6, -0.15)], fur)
                head.shape(canvas, [(side * 0.3, -0.45), (side * 0.57, -0.8), (side * 0.54, -0.22)], inner)
            else:
                flap = 0.25 * up[t]
                head.disc(canvas, side * (0.6 + 0.12 * flap), -0.02 - 0.25 * flap, 0.17, 0.42, inner, side * (-0.25 - flap))
        head.disc(canvas, 0, -0.1, 0.56, 0.55, fur)
        if patch:
            head.disc(canvas, 0.24, -0.2, 0.24, 0.3, second)
        chin = 0.32 + 0.3 * jaw[t]
        head.disc(canvas, 0, chin, snout * 0.8, 0.2, shade(fur, 0.9))  # lower jaw
        if jaw[t] > 0.05:
            head.disc(canvas, 0, 0.27 + 0.14 * jaw[t], snout * 0.72, 0.06 + 0.22 * jaw[t], (80, 18, 24))
            head.disc(canvas, 0, 0.32 + 0.22 * jaw[t], snout * 0.42, 0.03 + 0.12 * jaw[t], (224, 110, 118))
            for side in (-1, 1):
                x = side * snout * 0.5
                head.shape(canvas, [(x - 0.04, 0.24), (x + 0.04, 0.24), (x, 0.34)], (250, 248, 240))
        head.disc(canvas, 0, 0.14, snout, 0.2, shade(second if patch else fur, 1.35))
        head.disc(canvas, 0, 0.02, 0.13, 0.09, (24, 20, 22))
        for side in (-1, 1):
            head.disc(canvas, side * 0.25, -0.22, 0.085, 0.095, (30, 18, 12))
            head.disc(canvas, side * 0.25 - 0.03, -0.25, 0.03, None, (250, 250, 250))

    return draw


def dog_side(play: Play) -> Draw:
    """A whole dog from the side that lunges forward, mouth open, with each bark; its tail is still when it is."""
    rng = play.rng
    pen = spot(rng, 42, 60, 8)
    fur = colour(rng, *FURS)
    dark, long = shade(fur, 0.7), rng.uniform(0.85, 1.15)
    up, quick = play.jolt(0.18), play.tremble()
    jaw = np.clip(1.1 * np.maximum(play.loud, 0.8 * up), 0, 1)
    collar = colour(rng)

    def draw(canvas: np.ndarray, t: int) -> None:
        body = pen.moved(0.1 * up[t], -0.03 * up[t], -0.07 * up[t])
        body.line(canvas, [(-0.62 * long, -0.1), (-0.85, -0.35), (-0.92, -0.62 - 0.15 * up[t])], fur, 0.13)
        for x in (-0.5, -0.32, 0.3, 0.46):
            foot = pen.px(x + 0.02, 0.82)
            hip = body.px(x * long, 0.2)
            Pen(0, 0, 1).line(canvas, [hip, foot], dark if x in (-0.32, 0.3) else fur, 0.13 * pen.unit)
        body.disc(canvas, -0.05, 0.05, 0.62 * long, 0.3, fur)
        body.disc(canvas, 0.32, -0.02, 0.3, 0.33, fur)
        head = body.moved(0.58, -0.46 - 0.08 * up[t], -0.3 * up[t])
        body.line(canvas, [(0.38, -0.1), (0.56, -0.42)], fur, 0.3)
        body.line(canvas, [(0.36, -0.22), (0.6, -0.2)], collar, 0.07)
        lower = head.moved(0.1, 0.1, 0.75 * jaw[t])
        lower.shape(canvas, [(-0.05, -0.03), (0.36, 0.0), (0.34, 0.07), (0, 0.11)], dark)
        head.shape(canvas, [(0, 0.02), (0.4, 0.1), (0.3, 0.2 + 0.12 * jaw[t]), (0.02, 0.12)], (120, 30, 36))
        head.disc(canvas, 0, -0.02, 0.26, 0.23, fur)
        head.shape(canvas, [(0.05, -0.15), (0.45, -0.06), (0.46, 0.06), (0.1, 0.1)], fur)
        head.disc(canvas, 0.46, -0.03, 0.06, 0.055, (20, 18, 20))
        head.disc(canvas, 0.1, -0.08, 0.04, None, (20, 14, 12))
        head.disc(canvas, -0.14, 0.02 + 0.04 * quick[t], 0.1, 0.22, dark, 0.3)

    return draw


def baby_face(play: Play) -> Draw:
    """A baby's face: the mouth is as open as the cry is loud, the head shakes, fists wave, eyes are shut while it cries."""
    rng = play.rng
    pen = spot(rng, 44, 64, 4)
    skin, hair = colour(rng, *SKINS, spread=12), colour(rng, *HAIRS)
    cloth, pillow = colour(rng, *CLOTHS), colour(rng, *CLOTHS)
    lip = shade(colour(rng, (206, 104, 104), (190, 84, 90), spread=10), 1.0)
    quick, slow = play.tremble(), play.smooth(0.15)
    tilt = 0.1 * np.cumsum(rng.normal(0, 1, play.frames) * slow) / 3
    wave = np.cumsum(play.loud) * 2.2
    fists = rng.random() < 0.7
    swaddled = rng.random() < 0.5

    def draw(canvas: np.ndarray, t: int) -> None:
        pen.disc(canvas, 0, 0.0, 1.15, 0.95, pillow)
        pen.disc(canvas, 0, 1.25, 0.85, 0.62, cloth)
        head = pen.moved(0.035 * quick[t], 0.02 * quick[t], float(np.clip(tilt[t], -0.25, 0.25)))
        red = tuple(int(c) for c in np.clip(np.array(skin) + np.array([14, -34, -30]) * slow[t], 0, 255))
        for side in (-1, 1):
            head.disc(canvas, side * 0.66, 0.06, 0.12, 0.16, shade(red, 0.92))
        head.disc(canvas, 0, 0, 0.68, 0.74, red)
        head.disc(canvas, 0, -0.42, 0.56, 0.34, hair, part=(180, 360)) if not swaddled else head.disc(
            canvas, 0, -0.1, 0.74, 0.78, cloth, part=(190, 350), width=0.16
        )
        for side in (-1, 1):
            head.disc(canvas, side * 0.36, 0.2, 0.16, 0.12, shade(red, 0.93))
            if play.loud[t] > 0.08:
                head.line(canvas, [(side * 0.16, -0.06), (side * 0.28, -0.1), (side * 0.4, -0.05)], (60, 34, 30), 0.05)
                head.line(canvas, [(side * 0.13, -0.2), (side * 0.4, -0.3 + 0.06 * slow[t])], shade(hair, 0.8), 0.05)
                head.disc(canvas, side * 0.3, 0.12 + 0.08 * ((t % 4) / 4), 0.04, 0.07, (206, 228, 246))
            else:
                head.disc(canvas, side * 0.28, -0.08, 0.08, 0.09, (36, 26, 24))
                head.line(canvas, [(side * 0.16, -0.27), (side * 0.4, -0.28)], shade(hair, 0.8), 0.05)
        head.disc(canvas, 0, 0.12, 0.08, 0.05, shade(red, 0.82))
        _mouth(head, canvas, 0.34, 0.25, float(play.loud[t]), lip)
        if fists:
            for side in (-1, 1):
                lift = 0.3 * np.sin(wave[t] + 1.4 * side) * (0.3 + slow[t])
                pen.line(canvas, [(side * 0.6, 1.1), (side * 0.85, 0.75 - lift)], cloth, 0.26)
                pen.disc(canvas, side * 0.86, 0.66 - lift, 0.16, 0.15, shade(skin, 0.97))

    return draw


def sleeper(play: Play) -> Draw:
    """Somebody in bed from the side: the blanket rises while the snore sounds and sinks in between; the mouth opens."""
    rng = play.rng
    pen = spot(rng, 46, 62, 6)
    skin, hair = colour(rng, *SKINS), colour(rng, *HAIRS, (190, 190, 194))
    blanket, pillow, bed = colour(rng), colour(rng, *CLOTHS), colour(rng, (120, 80, 50), (70, 50, 40), (190, 170, 140))
    stripe, bearded = shade(blanket, 1.25), rng.random() < 0.35
    chest = breath(play)
    mouth = np.clip(play.smooth(0.1) * 1.4, 0, 1)
    quick = play.tremble()

    def draw(canvas: np.ndarray, t: int) -> None:
        pen.bar(canvas, -1.4, 0.42, 1.4, 0.95, bed)
        pen.disc(canvas, -0.72, 0.24, 0.5, 0.22, pillow)
        rise = 0.3 * chest[t]
        head = pen.moved(-0.62, 0.02 - 0.05 * chest[t], -0.12 - 0.1 * chest[t])
        head.disc(canvas, 0.02, -0.03, 0.3, 0.27, hair)
        head.disc(canvas, 0.07, 0.03, 0.27, 0.25, skin)
        head.shape(canvas, [(0.1, -0.2), (0.2, -0.34), (0.24, -0.16)], shade(skin, 0.93))  # the nose points up
        head.line(canvas, [(0.0, -0.11), (0.08, -0.13)], (70, 44, 36), 0.035)
        head.disc(canvas, 0.31, -0.03, 0.07, 0.025 + 0.11 * mouth[t], (90, 24, 30), 0.5)
        if bearded:
            head.disc(canvas, 0.3, 0.14, 0.12, 0.1, hair)
        x = np.linspace(-0.4, 1.35, 26)
        top = 0.1 - (0.22 + rise) * np.exp(-(((x - 0.12) / 0.42) ** 2)) - 0.14 * np.exp(-(((x - 1.1) / 0.22) ** 2)) + 0.006 * quick[t]
        pen.shape(canvas, [*zip(x, top, strict=True), (1.35, 0.62), (-0.4, 0.62)], blanket)
        for k in range(3, 26, 5):
            pen.line(canvas, [(x[k], top[k]), (x[k], 0.6)], stripe, 0.05)
        pen.disc(canvas, 0.02, 0.16 - 0.5 * rise, 0.24, 0.08, skin, -0.1)  # an arm on the chest

    return draw


def sleeping_face(play: Play) -> Draw:
    """A sleeping face on a pillow: the mouth opens and the cheeks fill with each snore, the chest swells below."""
    rng = play.rng
    pen = spot(rng, 42, 58)
    skin, hair = colour(rng, *SKINS), colour(rng, *HAIRS, (190, 190, 194))
    pillow, blanket = colour(rng, *CLOTHS), colour(rng)
    lip, cap = colour(rng, (190, 110, 104), (170, 90, 88), spread=10), rng.random() < 0.3
    chest, quick = breath(play), play.tremble()
    mouth = np.clip(play.smooth(0.08) * 1.2, 0, 0.8)

    def draw(canvas: np.ndarray, t: int) -> None:
        pen.bar(canvas, -1.15, -0.9, 1.15, 0.75, pillow)
        head = pen.moved(0.01 * quick[t], -0.03 * chest[t])
        head.disc(canvas, 0, -0.16, 0.64, 0.68, blanket if cap else hair)
        head.disc(canvas, 0, 0.03, 0.57, 0.62, skin)
        for side in (-1, 1):
            head.disc(canvas, side * 0.34, 0.2, 0.14 + 0.05 * mouth[t], 0.13, shade(skin, 0.95))
            head.disc(canvas, side * 0.24, -0.08, 0.13, 0.07, shade(skin, 0.6), part=(0, 180), width=0.04)
            head.line(canvas, [(side * 0.12, -0.25), (side * 0.36, -0.27)], hair, 0.05)
        head.line(canvas, [(0, -0.06), (0.06, 0.14), (-0.04, 0.15)], shade(skin, 0.8), 0.04)
        _mouth(head, canvas, 0.32, 0.17, float(mouth[t]), lip)
        x = np.linspace(-1.3, 1.3, 20)
        top = 0.95 - 0.34 * chest[t] * np.exp(-((x / 0.7) ** 2)) + 0.1 * x**2
        pen.shape(canvas, [*zip(x, top, strict=True), (1.3, 2.2), (-1.3, 2.2)], blanket)
        for k in range(2, 20, 4):
            pen.line(canvas, [(x[k], top[k]), (x[k] * 1.1, 2.0)], shade(blanket, 0.8), 0.05)

    return draw


def breath(play: Play) -> np.ndarray:
    """(T,) 0 to 1: a chest that fills while there is sound and empties when there is none."""
    heard, chest = np.clip(play.smooth(0.08) * 2.2, 0, 1), np.zeros(play.frames)
    level = 0.3 * play.heard
    for t in range(play.frames):
        level += play.step_s * (1.5 * heard[t] * (1.05 - level) - 0.9 * (1 - heard[t]) * level)
        chest[t] = level
    return np.clip(chest, 0, 1)
