"""What each switch brings: small painters (S2I) taught for equally many steps, with one of them off each, judged on held-out sounds.

    python -m avdemo.crossmodal.ablation --data DATA --packed PACK --parts FOLDER --checkpoint FILE --steps 1200

FOLDER is ``<stem>-parts`` of a finished training. The table goes into the checkpoint's metadata, where the evaluation finds it. All rows have the
sketcher's size, so that C, N and A are compared alike; ``early_stopping`` has no row: in so short a run the full one is best at its end.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avdemo.backbones.mobilenet import features_of
from avdemo.corpora.mixtures import SoundPack
from avdemo.crossmodal import judging
from avdemo.crossmodal.album import load_album
from avdemo.crossmodal.config import Switches
from avdemo.crossmodal.diversity import spread
from avdemo.crossmodal.features import kernel_distance
from avdemo.crossmodal.jury import Jury, random_network, with_painter
from avdemo.crossmodal.models import load_model
from avdemo.crossmodal.recipe import open_part, train_painter, variant_switches
from avdemo.crossmodal.testset import Sizes, some_of, windows_of
from avdemo.training.loop import Progress
from avdemo.training.parts import note

FULL, RANDOM = "S2I-C, all terms", "random weights"
OFF = {
    "mismatch": "no mismatches", "classify": "no classifier of kinds", "projected": "no look through ImageNet",
    "reconstruct": "nothing painted again", "diverse": "pairs may be alike", "augment": "no augmentation",
    "spectral_norm": "no spectral normalisation", "hinge": "cross-entropy instead of hinge", "ema": "no average of the weights",
}  # fmt: skip
STEPS = 1200


def rows_of(full: Switches | None = None) -> dict[str, Switches]:
    """The rows of the table: name -> switches."""
    full = full or Switches()
    rows = {FULL: full, "S2I-N": variant_switches("N", full), "S2I-A": variant_switches("A", full)}
    return rows | {name: replace(full, **{switch: False}) for switch, name in OFF.items()}


def compare(
    packed: Path, parts: Path, checkpoint: Path, *, rows: Sequence[str] = (), steps: int = STEPS, seed: int = 0,
    view: Mapping[str, Tensor] | None = None, sizes: Sizes | None = None, progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Teach and judge every row.

    Args:
        packed: packed photos and sounds (:mod:`avdemo.corpora.pack_pairs`).
        parts: folder of the parts "ear", "eye" and "judge"; the rows' checkpoints are put below it, into ``ablation``.
        checkpoint: whose ear, eye and judge say what is seen.
        rows: names out of :func:`rows_of`; all by default.
        view: ImageNet weights that a projected discriminator looks through.

    Returns:
        see :func:`judge_rows`, and "steps".

    Raises:
        WeightsError: a part is missing.
    """
    config, tell, switches = load_model(str(checkpoint)).network.config, progress or (lambda share, text: None), rows_of()
    known = {name: parts / f"{name}.safetensors" for name in ("ear", "eye", "judge")}
    folder = parts / "ablation"
    folder.mkdir(exist_ok=True)
    asked, found = rows or list(switches), {}
    for number, name in enumerate(asked):
        found[name] = folder / f"{name.replace(' ', '-').replace(',', '')}.safetensors"
        train_painter(
            packed, found[name], config, "A" if name == "S2I-A" else "C", known, switches=switches[name], view=view, small=True,
            steps=steps, seed=seed,
            progress=lambda share, text, number=number, name=name: tell(0.95 * (number + share) / len(asked), f"{name}: {text}"),
        )  # fmt: skip
    tell(0.95, "Judging all rows")
    return judge_rows(packed, found, checkpoint, sizes=sizes) | {"steps": steps}


@torch.no_grad()
def judge_rows(packed: Path, rows: Mapping[str, Path], checkpoint: Path, *, sizes: Sizes | None = None) -> dict[str, Any]:
    """The rows' scores on held-out windows.

    Returns:
        ``{"rows": {name: scores}, "windows"}``; scores are "judge" and "eye" (percent of the pictures in which the instrument heard is
        seen), "distance" (kernel distance to training photos in the eye's features), "features" and "twins" (see
        :func:`avdemo.crossmodal.diversity.spread`).
    """
    jury, sizes = Jury(load_model(str(checkpoint)), None), sizes or Sizes()
    config = jury.config
    heard = judging.hear(jury, windows_of(SoundPack(packed, config.kinds), config, "test", sizes.test_windows))
    photos = some_of(load_album(packed, config.kinds, "train", config.picture_size, others=False), sizes.train_photos)
    known = torch.from_numpy(jury.see(photos.on_white())[0])
    painters = {name: with_painter(jury, open_part(path, config, "N")) for name, path in rows.items()}
    painters[RANDOM] = random_network(jury, heard.features)
    scores = {}
    for name, painter in painters.items():
        painted = judging.paint(jury, heard, "N" if name == RANDOM else "C", painter)
        seen = jury.see(painted.frames)[0]
        row = judging.opinions(painted.judge, painted.eye, painted.kinds, config)
        differ = spread(painted.frames, seen, painted.kinds, sizes.alike)
        scores[name] = {
            "judge": row["judge"], "eye": row["eye"], "distance": kernel_distance(torch.from_numpy(seen), known),
            "features": differ["features"], "twins": differ["twins"],
        }  # fmt: skip
    return {"rows": scores, "windows": len(heard.features)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the training data folder, for MobileNetV2's weights")
    parser.add_argument("--packed", type=Path, required=True, help="folder of packed photos and sounds")
    parser.add_argument("--parts", type=Path, required=True, help="folder of the parts of a finished training")
    parser.add_argument("--checkpoint", type=Path, required=True, help="whose metadata shall hold the table")
    parser.add_argument("--steps", type=int, default=STEPS, help="of each row")
    parser.add_argument("--rows", nargs="*", default=(), choices=list(rows_of()), help="which rows; all by default")
    given = parser.parse_args()
    from safetensors.torch import load_file as read

    measured = compare(
        given.packed, given.parts, given.checkpoint, rows=given.rows, steps=given.steps,
        view=features_of(read(given.data / "init" / "mobilenet_v2_imagenet.safetensors")),
        progress=lambda share, text: print(f"{share:.3f} {text}", flush=True),
    )  # fmt: skip
    note(given.checkpoint, "ablation", measured)
    for label, values in measured["rows"].items():
        print(label, {name: round(value, 3) for name, value in values.items()})
