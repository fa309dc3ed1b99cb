"""The authors' three files: layout, counts, import, and that the network then computes what it did."""

import copy
import os
import pickle
import zipfile

import pytest
import torch
from typer.testing import CliRunner

from avdemo.checkpoints import import_released, load, load_into, record
from avdemo.checkpoints.cli import weights_app
from avdemo.checkpoints.released import read_released
from avdemo.errors import WeightsError
from avdemo.pixels.config import PixelsConfig
from avdemo.pixels.network import SoundOfPixels

NAMES = {"frame": "frame_best.pth", "sound": "sound_best.pth", "synthesizer": "synthesizer_best.pth"}


def network(config, seed=0):
    """A network with statistics that are not the initial ones, so that mixing any two up shows."""
    torch.manual_seed(seed)
    module = SoundOfPixels(config).eval()
    for key, value in module.state_dict().items():
        if value.is_floating_point() and (value.ndim < 2 or "bn" in key):
            value.copy_(torch.rand_like(value) + 0.5)
    return module


def release(folder, module, prefix="", **options):
    """Write the three files as the authors did: a plain state dict each."""
    for part, name in NAMES.items():
        state = {prefix + key: value for key, value in module.get_submodule(part).state_dict().items()}
        torch.save(state, folder / name, **options)
    return [str(folder / name) for name in NAMES.values()]


def count(state):
    return sum(value.numel() for value in state.values())


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """The paper-size network and its three files."""
    module = network(PixelsConfig.paper())
    return module, release(tmp_path_factory.mktemp("released"), module)


def test_parameter_counts_and_keys_are_those_of_the_release(paper):
    module, _ = paper
    counts = {part: sum(p.numel() for p in module.get_submodule(part).parameters()) for part in NAMES}
    assert counts == {"sound": 30_274_210, "frame": 11_324_000, "synthesizer": 33}
    state = module.state_dict()
    shapes = {
        "sound.bn0.weight": (1,),
        "sound.unet_block.model.0.weight": (64, 1, 4, 4),
        "sound.unet_block.model.1.model.1.weight": (128, 64, 4, 4),
        "sound.unet_block.model.1.model.3.model.1.weight": (256, 128, 4, 4),
        "sound.unet_block.model.4.weight": (32, 128, 3, 3),
        "sound.unet_block.model.4.bias": (32,),
        "frame.features.0.weight": (64, 3, 7, 7),
        "frame.features.1.running_mean": (64,),
        "frame.features.7.0.downsample.0.weight": (512, 256, 1, 1),
        "frame.features.7.1.bn2.weight": (512,),
        "frame.fc.weight": (32, 512, 3, 3),
        "frame.fc.bias": (32,),
        "synthesizer.scale": (32,),
        "synthesizer.bias": (1,),
    }
    assert {key: tuple(state[key].shape) for key in shapes} == shapes


def test_import_load_and_the_same_outputs(paper, weights):
    module, files = paper
    done = CliRunner().invoke(weights_app, ["import-sound-of-pixels", *files])
    assert done.exit_code == 0, done.stderr
    entry = record("pixels-paper")
    assert (entry.capability, entry.config, entry.origin, entry.revision) == ("pixels", "paper", "imported", None)
    assert entry.preprocessing["sample_rate"] == 11_025 and 80e6 < entry.bytes < 90e6

    found = load("pixels-paper")
    assert set(found.metadata["source"]) == set(NAMES) and found.metadata["source"]["sound"]["file"] == "sound_best.pth"
    assert PixelsConfig.from_dict(found.config) == module.config
    loaded, halves = copy.deepcopy(module), copy.deepcopy(module)
    for value in loaded.state_dict().values():
        value.zero_()
    load_into(loaded, found.state)
    halves.load_state_dict({k: v.half().float() if v.ndim >= 2 else v for k, v in module.state_dict().items()})

    frames = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    mag = torch.rand(1, 128, 128, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        rough = [module.see(frames), module.hear(mag)]
        exact = [halves.see(frames), halves.hear(mag)]
        ours = [loaded.see(frames), loaded.hear(mag)]
    for mine, rounded, original in zip(ours, exact, rough, strict=True):
        assert torch.equal(mine, rounded)  # nothing but the rounding of large tensors to fp16 ...
        assert (mine - original).abs().max() < 5e-3 * original.abs().max()  # ... and that is small


def small():
    """Paper layout with a thin U-Net: the import is the same."""
    return PixelsConfig.paper(channels=4, ngf=2)


@pytest.fixture(scope="module")
def little():
    return network(small())


def bring(folder, config, files):
    with torch.device("meta"):
        layout = SoundOfPixels(config)
    return import_released(
        dict(zip(NAMES, files, strict=True)),
        layout,
        out=folder / "x.safetensors",
        config=config.as_dict(),
        capability="pixels",
    )


def test_importing_twice_gives_the_same_bytes(weights, tmp_path, little):
    files = release(tmp_path, little)
    first = bring(weights, small(), files)
    assert bring(weights, small(), files) == first


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_dataparallel_prefix_old_format_and_missing_counters(weights, tmp_path, little, options):
    files = release(tmp_path, little, prefix="module.", **options)
    state = {k: v for k, v in torch.load(files[1], weights_only=True).items() if not k.endswith("num_batches_tracked")}
    torch.save(state, files[1], **options)
    bring(weights, small(), files)
    found = load("x").state
    assert torch.equal(found["sound.bn0.running_var"], little.state_dict()["sound.bn0.running_var"])
    assert found["sound.bn0.num_batches_tracked"].item() == 0
    load_into(copy.deepcopy(little), found)


def test_the_number_of_channels_is_read_from_the_files(weights, tmp_path, monkeypatch):
    paper_config = PixelsConfig.paper
    monkeypatch.setattr(PixelsConfig, "paper", staticmethod(lambda **changes: paper_config(ngf=2, **changes)))
    files = release(tmp_path, network(PixelsConfig.paper(channels=16)))
    done = CliRunner().invoke(weights_app, ["import-sound-of-pixels", *files])
    assert done.exit_code == 0, done.stderr
    assert load("pixels-paper").config["channels"] == 16


def test_swapped_files_are_named(weights, tmp_path, little):
    frame, sound, synthesizer = release(tmp_path, little)
    with pytest.raises(WeightsError, match=r"sound_best\.pth does not fit the frame network: missing .*; it is the sound file"):
        bring(weights, small(), [sound, frame, synthesizer])
    assert list(weights.iterdir()) == []


def test_files_of_another_size_are_refused(weights, tmp_path):
    files = release(tmp_path, network(PixelsConfig.paper(channels=4, ngf=3)))
    with pytest.raises(WeightsError, match=r"sound_best\.pth does not fit the sound network: another shape in unet_block\.model"):
        bring(weights, small(), files)


class Runs:
    """Unpickling this would make a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_pickles_that_run_code_are_refused(tmp_path):
    path = tmp_path / "sound_best.pth"
    torch.save({"scale": Runs(str(tmp_path / "made"))}, path)
    with pytest.raises(WeightsError, match=r"sound_best\.pth was refused: .* could run code"):
        read_released(path)
    path.write_bytes(pickle.dumps(Runs(str(tmp_path / "made")), protocol=2))
    with pytest.raises(WeightsError, match=r"sound_best\.pth was refused"):
        read_released(path)
    assert not (tmp_path / "made").exists()


def test_files_that_are_not_state_dicts(tmp_path):
    path = tmp_path / "sound_best.pth"
    with pytest.raises(WeightsError, match=r"sound_best\.pth is missing"):
        read_released(path)
    torch.save({"a": torch.zeros(1000)}, path)
    whole = path.read_bytes()
    for broken in (b"", whole[: len(whole) // 2], b"hello", b"\x80\x02}q\x00."):
        path.write_bytes(broken)
        with pytest.raises(WeightsError, match=r"sound_best\.pth "):
            read_released(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "not torch")
    with pytest.raises(WeightsError, match="truncated or not a PyTorch file"):
        read_released(path)
    torch.save({"epoch": 3, "state": {"a": torch.zeros(1)}}, path)
    with pytest.raises(WeightsError, match="does not hold a state dict"):
        read_released(path)


def test_the_command_line_refuses_with_a_sentence(weights, tmp_path):
    done = CliRunner().invoke(weights_app, ["import-sound-of-pixels", "a.pth", "b.pth", "c.pth"])
    assert done.exit_code == 2 and done.stderr == "The file c.pth is missing; give the path of a released .pth file.\n"
    done = CliRunner().invoke(weights_app, ["import-sound-of-pixels", "a", "b", "c", "--out", str(tmp_path / "x.pth")])
    assert done.exit_code == 2 and "x.pth, must end in .safetensors" in done.stderr
