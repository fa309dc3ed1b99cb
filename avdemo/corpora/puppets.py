"""Synchronous pairs of video and sound, made on the fly from packed arrays; pair ``(seed, index)`` is always the same.

Motion carries timing and loudness, appearance carries the kind, and the sound's samples are exactly where the pictures say. A pair is a
photo that plays its sound (:mod:`avdemo.corpora.photo_puppets`), a drawn scene (``stage_*``), or a stretch of a real clip.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from avdemo.corpora import stage_beings, stage_drums, stage_machines, stage_nature
from avdemo.corpora.foley_pack import FoleyPack
from avdemo.corpora.lens import Lens, background, bystander
from avdemo.corpora.photo_puppets import photo_puppet
from avdemo.corpora.stage import VIEW, WORLD, Draw, Play
from avdemo.corpora.takes import Take, TakeMaker
from avdemo.dsp.onsets import onsets
from avdemo.errors import InputError
from avdemo.media.motion import GRID, flow

STILLS = 0.15  # of the pairs show a still picture
SILENCES = 0.04  # of the pairs show the thing at rest, and nothing is heard
REAL = 0.08  # of the training pairs come from real clips, where there are any
STRANGE = 0.08  # and so many from real clips of other things: how what moves sounds is the same there
BYSTANDERS = 0.3  # of the moving pairs have something that moves without a sound
PHOTO_SHARE = {"drum": 0.5, "dog": 0.55, "water": 0.5, "rail": 0.4, "helicopter": 0.5, "baby_cry": 0.35, "fireworks": 0.3,
               "chainsaw": 0.35, "printer": 0.2, "snoring": 0.2}  # fmt: skip
OUTDOORS = ("helicopter", "rail", "chainsaw")
Scene = Callable[[Play], Draw]
#: Kind -> drawn scenes with their shares, and for which of the kind's sounds they are (() = all; see foley_sounds.WHAT).
SCENES: dict[str, list[tuple[float, Scene, tuple[str, ...]]]] = {
    "drum": [(0.4, stage_drums.kit, ()), (0.3, stage_drums.snare, ()), (0.3, stage_drums.hand_drums, ())],
    "dog": [(0.5, stage_beings.dog_face, ()), (0.5, stage_beings.dog_side, ())],
    "baby_cry": [(1.0, stage_beings.baby_face, ())],
    "snoring": [(0.5, stage_beings.sleeper, ()), (0.5, stage_beings.sleeping_face, ())],
    "fireworks": [(1.0, stage_nature.fireworks, ())],
    "printer": [(1.0, stage_machines.printer, ())],
    "chainsaw": [(1.0, stage_machines.chainsaw, ())],
    "helicopter": [(1.0, stage_machines.helicopter, ())],
    "rail": [
        (0.5, stage_machines.train_side, ("train", "clip")), (0.35, stage_machines.train_front, ("train", "clip")),
        (0.15, stage_machines.train_window, ("train",)), (0.6, stage_machines.train_window, ("inside",)),
        (0.4, stage_machines.train_side, ("inside",)),
    ],
    "water": [
        (1.0, stage_nature.stream, ("stream", "clip")), (1.0, stage_nature.tap, ("tap",)), (1.0, stage_nature.drops, ("drops",)),
        (1.0, stage_nature.waves, ("waves",)), (1.0, stage_nature.rain, ("rain",)),
    ],
}  # fmt: skip


class PairMaker:
    """Makes pairs of one split.

    Args:
        pack: the packed arrays, or their folder.
        split: recordings, photos and clips of this split only; "val" and "test" draw scenes where a kind has no photos of theirs.
        frames: pictures of a pair.
        hop: samples of sound for each picture; ceil(sample rate / frame rate). Frame t shows the moment of sample t * hop.
        picture_size: px; pictures are made at :data:`avdemo.corpora.stage.VIEW` px and scaled.
        stills: share of pairs without any motion.
        real: share of pairs from real clips of the kinds. strange: of those from real clips of none of them.

    Raises:
        InputError: the split has no sounds.
    """

    def __init__(
        self, pack: FoleyPack | str | Path, split: str, *, frames: int = 50, hop: int = 1280, picture_size: int = VIEW,
        stills: float = STILLS, real: float = REAL, strange: float = 0.0, seed: int = 0,
    ):  # fmt: skip
        self.pack = pack if isinstance(pack, FoleyPack) else FoleyPack(pack)
        self.split, self.frames, self.hop, self.picture_size = split, frames, hop, picture_size
        self.stills, self.seed = stills, seed
        self.fps = self.pack.sample_rate / hop
        self.takes = TakeMaker(self.pack, split, frames, self.fps, frames * hop)
        self.kinds = self.takes.kinds
        if not self.kinds:
            raise InputError(f"The pack has no sounds of the {split} split.")
        self._photos = {kind: self.pack.photos_of(kind, split) for kind in self.kinds}
        others = self.pack.photos_of("", split)
        self._cutouts = [i for i in others if self.pack.photos[i]["cut"]]
        self._grounds = [i for i in others if not self.pack.photos[i]["cut"]] or self.pack.photos_of("", "train")
        same_rate = abs(self.fps - self.pack.video_fps) < 1e-6
        self._clips, self._strange = (
            [i for i in self.pack.clips_of(split, strange=other) if self.pack.clips[i]["frames"] >= frames] if same_rate else []
            for other in (False, True)
        )
        self.real, self.strange = real if self._clips else 0.0, strange if self._strange else 0.0

    def item(self, index: int) -> dict:
        """Pair number ``index``.

        Returns:
            "wav" float32 (frames * hop,) in [-1, 1]; "frames" uint8 (T, S, S, 3) RGB; "flow" float32 (T, GRID, GRID, 2), see
            :mod:`avdemo.media.motion`; "kind" its number in the pack's kinds, the one after the last for none of them; "onsets_s"
            ascending; "made_of" "photo", "drawn" or "real"; "still" whether nothing moves; "recording" the group of recordings that
            the sound comes from, "" for silence.
        """
        rng, kind, clips = self._begin(index)
        if kind is None:
            return self._real(rng, clips)
        silent = rng.random() < SILENCES
        take = self._silence(kind, rng) if silent else self.takes.draw(kind, rng)
        still = not silent and rng.random() < self.stills
        frames, made_of = self._film(kind, take, still, silent, rng)
        moved = np.zeros((self.frames, GRID, GRID, 2), np.float32) if still else flow(frames)
        return {
            "wav": take.wav, "frames": self._sized(frames), "flow": moved, "kind": self.pack.kinds.index(kind),
            "onsets_s": [float(t) for t in take.times_s], "made_of": made_of, "still": still, "recording": take.recording,
        }  # fmt: skip

    def kind_of(self, index: int) -> str | None:
        """Of which kind pair ``index`` will be, without making it; None when it comes from a real clip."""
        return self._begin(index)[1]

    def _begin(self, index: int) -> tuple[np.random.Generator, str | None, list[int]]:
        """Dice, and the kind or, for a pair from a real clip, the clips to choose from."""
        rng = np.random.default_rng([self.seed, ("train", "val", "test").index(self.split), index])
        drawn = rng.random()
        if drawn < self.real + self.strange:
            return rng, None, self._clips if drawn < self.real else self._strange
        return rng, self.kinds[int(rng.integers(len(self.kinds)))], []

    def _silence(self, kind: str, rng: np.random.Generator) -> Take:
        """The thing at rest."""
        like = self.takes.draw(kind, rng)
        nothing, ones = np.zeros(0), np.ones(self.frames)
        return Take(np.zeros(self.frames * self.hop, np.float32), like.what, nothing, nothing, nothing, ones, 0 * ones)

    def _film(self, kind: str, take: Take, still: bool, silent: bool, rng: np.random.Generator) -> tuple[np.ndarray, str]:
        play = Play.of(take, self.frames, self.fps, self.pack.sample_rate, rng)
        ground = background(self.pack, self._grounds, rng, outdoors=kind in OUTDOORS)
        photos = self._photos[kind]
        if photos and rng.random() < PHOTO_SHARE[kind]:
            number = int(rng.choice(photos))
            draw, made_of = photo_puppet(kind, self.pack.picture(number), self.pack.photos[number]["cut"], play), "photo"
        else:
            draw, made_of = self._scene(kind, take.what, rng)(play), "drawn"
        lens = Lens(play.times, rng, still=still, moving=silent)
        walks = []
        if not still and rng.random() < BYSTANDERS:
            cutouts = [self.pack.picture(int(i)) for i in rng.choice(self._cutouts, 1)] if self._cutouts else []
            walks = [bystander(play.times, cutouts, rng) for _ in range(int(rng.integers(1, 3)))]
        frames = np.empty((self.frames, VIEW, VIEW, 3), np.uint8)
        canvas = np.empty((WORLD, WORLD, 3), np.uint8)
        moment = int(rng.integers(self.frames))
        for t in range(self.frames):
            if still and t:
                frames[t] = frames[0]
                continue
            np.copyto(canvas, ground)
            draw(canvas, moment if still else t)
            for walk in walks:
                walk(canvas, t)
            frames[t] = lens(canvas, t)
        return frames, made_of

    @staticmethod
    def _scene(kind: str, what: str, rng: np.random.Generator) -> Scene:
        fitting = [(share, scene) for share, scene, whats in SCENES[kind] if not whats or what in whats]
        shares = np.array([share for share, _ in fitting])
        return fitting[int(rng.choice(len(fitting), p=shares / shares.sum()))][1]

    def _real(self, rng: np.random.Generator, clips: list[int]) -> dict:
        number = int(rng.choice(clips))
        first = int(rng.integers(self.pack.clips[number]["frames"] - self.frames + 1))
        clip = self.pack.clip(number, first, self.frames)
        frames, moved, wav = clip["frames"], clip["flow"], clip["wav"]
        if self.split == "train" and rng.random() < 0.5:
            frames = np.ascontiguousarray(frames[:, :, ::-1])
            moved = np.ascontiguousarray(moved[:, :, ::-1]) * np.array([-1, 1], np.float32)
        moved[0] = 0  # nothing came before
        wav = np.pad(wav, (0, max(0, self.frames * self.hop - len(wav))))[: self.frames * self.hop]
        return {
            "wav": wav, "frames": self._sized(frames), "flow": moved, "kind": clip["kind"],
            "onsets_s": [float(t) for t in onsets(wav, self.pack.sample_rate)[0]], "made_of": "real", "still": False,
            "recording": f"clips/{clip['name']}",
        }  # fmt: skip

    def _sized(self, frames: np.ndarray) -> np.ndarray:
        if frames.shape[1] == self.picture_size:
            return frames
        size = (self.picture_size, self.picture_size)
        return np.stack([cv2.resize(np.ascontiguousarray(f), size, interpolation=cv2.INTER_LINEAR) for f in frames])
