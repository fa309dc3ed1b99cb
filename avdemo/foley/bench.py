"""``python -m avdemo bench foley``: how many samples a second are written here, and how far that is from what the arithmetic needs.

Without a checkpoint it measures a network of the compact size with random weights, and says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from avdemo.benches import Bench, memory_mb, seconds_of

ONE = "samples per second, one take"
REAL_TIME = "seconds of sound per second, one take"
SEVERAL = "samples per second of each of two takes at once"
MEMORY = "memory, MB"
GOALS = {ONE: 16_000.0, REAL_TIME: 1.0, MEMORY: 1200.0}
WRITTEN_S = 1.0  # of sound per run
REPEATS = 5
REFERENCE_SAMPLES = 64


def bench(progress: Callable[[float, str], None] | None = None, *, network=None, repeats: int = REPEATS) -> Bench:
    """Measure writing, seeing, memory and the floor; each the median of ``repeats`` runs, with everything compiled.

    Args:
        network: a :class:`avdemo.foley.network.Foley`; None: the shipped checkpoint, else random weights of the compact size.

    Raises:
        WeightsError: there is a checkpoint, and it is damaged.
    """
    import torch

    from avdemo.foley.network import generate_reference
    from avdemo.foley.sampler import Sampler, dice_of

    tell = progress or (lambda share, text: None)
    result = Bench(GOALS)
    figures = result.figures
    tell(0.02, "Loading the network")
    network, whence = (network, "the network given") if network is not None else _network()
    result.notes.append(f"Measured with {whence}.")
    config = network.config
    frames, flow = _video(config)
    with torch.inference_mode():
        condition = network.condition(frames, flow)
        figures["1 s of video seen, s"] = seconds_of(lambda: network.condition(frames, flow), repeats)
        sampler = Sampler(network)
        take = sampler.begin(condition)
        tell(0.1, "Compiling")
        begun = time.perf_counter()
        sampler.write(take, 1)
        figures["compile, or read what was compiled (once), s"] = time.perf_counter() - begun
        tell(0.3, "Writing")
        samples = round(WRITTEN_S * config.sample_rate)
        figures[ONE] = samples / seconds_of(lambda: sampler.write(take, samples), repeats)
        figures[REAL_TIME] = figures[ONE] / config.sample_rate
        tell(0.5, "Writing two takes")
        takes = [sampler.begin(condition, take=number) for number in range(2)]
        figures[SEVERAL] = samples / seconds_of(lambda: list(sampler.write_all(takes, samples)), repeats)
        figures["chunk of 0.2 s, s"] = 0.2 * config.sample_rate / figures[ONE]
        figures[MEMORY] = memory_mb()
        tell(0.8, "Writing the slow way")
        uniforms = torch.from_numpy(dice_of(0).random((1, REFERENCE_SAMPLES)))
        nodes = network.nodes(condition, torch.zeros(1, 1, config.books, dtype=torch.long) if config.codes else None)
        figures["samples per second in plain PyTorch"] = REFERENCE_SAMPLES / seconds_of(
            lambda: generate_reference(network, nodes, uniforms), 1
        )
    tell(0.9, "Measuring the floor")
    multiplies = multiply_adds(config)
    floor = floor_of_sample(config, repeats)
    figures["multiply-adds per sample, thousands"] = multiplies / 1e3
    figures["samples per second at the arithmetic's floor"] = 1 / floor
    result.notes.append(
        f"One sample takes {1 / (figures[ONE] * floor):.2f} times what as many multiply-adds take in numpy's products of a "
        f"{config.dim} x {config.dim} matrix in the cache with a vector. Less than 1: rows of units that ReLU made zero are left "
        "out, and weights are kept as float16, half of what numpy reads."
    )
    tell(1.0, "Done")
    return result


def multiply_adds(config) -> float:
    """Of one sample, the tiers' shared out among the samples of a step. The MLP's first layer only adds up rows."""
    return sample_multiply_adds(config) + token_multiply_adds(config)


def sample_multiply_adds(config) -> float:
    """Of the SampleRNN."""
    dim, layer = config.dim, 6 * config.dim**2  # a GRU layer: three gates, each of the input and of the state
    told, squeezed = (config.waist or dim) * dim, config.waist * dim
    top = config.top_step * dim + config.rnn_layers * layer + squeezed + config.frame_sizes[1] * told
    middle = config.middle_sees * dim + config.rnn_layers * layer + squeezed
    guess = 2 * dim if config.predicts else 0  # the bell curve's place and width
    return top / config.top_step + middle / config.middle_step + told + dim**2 + dim * config.levels + guess


def token_multiply_adds(config) -> float:
    """Of the token tier, twice for guidance, of what it tells, and of the linear prediction."""
    if not config.codes:
        return 0.0
    from avdemo.foley.tokens import Telling

    dim, hidden, around = config.token_dim, Telling.HIDDEN, 2 * Telling.REACH + 1
    tier = 2 * (6 * dim**2 + config.books * (dim**2 + dim * config.codes))
    telling = around * config.bands * hidden + hidden * config.node_row
    guess = config.predicts + config.predicts**2 / config.top_step  # a product, and Levinson's recursion
    return (tier + telling) / config.token_step + guess


def floor_of_sample(config, repeats: int) -> float:
    """Seconds that numpy takes for as many multiply-adds, with one matrix that stays in the cache and one thread's vector."""
    matrix = np.ones((config.dim, config.dim), np.float32)
    vector = np.ones(config.dim, np.float32)
    times = 200

    def products() -> None:
        for _ in range(times):
            matrix @ vector

    products()
    return seconds_of(products, repeats) / times * multiply_adds(config) / config.dim**2


def _network():
    """A network and where it is from."""
    import torch

    from avdemo.checkpoints import records
    from avdemo.foley.config import FoleyConfig
    from avdemo.foley.models import CHECKPOINT, VARIANT, load_model, with_variant
    from avdemo.foley.network import Foley

    if CHECKPOINT in records():
        model = with_variant(load_model()).on_cpu()
        return model.network, f"the checkpoint {CHECKPOINT}, variant {VARIANT}"
    torch.manual_seed(0)
    return Foley(FoleyConfig.compact()).eval(), "random weights of the compact size, since no checkpoint is here yet"


def _video(config):
    """One second of noise as video, and its optical flow."""
    import torch

    count = config.frames_of(config.sample_rate)
    side, grid = config.picture_size, config.flow_grid
    return torch.randint(0, 256, (1, count, side, side, 3), dtype=torch.uint8), torch.randn(1, count, grid, grid, 2)
