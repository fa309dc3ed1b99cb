"""Real photos as puppets: a photo, or a thing cut out of one, that moves as its sound says, by small shifts of its own pixels.

Every motion is a field (where each pixel goes) times a number for each frame: a jolt at each onset, a trembling as loud as the
sound, a jaw that drops, a body that swells, a surface that ripples.
"""

from __future__ import annotations

import cv2
import numpy as np

from avdemo.corpora.stage import WORLD, Draw, Pen, Play
from avdemo.corpora.stage_beings import breath
from avdemo.corpora.stage_drums import drawn_sticks
from avdemo.corpora.stage_nature import large

_Y, _X = np.mgrid[0:WORLD, 0:WORLD].astype(np.float32)
Motion = tuple[np.ndarray | None, np.ndarray | None, np.ndarray]  # shift right and down (WORLD, WORLD) in px, times (T,)


def cover(rgb: np.ndarray, rng: np.random.Generator, zoom: float = 1.25) -> np.ndarray:
    """A random square of a picture that has all of its shorter side, or up to ``zoom`` times less, at :data:`WORLD` px."""
    height, width = rgb.shape[:2]
    side = min(height, width) / rng.uniform(1.0, zoom)
    x, y = rng.uniform(0, width - side), rng.uniform(0, height - side)
    scale = WORLD / side
    turn = np.float32([[scale, 0, -x * scale], [0, scale, -y * scale]])
    smooth = cv2.INTER_AREA if scale < 0.7 else cv2.INTER_LINEAR
    if smooth == cv2.INTER_AREA:
        cut = rgb[int(y) : int(y + side), int(x) : int(x + side)]
        return cv2.resize(cut, (WORLD, WORLD), interpolation=smooth)
    return cv2.warpAffine(rgb, turn, (WORLD, WORLD), flags=smooth, borderMode=cv2.BORDER_REFLECT)


def layer(rgba: np.ndarray, size: float, x: float, y: float, angle: float = 0.0, mirrored: bool = False) -> np.ndarray:
    """A cut-out on a transparent canvas: its longer side ``size`` px, its middle at (x, y). Premultiplied uint8 (WORLD, WORLD, 4)."""
    height, width = rgba.shape[:2]
    scale = size / max(height, width)
    if scale < 0.6:
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        rgba, scale = cv2.resize(rgba, small, interpolation=cv2.INTER_AREA), 1.0
        height, width = rgba.shape[:2]
    source = rgba.copy()
    source[..., :3] = (source[..., :3].astype(np.uint16) * source[..., 3:] // 255).astype(np.uint8)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), np.degrees(angle), scale)
    if mirrored:
        source = np.ascontiguousarray(source[:, ::-1])
    turn[:, 2] += (x - width / 2, y - height / 2)
    return cv2.warpAffine(source, turn, (WORLD, WORLD), flags=cv2.INTER_LINEAR)


def lay_over(canvas: np.ndarray, over: np.ndarray) -> None:
    """Paint a premultiplied layer over a canvas, in place; both WORLD px."""
    box = cv2.boundingRect(over[..., 3])
    x, y, w, h = box
    if w == 0:
        return
    part, under = over[y : y + h, x : x + w], canvas[y : y + h, x : x + w]
    rest = cv2.merge([255 - part[..., 3]] * 3)
    cv2.add(cv2.multiply(under, rest, scale=1 / 255), np.ascontiguousarray(part[..., :3]), under)
    canvas[y : y + h, x : x + w] = under


def _mound(x: float, y: float, rx: float, ry: float) -> np.ndarray:
    """1 in the middle of an ellipse, falling smoothly to nearly 0 at its edge."""
    return np.exp(-2.0 * (((_X - x) / rx) ** 2 + ((_Y - y) / ry) ** 2)).astype(np.float32)


def _swell(x: float, y: float, mound: np.ndarray, by: np.ndarray) -> Motion:
    return (_X - np.float32(x)) * mound, (_Y - np.float32(y)) * mound, by


def _ripples(play: Play, mask: np.ndarray, amplitude: float) -> list[Motion]:
    """Two wave trains whose height and pace follow the loudness."""
    rng, motions = play.rng, []
    heard = play.smooth(0.1)
    pace = np.cumsum(np.where(heard > 0.02, 0.5 + 2.0 * heard, 0))
    for _ in range(2):
        angle, length = rng.uniform(0, np.pi), rng.uniform(9, 22)
        phase = 2 * np.pi / length * (np.cos(angle) * _X + np.sin(angle) * _Y)
        high, start = amplitude * heard ** 0.7, rng.uniform(0, 6)
        for wave, by in ((np.sin(phase), np.cos(pace * rng.uniform(0.8, 1.2) + start)), (np.cos(phase), np.sin(pace + start))):
            motions.append((0.5 * wave * mask, wave * mask, high * by))
    return motions


def motions_of(kind: str, play: Play, x: float, y: float, r: float, whole: bool) -> list[Motion]:
    """How a photo of ``kind`` moves whose thing is at (x, y) and has half size ``r`` (px); ``whole``: it fills the picture."""
    rng = play.rng
    strong = rng.uniform(0.7, 1.3)
    around = _mound(x, y, 1.5 * r, 1.5 * r) if whole else np.ones((WORLD, WORLD), np.float32)
    quick, angle = play.tremble(), rng.uniform(0, 2 * np.pi)

    def shake(by: np.ndarray, amplitude: float, way: float | None = None) -> Motion:
        a = angle if way is None else way
        return np.float32(np.cos(a)) * around, np.float32(np.sin(a)) * around, amplitude * strong * by

    def swell(by: np.ndarray, amplitude: float) -> Motion:
        return _swell(x, y, around, amplitude * strong * by)

    def jaw(amplitude: float) -> Motion:
        low = _mound(x, y + 0.55 * r, 0.9 * r, 0.6 * r)
        return None, low, amplitude * strong * np.clip(np.maximum(play.loud, 0.7 * play.jolt(0.12)), 0, 1)

    near = play.near if np.ptp(play.near) > 0.05 else play.smooth(0.5)
    coming = near - near.mean()
    if kind == "drum":
        return [shake(play.jolt(0.1), 5, np.pi / 2), swell(play.wobble(0.15, 4.0), 0.08), shake(quick, 1.0)]
    if kind == "dog":
        return [shake(play.jolt(0.16), 8, rng.uniform(-2.4, -0.7)), swell(play.jolt(0.16), 0.12), shake(quick, 1.4), jaw(6)]
    if kind == "baby_cry":
        sway = np.sin(np.cumsum(play.loud) * 1.6)
        return [shake(quick, 2.0), jaw(6), shake(sway * play.smooth(0.2), 3, 0.0), swell(play.smooth(0.1), 0.06)]
    if kind == "snoring":
        return [swell(breath(play), 0.16), shake(breath(play), 4, -np.pi / 2), jaw(3), shake(quick, 0.5)]
    if kind == "fireworks":
        return [swell(play.jolt(0.25), 0.3), shake(quick, 1.0)]
    if kind == "helicopter":
        sway = play.heard * np.sin(play.times * rng.uniform(1, 3) + angle)
        return [swell(coming, 0.7), shake(quick, 1.6), shake(sway, 2.5, 0.3), shake(play.side, 26 if play.passing else 0, 0.0)]
    if kind == "rail" and whole and not play.passing and rng.random() < 0.45:  # it fills the picture and runs through it
        run = np.cumsum(np.clip(play.smooth(0.3) - 0.02, 0, 1)) * rng.uniform(5, 14) * rng.choice([-1, 1])
        return [(np.ones_like(around), None, run), shake(quick, 1.2)]
    if kind == "rail":
        return [swell(coming, 0.8), shake(quick, 1.8), shake(play.jolt(0.1), 2.5, np.pi / 2), shake(play.side, 24 if play.passing else 0, 0.0)]
    if kind == "chainsaw":
        revs = np.cumsum(play.loud) * 0.9
        return [shake(quick, 3.0), shake(np.sin(revs) * play.smooth(0.1), 3), swell(quick, 0.02)]
    if kind == "printer":
        run = np.sin(np.cumsum(play.loud) * rng.uniform(0.5, 0.9))
        head = _mound(x, y - 0.1 * r, 0.7 * r, 0.25 * r)
        return [shake(quick, 1.6, 0.0), (head, None, 9 * strong * run), shake(play.jolt(0.08), 2, np.pi / 2)]
    wet = around * np.clip((_Y - WORLD * rng.uniform(0.25, 0.45)) / 20, 0, 1) if whole else around  # the sky stays where it is
    return [*_ripples(play, wet, 2.4 * strong), swell(coming, 0.1)]  # water


def _bursts(rgba: np.ndarray, play: Play) -> Draw:
    """A photo of a burst as light on a dark sky: it opens at each onset, as large as it is loud, and dies down."""
    rng = play.rng
    light = cover(rgba[..., :3], rng, 1.1).astype(np.float32)
    dark = np.quantile(light, 0.5, axis=(0, 1))
    soft = 1.7 * _mound(WORLD / 2, WORLD / 2, 0.5 * WORLD, 0.5 * WORLD)[..., None] - 0.24  # nothing of the photo's edge
    light = (np.clip(light - dark, 0, 255) * np.clip(soft, 0, 1) * rng.uniform(1.0, 1.5)).clip(0, 255).astype(np.uint8)
    sky = np.clip(dark * rng.uniform(0.3, 1.0), 0, 60)
    lasts_s, low, flash = rng.uniform(0.5, 1.1), play.smooth(0.12), play.jolt(0.1)
    hits, forces = large(play)
    places = WORLD / 2 + rng.normal(0, 12, (len(hits), 2)) * (1, 0.6)
    turns = rng.uniform(0, 360, len(hits)) * (rng.random() < 0.5)

    def draw(canvas: np.ndarray, t: int) -> None:
        canvas[:] = np.clip(sky * (1 + low[t]) + 45 * flash[t], 0, 255).astype(np.uint8)
        for hit, force, (x, y), turn in zip(hits, forces, places, turns, strict=True):
            life = (play.times[t] - hit) / lasts_s
            if 0 <= life < 1:
                size = (0.35 + 0.75 * force) * (0.5 + 0.5 * (1 - (1 - life) ** 4))
                where = cv2.getRotationMatrix2D((WORLD / 2, WORLD / 2), turn, size)
                where[:, 2] += (x - WORLD / 2, y - WORLD / 2 + 8 * life * life)
                seen = cv2.warpAffine(light, where, (WORLD, WORLD), flags=cv2.INTER_LINEAR)
                cv2.scaleAdd(seen, 1.3 * (1 - life) ** 1.2, canvas, canvas)

    return draw


def photo_puppet(kind: str, rgba: np.ndarray, cut: bool, play: Play) -> Draw:
    """A photo or cut-out of ``kind`` that plays its sound.

    Args:
        rgba: uint8 (H, W, 4).
        cut: the thing alone is opaque; it goes before whatever is on the canvas. Otherwise the photo fills the canvas.
    """
    rng = play.rng
    if kind == "fireworks" and not cut:
        return _bursts(rgba, play)
    if cut:
        size = rng.uniform(70, 118)
        x, y = WORLD / 2 + rng.normal(0, 7), WORLD / 2 + rng.normal(0, 7)
        r, picture = size / 2, layer(rgba, size, x, y, rng.normal(0, 0.08), bool(rng.random() < 0.5))
    else:
        r, x, y = 0.3 * WORLD, WORLD / 2, WORLD / 2
        picture = cover(rgba[..., :3], rng)
    motions = [
        (None if dx is None else np.float32(dx), None if dy is None else np.float32(dy), by)
        for dx, dy, by in motions_of(kind, play, x, y, r, not cut)
    ]
    extra = drawn_sticks(play, Pen(x, y - 0.1 * r, 0.9 * r)) if kind == "drum" and rng.random() < 0.6 else None

    def draw(canvas: np.ndarray, t: int) -> None:
        moving = [(dx, dy, float(by[t])) for dx, dy, by in motions if abs(by[t]) > 1e-3]
        seen = picture
        if moving:
            at_x, at_y = _X.copy(), _Y.copy()
            for dx, dy, by in moving:
                if dx is not None:
                    cv2.scaleAdd(dx, -by, at_x, at_x)
                if dy is not None:
                    cv2.scaleAdd(dy, -by, at_y, at_y)
            seen = cv2.remap(picture, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT if cut else cv2.BORDER_REFLECT)
        if cut:
            lay_over(canvas, seen)
        else:
            np.copyto(canvas, seen)
        if extra is not None:
            extra(canvas, t)

    return draw
