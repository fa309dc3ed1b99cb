"""Tiny real networks whose weights float16 holds, and made-up clips for them."""

from __future__ import annotations

from pathlib import Path

FRAMES = 3  # video frames of a clip
PLAIN = {"codes": 0, "predicts": 0, "strokes": False, "decay": False, "voices": 0}  # the paper's SampleRNN, which the picture conditions itself


def lively(config, seed: int = 5):
    """An untrained network whose logits differ widely, with weights as a checkpoint brings them: matrices in float16."""
    import torch

    from avdemo.foley.network import Foley

    torch.manual_seed(seed)
    network = Foley(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2) if parameter.any() else parameter.normal_(0, 0.2)
            if parameter.ndim >= 2:
                parameter.copy_(parameter.half())
        with_codebooks(network.tokens)
        with_voices(network.voices)
        if network.decay is not None:
            network.decay.drops[:] = torch.linspace(0, 0.05, network.decay.drops.shape[1])
        for start in (network.rnn.top.start, network.rnn.middle.start):
            if start is not None:
                start.uniform_(-0.5, 0.5)
    return network


def with_codebooks(tokens) -> None:
    """Spectra as sounds have them, 50 to 70 dB under full scale, give or take some, that float16 holds."""
    import torch

    if tokens is not None:
        tokens.books.copy_((0.5 * torch.randn(tokens.books.shape, generator=torch.Generator().manual_seed(4))).half())
        tokens.books[0] -= 4.5
        tokens.books[0, :3] -= 3  # silence


def with_voices(voices) -> None:
    """Every kind has two voices, of which one is taken three times as often."""
    if voices is not None:
        kinds, count = voices.shares.shape
        for kind in range(kinds):
            voices.shares[kind, kind % count], voices.shares[kind, (kind + 1) % count] = 0.75, 0.25


def rules(network, condition) -> dict:
    """What the sampler keeps to when it writes tokens."""
    from avdemo.foley.token_tier import anew, shut

    told = shut(condition.told, network.tokens.silent())
    return {"shut": told, "anew": anew(condition, network.config.tokens_per_frame)}


def spoken(network, condition, samples: int, *, seed: int = 0, take: int = 0, temperature: float = 1.0):
    """What the SampleRNN is told of one clip's take, by the networks' own modules: its tokens (None without) and its nodes."""
    import torch

    from avdemo.foley.token_writer import GUIDANCE, token_dice

    if network.tier is None:
        return None, network.nodes(condition)
    from avdemo.foley.voices import voiced

    times, dice = -(-samples // network.config.token_step) + network.tells.REACH, token_dice(seed, take)
    if network.voices is not None:
        condition = voiced(condition, network.voices, [network.voices.draw(condition.kinds[0], dice.random())])
    uniforms = torch.from_numpy(dice.random((1, times, network.config.books)))
    with torch.no_grad():
        both = (condition.rows, condition.start), condition.blind
        tokens = network.tier.write(*both, uniforms, temperature, guidance=GUIDANCE, **rules(network, condition))
        return tokens, network.nodes(condition, tokens)


def clips(config, n: int = 2, frames: int = FRAMES):
    """Made-up video frames and their flow."""
    import torch

    generator = torch.Generator().manual_seed(7)
    size, grid = config.picture_size, config.flow_grid
    pictures = torch.randint(0, 256, (n, frames, size, size, 3), dtype=torch.uint8, generator=generator)
    return pictures, 2 * torch.randn(n, frames, grid, grid, 2, generator=generator)


def tiny_family(seed: int = 5):
    """All three variants as they ship together, untrained and lively."""
    import torch

    from avdemo.foley.config import FoleyConfig
    from avdemo.foley.family import Family

    torch.manual_seed(seed)
    family = Family(FoleyConfig.debug()).eval()
    with torch.no_grad():
        for parameter in family.parameters():
            parameter.mul_(2) if parameter.any() else parameter.normal_(0, 0.2)
        with_codebooks(family.network("flow").tokens)
        with_voices(family.network("flow").voices)
    return family


def tiny_weights(folder: Path) -> Path:
    """Save them as ``foley-compact`` with a record; returns the folder."""
    from avdemo.checkpoints import register, save

    family = tiny_family()
    path = save(folder / "foley-compact.safetensors", family.state_dict(), family.config.as_dict())
    register(path, capability="foley")
    return folder


def with_tokens(sight):
    """The sight of a checkpoint, of a family that has codebooks."""
    from avdemo.foley.config import FoleyConfig
    from avdemo.foley.recipe import open_sight

    seeing = open_sight(sight, FoleyConfig.debug())
    with_codebooks(seeing.family.network("flow").tokens)
    return seeing


def voices_for(config, sight):
    """The same sight, of a family with as many voices as a configuration has."""
    from avdemo.foley.family import Family

    family = Family(config).eval()
    kept = {key: value for key, value in sight.family.state_dict().items() if ".voices." not in key}
    family.load_state_dict(family.state_dict() | kept)
    return type(sight)(family).eval()


def losses(out: Path) -> list[float]:
    """What the training of a checkpoint wrote down."""
    from avdemo.training.journal import read

    return [line["loss"] for line in read(out.with_suffix(".log.jsonl")) if line["kind"] == "train"]
