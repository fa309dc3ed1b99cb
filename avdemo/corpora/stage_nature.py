"""Drawn fireworks and water: bursts, drops and ripples, a tap, a stream or fall, waves, rain."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from avdemo.corpora.stage import WORLD, Draw, Pen, Play, colour, shade, spot

BLUES = ((60, 120, 170), (90, 150, 180), (50, 90, 120), (110, 150, 150), (70, 130, 140), (120, 130, 110))
BURST = 0.55  # share of the loudest onset's force from which one is a burst of its own
TILE = 192  # px, side of the tiles of water


def large(play: Play) -> tuple[np.ndarray, np.ndarray]:
    """Times and forces of the onsets that are bursts; the softer ones are their crackling."""
    kept = play.force >= BURST * play.force.max(initial=0)
    return play.hits[kept], play.force[kept]


def fireworks(play: Play) -> Draw:
    """A night sky: at each onset a burst that grows, glows and falls, as large and as bright as it is loud; softer ones crackle."""
    rng = play.rng
    sky = np.array(colour(rng, (8, 8, 20), (18, 14, 34), (30, 16, 20), (4, 4, 6), spread=6), float)
    ramp = (np.linspace(1, rng.uniform(1, 3), WORLD)[:, None] * sky).clip(0, 90)
    hue, mixed, ball = rng.uniform(0, 180), rng.random() < 0.5, rng.random() < 0.3
    bursts = []
    for hit, force in zip(*large(play), strict=True):
        many = int(34 + 70 * force)
        angle = rng.uniform(0, 2 * np.pi, many)
        reach_px = (14 + 44 * force) * (np.sqrt(rng.uniform(0.6, 1, many)) if ball else rng.uniform(0.15, 1, many) ** 0.6)
        h = rng.uniform(0, 180) if mixed else hue + rng.normal(0, 8)
        hsv = np.uint8([[[int(h) % 180, rng.integers(30, 230), 255]]])
        middle = rng.uniform(0.28, 0.72) * WORLD, rng.uniform(0.24, 0.52) * WORLD
        bursts.append((hit, force, *middle, np.cos(angle) * reach_px, np.sin(angle) * reach_px, cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]))
    skyline = [(x, WORLD * (0.86 + 0.08 * rng.random()), x + rng.uniform(6, 20)) for x in np.arange(0, WORLD, 13)]
    city, haze, trail = rng.random() < 0.6, rng.uniform(0.0, 0.5), rng.uniform(0.1, 0.45)
    flash, low, lasts_s = play.jolt(0.12), play.smooth(0.12), rng.uniform(0.5, 1.1)
    slope, sparks = np.linspace(1, 0.4, WORLD)[:, None], rng.integers((20, 20), (WORLD - 20, 90), (play.frames, 30, 2))

    def draw(canvas: np.ndarray, t: int) -> None:
        now = play.times[t]
        canvas[:] = np.clip(ramp + 80 * (0.55 * flash[t] + haze * low[t]) * slope, 0, 255)[:, None].astype(np.uint8)
        light = np.zeros_like(canvas)
        for hit, force, x, y, dx, dy, tint in bursts:
            age = now - hit
            if 0 < -age < 0.45 and force > 0.35:  # the shell on its way up, without a sound
                rise = y + (WORLD - y) * (-age / 0.45)
                cv2.line(light, (int(x), int(rise)), (int(x + 1), int(rise + 4)), (150, 120, 90), 1, cv2.LINE_AA)
            life = age / lasts_s
            if not 0 <= life < 1:
                continue
            grown, fade = 0.3 + 0.7 * (1 - (1 - life) ** 3), (1 - life) ** 1.2
            drop, behind = 14 * life**2, max(0.0, 0.3 + 0.7 * (1 - (1 - life) ** 3) - trail - 0.2 * (1 - life))
            ends = np.stack([x + dx * grown, y + dy * grown + drop], 1)
            tails = np.stack([x + dx * behind, y + dy * behind + 0.7 * drop], 1)
            paint = tuple(int(c) for c in np.clip(tint * fade + 120 * (1 - life) ** 6, 0, 255))
            lines = np.round(np.stack([tails, ends], 1) * 16).astype(np.int32)
            cv2.polylines(light, list(lines), False, paint, 1, cv2.LINE_AA, 4)
            if life < 0.2:
                cv2.circle(light, (int(x), int(y)), int(2 + 7 * force), (255, 250, 230), -1, cv2.LINE_AA)
        for x, y in sparks[t][: int(30 * low[t])]:
            light[y, x] = (255, 240, 210)
        cv2.add(canvas, light, canvas)
        cv2.scaleAdd(cv2.blur(light, (9, 9)), 0.9, canvas, canvas)  # the glow
        if city:
            for left, top, right in skyline:
                canvas[int(top) :, int(left) : int(right)] = (12, 12, 16)

    return draw


@lru_cache(maxsize=8)
def _tile(seed: int, stretch: int) -> np.ndarray:
    """Seamless noise like the light on water, float32 (TILE, TILE) 0 to 1, drawn out ``stretch`` times (upright above 0, else lying)."""
    rng = np.random.default_rng([97, seed])
    noise = np.zeros((TILE, TILE), np.float32)
    for size in (3, 7, 15):
        long = size * abs(stretch)
        kernel = (size | 1, long | 1) if stretch > 0 else (long | 1, size | 1)
        layer = np.pad(rng.normal(0, 1, (TILE, TILE)).astype(np.float32), 96, mode="wrap")
        layer = cv2.GaussianBlur(layer, kernel, 0)[96:-96, 96:-96]
        noise += layer / layer.std()
    noise = (noise - noise.mean()) / noise.std()
    return np.clip(0.5 + 0.22 * noise, 0, 1)


def open_sky(rng: np.random.Generator) -> np.ndarray:
    """A sky with or without clouds over a strip of land or none, uint8 (WORLD, WORLD, 3)."""
    top = np.array(colour(rng, (90, 150, 210), (140, 160, 176), (60, 100, 160), (200, 206, 210), (230, 150, 110)), float)
    low = 0.4 * top + 0.6 * np.array(colour(rng, (226, 236, 244), (250, 220, 180), (190, 200, 206)), float)
    picture = (np.linspace(0, 1, WORLD)[:, None] * (low - top) + top)[:, None].repeat(WORLD, 1)
    if rng.random() < 0.7:
        clouds = np.roll(_tile(int(rng.integers(4)), -3), rng.integers(TILE, size=2), (0, 1))[:WORLD, :WORLD, None]
        clouds = cv2.GaussianBlur(clouds, (0, 0), rng.uniform(3, 9))[..., None]
        thick = np.clip((clouds - rng.uniform(0.45, 0.55)) * rng.uniform(3, 8), 0, 0.85)
        picture = picture * (1 - thick) + thick * rng.uniform(190, 250)
    picture = picture.astype(np.uint8)
    if rng.random() < 0.6:
        x = np.linspace(0, WORLD, 24)
        for k in range(int(rng.integers(1, 3))):
            y = WORLD * (rng.uniform(0.72, 0.9) + 0.05 * k) + np.cumsum(rng.normal(0, 1.6, 24))
            land = shade(colour(rng, (70, 90, 60), (110, 110, 90), (60, 70, 84), (150, 130, 96)), 1 - 0.2 * k)
            Pen(0, 0, 1).shape(picture, [*zip(x, y, strict=True), (WORLD, WORLD), (0, WORLD)], land)
    return picture


def _palette(base, rng: np.random.Generator) -> np.ndarray:
    """(256, 3) dark water over its own colour to foam."""
    stops = np.array([shade(base, 0.55), base, shade(base, 1.25), (236, 242, 246)], float)
    foam = rng.uniform(0.72, 0.95)
    at = np.linspace(0, 1, 256)
    return np.stack([np.interp(at, [0, 0.45, foam - 0.08, 1.0], stops[:, c]) for c in range(3)], 1).astype(np.uint8)


def stream(play: Play) -> Draw:
    """A river, a brook or a waterfall: its texture runs as fast as it is loud, between banks; still water makes no sound."""
    rng = play.rng
    fall = rng.random() < 0.5
    tile, paint = _tile(int(rng.integers(4)), 4 if fall else -4), _palette(colour(rng, *BLUES), rng)
    heard = play.smooth(0.12)
    run = np.cumsum(np.where(heard > 0.02, 1.5 + 9 * heard, 0)) * rng.choice([1.0, -1.0] if not fall else [1.0])
    waver = rng.uniform(0, 6, 4)
    y = np.arange(WORLD)
    if fall:
        left = WORLD * rng.uniform(0.2, 0.36) + 4 * np.sin(y / 17 + waver[0])
        right = WORLD * rng.uniform(0.62, 0.8) + 4 * np.sin(y / 13 + waver[1])
    else:
        top = WORLD * rng.uniform(0.3, 0.5) + 5 * np.sin(y / 25 + waver[2])
        bottom = WORLD * rng.uniform(0.84, 1.05) + 5 * np.sin(y / 31 + waver[3])
    rows, columns = np.mgrid[0:WORLD, 0:WORLD]
    inside = (columns > left[:, None]) & (columns < right[:, None]) if fall else (rows > top[None]) & (rows < bottom[None])
    soft = cv2.GaussianBlur(inside.astype(np.float32), (5, 5), 0)[..., None]
    ground = colour(rng, (84, 92, 60), (110, 104, 94), (60, 70, 52), (130, 120, 100))
    own_ground, quick = rng.random() < 0.5, rng.permutation(WORLD)
    rocks = [(rng.uniform(0.1, 0.9) * WORLD, rng.uniform(0.4, 0.95) * WORLD, rng.uniform(4, 13)) for _ in range(int(rng.integers(0, 5)))]
    stone, pool = colour(rng, (96, 92, 88), (70, 68, 66)), rng.random() < 0.6 and fall
    foam = rng.normal(0, 1, (40, 2))

    def draw(canvas: np.ndarray, t: int) -> None:
        if own_ground:
            canvas[:] = ground
            canvas[quick[:50]] = shade(ground, 0.93)
        shift = round(run[t]) % TILE
        seen = np.roll(tile, shift, 0 if fall else 1)[:WORLD, :WORLD]
        level = np.clip(seen * (0.75 + 0.5 * heard[t]) * 255, 0, 255).astype(np.uint8)
        water = paint[level]
        np.copyto(canvas, (water * soft + canvas * (1 - soft)).astype(np.uint8))
        for x, yy, r in rocks:
            cv2.ellipse(canvas, (int(x), int(yy)), (int(r), int(0.65 * r)), 0, 0, 360, stone, -1, cv2.LINE_AA)
            cv2.ellipse(canvas, (int(x - 0.2 * r), int(yy - 0.2 * r)), (int(0.6 * r), int(0.3 * r)), 0, 0, 360, shade(stone, 1.15), -1)
        if pool:  # where it falls in
            cv2.ellipse(canvas, (WORLD // 2, WORLD - 6), (WORLD // 2, 20), 0, 0, 360, tuple(int(c) for c in paint[110]), -1, cv2.LINE_AA)
            middle = 0.5 * (left[-20] + right[-20])
            for k, (a, b) in enumerate(foam):
                if k < 40 * heard[t]:
                    at = middle + 16 * a + 2 * np.sin(2.1 * t + k), WORLD - 20 + 3 * b + 3 * np.cos(1.7 * t + k)
                    cv2.circle(canvas, (int(at[0]), int(at[1])), 2, (240, 244, 248), -1, cv2.LINE_AA)

    return draw


def tap(play: Play) -> Draw:
    """A tap over a basin (or a can over a glass): the stream is as wide as it is loud and stops with the sound; the basin fills."""
    rng = play.rng
    pen = spot(rng, 46, 62)
    metal, basin = colour(rng, (190, 194, 200), (206, 180, 90), (120, 124, 130)), colour(rng, (236, 238, 240), (206, 214, 222), (170, 150, 130))
    wall, water = colour(rng, (214, 222, 226), (190, 206, 196), (226, 210, 190), (150, 170, 190)), colour(rng, (150, 196, 220), (170, 210, 226))
    heard = play.smooth(0.05)
    tiles = rng.random() < 0.6
    fill = np.clip(0.15 + np.cumsum(heard) / play.frames * rng.uniform(0.2, 0.7), 0, 0.8)
    drops, quick = rng.normal(0, 1, (24, 2)), rng.uniform(0.25, 0.5)

    def draw(canvas: np.ndarray, t: int) -> None:
        canvas[:] = wall
        if tiles:
            for k in range(-4, 5):
                pen.line(canvas, [(0.45 * k, -2), (0.45 * k, 0.4)], shade(wall, 0.88), 0.02)
                pen.line(canvas, [(-3, 0.45 * k - 0.2), (3, 0.45 * k - 0.2)], shade(wall, 0.88), 0.02)
        pen.shape(canvas, [(-1.3, 0.35), (1.3, 0.35), (0.95, 1.3), (-0.95, 1.3)], basin)
        pen.disc(canvas, 0, 0.38, 1.3, 0.24, shade(basin, 1.3))
        pen.disc(canvas, 0, 0.4, 1.18, 0.2, shade(basin, 0.75))
        level = 0.46 - 0.1 * fill[t]
        pen.disc(canvas, 0, level, 0.75 + 0.4 * fill[t], 0.08 + 0.1 * fill[t], water)
        if heard[t] > 0.02:
            wide = 0.05 + 0.16 * heard[t]
            pen.bar(canvas, -wide, -0.36, wide, level, water)
            for k in range(5):
                x = wide * (-0.8 + 0.4 * k) + 0.02 * np.sin(3.1 * t + 2 * k)
                top = -0.36 + ((0.43 * t + 0.37 * k) % 1) * 0.6
                pen.line(canvas, [(x, top), (x, min(level, top + 0.22))], (244, 250, 252), 0.03)
            for ring in range(3):
                r = 0.12 + 0.45 * ((t * quick + ring / 3) % 1)
                pen.disc(canvas, 0, level, r, 0.2 * r, shade(water, 1.45), width=0.03)
            for k, (x, y) in enumerate(drops):
                if k < 26 * heard[t]:
                    age = (0.31 * t + 0.13 * k) % 1
                    pen.disc(canvas, x * 0.3 * age, level - 0.35 * age + 0.45 * age**2 + 0.02 * y, 0.025, None, (246, 250, 252))
        pen.line(canvas, [(-0.9, -0.85), (-0.2, -0.85), (0, -0.75), (0, -0.4)], metal, 0.2)
        pen.bar(canvas, -0.14, -0.44, 0.14, -0.34, shade(metal, 0.8))
        pen.bar(canvas, -0.7, -1.2, -0.5, -0.8, shade(metal, 0.9))
        pen.line(canvas, [(-0.85, -1.22), (-0.35, -1.22)], metal, 0.12)

    return draw


def drops(play: Play) -> Draw:
    """Drops that fall into still water: each meets it at an onset, and rings run out from there."""
    rng = play.rng
    base = np.array(colour(rng, *BLUES), float)
    horizon = WORLD * rng.uniform(0.2, 0.5)
    ramp = np.linspace(0.7, 1.25, WORLD)[:, None] * base
    places = [(WORLD * rng.uniform(0.3, 0.7), horizon + (WORLD - horizon) * rng.uniform(0.3, 0.75)) for _ in range(3)]
    which = rng.integers(int(rng.integers(1, 4)), size=len(play.hits))
    light, wall = rng.uniform(0.25, 0.5), colour(rng, (90, 84, 80), (140, 150, 150), (50, 54, 60))
    quick = play.smooth(0.05)

    def draw(canvas: np.ndarray, t: int) -> None:
        canvas[:] = np.clip(ramp, 0, 255)[:, None].astype(np.uint8)
        canvas[: int(horizon)] = wall
        now = play.times[t]
        for hit, force, n in zip(play.hits, play.force, which, strict=True):
            x, y = places[n]
            age = now - hit
            if -0.4 < age < 0:
                cv2.ellipse(canvas, (int(x), int(y - 620 * age**2 - 2)), (2, 4), 0, 0, 360, (226, 240, 248), -1, cv2.LINE_AA)
            elif 0 <= age < 0.9:
                for lag in (0.0, 0.12, 0.24):
                    r = (age - lag) * (42 + 40 * force)
                    if r > 1:
                        paint = tuple(int(c) for c in np.clip(base * (1 + light * 2.2 * (1 - age / 0.9)), 0, 255))
                        cv2.ellipse(canvas, (int(x), int(y)), (int(r), int(0.4 * r)), 0, 0, 360, paint, 2 if lag == 0 else 1, cv2.LINE_AA)
                if age < 0.22:  # the crown
                    high = int((6 + 18 * force) * np.sin(np.pi * (age + 0.02) / 0.24))
                    cv2.ellipse(canvas, (int(x), int(y - high)), (2, 3), 0, 0, 360, (240, 248, 252), -1, cv2.LINE_AA)
                    cv2.line(canvas, (int(x), int(y)), (int(x), int(y - high)), (226, 240, 248), 2, cv2.LINE_AA)
        if quick[t] > 0.02 and not len(play.hits):
            canvas[int(horizon) :: 3] = np.clip(canvas[int(horizon) :: 3] * 1.03, 0, 255).astype(np.uint8)

    return draw


def waves(play: Play) -> Draw:
    """The sea at a beach: waves come in and break as the sound swells, and run back as it fades; a calm sea only glitters."""
    rng = play.rng
    paint, tile = _palette(colour(rng, *BLUES), rng), _tile(int(rng.integers(4)), -5)
    sand, sky = colour(rng, (216, 192, 146), (150, 138, 124), (190, 170, 150)), colour(rng, (176, 208, 232), (226, 226, 228), (250, 206, 170))
    horizon, shore = WORLD * rng.uniform(0.25, 0.4), WORLD * rng.uniform(0.66, 0.8)
    swell = play.smooth(0.25)
    swell = swell / max(0.35, float(swell.max()))
    run = np.cumsum(0.25 * play.heard + 2.2 * swell)
    lean, foam = rng.uniform(-0.1, 0.1), rng.uniform(0, 6, 3)
    rows = np.linspace(0, 1, WORLD)
    depth = (np.cumsum(0.6 + 1.8 * rows) * 0.7).astype(int) % TILE  # nearer water is drawn larger
    boat = rng.random() < 0.3
    hull = colour(rng)
    ragged = [np.clip(np.interp(np.linspace(0, 9, 40), np.arange(10), rng.normal(0.7, 0.7, 10)), 0, 1.6) for _ in foam]

    def draw(canvas: np.ndarray, t: int) -> None:
        canvas[: int(horizon)] = sky
        seen = np.roll(tile, (int(run[t] * 1.5), int(run[t])), (0, 1))[depth][:, :WORLD]
        level = np.clip(seen * (90 + 60 * rows[:, None] + 50 * swell[t]), 0, 215).astype(np.uint8)
        canvas[int(horizon) :] = paint[level][int(horizon) :]
        x = np.linspace(0, WORLD, 40)
        pen = Pen(0, 0, 1)
        if boat:
            y = horizon + 16 + 3 * np.sin(0.8 * run[t])
            pen.shape(canvas, [(60, y), (92, y), (86, y + 8), (66, y + 8)], hull)
            pen.shape(canvas, [(76, y - 24), (76, y - 1), (90, y - 1)], (244, 244, 240))
        for n, phase in enumerate(foam):  # breakers that run towards the shore
            at = (0.05 * run[t] + n / 3) % 1
            y = horizon + (shore - horizon) * at**1.6 + lean * (x - WORLD / 2) + 2 * np.sin(x / 11 + phase)
            thick = (1 + 9 * at) * swell[t] * ragged[n]
            if thick.max() > 0.8:
                pen.shape(canvas, [*zip(x, y - thick / 2, strict=True), *zip(x[::-1], (y + thick / 2)[::-1], strict=True)], (238, 244, 246))
        edge = shore + 16 * swell[t] + lean * (x - WORLD / 2) + 2.5 * np.sin(x / 14 + foam[0] + 0.4 * run[t])
        pen.shape(canvas, [*zip(x, edge, strict=True), (WORLD, WORLD), (0, WORLD)], shade(sand, 0.8))
        pen.shape(canvas, [*zip(x, edge + 14 - 8 * swell[t], strict=True), (WORLD, WORLD), (0, WORLD)], sand)
        pen.line(canvas, list(zip(x, edge, strict=True)), (246, 250, 250), 1.5 + 4 * swell[t])

    return draw


def rain(play: Play) -> Draw:
    """Rain before whatever is behind: as many streaks as it is loud, and rings where they fall."""
    rng = play.rng
    many = 150
    x, phase, speed = rng.uniform(0, WORLD, many), rng.uniform(0, 1, many), rng.uniform(0.8, 1.2, many)
    slant, long = rng.uniform(-5, 5), rng.uniform(6, 16)
    dark = rng.uniform(0.45, 0.8)
    heard = play.smooth(0.2)
    fallen = np.cumsum(0.1 + heard)
    pane, ground = rng.random() < 0.25, rng.random() < 0.7
    grey = colour(rng, (120, 128, 138), (84, 92, 104), (150, 150, 150))

    def draw(canvas: np.ndarray, t: int) -> None:
        np.copyto(canvas, (canvas * dark * 0.6 + np.array(grey) * 0.4 * dark).astype(np.uint8))
        count = int(many * min(1.0, 0.12 + 1.3 * heard[t])) if heard[t] > 0.01 else 0
        y = ((phase[:count] + 0.43 * speed[:count] * t) % 1.0) * (WORLD + 20) - 10
        if pane:  # drops that run down a window
            y = ((phase[:count] + 0.05 * speed[:count] * fallen[t]) % 1.0) * WORLD
            for a, b, size in zip(x[:count], y, speed, strict=False):
                middle, axes = (int(16 * a), int(16 * b)), (int(18 * size), int(26 * size))
                cv2.ellipse(canvas, middle, axes, 0, 0, 360, (200, 212, 220), -1, cv2.LINE_AA, 4)
                cv2.ellipse(canvas, (middle[0], middle[1] + 10), (10, 8), 0, 0, 360, (250, 252, 252), -1, cv2.LINE_AA, 4)
            return
        heads = np.stack([x[:count], y], 1)
        lines = np.round(np.stack([heads, heads - (slant, long)], 1) * 16).astype(np.int32)
        cv2.polylines(canvas, list(lines), False, (206, 216, 226), 1, cv2.LINE_AA, 4)
        if ground:
            for k in range(count // 5):
                at = int((x[k] * 7.3 + 37 * t) % WORLD), int(WORLD * (0.8 + 0.2 * ((phase[k] * 13.7 + 0.618 * t) % 1)))
                cv2.ellipse(canvas, at, (4, 1), 0, 0, 360, (226, 232, 238), 1, cv2.LINE_AA)

    return draw
