"""The ten kinds of sound of the VEGAS data: which recordings there are of each, and which are for training, validation and test.

Splits are by recording. What decides them:

- the folder of everyday sounds: as :mod:`avdemo.corpora.everyday` has it (by telephone, sleeper, kit, file).
- ESC-10: its official folds; fold 5 is the test, fold 4 the validation, folds 1 to 3 are training.
- fold 4 of ESC-50: only what ESC-10 lacks (the classes that both have are the same recordings), and nothing of a recording that is
  in a test; :data:`ESC_HELD` holds out whole recordings of the scarce kinds, the others go by their number.
- drums among the instruments: the splits of :mod:`avdemo.corpora.instruments`, but never two for the hits of one source.
- fireworks: the one long recording is cut in time, with :data:`GAP_S` between what trains and what validates
  (:data:`CUT_IN_TIME`); the two ESC recordings, of which one is the test, have neighbouring numbers and may be of one evening.
- real videos: as :mod:`avdemo.corpora.clips` has them, two training clips given to the validation (:data:`VAL_CLIPS`).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from avdemo.corpora.clips import clip_files
from avdemo.corpora.everyday import hash_split, recordings
from avdemo.corpora.instruments import sound_files
from avdemo.errors import InputError

KINDS = ("baby_cry", "chainsaw", "dog", "drum", "fireworks", "helicopter", "printer", "rail", "snoring", "water")
GAP_S = 2.0
CUT_IN_TIME = {"fireworks/moodist__fireworks": 26.0}  # recording -> s; before it training, from GAP_S later on validation
FROM_EVERYDAY = {"drums": "drum", "train": "rail", "rain": "water"}  # the other names are the same
FROM_ESC = {  # class -> kind, what it is
    "esc10/baby_cry": ("baby_cry", "cry"), "esc10/chainsaw": ("chainsaw", "saw"), "esc10/dog_bark": ("dog", "bark"),
    "esc10/helicopter": ("helicopter", "rotor"), "esc10/rain": ("water", "rain"), "esc10/sea_waves": ("water", "waves"),
    "esc50_fold4/fireworks": ("fireworks", "bursts"), "esc50_fold4/train": ("rail", "train"),
    "esc50_fold4/snoring": ("snoring", "sleep"), "esc50_fold4/water_drops": ("water", "drops"),
    "esc50_fold4/pouring_water": ("water", "tap"), "esc50_fold4/toilet_flush": ("water", "tap"),
}  # fmt: skip
ESC_FOLDS = {"fold5": "test", "fold4": "val"}  # of ESC-10; the others are training
ESC_HELD = {  # original recording -> split
    "119648": "test",  # fireworks
    "165791": "test", "178881": "test", "168446": "val",  # trains
    "197454": "test", "191297": "val",  # snoring
}  # fmt: skip
ESC_SCARCE = ("fireworks", "rail", "snoring")  # kinds whose other recordings are all training
VAL_CLIPS = ("drum/SpecVQGAN__video_02480.mp4", "water/AC215_S2S__c_--0PQM4-hqg_1.mp4")
CLIP_KINDS = {kind: kind for kind in KINDS} | {"train": "rail"}
DRUMS = ("drums", "bongo")  # instruments that count as drums
#: Kind -> (a word in the name of an everyday file, what it is); what else there is of a kind stands in :data:`USUAL`.
WHAT = {
    "water": (("rain", "rain"), ("waves", "waves"), ("boat", "waves"), ("waterfall", "stream")),
    "rail": (("inside-a-train", "inside"),),
}  # fmt: skip
USUAL = {
    "baby_cry": "cry", "chainsaw": "saw", "dog": "bark", "drum": "hits", "fireworks": "bursts", "helicopter": "rotor",
    "printer": "printer", "rail": "train", "snoring": "snore", "water": "stream",
}  # fmt: skip


@dataclass(frozen=True)
class FoleySound:
    """A recording or a part of one."""

    path: Path
    kind: str  # one of KINDS
    what: str  # what of the kind: "rain", "waves", "tap", ... (see WHAT, USUAL, FROM_ESC), "clip" for the sound of a video
    group: str  # the original recording, never in two splits but for those of CUT_IN_TIME, whose parts are named apart
    split: str  # "train" | "val" | "test"
    source: str
    begin_s: float = 0.0
    end_s: float | None = None  # None: to the end


def _what(kind: str, name: str) -> str:
    return next((what for word, what in WHAT.get(kind, ()) if word in name), USUAL[kind])


def everyday_sounds(data: Path) -> list[FoleySound]:
    """The folder ``sounds``; a file that is there twice (:data:`avdemo.corpora.everyday.HELD_OUT`) counts once."""
    found = []
    for r in recordings(data):
        kind = FROM_EVERYDAY.get(r.kind, r.kind)
        if kind not in KINDS:
            continue
        source = r.path.stem.split("__", 1)[0]
        sound = FoleySound(r.path, kind, _what(kind, r.path.stem), r.recording, r.split, source)
        if (cut_s := CUT_IN_TIME.get(r.recording)) is None:
            found.append(sound)
        else:
            found.append(FoleySound(r.path, kind, sound.what, f"{r.recording}:begin", "train", source, 0.0, cut_s))
            found.append(FoleySound(r.path, kind, sound.what, f"{r.recording}:end", "val", source, cut_s + GAP_S))
    return found


def esc_sounds(data: Path) -> list[FoleySound]:
    """ESC-10 by its folds and what fold 4 of ESC-50 adds.

    Raises:
        InputError: no index file.
    """
    index = data / "esc" / "index.csv"
    if not index.is_file():
        raise InputError("The data folder has no esc/index.csv; give the folder that holds clips, esc, instruments and sounds.")
    with index.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ten = [row for row in rows if row["source"] == "esc10"]
    in_ten, in_test = {row["group"] for row in ten}, {row["group"] for row in ten if ESC_FOLDS.get(row["split"]) == "test"}
    found = []
    for row in rows:
        if row["cls"] not in FROM_ESC or (row["source"] != "esc10" and row["group"] in in_ten | in_test):
            continue
        kind, what = FROM_ESC[row["cls"]]
        if row["source"] == "esc10":
            split = ESC_FOLDS.get(row["split"], "train")
        elif kind in ESC_SCARCE:
            split = ESC_HELD.get(row["group"], "train")
        else:
            split = hash_split(f"esc {row['group']}")
        found.append(FoleySound(index.parent / row["file"], kind, what, f"esc/{row['group']}", split, row["source"]))
    return found


def drum_sounds(data: Path) -> list[FoleySound]:
    """Drums among the instruments: all hits of one source are one recording (none goes to the validation), phrases each their own."""
    found = []
    for f in sound_files(data / "instruments"):
        if f.instrument in DRUMS:
            source = f.source.split("_d0")[0]  # freepats_d035 and its neighbours are one kit
            split = f.split if f.is_phrase or f.split == "test" else "train"
            group, what = (f.path.stem, "phrase") if f.is_phrase else (source, "hits")
            found.append(FoleySound(f.path, "drum", what, f"instruments/{group}", split, source))
    return found


def clip_split(name: str, split: str) -> str:
    """Split of a real clip, from what :mod:`avdemo.corpora.clips` says."""
    return "val" if name in VAL_CLIPS else split


def clip_sounds(data: Path) -> list[FoleySound]:
    """The sound of the real videos of the ten kinds."""
    return [
        FoleySound(c.path, CLIP_KINDS[c.cls], "clip", f"clips/{_recording(c.name)}", clip_split(c.name, c.split), "clips")
        for c in clip_files(data)
        if c.has_sound and c.cls in CLIP_KINDS
    ]


def _recording(name: str) -> str:
    """Clips of one recording have one name."""
    from avdemo.corpora.clips import SAME_RECORDING

    file = Path(name).name
    leader = next((group[0] for group in SAME_RECORDING if file in group), file)
    return f"{Path(name).parent.as_posix()}/{leader}"


def foley_sounds(data: Path) -> list[FoleySound]:
    """Every recording of the ten kinds in ``data`` (with ``clips``, ``esc``, ``instruments`` and ``sounds``), in a fixed order.

    Raises:
        InputError: an index file is missing.
    """
    found = [*everyday_sounds(data), *esc_sounds(data), *drum_sounds(data), *clip_sounds(data)]
    return sorted(found, key=lambda s: (KINDS.index(s.kind), s.group, s.path.name, s.begin_s))
