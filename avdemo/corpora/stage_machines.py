"""Drawn machines: a printer, a chainsaw, a helicopter, trains. Things that go by are as near as they are loud."""

from __future__ import annotations

import numpy as np

from avdemo.corpora.stage import VIEW, WORLD, Colour, Draw, Pen, Play, colour, shade, spot

GREYS = ((232, 232, 230), (60, 62, 66), (190, 194, 198), (226, 220, 206), (36, 38, 42))
TRAINS = ((176, 40, 36), (40, 70, 130), (40, 100, 66), (210, 160, 50), (90, 90, 96), (230, 230, 232))


def _spoke(
    pen: Pen, canvas: np.ndarray, x: float, y: float, radius: float, angle: float, paint: Colour, width: float
) -> None:
    """A line through (x, y), turned by ``angle``."""
    dx, dy = radius * np.cos(angle), radius * np.sin(angle)
    pen.line(canvas, [(x - dx, y - dy), (x + dx, y + dy)], paint, width)


def printer(play: Play) -> Draw:
    """An open printer: the head runs to and fro while it sounds and turns at each onset or at the end; paper comes out."""
    rng = play.rng
    pen = spot(rng, 46, 62, 4)
    case, paper = colour(rng, *GREYS, spread=12), (250, 250, 248)
    head, ink = colour(rng, (40, 40, 46), (30, 60, 140), (150, 30, 40), (230, 190, 40)), shade(case, 0.35)
    run = np.zeros(play.frames)
    place, way = rng.uniform(-0.5, 0.5), rng.choice([-1, 1])
    turns = np.zeros(play.frames, bool)
    if len(play.hits):
        after = np.searchsorted(play.times, play.hits)
        turns[after[after < play.frames]] = True
    speed = rng.uniform(2.0, 4.5)
    for t in range(play.frames):
        if (turns[t] and abs(place) > 0.25) or abs(place) > 0.62:
            way = -np.sign(place)
        place += way * speed * play.step_s * np.clip(1.6 * play.loud[t], 0, 1)
        run[t] = np.clip(place, -0.68, 0.68)
    fed = np.cumsum(play.loud) * rng.uniform(0.015, 0.04)
    quick, rows = play.tremble(), rng.uniform(0.25, 0.95, 60)
    out = rng.random() < 0.7  # the sheet comes out towards us; else it stands up behind

    def draw(canvas: np.ndarray, t: int) -> None:
        at = pen.moved(0.015 * quick[t], 0.008 * quick[t])
        if not out:
            at.bar(canvas, -0.6, -0.95 - 0.5 * fed[t], 0.6, -0.2, paper)
            _print(at, canvas, -0.95 - 0.5 * fed[t], -0.3, rows, fed[t])
        at.shape(canvas, [(-0.95, -0.35), (0.95, -0.35), (1.0, 0.55), (-1.0, 0.55)], case)
        at.bar(canvas, -0.95, -0.42, 0.95, -0.33, shade(case, 0.75))
        at.bar(canvas, -0.82, -0.26, 0.82, 0.1, ink)
        at.bar(canvas, -0.82, -0.1, 0.82, -0.06, (170, 174, 180))  # the rail
        at.line(canvas, [(-0.78, -0.18), (0, -0.2), (run[t], -0.14)], shade(ink, 1.3), 0.04)
        at.bar(canvas, run[t] - 0.15, -0.24, run[t] + 0.15, 0.06, head)
        at.bar(canvas, run[t] - 0.11, -0.2, run[t] + 0.11, -0.13, shade(head, 1.45))
        at.disc(canvas, 0.8, 0.32, 0.05, None, (80, 220, 90) if play.loud[t] < 0.05 or t % 3 else (230, 250, 200))
        at.bar(canvas, -0.72, 0.16, 0.66, 0.24, shade(case, 0.4))
        if out:
            length = 0.2 + 0.9 * (fed[t] % 1.1)
            at.shape(canvas, [(-0.6, 0.2), (0.6, 0.2), (0.68, 0.2 + length), (-0.68, 0.2 + length)], paper)
            _print(at, canvas, 0.24, 0.2 + length, rows, -fed[t])

    return draw


def _print(pen: Pen, canvas: np.ndarray, top: float, bottom: float, rows: np.ndarray, moved: float) -> None:
    """Lines of text on a sheet that moves."""
    for number in range(int((bottom - top) / 0.1)):
        y = top + 0.1 * number + 0.05
        width = rows[(number + int(moved * 10)) % len(rows)]
        pen.line(canvas, [(-0.5, y), (-0.5 + width, y)], (90, 92, 100), 0.03)


def chainsaw(play: Play) -> Draw:
    """A chainsaw at a log: its teeth run and it shakes as loud as it roars, sawdust flies, the cut deepens."""
    rng = play.rng
    pen = spot(rng, 40, 56, 4)
    body, bark = colour(rng, (232, 110, 24), (220, 60, 30), (240, 180, 40), (60, 120, 60)), colour(rng, (104, 72, 46), (130, 100, 74))
    wood, glove = colour(rng, (222, 184, 130), (206, 160, 104)), colour(rng, (40, 40, 44), (160, 120, 70), (200, 80, 40))
    sleeve, angle = colour(rng), rng.uniform(-0.25, 0.45)
    run = np.cumsum(play.loud) * rng.uniform(0.25, 0.45)
    quick = play.tremble()
    up = play.rng.normal(0, 1, play.frames) * play.loud
    deep = np.cumsum(play.loud) / play.frames * rng.uniform(0.2, 0.5)
    dust = rng.normal(0, 1, (26, 3))
    log_y, log_r = rng.uniform(0.35, 0.5), rng.uniform(0.35, 0.5)

    def draw(canvas: np.ndarray, t: int) -> None:
        pen.bar(canvas, -2.2, log_y, 2.2, log_y + 2 * log_r, bark)
        for k in range(5):
            pen.line(canvas, [(-2, log_y + log_r * (0.3 + 0.36 * k)), (2, log_y + log_r * (0.36 + 0.36 * k))], shade(bark, 0.75), 0.03)
        pen.disc(canvas, 1.5, log_y + log_r, log_r * 0.5, log_r, wood)
        pen.shape(canvas, [(0.4, log_y - 0.01), (0.64, log_y - 0.01), (0.53, log_y + 0.1 + deep[t])], shade(wood, 0.8))
        saw = pen.moved(0.03 * quick[t], -0.06 + deep[t] * 0.7 + 0.03 * up[t], angle + 0.02 * quick[t])
        saw.shape(canvas, [(0.1, -0.1), (1.02, -0.08), (1.1, 0), (1.02, 0.09), (0.1, 0.12)], (176, 180, 186))
        saw.line(canvas, [(0.16, 0.0), (0.95, 0.0)], (120, 124, 130), 0.05)
        for k in range(12):  # the chain's teeth, above to the right, below to the left
            x = 0.1 + (k / 12 + run[t]) % 1 * 0.95
            back = 0.1 + (k / 12 - run[t]) % 1 * 0.95
            saw.bar(canvas, x - 0.025, -0.15, x + 0.03, -0.09, (50, 50, 54))
            saw.bar(canvas, back - 0.03, 0.1, back + 0.025, 0.16, (50, 50, 54))
        saw.shape(canvas, [(-0.72, -0.2), (0.1, -0.26), (0.18, 0.2), (-0.66, 0.24)], body)
        saw.bar(canvas, -0.5, -0.12, -0.1, 0.06, shade(body, 0.65))
        saw.disc(canvas, -0.3, -0.04, 0.1, None, (40, 40, 44))
        saw.line(canvas, [(-0.55, -0.2), (-0.5, -0.46), (0.0, -0.5), (0.08, -0.24)], (36, 36, 40), 0.08)
        saw.line(canvas, [(-0.7, -0.1), (-1.0, -0.02), (-0.95, 0.2), (-0.66, 0.2)], (36, 36, 40), 0.1)
        saw.line(canvas, [(-0.25, -1.6), (-0.2, -0.8), (-0.25, -0.5)], sleeve, 0.22)
        saw.disc(canvas, -0.25, -0.48, 0.15, 0.12, glove)
        saw.line(canvas, [(-1.8, -0.7), (-1.2, -0.2), (-0.97, 0.06)], sleeve, 0.22)
        saw.disc(canvas, -0.97, 0.06, 0.13, 0.15, glove)
        if play.loud[t] > 0.1:
            for x, y, phase in dust:
                age = (0.37 * t + phase) % 1.0
                to = (0.45 - age * (0.5 + 0.3 * x) * 1.1, log_y - 0.02 - 0.25 * age + 0.9 * age * age + 0.06 * y)
                if abs(x) < 2.4 * play.loud[t]:
                    pen.disc(canvas, *to, 0.03, None, shade(wood, 1.15))

    return draw


def helicopter(play: Play) -> Draw:
    """A helicopter in the air: the rotor turns while it sounds, it is larger the louder it comes, and it sways a little."""
    rng = play.rng
    size = rng.uniform(26, 46)
    body, glass = colour(rng, (70, 84, 62), (190, 40, 40), (40, 60, 110), (230, 230, 226), (240, 190, 50), (50, 52, 56)), (150, 190, 214)
    blades, mirrored = int(rng.choice([2, 3, 4])), bool(rng.random() < 0.5)
    turn = np.cumsum(np.clip(3 * play.loud, 0, 1)) * rng.uniform(1.6, 2.6)
    near = play.near if np.ptp(play.near) > 0.05 else 0.55 + 0.45 * play.smooth(0.5)
    scale = np.clip(near, 0.1, 1) ** 0.6
    sway = 3 * play.heard * np.sin(play.times * rng.uniform(0.8, 2) + rng.uniform(0, 6))
    x0, y0 = WORLD / 2 + rng.normal(0, 8), WORLD * rng.uniform(0.34, 0.54)
    travel = play.side * 0.5 * VIEW if play.passing else play.heard * (play.times - play.times.mean()) * rng.uniform(-6, 6)
    tilt, quick = rng.normal(0, 0.08), play.tremble()
    skids = rng.random() < 0.6

    def draw(canvas: np.ndarray, t: int) -> None:
        pen = Pen(x0 + travel[t], y0 + sway[t] + 0.4 * quick[t], size * scale[t], tilt + 0.02 * sway[t] / 3, mirrored)
        pen.shape(canvas, [(-0.1, -0.12), (-1.3, -0.2), (-1.32, -0.1), (-0.1, 0.2)], shade(body, 0.9))
        pen.shape(canvas, [(-1.36, -0.5), (-1.2, -0.5), (-1.18, -0.12), (-1.3, -0.1)], body)
        for k in range(2):
            _spoke(pen, canvas, -1.3, -0.3, 0.25, 1.7 * turn[t] + np.pi / 2 * k, (40, 40, 44), 0.05)
        pen.disc(canvas, 0.12, 0.02, 0.6, 0.36, body)
        pen.disc(canvas, 0.38, -0.02, 0.31, 0.25, glass)
        pen.line(canvas, [(0.35, -0.26), (0.3, 0.22)], body, 0.05)
        pen.line(canvas, [(-0.42, 0.08), (0.6, 0.14)], shade(body, 0.7), 0.06)
        if skids:
            pen.line(canvas, [(-0.1, 0.3), (-0.14, 0.52)], (50, 50, 54), 0.05)
            pen.line(canvas, [(0.34, 0.3), (0.36, 0.52)], (50, 50, 54), 0.05)
            pen.line(canvas, [(-0.45, 0.53), (0.72, 0.53), (0.8, 0.46)], (50, 50, 54), 0.06)
        pen.line(canvas, [(0.05, -0.3), (0.05, -0.52)], (50, 50, 54), 0.1)
        for k in range(blades):
            a = turn[t] + 2 * np.pi * k / blades
            tip = (0.05 + 1.45 * np.cos(a), -0.54 + 0.14 * np.sin(a))
            pen.line(canvas, [(0.05, -0.54), tip], (36, 36, 40), 0.07)

    return draw


def train_side(play: Play) -> Draw:
    """A train from the side: its cars run past, faster the louder it is; alone in the picture only as far as it is near."""
    rng = play.rng
    paint, second, roof = colour(rng, *TRAINS), colour(rng, *TRAINS), colour(rng, *GREYS)
    high = rng.uniform(30, 50)
    ground, way = WORLD * rng.uniform(0.66, 0.82), rng.choice([-1, 1])
    car, gap = high * rng.uniform(1.7, 2.6), high * 0.12
    if play.passing:
        speed, size = np.full(play.frames, 1.0), 0.35 + 0.65 * np.clip(play.near, 0, 1)
    else:
        speed, size = np.clip(0.15 + 1.3 * play.smooth(0.3), 0, 1.2), 0.6 + 0.4 * np.clip(play.near, 0, 1)
        speed = np.where(play.smooth(0.3) < 0.02, 0, speed)
    run = np.cumsum(speed) * rng.uniform(5, 9) * way
    cars = 9 if not play.passing else int(rng.integers(3, 6))
    start = -0.5 * cars * (car + gap)
    shake, freight = play.tremble(), rng.random() < 0.4
    side = np.clip(play.side, -1.6, 1.6) * 90 if play.passing else np.zeros(play.frames)
    if play.passing:
        run = side  # its wheels turn as far as it goes

    def draw(canvas: np.ndarray, t: int) -> None:
        pen = Pen(WORLD / 2 + side[t], ground, size[t])
        flat = Pen(WORLD / 2, ground, 1)
        flat.bar(canvas, -WORLD, 2, WORLD, 12, (128, 118, 108))
        for x in np.arange(-80, 80, 9):
            flat.bar(canvas, x, 4, x + 5, 8, (86, 66, 50))
        flat.bar(canvas, -WORLD, 1, WORLD, 4, (150, 152, 160))
        for k in range(cars):
            x = start + k * (car + gap) + (0 if play.passing else run[t] % (car + gap) - car)
            if x > 160 / size[t] or x + car < -160 / size[t]:
                continue
            y = 0.35 * shake[t] * (1 if k % 2 else -1)
            top = -high + y
            shell = second if freight and k % 2 else paint
            pen.bar(canvas, x, top, x + car, -5 + y, shell)
            pen.bar(canvas, x, top, x + car, top + high * 0.12, roof)
            if not freight:
                for w in range(5):
                    wx = x + car * (0.07 + 0.185 * w)
                    pen.bar(canvas, wx, top + high * 0.24, wx + car * 0.12, top + high * 0.52, (60, 84, 104) if w % 2 else (196, 214, 222))
                pen.bar(canvas, x, top + high * 0.62, x + car, top + high * 0.7, second)
            else:
                for w in range(6):
                    pen.line(canvas, [(x + car * w / 6, top + 4), (x + car * w / 6, -6 + y)], shade(shell, 0.75), 1.6)
            for wheel in (0.16, 0.3, 0.7, 0.84):
                wx, r = x + car * wheel, high * 0.12
                pen.disc(canvas, wx, -r + 1, r, None, (34, 34, 38))
                _spoke(pen, canvas, wx, 1 - r, 0.7 * r, run[t] / r, (170, 170, 176), 1.5)
            pen.bar(canvas, x + car, -9, x + car + gap, -6, (40, 40, 44))

    return draw


def train_front(play: Play) -> Draw:
    """A locomotive that comes towards us down the track, or leaves: as large as it is near."""
    rng = play.rng
    paint, stripe = colour(rng, *TRAINS), colour(rng, *TRAINS)
    near = play.near if np.ptp(play.near) > 0.05 else rng.uniform(0.4, 1.0) * np.clip(0.4 + 0.6 * play.smooth(0.6), 0, 1)
    size = 6 + 42 * np.clip(near, 0, 1.05) ** 0.8
    horizon, x0 = WORLD * rng.uniform(0.36, 0.46), WORLD / 2 + rng.normal(0, 6)
    lean, quick = rng.uniform(-0.5, 0.5), play.tremble()
    lamp = rng.random() < 0.8

    def draw(canvas: np.ndarray, t: int) -> None:
        flat = Pen(x0, horizon, 1)
        flat.shape(canvas, [(-2, 0), (2, 0), (70 + 40 * lean, 110), (-70 + 40 * lean, 110)], (134, 124, 112))
        for k in range(9):
            y = 110 * (k / 9) ** 2
            w = 2 + 0.5 * y
            flat.line(canvas, [(-w + 0.36 * lean * y, y), (w + 0.36 * lean * y, y)], (88, 68, 52), max(1.0, 0.05 * y))
        for side in (-1, 1):
            flat.line(canvas, [(0, 0), (side * 34 + 40 * lean, 110)], (176, 178, 186), 2)
        s = size[t]
        pen = Pen(x0 + 0.36 * lean * s * 1.25 + 0.01 * s * quick[t], horizon + 0.35 * s, s, 0.004 * quick[t])
        pen.bar(canvas, -0.62, -0.95, 0.62, 0.8, shade(paint, 0.9))
        pen.disc(canvas, 0, -0.9, 0.6, 0.2, shade(paint, 0.7), part=(180, 360))
        pen.bar(canvas, -0.5, -0.78, -0.04, -0.3, (70, 92, 110))
        pen.bar(canvas, 0.04, -0.78, 0.5, -0.3, (70, 92, 110))
        pen.bar(canvas, -0.62, -0.12, 0.62, 0.12, stripe)
        for side in (-1, 1):
            pen.disc(canvas, side * 0.4, 0.3, 0.1, None, (255, 246, 190) if lamp else (200, 190, 160))
            pen.disc(canvas, side * 0.3, 0.78, 0.12, 0.07, (40, 40, 44))
        pen.bar(canvas, -0.56, 0.62, 0.56, 0.82, (48, 48, 52))

    return draw


def train_window(play: Play) -> Draw:
    """Out of a train's window: the land runs past and the carriage shakes with the sound."""
    rng = play.rng
    wall, frame = colour(rng, (200, 196, 188), (120, 130, 140), (160, 120, 90)), colour(rng, *GREYS)
    run = np.cumsum(np.clip(0.25 * play.heard + 0.9 * play.smooth(0.4), 0, 1.2)) * rng.uniform(5, 10) * rng.choice([-1, 1])
    greens = [colour(rng, (70, 120, 60), (100, 140, 70), (150, 140, 80)) for _ in range(3)]
    sky, seat = colour(rng, (170, 206, 232), (220, 220, 216), (240, 200, 160)), colour(rng)
    bumps, poles = rng.uniform(4, 16, 12), rng.uniform(30, 70)
    trees = rng.uniform(0, 300, 14)
    quick, jolt = play.tremble(), play.jolt(0.12)

    def draw(canvas: np.ndarray, t: int) -> None:
        canvas[:] = sky
        x = np.linspace(0, WORLD, 30)
        far = Pen(0, 0, 1)
        for n, (depth, colour_) in enumerate(zip((0.15, 0.4, 1.0), greens, strict=True)):
            base = 66 + 16 * n
            hills = base - sum(bumps[3 * n + k] * 0.4 * np.sin((x - depth * run[t]) / (15 + 9 * k) + k) for k in range(3))
            far.shape(canvas, [*zip(x, hills, strict=True), (WORLD, WORLD), (0, WORLD)], colour_)
        for tree in trees:
            at = (tree + 0.8 * run[t]) % 300 - 70
            far.bar(canvas, at - 1, 78, at + 1, 100, (80, 56, 40))
            far.disc(canvas, at, 74, 8, 11, shade(greens[2], 0.6))
        at = (1.6 * run[t]) % (3 * poles) - poles
        far.bar(canvas, at, 10, at + 4, 130, (60, 52, 48))
        pen = Pen(WORLD / 2, WORLD / 2 + 1.6 * quick[t] + 1.2 * jolt[t], 1)
        for box in ((-90, -90, -46, 90), (46, -90, 90, 90), (-90, -90, 90, -40), (-90, 32, 90, 90)):
            pen.bar(canvas, *box, wall)
        for box in ((-48, -42, -44, 34), (44, -42, 48, 34), (-48, -42, 48, -38), (-48, 30, 48, 36)):
            pen.bar(canvas, *box, frame)
        pen.bar(canvas, -90, 52, -20, 90, seat)
        pen.bar(canvas, 24, 52, 90, 90, seat)

    return draw
