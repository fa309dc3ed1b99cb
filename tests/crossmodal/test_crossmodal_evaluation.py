"""The whole evaluation on a tiny pack, with a network that was taught its colours and pitches."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_imagine_pack import write_imagine_pack

from avdemo.crossmodal import ablation, card, evaluation
from avdemo.crossmodal.album import load_album
from avdemo.crossmodal.config import CrossmodalConfig
from avdemo.crossmodal.network import Crossmodal
from avdemo.crossmodal.testset import Sizes
from avdemo.errors import InputError, WeightsError

KINDS = ("piano", "saxophone", "violin")
CONFIG = dataclasses.replace(CrossmodalConfig.debug(), kinds=KINDS)
SIZES = Sizes(4, 6, 2, 3, 2, 6, 4, 3)


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    """As training reads it; held-out photos of the training photos' source are called as in the real data."""
    folder = write_imagine_pack(tmp_path_factory.mktemp("pairs"))
    photos = json.loads((folder / "photos.json").read_text())
    for entry in photos:
        if entry["split"] == "test" and entry["source"] == "web30_train":
            entry["source"] = "web30_test"
    (folder / "photos.json").write_text(json.dumps(photos))
    return folder


def _teach(parameters, loss, steps: int, rate: float = 3e-3) -> None:
    optimizer = torch.optim.Adam(list(parameters), rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()


def toy_network(pack: Path) -> Crossmodal:
    """The debug network, its parts taught on the pack's training part; its generators to repeat one example of each kind."""
    from avdemo.corpora.mixtures import SoundPack
    from avdemo.crossmodal.ear_recipe import held_windows
    from avdemo.crossmodal.seeing import normalise
    from avdemo.crossmodal.windows import WindowMaker

    torch.manual_seed(0)
    network = Crossmodal(CONFIG).train()
    wavs, sound_kinds, _ = held_windows(WindowMaker(SoundPack(pack, KINDS), KINDS, "train", CONFIG.window.samples), 6)
    lms = network.ear.spectrogram(wavs)
    album = load_album(pack, KINDS, "train", CONFIG.picture_size)
    rows = np.concatenate([np.flatnonzero(album.kind == k)[:4] for k in range(4)])  # of other things as many as of a kind
    frames, photo_kinds = torch.from_numpy(album.on_white()[rows]), torch.from_numpy(album.kind[rows])
    _teach(network.ear.parameters(), lambda: F.cross_entropy(network.ear(lms), sound_kinds), 60)
    _teach(network.judge.parameters(), lambda: F.cross_entropy(network.judge(normalise(frames)), photo_kinds), 100)
    _teach(network.eye.parameters(), lambda: F.cross_entropy(network.eye(normalise(frames)), photo_kinds), 100)
    network.eval()
    with torch.no_grad():
        heard, seen = network.ear.feature(lms), network.eye.feature(frames)
    known, photographed = sound_kinds < 3, photo_kinds < 3
    pictures = torch.stack([normalise(frames)[photo_kinds == k][0] for k in range(3)])
    spectrograms = torch.stack([lms[sound_kinds == k][0] for k in range(3)])
    network.train()
    for variant, painter in network.painters.items():
        z = 0.0 if variant == "A" else 1.0
        noise = lambda z=z: z * torch.randn(int(known.sum()), CONFIG.painter.noise)  # noqa: E731
        _teach(
            painter.parameters(),
            lambda painter=painter, noise=noise: F.mse_loss(painter(heard[known], noise()), pictures[sound_kinds[known]]),
            60,
        )
    chance = lambda: torch.randn(int(photographed.sum()), CONFIG.player.noise)  # noqa: E731
    wanted = spectrograms[photo_kinds[photographed]].unsqueeze(1)
    _teach(network.player.parameters(), lambda: F.mse_loss(network.player(seen[photographed], chance()), wanted), 120)
    return network.eval()


@pytest.fixture(scope="module")
def taught(pack, tmp_path_factory) -> Path:
    from avdemo.checkpoints import save

    network = toy_network(pack)
    return save(tmp_path_factory.mktemp("run") / "crossmodal-toy.safetensors", network.state_dict(), CONFIG.as_dict())


@pytest.fixture(scope="module")
def second(pack, tmp_path_factory) -> Path:
    """A second ear with a table of representations, both taught for a few steps."""
    from avdemo.crossmodal import representations
    from avdemo.crossmodal.second_ear import train_second_ear

    folder = tmp_path_factory.mktemp("second")
    sizes = {"train": 40, "test_per_kind": 2}
    table = representations.compare(pack, folder / "representations.json", config=CONFIG, steps=3, **sizes)
    out = folder / "crossmodal-second-ear.safetensors"
    train_second_ear(pack, out, CONFIG, steps=60, table=table, **sizes)
    return out


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """No shipped weights, on the CPU."""
    from avdemo.crossmodal.models import load_model
    from avdemo.settings import get_settings

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVDEMO_WEIGHTS", str(tmp_path_factory.mktemp("weights")))
        patch.setenv("AVDEMO_DEVICE", "cpu")
        get_settings.cache_clear()
        load_model.cache_clear()
        yield
    get_settings.cache_clear()
    load_model.cache_clear()


@pytest.fixture(scope="module")
def switches(alone, pack, taught, tmp_path_factory) -> dict:
    """The table of switches after two steps of two rows each, which goes into the toy's metadata."""
    from avdemo.checkpoints import load_file, save
    from avdemo.training.parts import note

    folder, loaded = tmp_path_factory.mktemp("parts"), load_file(taught)
    for part in ("ear", "eye", "judge"):
        state = {name.removeprefix(f"{part}."): value for name, value in loaded.state.items() if name.startswith(f"{part}.")}
        save(folder / f"{part}.safetensors", state, loaded.config)
    table = ablation.compare(pack, folder, taught, rows=(ablation.FULL, "S2I-A"), steps=2, sizes=SIZES)
    note(taught, "ablation", table)
    return table


@pytest.fixture(scope="module")
def found(alone, pack, taught, second, switches):
    return evaluation.evaluate(pack, checkpoint=str(taught), second=second, sizes=SIZES)


def test_pictures_show_what_was_heard(found) -> None:
    ours, floor, control = (found.s2i[row] for row in ("S2I-C", "random weights", "another kind's input"))
    assert ours["judge"] > 60 and ours["judge"] > floor["judge"] + 20 and ours["judge"] > control["judge"] + 20
    assert ours["judge, heard"] >= ours["judge"] - 1e-6 or found.s2i_kinds["piano"]["ear"] == 100
    assert {"S2I-N", "S2I-A", "real held-out photos", "real training photos"} <= found.s2i.keys()
    assert found.s2i_kinds.keys() == set(KINDS) and found.s2i_origins.keys() <= {"render", "notes", "phrase"}
    assert found.s2i_kinds["violin"]["windows"] == SIZES.test_windows


def test_a_network_that_repeats_itself_is_found_out(found) -> None:
    """The toy was taught one picture of each kind."""
    assert found.differ["S2I-C"]["pixels"] < 0.5 * found.differ["real training photos"]["pixels"]
    assert found.new["real held-out photos"]["pixels, ratio"] == 1
    assert np.isfinite(found.new["S2I-C"]["features, ratio"])


def test_sounds_sound_like_what_was_seen(found) -> None:
    ours, control = found.i2s["I2S, held-out photos"], found.i2s["another kind's input"]
    assert ours["ear"] > 60 and ours["ear"] > control["ear"] + 20
    assert {"second ear", "ear, again", "second ear, again", "ear, seen"} <= ours.keys()
    assert found.i2s["real held-out sounds"]["ear"] > 80
    assert found.i2s_kinds.keys() == set(KINDS)


def test_noise_and_class(found) -> None:
    rows = found.varies["S2I-C"]
    assert rows["one sound, other z"]["alike"] >= 50
    assert rows["sounds of other kinds, one z"]["distance"] > rows["other sounds of the kind, one z"]["distance"]


def test_what_is_refused(found) -> None:
    assert found.strange_sounds["silence"]["refused"] == 100
    assert {"instruments that it knows", "other instruments", "noise, hum, clicks", "all of these"} <= found.strange_sounds.keys()
    assert 0 <= found.strange_photos["all of these"]["AUC"] <= 100
    assert "right" in found.strange_photos["instruments that it knows"]


def test_every_switch_has_a_row_of_its_own_and_the_table_is_kept(found, switches) -> None:
    rows = ablation.rows_of()
    assert len(set(rows.values())) == len(rows) == 3 + len(ablation.OFF)
    assert not rows["S2I-A"].adversarial and not rows["S2I-N"].mismatch
    assert list(switches["rows"]) == [ablation.FULL, "S2I-A", "random weights"] and switches["steps"] == 2
    assert found.ablation["rows"].keys() == switches["rows"].keys() and found.ablation["windows"] == 3 * SIZES.test_windows
    assert "Small painters after 2 steps" in found.table()
    assert "What each switch brings" in [table.title for table in card.tables(found)]


def test_the_dictionary_is_json_and_the_table_names_the_paper(found) -> None:
    values = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert values["paper_s2i"]["S2I-C"] == {"train": 87.37, "test": 75.56}
    assert values["chance"] == 25
    assert values["representations"]["rows"].keys() == {"MS", "LMS", "CQT", "MFCC", "STFT"}
    table = found.table()
    for words in ("CMCGAN", "random weights", "chance", "twins", "violin", "75.6", "2nd,again", "MFCC"):
        assert words in table
    assert max(map(len, table.splitlines())) < 160


def test_without_a_second_ear_its_columns_are_empty(alone, pack, taught) -> None:
    sizes = dataclasses.replace(SIZES, test_windows=2, train_windows=2, inverted=0)
    found = evaluation.evaluate(pack, checkpoint=str(taught), sizes=sizes)
    assert any("second ear" in note for note in found.notes) and not found.representations
    assert "second ear" not in found.i2s["I2S, held-out photos"]
    assert found.table()


def test_what_is_missing_is_refused(alone, pack, taught, tmp_path) -> None:
    with pytest.raises(WeightsError):
        evaluation.evaluate(pack, checkpoint=str(tmp_path / "nothing.safetensors"))
    from avdemo.crossmodal.second_ear import train_second_ear

    stranger = tmp_path / "harps.safetensors"
    train_second_ear(
        pack, stranger, dataclasses.replace(CONFIG, kinds=("harp", "piano", "violin")), steps=1, train=8, test_per_kind=1
    )
    with pytest.raises(WeightsError, match="harps knows other instruments"):
        evaluation.evaluate(pack, checkpoint=str(taught), second=stranger)
    with pytest.raises(InputError, match=r"packed\.json"):
        evaluation.evaluate(tmp_path, checkpoint=str(taught), packed=tmp_path)
    other = Path(shutil.copytree(pack, tmp_path / "faster"))
    (other / "packed.json").write_text(json.dumps({"sample_rate": 16_000}))
    with pytest.raises(InputError, match="16000 Hz"):
        evaluation.evaluate(other, checkpoint=str(taught))


def test_the_card_has_floors_controls_and_the_papers_rows(found, taught, tmp_path) -> None:
    from avdemo.checkpoints import record
    from avdemo.crossmodal.card import write_imagine_card

    out = Path(shutil.copy(taught, tmp_path / "crossmodal-toy.safetensors"))
    metadata = {"device": "CPU (2 threads)", "minutes": 12.5, "steps": 150, "seed": 0}
    write_imagine_card(out, found, command="python -m avdemo train crossmodal ...", metadata=metadata, notes=("A toy.",))
    text = out.with_suffix(".md").read_text(encoding="utf-8")
    for words in (
        "Research use only", "CPU (2 threads)", "12 minutes", "random weights (floor", "another kind's input (control", "chance (floor",
        "S2I-C, 13 instruments of Sub-URMP (as the paper reports", "CMCGAN", "real held-out photos (upper bound", "second ear, again",
        "made copies of training photos (control", "What each switch brings", ablation.FULL, "A toy.", "LMS, 13 instruments", "piano, saxophone, violin",
    ):  # fmt: skip
        assert words in text, words
    entry = record("crossmodal-toy", tmp_path)
    assert entry.config == "debug" and entry.preprocessing["sample_rate"] == 8000
    assert entry.scores["judge on pictures from held-out sounds (%), S2I-C"] == round(found.s2i["S2I-C"]["judge"], 1)


def test_the_second_ear_has_a_card_of_its_own(second, tmp_path) -> None:
    from avdemo.checkpoints import record
    from avdemo.crossmodal.card import write_second_ear_card

    out = Path(shutil.copy(second, tmp_path / "crossmodal-second-ear.safetensors"))
    write_second_ear_card(out, command="python -m avdemo.crossmodal.second_ear --data PACK ...")
    text = out.with_suffix(".md").read_text(encoding="utf-8")
    for words in ("Research use only", "second opinion", "chance (floor", "Which picture of a sound is heard best?", "MFCC"):
        assert words in text, words
    entry = record("crossmodal-second-ear", tmp_path)
    assert entry.capability == "crossmodal" and 0 <= entry.scores["validation, known (%)"] <= 100
