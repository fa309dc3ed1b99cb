"""A packed folder as training reads it, of three kinds that are easily told: each has its colour and its pitch. And a tiny ESC."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

RATE = 8000
KINDS = {"banjo": ((220, 30, 30), 300.0), "flute": ((30, 200, 30), 900.0), "rain": ((40, 60, 220), 2200.0)}
SECONDS = 3


def tone(hertz: float, seconds: float, rng: np.random.Generator, level: float = 0.15) -> np.ndarray:
    """A trembling tone (samples,) in which no second is like another, with a little noise."""
    time_s = np.arange(int(seconds * RATE)) / RATE
    wobble = 1 + 0.3 * np.sin(2 * np.pi * rng.uniform(3, 6) * time_s + rng.uniform(0, 6))
    wav = level * wobble * np.sin(2 * np.pi * hertz * rng.uniform(0.97, 1.03) * time_s)
    return (wav + 0.003 * rng.standard_normal(len(wav))).astype(np.float32)


def patch(colour: tuple[int, int, int], height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 of about one colour."""
    return np.clip(np.array(colour) + rng.normal(0, 12, (height, width, 3)), 0, 255).astype(np.uint8)


def _save(path: Path, arrays: list[np.ndarray], dtype: type) -> list[int]:
    np.save(path, np.concatenate([a.ravel() for a in arrays]).astype(dtype))
    return np.concatenate([[0], np.cumsum([a.size for a in arrays])[:-1]]).astype(int).tolist()


def _ints(wav: np.ndarray) -> np.ndarray:
    return np.round(np.clip(wav, -1, 1) * 32767).astype(np.int16)


def write_pack(folder: Path) -> Path:
    """Photos and sounds of all splits, five test clips; returns the folder."""
    rng = np.random.default_rng(1)
    folder.mkdir(parents=True, exist_ok=True)
    pictures, entries = [], []
    for kind, (colour, _) in KINDS.items():
        source = "caltech101" if kind == "rain" else "web30_test"
        for split, where in [("train", "web30_train")] * 4 + [("test", source)] * 4 + [("test", "web10")] * 2 * (kind != "rain"):
            rgb = patch(colour, 44, 36, rng)
            alpha = np.full((44, 36, 1), 255, np.uint8)
            if is_cut := where == "web30_test" and len(pictures) % 2 == 0:
                alpha[:10] = 0
            pictures.append(np.concatenate([rgb, alpha], 2))
            entries.append({"instrument": kind, "split": split, "source": where, "cut": is_cut})
    for _ in range(3):
        pictures.append(np.dstack([patch((128, 128, 128), 40, 60, rng), np.full((40, 60), 255, np.uint8)]))
        entries.append({"instrument": "", "split": "train", "source": "drawn", "cut": False})
    starts = _save(folder / "photos.npy", pictures, np.uint8)
    for entry, start, rgba in zip(entries, starts, pictures, strict=True):
        entry.update(start=start, height=rgba.shape[0], width=rgba.shape[1])
    (folder / "photos.json").write_text(json.dumps(entries))

    sounds, entries = [], []
    for kind, (_, hertz) in KINDS.items():
        sets = [("recording", 4)] if kind == "rain" else [("phrase", 3), ("notes", 3), ("render", 3)]
        for sound_set, count in sets:
            for split in ("train", "test"):
                for group in range(count):
                    sounds.append(_ints(tone(hertz, SECONDS, rng)))
                    entries.append({"instrument": kind, "kind": sound_set, "split": split, "group": group})
    starts = _save(folder / "sounds.npy", sounds, np.int16)
    for entry, start, wav in zip(entries, starts, sounds, strict=True):
        entry.update(start=start, length=len(wav))
    (folder / "sounds.json").write_text(json.dumps(entries))
    _write_clips(folder, rng)
    (folder / "packed.json").write_text(json.dumps({"sample_rate": RATE}))
    return folder


def _write_clips(folder: Path, rng: np.random.Generator) -> None:
    """Eight seconds each; of the last the sound falls silent half way, and one is for training."""
    frames, wavs, entries = [], [], []
    looks = [*KINDS.values(), KINDS["banjo"], KINDS["flute"], KINDS["rain"]]
    for number, (colour, hertz) in enumerate(looks):
        wav = tone(hertz, 8, rng)
        if number == 4:
            wav[4 * RATE :] = 0
        views = [patch(colour, 32, 48, rng) for _ in range(32)]
        times = [{"time_s": i / 4, "height": 32, "width": 48} for i in range(len(views))]
        cls = "rain" if number == 2 else "other"
        entry = {"clip": f"other/clip_{number}.mp4", "cls": cls, "split": "train" if number == 5 else "test", "has_sound": True}
        entries.append(entry | {"frames": times, "sound_length": len(wav)})
        frames += views
        wavs.append(_ints(wav))
    starts = iter(_save(folder / "clip_frames.npy", frames, np.uint8))
    sound_starts = _save(folder / "clip_sounds.npy", wavs, np.int16)
    for entry, start in zip(entries, sound_starts, strict=True):
        entry["sound_start"] = start
        for frame in entry["frames"]:
            frame["start"] = next(starts)
    (folder / "clips.json").write_text(json.dumps(entries))


def write_esc(data: Path) -> Path:
    """``data/esc`` with three classes of ESC-10 in five folds, and six of fold 4 of ESC-50, two clips from each recording."""
    from avdemo.media import write_wav

    rng = np.random.default_rng(2)
    rows = ["file,cls,source,licence,split,group"]
    plan = [("esc10", f"fold{fold}", name, f"{fold}{name}") for fold in range(1, 6) for name in "abc" for _ in range(2)]
    plan += [("esc50f4", "fold4", name, f"{name}{n // 2}") for name in "uvw" for n in range(10)]
    for number, (source, split, name, group) in enumerate(plan):
        file = f"{source}/{name}/{number}.wav"
        (data / "esc" / file).parent.mkdir(parents=True, exist_ok=True)
        wav = tone(250.0 * (1 + "abcuvw".index(name)), 4.0, rng)
        write_wav(data / "esc" / file, np.pad(wav, (0, 3000))[None], RATE)  # shorter than five seconds, with digital silence
        rows.append(f"{file},{source}/{name},{source},CC BY 3.0,{split},{group}")
    (data / "esc" / "index.csv").write_text("\n".join(rows) + "\n")
    return data


def toy_network(folder: Path, steps: int = 150):
    """The debug network, taught on the pack's training part until it knows the three colours and pitches."""
    import torch

    from avdemo.correspondence.config import CorrespondenceConfig
    from avdemo.correspondence.network import Correspondence
    from avdemo.correspondence.objective import pair_loss

    torch.manual_seed(0)
    network = Correspondence(CorrespondenceConfig.debug()).train()
    rng = np.random.default_rng(3)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    looks = list(KINDS.values())
    for _ in range(steps):
        kinds = rng.integers(3, size=12)
        frames = np.stack([_scene([looks[k][0]], rng) for k in kinds])
        wavs = np.stack([tone(looks[k][1], 1.0, rng, float(rng.uniform(0.1, 0.25))) for k in kinds])
        table = torch.from_numpy((kinds[:, None] == kinds[None]).astype(np.int8))
        v, a = network.see(torch.from_numpy(frames)).amax((2, 3)), network.hear(torch.from_numpy(wavs)).amax((2, 3))
        loss, _ = pair_loss(network.fuse(v[:, None], a[None]), table)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def _scene(colours: list[tuple[int, int, int]], rng: np.random.Generator) -> np.ndarray:
    """A patch of each colour on grey, or filling the frame; (32, 32, 3)."""
    frame = patch((128, 128, 128) if rng.random() < 0.7 else (255, 255, 255), 32, 32, rng)
    for colour in colours:
        side = int(rng.integers(14, 33))
        x, y = rng.integers(0, 33 - side, 2)
        frame[y : y + side, x : x + side] = patch(colour, side, side, rng)
    return frame
