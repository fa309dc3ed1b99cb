"""Animal musicians that play their emoji instruments in time with given notes.

A :class:`Player` is drawn frame by frame from its notes alone: the same time always gives the same picture. Positions are in
pixels of a canvas 360 pixels high; a player's origin is the point of the ground it stands on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from PIL import Image, ImageFilter

from avdemo.corpora.costume import Look, body_picture, note_picture, paw_picture, sleeping_head, sleeve_picture, zed_picture
from avdemo.corpora.drawn import emoji_cutout, emoji_picture, enlarge, place, soft_shadow
from avdemo.corpora.score import Note

NOTE_LIFE_S = 1.9  # how long a drawn note floats before it has faded
NOTE_EVERY_S = 0.34  # at most one new drawn note in this time


@dataclass(frozen=True)
class Rig:
    """How an instrument is held. Lengths in pixels at scale 1, relative to the player's feet; angles in degrees.

    ``centre`` is the middle of the instrument, ``height`` its height, ``head`` the middle of the head. ``paws`` are where the two
    paws hold it, in fractions of its height from its middle (they turn with it). ``motion`` says what an onset does.
    """

    centre: tuple[float, float]
    height: float
    head: tuple[float, float]
    paws: tuple[tuple[float, float], tuple[float, float]]
    motion: str  # "strum" | "bow" | "blow" | "squeeze" | "keys" | "beat"
    angle_deg: float = 0.0
    flip: bool = False
    legs: float = 0.0  # height of a stand below the instrument


RIGS = {
    "accordion": Rig((0, -92), 132, (0, -186), ((-0.55, 0.02), (0.52, 0.06)), "squeeze"),
    "banjo": Rig((8, -92), 172, (-12, -188), ((-0.20, 0.20), (0.22, -0.24)), "strum"),
    "drums": Rig((0, -76), 158, (0, -188), ((-0.43, -0.36), (0.43, -0.36)), "beat"),
    "flute": Rig((-44, -92), 152, (26, -186), ((0.04, -0.08), (-0.20, 0.18)), "blow", 6),
    "guitar": Rig((6, -92), 172, (-14, -188), ((-0.20, 0.16), (0.24, -0.24)), "strum"),
    "piano": Rig((0, -92), 140, (0, -194), ((-0.26, 0.10), (0.26, 0.10)), "keys", legs=30),
    "saxophone": Rig((-42, -98), 166, (34, -188), ((0.12, -0.12), (0.04, 0.12)), "blow"),
    "trumpet": Rig((-38, -102), 150, (36, -188), ((0.06, -0.12), (-0.04, 0.16)), "blow"),
    "violin": Rig((-8, -94), 174, (10, -190), ((0.06, -0.26), (0.40, 0.20)), "bow"),
}
SHOULDERS = ((-36, -118), (36, -118))


@dataclass(frozen=True)
class Player:
    """One musician.

    ``notes`` are what it plays, in seconds of the video; with none it sleeps. ``mirrored`` turns the whole figure about.
    The middle of its instrument is :attr:`instrument_px`: where to click.
    """

    instrument: str
    look: Look
    x: float
    ground: float
    notes: Sequence[Note] = ()
    scale: float = 1.0
    mirrored: bool = False
    beat_s: float = 0.5
    seed: int = 0
    _cache: dict = field(default_factory=dict, compare=False, repr=False)

    @property
    def rig(self) -> Rig:
        return RIGS[self.instrument]

    @property
    def asleep(self) -> bool:
        return not self.notes

    @cached_property
    def instrument_px(self) -> tuple[float, float]:
        """Where to click: the point deepest inside the instrument at rest, in pixels of the canvas."""
        rig, side = self.rig, -1 if self.mirrored else 1
        alpha = Image.fromarray(np.ascontiguousarray(emoji_cutout(self.instrument)[..., 3]))
        depth = np.asarray(alpha.filter(ImageFilter.GaussianBlur(0.11 * alpha.height)), np.float32)
        v, u = np.mgrid[0 : alpha.height, 0 : alpha.width] / alpha.height
        depth = depth - 60 * np.hypot(u - 0.5 * alpha.width / alpha.height, v - 0.5)  # near the middle, other things being equal
        row, column = np.unravel_index(int(depth.argmax()), depth.shape)
        across = (column - alpha.width / 2) / alpha.height * rig.height
        down = (row - alpha.height / 2) / alpha.height * rig.height
        turn = np.deg2rad(rig.angle_deg)
        dx = rig.centre[0] + np.cos(turn) * across + np.sin(turn) * down
        dy = rig.centre[1] - np.sin(turn) * across + np.cos(turn) * down
        return float(self.x + side * dx * self.scale), float(self.ground + dy * self.scale)

    @cached_property
    def onsets(self) -> np.ndarray:
        """Start times in seconds; notes that start together (a chord) count once."""
        times = np.array(sorted(note.start_s for note in self.notes))
        return times[np.insert(np.diff(times) > 0.05, 0, True)] if len(times) else times

    def picture(self, name: str, make) -> np.ndarray:
        """A cut-out of this player, made once."""
        if name not in self._cache:
            self._cache[name] = make()
        return self._cache[name]

    def _pulse(self, time_s: float, fall_s: float = 0.16) -> tuple[float, int]:
        """How fresh the newest onset is (1 at the onset, towards 0 after), rising over 50 ms before it; and its number."""
        if not len(self.onsets):
            return 0.0, 0
        index = int(np.searchsorted(self.onsets, time_s, side="right"))
        since = time_s - self.onsets[index - 1] if index else np.inf
        until = self.onsets[index] - time_s if index < len(self.onsets) else np.inf
        fresh = float(np.exp(-since / fall_s))
        return max(fresh, float(np.clip(1 - until / 0.05, 0, 1))), index + (until < 0.05)

    def _playing(self, time_s: float) -> float:
        """1 while a note sounds, falling to 0 within a third of a second after."""
        ends = [note.start_s + note.duration_s for note in self.notes if note.start_s <= time_s]
        return float(np.clip(1 - (time_s - max(ends)) / 0.3, 0, 1)) if ends else 0.0

    def _put(
        self, canvas: np.ndarray, cutout: np.ndarray, dx: float, dy: float, width: float, height: float, angle: float, opacity=1.0
    ) -> None:
        """Place a cut-out whose middle is (dx, dy) from the feet, mirrored with the figure."""
        side = -1 if self.mirrored else 1
        width, height = width * self.scale, height * self.scale
        x, y = self.x + side * dx * self.scale, self.ground + dy * self.scale
        box = (x - width / 2, y - height / 2, width, height)
        place(canvas, cutout, box, angle_deg=side * angle, flip=self.mirrored, opacity=opacity)

    def draw(self, canvas: np.ndarray, time_s: float) -> None:
        """Draw the player as it is at ``time_s`` on ``canvas``, uint8 (360, W, 3), in place; floating notes come before."""
        rig, look = self.rig, self.look
        pulse, count = self._pulse(time_s)
        playing = self._playing(time_s)
        sway = np.sin(np.pi * time_s / self.beat_s / 2 + self.seed) * (0.4 + 0.6 * playing) * (0.25 if self.asleep else 1)
        breath = np.sin(2 * np.pi * time_s / 3.2 + self.seed)
        side = 1 if count % 2 else -1
        soft_shadow(canvas, self.x, self.ground, 168 * self.scale, 30 * self.scale, opacity=0.42)
        if playing:
            self._glow(canvas, 0.20 * playing + 0.40 * pulse)

        lift = -5 * pulse
        body = self.picture("body", lambda: body_picture(look))
        squash = 0.03 * pulse - 0.008 * breath
        self._put(canvas, body, 1.5 * sway, -75 + 75 * squash, 118 * (1 + squash), 150 * (1 - squash), 1.2 * sway)
        make_head = (lambda: sleeping_head(look)) if self.asleep else (lambda: enlarge(emoji_picture(look.head), 2))
        head = self.picture("head", make_head)
        size = min(112 / head.shape[1], 128 / head.shape[0])
        tall, wide = size * head.shape[0], size * head.shape[1]
        nod = (5 * sway + 3.5 * side * pulse) if not self.asleep else -9 + 2 * breath
        drop = 7 + 1.5 * breath if self.asleep else lift * 1.2
        # Tall ears or not, all chins are at one height.
        self._put(canvas, head, rig.head[0] + 2 * sway, rig.head[1] + 54 - tall / 2 + drop, wide, tall, nod)

        self._hold(canvas, pulse, side, sway, playing, time_s)

    def _hold(self, canvas, pulse: float, side: int, sway: float, playing: float, time_s: float) -> None:
        """The instrument and the paws on it."""
        rig = self.rig
        cutout = self.picture("instrument", lambda: enlarge(emoji_cutout(self.instrument), 2))
        height = rig.height
        width = height * cutout.shape[1] / cutout.shape[0]
        dx, dy, angle = rig.centre[0] + 1.5 * sway, rig.centre[1], rig.angle_deg + 1.5 * sway
        paws = [list(paw) for paw in rig.paws]
        if rig.motion == "strum":
            angle += 2.5 * side * pulse
            paws[0][1] += 0.09 * side * pulse
            paws[1][0] += 0.03 * side * pulse
            paws[1][1] -= 0.03 * side * pulse
        elif rig.motion == "bow":
            angle += 5 * side * pulse
            paws[1][0] += 0.03 * side * pulse
            paws[1][1] += 0.10 * side * pulse
        elif rig.motion == "blow":
            angle += -4 * pulse - 2 * playing
            dy += -5 * pulse
            paws[0][1] += 0.02 * pulse
        elif rig.motion == "squeeze":
            bellows = np.sin(np.pi * time_s / self.beat_s / 2) * playing
            width *= 1 + 0.07 * bellows + 0.05 * pulse
            angle += 3 * bellows
        elif rig.motion == "keys":
            dy += 2.5 * pulse
            paws[0][1] += 0.10 * pulse * (side > 0) - 0.05
            paws[1][1] += 0.10 * pulse * (side < 0) - 0.05
        elif rig.motion == "beat":
            height *= 1 - 0.05 * pulse
            width *= 1 + 0.03 * pulse
            dy += 4 * pulse
            paws[0][1] += 0.12 * pulse * (side > 0)
            paws[1][1] += 0.12 * pulse * (side < 0)
        if rig.legs:
            stand = self.picture("stand", lambda: np.full((8, 8, 4), (70, 52, 60, 255), np.uint8))
            for leg in (-0.36, 0.36):
                self._put(canvas, stand, dx + leg * width, -rig.legs / 2, 7, rig.legs, 0)
        turn = np.deg2rad(angle)
        held = []
        for u, v in paws:
            u, v = u * (width if rig.motion == "squeeze" else height), v * height
            held.append((dx + np.cos(turn) * u + np.sin(turn) * v, dy - np.sin(turn) * u + np.cos(turn) * v))
        if not self.asleep:
            # The arms go behind the instrument, so that all of it is seen.
            sleeve = self.picture("sleeve", lambda: sleeve_picture(self.look))
            for (from_x, from_y), (to_x, to_y) in zip(SHOULDERS, sorted(held), strict=True):
                length, lean = np.hypot(to_x - from_x, to_y - from_y), np.degrees(np.arctan2(from_y - to_y, to_x - from_x))
                self._put(canvas, sleeve, (from_x + to_x) / 2, (from_y + to_y) / 2, length + 30, 30, lean)
        self._put(canvas, cutout, dx, dy, width, height, angle)
        if not self.asleep:
            paw = self.picture("paw", lambda: paw_picture(self.look))
            for at in held:
                self._put(canvas, paw, *at, 30, 30, angle)

    def _glow(self, canvas: np.ndarray, strength: float) -> None:
        """Warm light in the player's colour around the instrument, added in place."""
        x, y = self.instrument_px
        radius = int(125 * self.scale)
        top, bottom = max(0, int(y) - radius), min(canvas.shape[0], int(y) + radius)
        left, right = max(0, int(x) - radius), min(canvas.shape[1], int(x) + radius)
        v, u = np.mgrid[top:bottom, left:right].astype(np.float32)
        distance = ((u - x) ** 2 + (v - y) ** 2) / radius**2
        weight = (0.75 * strength * np.clip(1 - distance, 0, 1) ** 2)[..., None]
        under = canvas[top:bottom, left:right]
        light = np.asarray(self.look.light, np.float32)
        under[:] = (under + (255 - under) * weight * light / 255 + 0.5).astype(np.uint8)

    def draw_notes(self, canvas: np.ndarray, time_s: float) -> None:
        """Little notes that rise from the instrument where the music started them; Zs from a sleeper."""
        if self.asleep:
            head_x, head_y = self.rig.head
            for k in range(3):
                age = (time_s / 2.7 + k / 3) % 1.0
                zed = self.picture("zed", zed_picture)
                x, y, size = head_x + 52 + 52 * age + 5 * np.sin(6 * age), head_y - 26 - 84 * age, 18 + 16 * age
                self._put(canvas, zed[:, ::-1] if self.mirrored else zed, x, y, size, size, 8, float(np.sin(np.pi * age)) ** 0.6)
            return
        rng = np.random.default_rng(self.seed + 77)
        last = -1.0
        for onset in self.onsets:
            kind, drift, turn, start = rng.integers(3), rng.uniform(-1, 1), rng.uniform(-14, 14), rng.uniform(0, 6)
            if onset - last < NOTE_EVERY_S:
                continue
            last = onset
            age = (time_s - onset) / NOTE_LIFE_S
            if not 0 <= age < 1:
                continue
            picture = self.picture(f"note{kind}", lambda kind=int(kind): note_picture(kind, self.look.light))
            # Beside the head, on either hand.
            x = (74 + 28 * abs(drift)) * (1 if drift > 0 else -1) + 9 * np.sin(5 * age + start)
            y = -150 - 130 * age**0.8
            size = 40 * min(1.0, 0.5 + 4 * age)
            shown = float(min(1.0, 8 * age) * min(1.0, 2.2 * (1 - age)))
            self._put(canvas, picture[:, ::-1] if self.mirrored else picture, x, y, size, size, turn + 8 * np.sin(4 * age), shown)
