"""The paper's tables, ours beside them (``python -m avdemo evaluate crossmodal --data DIR``).

Is the instrument that was heard seen in the painted picture, by the judge and by a second opinion; are the pictures different and
new; is the instrument that was seen heard in the sound that was played; what the noise changes; what is refused as unknown. Beside
random weights, chance, another kind's input, and real photos and sounds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from avdemo.checkpoints.running import Model
from avdemo.crossmodal import judging, sounding
from avdemo.crossmodal.controls import controls
from avdemo.crossmodal.diversity import diversity
from avdemo.crossmodal.jury import Jury, random_network
from avdemo.crossmodal.looking import PLAIN
from avdemo.crossmodal.models import CHECKPOINT, load_model
from avdemo.crossmodal.rejection import rejection
from avdemo.crossmodal.report import I2S, RANDOM, SWAPPED, Evaluation
from avdemo.crossmodal.second_ear import SECOND_EAR, SecondEar, open_second_ear
from avdemo.crossmodal.testset import SOURCES, Sizes, TestSet, made_speech, open_pack, read_test, recorded_speech
from avdemo.errors import InputError, WeightsError
from avdemo.training.parts import noted

PHOTOS = {"web30": "held-out photos", "web10": "photos of another source"}

Progress = Callable[[float, str], None]


def evaluate(
    data: Path, *, quick: bool = False, progress: Progress | None = None, checkpoint: str = CHECKPOINT, packed: Path | None = None,
    second: str | Path | None = None, sizes: Sizes | None = None,
) -> Evaluation:  # fmt: skip
    """Evaluate a checkpoint on everything held out.

    Args:
        data: the training data folder, or a folder of packed arrays (then without recorded speech, which is never packed).
        quick: less of everything.
        checkpoint: name or path.
        packed: packed arrays that are there already; otherwise the test's data is packed below the work folder.
        second: the second ear's checkpoint; by default :data:`SECOND_EAR` where the weights folder has it.
        sizes: how much is asked, instead of what ``quick`` says.

    Raises:
        InputError: the data is not there, or has another rate. WeightsError: no checkpoint.
    """
    from avdemo.checkpoints import records
    from avdemo.settings import get_settings

    tell = progress or (lambda share, text: None)
    sizes = sizes or (Sizes.quick() if quick else Sizes())
    if second is None and SECOND_EAR in records():
        second = SECOND_EAR
    model = load_model(str(checkpoint))
    pack = open_pack(Path(data), get_settings().work_dir, packed=packed, progress=lambda s, t: tell(0.1 * s, t))
    tell(0.1, "Drawing the test")
    test = read_test(pack, model.network.config, sizes)
    jury = Jury(model, _second_ear(second, model) if second is not None else None)
    result = Evaluation({"name": model.name, "sha256": model.sha256}, len(jury.config.kinds))
    result.counts = {
        "test windows": len(test.sounds.kinds), "train windows": len(test.train_sounds.kinds),
        **{f"{source} photos": len(test.photos[source].kinds) for source in SOURCES},
    }  # fmt: skip
    if second is None:
        result.notes.append("There is no second ear's checkpoint, so the columns of the second ear are empty.")
    else:
        result.representations = noted(second, "representations")
    result.ablation = noted(checkpoint, "ablation")
    heard, painted = _pictures(jury, test, result, lambda s, t: tell(0.13 + 0.37 * s, t))
    tell(0.5, "Distances between pictures")
    shown = {label: (pictures.frames, pictures.kinds) for label, pictures in painted.items()}
    result.differ, result.new = diversity(jury, shown, test.squares["train"], test.squares["web30"], sizes.alike)
    for number, variant in enumerate(jury.config.variants):
        tell(0.62 + 0.08 * number / len(jury.config.variants), f"What varies the pictures of S2I-{variant}")
        result.varies[f"S2I-{variant}"] = controls(jury, heard, variant)
    _sounds(jury, test, sizes, result, lambda s, t: tell(0.7 + 0.24 * s, t))
    tell(0.94, "What is refused")
    _strange(jury, test, heard, Path(data), sizes, result)
    tell(1.0, "Done")
    return result


def _second_ear(second: str | Path, model: Model) -> SecondEar:
    """Of the same kinds and windows as the model, or no judge of it."""
    network, config = open_second_ear(second), model.network.config
    if (network.window, network.kinds) != (config.window, config.kinds):
        raise WeightsError(
            f"The second ear {Path(second).stem} knows other instruments or hears other windows than {model.name}; evaluate without it."
        )
    return network.to(model.device)


def _pictures(
    jury: Jury, test: TestSet, result: Evaluation, tell: Progress
) -> tuple[judging.Heard, dict[str, judging.Painted]]:
    """The S2I tables; returns the held-out windows as heard, and the pictures of each painter of the checkpoint."""
    config = jury.config
    tell(0.0, "Listening to windows")
    train, heard = judging.hear(jury, test.train_sounds), judging.hear(jury, test.sounds)
    floor = random_network(jury, heard.features)
    asked = [(f"S2I-{variant}", variant, None) for variant in config.variants]
    asked.append((RANDOM, config.variants[0], floor))
    pictures: dict[str, judging.Painted] = {}
    for number, (label, variant, painter) in enumerate(asked):
        tell(0.1 + 0.7 * number / len(asked), f"Painting: {label}")
        found = judging.paint(jury, heard, variant, painter)
        result.s2i[label] = judging.painter_scores(judging.paint(jury, train, variant, painter), found, config)
        if painter is None:
            pictures[label] = found
    first = next(iter(pictures.values()))
    result.s2i[SWAPPED] = judging.swapped(first, config)
    tell(0.85, "Judging real photos")
    result.s2i |= judging.real_scores(jury, test)
    result.s2i_kinds, result.s2i_origins = judging.kind_scores(first, config), judging.origin_scores(first)
    return heard, pictures


def _sounds(jury: Jury, test: TestSet, sizes: Sizes, result: Evaluation, tell: Progress) -> None:
    """The I2S tables."""
    there = [source for source in SOURCES if len(test.photos[source].kinds)]
    if not there:
        result.notes.append("The pack holds no held-out photos, so nothing was played.")
        return
    by_source = {}
    for number, source in enumerate(there):
        tell(0.8 * number / len(there), f"Playing {PHOTOS[source]}, and hearing them again")
        row, by_source[source] = sounding.player_scores(jury, test.photos[source], sizes.sounds_a_photo, sizes.inverted)
        result.i2s[f"{I2S}, {PHOTOS[source]}"] = row
    result.i2s_kinds = _mean_of(by_source)
    tell(0.85, "The floor and the control of the sounds")
    photos = test.photos[there[0]]
    floor = random_network(jury, jury.look(photos.pictures)[0])
    result.i2s[RANDOM], _ = sounding.player_scores(jury, photos, 1, 0, floor)
    result.i2s[SWAPPED] = sounding.swapped(jury, photos, 1)
    result.i2s |= sounding.real_scores(jury, test.sounds)


def _mean_of(by_source: dict[str, dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Kind -> its mean over the sources that have it."""
    kinds = dict.fromkeys(kind for rows in by_source.values() for kind in rows)
    found = {}
    for kind in kinds:
        rows = [rows[kind] for rows in by_source.values() if kind in rows]
        found[kind] = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return found


def _strange(jury: Jury, test: TestSet, heard: judging.Heard, data: Path, sizes: Sizes, result: Evaluation) -> None:
    """What the app refuses, by its own rule, and by that of silence and of plain colours."""
    from avdemo.media import is_silent

    sounds = dict(test.strange_sounds)
    if (speech := recorded_speech(data, jury.config, 2 * sizes.strangers)) is not None:
        sounds["speech"] = speech
    try:
        sounds["made speech"] = made_speech(jury.config, 2 * sizes.strangers)
    except InputError as error:
        result.notes.append(f"Speech was not asked about. {error}")
    shares = {group: jury.hear(wavs)[1] for group, wavs in sounds.items()}
    quiet = {group: np.array([is_silent(wav[None]) for wav in wavs]) for group, wavs in sounds.items()}
    result.strange_sounds = rejection(heard.shares, heard.sounds.kinds, shares, jury.config, "hear", quiet.__getitem__)
    known = [test.photos[source] for source in SOURCES if len(test.photos[source].kinds)]
    if known:
        seen = np.concatenate([jury.look(photos.pictures)[1] for photos in known])
        kinds = np.concatenate([photos.kinds for photos in known])
        shares = {group: jury.look(pictures)[1] for group, pictures in test.strange_photos.items()}
        plain = {
            group: np.array([float(p.std(axis=(0, 1)).max()) < PLAIN for p in pictures])
            for group, pictures in test.strange_photos.items()
        }
        result.strange_photos = rejection(seen, kinds, shares, jury.config, "see", plain.__getitem__)
