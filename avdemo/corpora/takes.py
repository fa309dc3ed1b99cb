"""The sound of a made pair, and when what happens in it: real recordings, cut, placed and faded, never made louder than they were.

Three ways to a take. *Window*: a stretch of a recording as it is; its onsets are found. *Events*: single hits, barks, bursts or
snores, each cut from a recording and placed in time; the onsets are known to the sample. *Course*: a steady recording (water, a
rotor, a train) under a course of nearness, with the Doppler shift of what passes, or switched on and off.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from avdemo.corpora.acoustics import equalise
from avdemo.corpora.foley_pack import FoleyPack
from avdemo.corpora.render import resample_ratio
from avdemo.dsp.onsets import onsets

EVENTS = {"drum": 0.75, "dog": 0.55, "fireworks": 0.5, "snoring": 0.75}  # share of these kinds' takes made of single events
COURSES = {  # kind -> shares of (as it is, passing, approaching or leaving, switched)
    "helicopter": (0.3, 0.25, 0.45, 0.0), "rail": (0.35, 0.4, 0.25, 0.0), "water": (0.45, 0.0, 0.15, 0.4),
    "chainsaw": (0.5, 0.0, 0.1, 0.4), "printer": (0.55, 0.0, 0.0, 0.45), "baby_cry": (0.8, 0.0, 0.05, 0.15),
    "snoring": (1.0, 0.0, 0.0, 0.0),
}  # fmt: skip
SEMITONES = 1.5  # training recordings are played up to so much higher or lower
EVENT_S = {"drum": (0.06, 1.2), "dog": (0.08, 0.7), "fireworks": (0.15, 1.6), "snoring": (0.4, 1.2)}
QUIETEST = 0.05  # events softer than this share of their recording's loudest are no events
FADE_S = 0.02


@dataclass(frozen=True)
class Take:
    """A sound and its course.

    All in s from the beginning: ``times_s`` of the onsets (n,), ``force`` (n,) RMS at each, ``bright`` (n,) 0 to 1; ``near`` (T,) how near
    the thing is at each frame (1 as recorded, less when further), ``side`` (T,) where, -1 left to 1 right; ``passing`` when it moves.
    """

    wav: np.ndarray  # float32 (samples,)
    what: str
    times_s: np.ndarray
    force: np.ndarray
    bright: np.ndarray
    near: np.ndarray
    side: np.ndarray
    passing: bool = False
    placed: bool = False  # the onsets were placed, not found
    recording: str = ""  # the group of recordings that it was cut from


@dataclass
class TakeMaker:
    """Draws takes of one split.

    Args:
        frames, fps: how many pictures a take lasts, and how many there are a second.
        samples: of a take.
    """

    pack: FoleyPack
    split: str
    frames: int
    fps: float
    samples: int
    _groups: dict[str, list[list[int]]] = field(default_factory=dict)
    _shares: dict[str, np.ndarray] = field(default_factory=dict)
    _cuts: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in self.pack.kinds:
            groups: dict[str, list[int]] = {}
            for number in self.pack.sounds_of(kind, self.split):
                groups.setdefault(self.pack.sounds[number]["group"], []).append(number)
            if groups:
                # A recording of ten minutes counts ten times as much as one of six seconds, not a hundred times.
                length = np.sqrt([sum(self.pack.sounds[i]["length"] for i in group) for group in groups.values()])
                self._groups[kind], self._shares[kind] = list(groups.values()), length / length.sum()

    @property
    def kinds(self) -> list[str]:
        """Kinds that there are sounds of."""
        return list(self._groups)

    def draw(self, kind: str, rng: np.random.Generator) -> Take:
        """A take of ``kind``; a silent stretch may be drawn, and is kept."""
        groups = self._groups[kind]
        group = groups[int(rng.choice(len(groups), p=self._shares[kind]))]
        sleeper = kind == "snoring" and self.pack.sounds[group[0]]["length"] < 1.5 * self.pack.sample_rate  # cut apart in the data
        if kind in EVENTS and (sleeper or rng.random() < EVENTS[kind]):
            take = self._events(kind, group, rng) or self._course(kind, group, rng)
        else:
            take = self._course(kind, group, rng)
        return replace(take, recording=self.pack.sounds[group[0]]["group"])

    # -- events --------------------------------------------------------------------------------------------------------------------

    def _cut(self, number: int, kind: str) -> list[tuple[int, int]]:
        """(start, length) of the events of a recording."""
        if number not in self._cuts:
            rate = self.pack.sample_rate
            least, most = (round(s * rate) for s in EVENT_S[kind])
            wav = self.pack.wav(number, 0, 90 * rate)
            if kind == "snoring":
                self._cuts[number] = [(0, min(len(wav), most))]
                return self._cuts[number]
            times, force, _ = onsets(wav, rate)
            starts = [max(0, round(t * rate) - rate // 250) for t in times]
            if not starts and len(wav) < 2 * most:
                starts, force = [0], np.ones(1)
            ends = [*starts[1:], len(wav)][: len(starts)]
            strong = QUIETEST * max(force, default=0)
            self._cuts[number] = [
                (s, min(e - s, most)) for s, e, f in zip(starts, ends, force, strict=True) if f >= strong and e - s >= least
            ]
        return self._cuts[number]

    def _event(self, number: int, kind: str, rng: np.random.Generator) -> np.ndarray | None:
        cuts = self._cut(number, kind)
        if not cuts:
            return None
        start, length = cuts[int(rng.integers(len(cuts)))]
        wav = self.pack.wav(number, start, length).copy()
        fade = min(len(wav) // 3, round(2 * FADE_S * self.pack.sample_rate))
        if fade:
            wav[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
            if kind == "snoring":
                wav[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
        return wav

    def _events(self, kind: str, group: list[int], rng: np.random.Generator) -> Take | None:
        count = min(len(group), int(rng.integers(1, 6)) if kind == "drum" else int(rng.integers(1, 4)))
        chosen = [e for i in rng.choice(group, count, replace=False) if (e := self._event(int(i), kind, rng)) is not None]
        if kind in ("dog", "fireworks") and chosen:  # more than one out of a long recording
            chosen += [e for _ in range(3) if (e := self._event(int(rng.choice(group)), kind, rng)) is not None]
        if not chosen:
            return None
        if self.split == "train" and rng.random() < 0.6:
            ratio = 2 ** (rng.uniform(-SEMITONES, SEMITONES) / 12)
            chosen = [resample_ratio(e, ratio) for e in chosen]
        rate, total = self.pack.sample_rate, self.samples
        wav = np.zeros(total, np.float32)
        times, forces, brights = [], [], []
        for time_s in _when(kind, total / rate, rng):
            event, start = chosen[int(rng.integers(len(chosen)))], round(time_s * rate)
            gain = np.float32(rng.uniform(0.3, 1.0) if kind != "snoring" else rng.uniform(0.6, 1.0))
            end = min(total, start + len(event))
            if end - start < rate // 50:
                continue
            wav[start:end] += gain * event[: end - start]
            lead = rate // 250 if kind != "snoring" else 0  # the cut begins so much before the onset
            times.append((start + lead) / rate)
            head = event[: round(0.06 * rate)]
            forces.append(float(gain * np.sqrt(np.mean(np.square(head))))), brights.append(_brightness(event, rate))
        peak = np.abs(wav).max(initial=0)
        if peak > 0.97:
            wav, forces = wav * np.float32(0.97 / peak), [f * 0.97 / peak for f in forces]
        order = np.argsort(times)
        return self._take(
            wav, self.pack.sounds[group[0]]["what"], [np.asarray(v)[order] if len(times) else np.zeros(0) for v in (times, forces, brights)],
            rng, placed=True,
        )  # fmt: skip

    # -- windows and courses -------------------------------------------------------------------------------------------------------

    def _window(self, group: list[int], samples: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """A stretch of a recording, or a short one somewhere in silence; and the recording's number."""
        length = np.array([min(self.pack.sounds[i]["length"], 3 * samples) for i in group], float)
        number = int(rng.choice(group, p=length / length.sum()))
        room = self.pack.sounds[number]["length"] - samples
        if room >= 0:
            starts = rng.integers(room + 1, size=2)
            wavs = [self.pack.wav(number, int(s), samples) for s in starts]
            best = max(range(2), key=lambda i: float(np.square(wavs[i][::5]).sum()))  # of two the one with more in it
            return wavs[best], number
        wav = np.zeros(samples, np.float32)
        short = self.pack.wav(number)
        fade = min(len(short) // 4, round(FADE_S * self.pack.sample_rate))
        short[len(short) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        start = int(rng.integers(samples - len(short) + 1))
        while start < samples:
            wav[start : start + len(short)] = short[: samples - start]
            start += len(short) + round(rng.exponential(0.6) * self.pack.sample_rate)
        return wav, number

    def _course(self, kind: str, group: list[int], rng: np.random.Generator) -> Take:
        course = int(rng.choice(4, p=COURSES.get(kind, (1.0, 0.0, 0.0, 0.0))))
        times = np.arange(self.frames) / self.fps
        ratio = 2 ** (rng.uniform(-SEMITONES, SEMITONES) / 12) if self.split == "train" and rng.random() < 0.5 else 1.0
        margin = 1.12 if course == 1 else 1.0
        wav, number = self._window(group, int(np.ceil(self.samples * ratio * margin)) + 1, rng)
        at = np.arange(self.samples) / self.pack.sample_rate
        near, side = np.ones(self.frames), np.zeros(self.frames)
        if course == 1:
            wav, gain, near, side = _pass_by(wav, at, times, ratio, self.pack.sample_rate, rng)
            wav = wav * gain
        else:
            wav = resample_ratio(wav, ratio)[: self.samples] if ratio != 1.0 else wav[: self.samples]
            wav = np.pad(wav, (0, self.samples - len(wav)))
        if course == 2:
            first, last = rng.uniform(0.08, 1.0), 1.0
            if rng.random() < 0.5:
                first, last = last, first
            bend = rng.uniform(0.6, 1.7)
            near, gain = (first + (last - first) * (t / at[-1]).clip(0, 1) ** bend for t in (times, at))
            wav = wav * gain.astype(np.float32)
        elif course == 3:
            wav = wav * _switched(at, rng)
        return self._take(wav.astype(np.float32), self.pack.sounds[number]["what"], None, rng, near, side, passing=course == 1)

    def _take(self, wav, what, found, rng, near=None, side=None, passing=False, placed=False) -> Take:
        if self.split == "train":
            if rng.random() < 0.25:
                before = np.sqrt(np.mean(np.square(wav)))
                shaped = equalise(wav, rng, 5.0)
                wav = shaped * np.float32(before / (np.sqrt(np.mean(np.square(shaped))) + 1e-9))
            if rng.random() < 0.2:  # a room or a recorder that is never quite silent
                wav = wav + rng.normal(0, 10 ** (rng.uniform(-68, -52) / 20), len(wav)).astype(np.float32)
        wav = np.clip(wav, -1, 1)
        times_s, force, bright = onsets(wav, self.pack.sample_rate) if found is None else found
        ones = np.ones(self.frames)
        return Take(wav, what, times_s, force, bright, ones if near is None else near, 0 * ones if side is None else side, passing, placed)


def _when(kind: str, seconds: float, rng: np.random.Generator) -> list[float]:
    """When events begin."""
    if kind == "drum" and rng.random() < 0.65:  # a rhythm, with a rest now and then
        beat_s = 60 / rng.uniform(65, 180) / int(rng.choice([1, 2, 2, 4]))
        beat_s = max(beat_s, 0.11)
        steps = int(rng.choice([3, 4, 6, 8, 8]))
        pattern = rng.random(steps) < rng.uniform(0.25, 0.8)
        pattern[0] = True
        rest = rng.uniform(0, seconds, 2) if rng.random() < 0.4 else (seconds, seconds)
        first, count = rng.uniform(0, beat_s), int(seconds / beat_s) + 1
        times = [first + n * beat_s + rng.normal(0, 0.006) for n in range(count) if pattern[n % steps]]
        return [t for t in times if 0 <= t < seconds and not min(rest) < t < max(rest)]
    if kind == "snoring":
        period = rng.uniform(1.5, 3.4)
        first = rng.uniform(0, period)
        return [t for n in range(int(seconds / period) + 1) if 0 <= (t := first + n * period + rng.normal(0, 0.05)) < seconds]
    usual_s, apart_s = {"drum": (0.5, 0.1), "dog": (0.75, 0.22), "fireworks": (0.7, 0.1)}[kind]
    usual_s *= rng.choice([0.5, 1.0, 2.0])
    times, time_s = [], rng.exponential(usual_s)
    while time_s < seconds:
        times.append(time_s)
        time_s += apart_s + rng.exponential(usual_s)
        if rng.random() < 0.12:
            time_s += rng.uniform(0.5, 1.8)
    return times


def _brightness(wav: np.ndarray, sample_rate: int) -> float:
    """Where half of the power of the first 0.1 s lies, 0 to 1 on the scale of mels: a bass drum about 0.05, a hi-hat 0.8."""
    power = np.abs(np.fft.rfft(wav[: sample_rate // 10])) ** 2
    hertz = 0.5 * sample_rate * np.searchsorted(np.cumsum(power), 0.5 * power.sum()) / max(1, len(power) - 1)
    return float(min(1.0, np.log1p(hertz / 700) / np.log1p(0.5 * sample_rate / 700)))


def _pass_by(
    wav: np.ndarray, at: np.ndarray, times: np.ndarray, ratio: float, sample_rate: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Something goes by on a straight line: sound with its Doppler shift, gain (samples,), nearness and side (frames,)."""
    seconds = at[-1]
    nearest_m, speed = rng.uniform(5, 16), rng.uniform(8, 26) * rng.choice([-1, 1])
    when_s = rng.uniform(0.15, 0.85) * seconds

    def distance(t: np.ndarray) -> np.ndarray:
        return np.hypot(nearest_m, speed * (t - when_s))

    heard_from = (at - (distance(at) - nearest_m) / 340) * ratio
    heard_from -= heard_from[0]
    moved = np.interp(heard_from * sample_rate, np.arange(len(wav)), wav)
    gain, near = (nearest_m / distance(at)).astype(np.float32), nearest_m / distance(times)
    return moved, gain, near, np.clip(speed * (times - when_s) / 30, -1.5, 1.5)


def _switched(at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """On and off with soft edges, (samples,) 0 to 1."""
    seconds, gain, on = at[-1], np.zeros(len(at), np.float32), rng.random() < 0.5
    edge_s = rng.uniform(0.02, 0.15)
    begin_s = 0.0
    while begin_s < seconds:
        end_s = begin_s + rng.uniform(0.5, 2.2)
        if on:
            rising = (at - begin_s) / edge_s if begin_s > 0 else np.ones_like(at)
            gain = np.maximum(gain, np.clip(np.minimum(rising, (end_s - at) / edge_s), 0, 1))
        begin_s, on = end_s, not on
    return gain.astype(np.float32)
