"""Drawn drums: a kit with its player, a snare from above, hand drums. Which drum is struck follows how bright the hit sounds."""

from __future__ import annotations

import numpy as np

from avdemo.corpora.stage import Draw, Pen, Play, colour, reach, shade, spot

SKINS = ((241, 205, 175), (224, 172, 135), (176, 122, 86), (120, 78, 52))
WOODS = ((178, 120, 66), (120, 72, 40), (206, 160, 100), (90, 52, 34))
HEADS = ((240, 236, 226), (226, 214, 192), (250, 250, 250))
GOLD = ((214, 176, 84), (190, 150, 70), (226, 200, 120))


def _hand_of(play: Play, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Onsets shared out between two hands: by turns, (left, right) numbers."""
    turn = np.arange(len(chosen)) % 2
    return chosen[turn == 0], chosen[turn == 1]


def _pulse(play: Play, which: np.ndarray, piece: int) -> tuple[np.ndarray, np.ndarray]:
    """How a piece that is struck shines and swings, both (T,)."""
    only = np.flatnonzero(which == piece)
    return play.jolt(0.12, only), play.wobble(0.35, 2.7, only)


def kit(play: Play) -> Draw:
    """A drum kit from the front: bass drum, snare, toms, hi-hat, cymbal, and who plays it."""
    rng = play.rng
    pen = spot(rng, 44, 60, 6)
    shell = colour(rng)
    head, gold = colour(rng, *HEADS, spread=8), colour(rng, *GOLD)
    shirt, skin, hair = colour(rng), colour(rng, *SKINS), colour(rng, (40, 28, 20), (120, 84, 40), (20, 20, 24))
    logo = colour(rng)
    # middle of the head, half axes, height of the shell below it; 0 bass, 1 floor tom, 2 tom, 3 snare, 4 hi-hat, 5 cymbal
    pieces = [(0, 0.5, 0.5, 0.5, 0), (0.74, 0.3, 0.27, 0.09, 0.36), (0.2, -0.16, 0.22, 0.08, 0.2), (-0.62, 0.25, 0.27, 0.09, 0.17),
              (-0.92, -0.04, 0.27, 0.05, 0), (0.8, -0.42, 0.36, 0.08, 0)]  # fmt: skip
    edges = np.array([0.16, 0.27, 0.37, 0.58, 0.78]) + rng.normal(0, 0.02, 5)
    which = np.searchsorted(np.sort(edges), play.bright)
    shine, swing = zip(*(_pulse(play, which, n) for n in range(6)), strict=True)
    struck = np.flatnonzero(which > 0)
    places = np.array([(x, y) for x, y, *_ in pieces])
    hands = [struck[places[which[struck], 0] < 0.1], struck[places[which[struck], 0] >= 0.1]]
    if min(map(len, hands)) == 0:
        hands = _hand_of(play, struck)
    tips = [
        reach(play.times, play.hits[h], places[which[h]], play.force[h], rest, 0.42)
        for h, rest in zip(hands, ((-0.55, -0.2), (0.4, -0.45)), strict=True)
    ]
    nod = play.jolt(0.2)

    def draw(canvas: np.ndarray, t: int) -> None:
        body = pen.moved(0, 0.03 * nod[t])
        body.shape(canvas, [(-0.34, -0.5), (0.34, -0.5), (0.42, 0.5), (-0.42, 0.5)], shirt)
        body.disc(canvas, 0, -0.8, 0.19, 0.24, skin)
        body.disc(canvas, 0, -0.9, 0.2, 0.17, hair, part=(180, 360))
        for x in (-0.92, 0.8):  # stands
            pen.line(canvas, [(x, -0.4 if x > 0 else 0), (x, 1.0)], (120, 120, 128), 0.03)
        for n in (2, 1, 3):
            x, y, rx, ry, height = pieces[n]
            y += 0.03 * swing[n][t]
            pen.bar(canvas, x - rx, y, x + rx, y + height, shell)
            pen.disc(canvas, x, y + height, rx, ry, shade(shell, 0.6))
            pen.disc(canvas, x, y, rx, ry, shade((150, 150, 156), 1.2))
            pen.disc(canvas, x, y + 0.01, rx * 0.93, ry * 0.85, shade(head, 1 - 0.35 * shine[n][t]))
        x, y, r, *_ = pieces[0]
        pen.disc(canvas, x, y, r, r, shade(shell, 0.55))
        grown = r * (0.9 + 0.07 * shine[0][t])
        pen.disc(canvas, x, y, grown, grown, shade(head, 1 - 0.3 * shine[0][t]))
        pen.disc(canvas, x, y, 0.2 * (1 + 0.3 * shine[0][t]), None, logo)
        for n in (4, 5):
            x, y, rx, ry, _ = pieces[n]
            pen.disc(canvas, x, y, rx, ry * (1 + 0.4 * abs(swing[n][t])), gold, 0.35 * swing[n][t])
            pen.disc(canvas, x, y - 0.01, rx * 0.3, ry * 0.4, shade(gold, 1.4))
        for shoulder, tip in zip((-0.32, 0.32), tips, strict=True):
            hand = 0.55 * tip[t] + 0.45 * np.array([shoulder * 1.5, -0.05])
            body.line(canvas, [(shoulder, -0.42), (shoulder * 1.7, -0.1), hand], shade(shirt, 0.85), 0.12)
            pen.line(canvas, [hand, tip[t]], (232, 206, 160), 0.045)
            pen.disc(canvas, *hand, 0.07, None, skin)

    return draw


def snare(play: Play) -> Draw:
    """One drum from above or from the side, two sticks (no hands in the picture, or only just)."""
    rng = play.rng
    pen = spot(rng, 44, 66, 8)
    flat = rng.uniform(0.3, 0.95)  # how far from above we look
    shell, head = colour(rng), colour(rng, *HEADS, spread=10)
    rim = colour(rng, (190, 190, 196), (150, 150, 156), *GOLD)
    stick = colour(rng, *WOODS, (232, 206, 160))
    height, lugs = rng.uniform(0.25, 0.8) * (1.05 - flat), int(rng.integers(6, 11))
    places = np.stack([rng.uniform(-0.35, 0.35, len(play.hits)), rng.uniform(-0.3, 0.3, len(play.hits)) * flat], 1)
    hands = _hand_of(play, np.arange(len(play.hits)))
    tips = [
        reach(play.times, play.hits[h], places[h], play.force[h], (x, -0.25), 0.6)
        for h, x in zip(hands, (-0.25, 0.25), strict=True)
    ]
    shine, swing = play.jolt(0.15), play.wobble(0.2, 5.0)
    ring = play.tremble()

    def draw(canvas: np.ndarray, t: int) -> None:
        at = pen.moved(0.012 * ring[t], 0.03 * shine[t])
        at.bar(canvas, -0.8, 0, 0.8, height, shell)
        at.disc(canvas, 0, height, 0.8, 0.8 * flat, shell)
        at.disc(canvas, 0, height, 0.8, 0.8 * flat, shade(rim, 0.8), width=0.05)
        for lug in range(lugs):
            x = 0.8 * np.cos(np.pi * (lug + 0.5) / lugs)
            y = 0.8 * flat * np.sin(np.pi * (lug + 0.5) / lugs)
            at.line(canvas, [(x, y), (x, y + height)], shade(rim, 0.9), 0.04)
        at.disc(canvas, 0, 0, 0.83, 0.83 * flat, rim)
        at.disc(canvas, 0, 0, 0.76, 0.76 * flat, shade(head, 1 - 0.25 * shine[t]))
        at.disc(canvas, 0, 0, 0.42 + 0.06 * swing[t], (0.42 + 0.06 * swing[t]) * flat, shade(head, 0.9 - 0.25 * shine[t]), width=0.03)
        for side, tip in zip((-1, 1), tips, strict=True):
            held = tip[t] + (side * 0.75, 0.45 + 0.25 * flat)
            pen.line(canvas, [held, tip[t]], shade(stick, 0.9), 0.075)
            pen.disc(canvas, *tip[t], 0.055, None, shade(stick, 1.2))

    return draw


def hand_drums(play: Play) -> Draw:
    """Bongos, congas or one djembe under two hands; darker hits on the larger drum."""
    rng = play.rng
    pen = spot(rng, 42, 58, 14)
    count = int(rng.choice([1, 2, 2]))
    wood, head, skin = colour(rng, *WOODS), colour(rng, *HEADS, spread=14), colour(rng, *SKINS)
    sleeve, band = colour(rng), colour(rng, (60, 60, 66), *GOLD)
    height, waist = rng.uniform(0.6, 1.2), rng.uniform(0.55, 0.95)
    drums = [(0.0, 0.62)] if count == 1 else [(-0.48, 0.46), (0.5, 0.38)]
    low = play.bright < (np.median(play.bright) if len(play.bright) else 0)
    which = np.where(low, 0, count - 1)
    which = np.where(rng.random(len(which)) < 0.15, rng.integers(count, size=len(which)), which)
    spots = np.array([[drums[w][0] + rng.uniform(-0.5, 0.5) * drums[w][1], rng.uniform(-0.06, 0.06)] for w in which]).reshape(-1, 2)
    hands = _hand_of(play, np.arange(len(play.hits)))
    if count == 2 and rng.random() < 0.5:
        hands = np.flatnonzero(which == 0), np.flatnonzero(which == 1)
    paths = [
        reach(play.times, play.hits[h], spots[h], play.force[h], (x, -0.3), 0.5)
        for h, x in zip(hands, (-0.35, 0.35), strict=True)
    ]
    shine = [play.jolt(0.14, np.flatnonzero(which == n)) for n in range(count)]
    player = rng.random() < 0.6
    nod = play.jolt(0.25)

    def draw(canvas: np.ndarray, t: int) -> None:
        if player:
            who = pen.moved(0, -0.02 + 0.03 * nod[t])
            who.shape(canvas, [(-0.6, -0.55), (0.6, -0.55), (0.75, 1.2), (-0.75, 1.2)], sleeve)
            who.disc(canvas, 0, -0.9, 0.23, 0.3, skin)
        for n, (x, r) in enumerate(drums):
            sink = 0.03 * shine[n][t]
            pen.shape(canvas, [(x - r, sink), (x + r, sink), (x + r * waist, height), (x - r * waist, height)], wood)
            pen.line(canvas, [(x - r * 0.98, 0.14 + sink), (x, 0.2 + sink), (x + r * 0.98, 0.14 + sink)], band, 0.06)
            pen.disc(canvas, x, sink, r, r * 0.3, band)
            pen.disc(canvas, x, sink, r * 0.92, r * 0.26, shade(head, 1 - 0.3 * shine[n][t]))
        for side, path in zip((-1, 1), paths, strict=True):
            x, y = path[t]
            elbow = (side * 0.95, -0.15 + 0.3 * y)
            pen.line(canvas, [(side * 0.65, -0.5), elbow, (x + side * 0.12, y - 0.03)], sleeve if player else skin, 0.16)
            pen.line(canvas, [elbow, (x + side * 0.12, y - 0.03)], skin, 0.13)
            pen.disc(canvas, x, y, 0.17, 0.085, shade(skin, 1.1), 0.25 * side)

    return draw


def drawn_sticks(play: Play, pen: Pen) -> Draw:
    """Two sticks that strike whatever picture lies under them."""
    rng = play.rng
    places = np.stack([rng.uniform(-0.4, 0.4, len(play.hits)), rng.uniform(-0.15, 0.25, len(play.hits))], 1)
    wood, width = colour(rng, *WOODS, (232, 206, 160)), rng.uniform(0.06, 0.1)
    hands = _hand_of(play, np.arange(len(play.hits)))
    tips = [
        reach(play.times, play.hits[h], places[h], play.force[h], (x, -0.2), 0.55)
        for h, x in zip(hands, (-0.2, 0.2), strict=True)
    ]

    def draw(canvas: np.ndarray, t: int) -> None:
        for side, tip in zip((-1, 1), tips, strict=True):
            pen.line(canvas, [tip[t] + (side * 0.8, 0.7), tip[t]], wood, width)
            pen.disc(canvas, *tip[t], width * 0.7, None, shade(wood, 1.25))

    return draw
