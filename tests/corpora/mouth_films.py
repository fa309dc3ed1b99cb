"""Drawn faces whose mouths are at known places, and small copies of the lip data sets' folders made of them."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import numpy as np

_SPEC = importlib.util.spec_from_file_location("make_media_for_lips", Path(__file__).resolve().parents[1] / "media" / "make_media.py")
make_media = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_media)

FPS, RATE = 25, 16_000
SKIN, LIPS, INSIDE = (205, 160, 140), (160, 60, 70), (40, 10, 10)
OUTER, INNER = 12, 8


def mouth_points(middle: tuple[float, float], width: float, gap: float, angle: float = 0.0) -> np.ndarray:
    """The 20 points of a mouth (20, 2): corners ``width`` apart, inner lips ``gap`` apart in the middle, turned by ``angle``."""
    lips = 0.12 * width  # thickness of either lip

    def contour(count: int, half: float, height: float) -> np.ndarray:
        turn = np.pi + 2 * np.pi * np.arange(count) / count  # from the left corner over the top
        return np.stack([half * np.cos(turn), height * np.sin(turn)], 1)

    points = np.concatenate([contour(OUTER, width / 2, gap / 2 + lips), contour(INNER, 0.42 * width, gap / 2)])
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]]) + middle


def draw_mouth(size: tuple[int, int], points: np.ndarray, skin: tuple[int, int, int] = SKIN) -> np.ndarray:
    """A frame (H, W, 3) uint8 of (width, height) with such a mouth on plain skin."""
    from PIL import Image, ImageDraw

    fine = 4
    image = Image.new("RGB", (fine * size[0], fine * size[1]), skin)
    draw = ImageDraw.Draw(image)
    draw.polygon([tuple(fine * p) for p in points[:OUTER]], fill=LIPS)
    draw.polygon([tuple(fine * p) for p in points[OUTER:]], fill=INSIDE)
    return np.asarray(image.resize(size, Image.Resampling.BOX))


def speech(seconds: float, seed: int = 0, level: float = 0.2) -> np.ndarray:
    """(1, samples) float32 of noise that swells and fades."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(size=len(time))
    return (level * noise * (0.55 + 0.45 * np.sin(2 * np.pi * 2 * time)))[None].clip(-1, 1).astype(np.float32)


def gaps(frames: int, most: float) -> np.ndarray:
    """Openings that rise and fall, (frames,)."""
    return most * (0.5 + 0.5 * np.sin(2 * np.pi * 2 * np.arange(frames) / FPS))


def write_film(path: Path, frames: list[np.ndarray], wav: np.ndarray | None, **options) -> Path:
    """A video at 25 frames a second; lossless enough to read colours from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames[0].shape[:2]
    sound = {"tones": None} if wav is None else {"wav": wav, "sample_rate": RATE}
    return make_media.make_clip(path, len(frames) / FPS, (width, height), FPS, pictures=frames, options={"crf": "8"}, **sound, **options)


def write_lips_folder(folder: Path, clips: int = 5, frames: int = 20, *, without: int | None = None) -> Path:
    """Mouth crops of 96 px with ``index.csv`` and ``landmarks.npz``; one speaker is held out. ``without``: this clip has no landmarks."""
    rows, points = [], {}
    for number in range(clips):
        speaker = f"spk{number % 3}"
        name = f"people/{speaker}/{number:03d}.mp4"
        shape = np.stack([mouth_points((48, 47), 55, gap) for gap in gaps(frames, 16)])
        write_film(folder / name, [draw_mouth((96, 96), p) for p in shape], speech(frames / FPS, number))
        split = "heldout" if speaker == "spk2" else "val" if number == 3 else "train"
        scored = number % 2 == 0
        rows.append([name, "people", speaker, split, frames, 61.5, -1 if scored else "", 0.6 if scored else ""])
        if number != without:
            points[name] = shape.astype(np.float16)
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "source", "speaker", "split", "frames", "side_px", "best_lag", "best_r"])
        writer.writerows(rows)
    np.savez(folder / "landmarks.npz", **points)
    return folder


def face(gap: float, middle: tuple[float, float], size: tuple[int, int], width: float = 36.0, angle: float = 0.0) -> np.ndarray:
    return draw_mouth(size, mouth_points(middle, width, gap, angle))


ALIGNMENT = "0 7500 sil\n7500 12500 bin\n12500 15000 blue\n15000 20000 sil\n"  # 0.3 s to 0.6 s


def write_grid(folder: Path, speakers: tuple[str, ...] = ("s1", "s3", "s4"), clips: int = 3, frames: int = 20) -> Path:
    """GRID's folders: the first speaker's films are silent, with their sound in a folder of its own."""
    for speaker in speakers:
        for number in range(clips):
            wav = speech(frames / FPS, number)
            silent = speaker == speakers[0]
            film = [face(gap, (158, 213), (360, 288)) for gap in gaps(frames, 8)]
            write_film(folder / speaker / f"bbaf{number}n.mp4", film, None if silent else wav)
            if silent:
                (folder / "audio_25k" / speaker).mkdir(parents=True, exist_ok=True)
                make_media.make_sound(folder / "audio_25k" / speaker / f"bbaf{number}n.wav", wav, RATE)
            aligned = folder / "alignments" / speaker / f"bbaf{number}n.align"
            aligned.parent.mkdir(parents=True, exist_ok=True)
            aligned.write_text(ALIGNMENT)
    return folder


def write_lrw(folder: Path, words: tuple[str, ...] = ("ABOUT", "WORLD"), frames: int = 29) -> Path:
    """LRW's folders."""
    for word in words:
        for split in ("train", "val", "test"):
            film = [face(gap, (127, 162), (256, 256), 52) for gap in gaps(frames, 10)]
            write_film(folder / word / split / f"{word}_00001.mp4", film, speech(frames / FPS))
            (folder / word / split / f"{word}_00001.txt").write_text("Disk reference: 1\nDuration: 0.29 seconds\n")
    return folder
