"""What each loss brings: generators taught for equally long from the same painter, judged on the held-out speakers.

    python -m avdemo.lips.ablation --data DATA --packed PACK --parts FOLDER --checkpoint FILE --minutes 5

FOLDER is ``<stem>-parts`` of a finished training. The table goes into the checkpoint's metadata, where the evaluation finds it. All rows keep
the landmarks and the teacher, which the compact generator is made for, and none has the expert for synchrony, which would do the same
work as the correlation.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from avdemo.checkpoints import load_file
from avdemo.corpora.lip_pack import LipPack
from avdemo.lips import recipe
from avdemo.lips.config import LipsConfig, Switches, ablations
from avdemo.lips.judging import look, make, row, see
from avdemo.lips.network import Lips
from avdemo.lips.points_recipe import find_points
from avdemo.lips.testset import Sizes, read_test
from avdemo.training.loop import Progress
from avdemo.training.parts import note

ROWS = ("pix only", "gen + pix", "gen + pix + perc", "full")
PAINTER = "the painter, before"
SIZES = Sizes(clips=8, every=4)
MINUTES = 5.0


def compare(
    packed: Path, parts: Path, *, rows: Sequence[str] = ROWS, minutes: float | None = MINUTES, steps: int | None = None, seed: int = 0,
    view: Mapping[str, Tensor] | None = None, config: LipsConfig | None = None, sizes: Sizes = SIZES, progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Teach and judge every row.

    Args:
        packed: packed clips (:mod:`avdemo.corpora.pack_lips`).
        parts: folder of the parts of a finished training; the rows' checkpoints are put below it, into ``ablation``.
        minutes: of each row; ``steps`` of each instead.
        view: weights of MobileNetV2's features, for the rows with a perceptual loss.

    Returns:
        ``{"rows": {name: see judging.row}, "steps": {name: steps}, "minutes", "clips", "frames"}``.

    Raises:
        WeightsError: a part is missing. InputError: the pack holds nobody out.
    """
    config, tell = config or LipsConfig.compact(), progress or (lambda share, text: None)
    pack = LipPack(packed)
    switches = ablations(replace(Switches(), sync=False))
    known_parts = {name: parts / f"{name}.safetensors" for name in ("points", "painter")}
    folder = parts / "ablation"
    folder.mkdir(exist_ok=True)
    found, steps_done = {PAINTER: known_parts["painter"]}, {PAINTER: 0}
    for number, name in enumerate(rows):
        out = folder / f"{name.replace(' ', '').replace('+', '-')}.safetensors"
        result = recipe.train_generator(
            pack, out, config, "generator", known_parts, switches=switches[name], view=view, minutes=minutes, steps=steps, seed=seed,
            progress=lambda share, text, number=number, name=name: tell(0.95 * (number + share) / len(rows), f"{name}: {text}"),
        )  # fmt: skip
        found[name], steps_done[name] = out, result.steps_done
    tell(0.95, "Judging all rows")
    judged = judge_rows(pack, found, recipe.open_finder(parts / "judge.safetensors", config, "judge"), config, sizes)
    return {"rows": judged[0], "steps": steps_done, "minutes": minutes or 0.0, **judged[1]}


def judge_rows(pack: LipPack, rows: Mapping[str, Path], judge, config: LipsConfig, sizes: Sizes) -> tuple[dict, dict[str, int]]:
    """The rows' scores on held-out clips, and how many clips and frames these are."""
    asked = read_test(pack, config, sizes)
    known, looks = [find_points(judge, one.frames) for one in asked], [look(one.frames) for one in asked]
    speakers, scores = [one.clip.speaker for one in asked], {}
    for name, path in rows.items():
        network = Lips(config).eval()
        network.load_state_dict(load_file(path).state)
        seen = [
            see(judge, make(network, one, one.speech), one, points, sizes.every) for one, points in zip(asked, known, strict=True)
        ]
        scores[name] = row(seen, known, speakers, looks)
    return scores, {"clips": len(asked), "frames": int(np.sum([len(one.frames) for one in asked]))}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the training data folder, for MobileNetV2's weights")
    parser.add_argument("--packed", type=Path, required=True, help="folder of packed clips")
    parser.add_argument("--parts", type=Path, required=True, help="folder of the parts of a finished training")
    parser.add_argument("--checkpoint", type=Path, required=True, help="whose metadata shall hold the table")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of each row")
    parser.add_argument("--rows", nargs="*", default=ROWS, choices=list(ablations(Switches())), help="which rows")
    given = parser.parse_args()
    measured = compare(
        given.packed, given.parts, rows=given.rows, minutes=given.minutes, view=recipe.imagenet(given.data, LipsConfig.compact()),
        progress=lambda share, text: print(f"{share:.3f} {text}", flush=True),
    )  # fmt: skip
    note(given.checkpoint, "ablation", measured)
    for label, values in measured["rows"].items():
        print(label, {name: round(value, 3) for name, value in values.items()})
