"""Speech of any length to frames: their number, their joins, one photo, and memory that does not grow."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
import torch
from test_lips_networks import COMPACT, PAPER, network

from avdemo.lips.config import SpeechScale
from avdemo.lips.generation import SpeechBands, frame_count, generate
from avdemo.lips.hearing import levelled, reference_db, speech_db

RATE = COMPACT.speech.sample_rate
RNG = np.random.default_rng(4)


def speech(seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.1 * RNG.normal(size=len(time)) * (1.2 + np.sin(9 * time))).clip(-1, 1).astype(np.float32)


def photo(config=COMPACT) -> np.ndarray:
    return RNG.integers(0, 256, (config.size, config.size, 3), dtype=np.uint8)


@pytest.mark.parametrize("config", [COMPACT, PAPER], ids=["compact", "paper"])
@pytest.mark.parametrize("seconds", [0.004, 0.1, 0.32, 0.33, 1.0, 1.77, 5.02])
def test_frames_are_as_many_as_the_speech_is_long(config, seconds) -> None:
    net, wav = network(config), speech(seconds)
    frames = list(generate(net, photo(config), wav))
    assert len(frames) == max(1, round(len(wav) / RATE * 25)) == frame_count(len(wav), RATE)
    assert {(frame.shape, frame.dtype) for frame in frames} == {((config.size, config.size, 3), np.dtype(np.uint8))}


def test_joined_compact_windows_are_those_of_one_long_window() -> None:
    net, wav, picture = network(COMPACT), speech(2.0), photo()
    frames = np.stack(list(generate(net, picture, wav)))
    bands = SpeechBands(wav, COMPACT)
    face = torch.from_numpy(picture.transpose(2, 0, 1).copy())[None].float() / 127.5 - 1
    with torch.no_grad():
        whole, _, _ = net(face, bands.window(0, 50)[None])
    whole = ((whole[0].permute(1, 2, 3, 0) + 1) * 127.5).round().clamp(0, 255).numpy()
    assert np.abs(frames - whole).max() <= 1


def test_the_papers_windows_fade_into_each_other() -> None:
    net, wav, picture = network(PAPER), speech(3.0), photo(PAPER)
    joined = np.stack(list(generate(net, picture, wav))).astype(float)
    hard = np.stack(list(generate(_without_overlap(net), picture, wav))).astype(float)
    seams = np.arange(PAPER.frames, len(joined) - PAPER.frames, PAPER.frames)

    def jump(frames: np.ndarray) -> float:
        steps = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
        return float(steps[seams - 1].mean() / steps.mean())

    assert jump(joined) < jump(hard)


def _without_overlap(net):
    net.config = dataclasses.replace(net.config, overlap=0)
    return net


def test_bands_in_pieces_are_those_of_the_whole() -> None:
    wav = speech(45.3)
    bands = SpeechBands(wav, COMPACT)
    whole_db = speech_db(torch.from_numpy(np.pad(wav, (0, -len(wav) % COMPACT.speech.hop))), COMPACT.speech)
    whole = levelled(whole_db, reference_db(whole_db))
    assert torch.allclose(bands.reference, reference_db(whole_db), atol=0.05)
    for start in (0, 10, 499, 490, 700, 20, 1120):
        window = bands.window(start, 8)
        columns = (torch.arange(24 * 4) + (start - 8) * 4).tolist()
        for place, column in enumerate(columns):
            inside = 0 <= column < whole.shape[1]
            assert float(window[0, place]) == inside
            if inside:
                assert torch.allclose(window[1:, place], whole[:, column], atol=0.02), (start, column)


def test_long_speech_is_levelled_by_pieces_of_all_of_it() -> None:
    wav = np.concatenate([0.05 * speech(60), speech(60)])
    reference = SpeechBands(wav, COMPACT).reference
    loud = SpeechBands(wav[60 * RATE :], COMPACT).reference
    assert (reference - loud).abs().mean() < 8  # and not 26 dB, by which the other half is quieter


def test_memory_does_not_grow_with_the_speech() -> None:
    net, picture = network(COMPACT), photo()

    def peak(seconds: float) -> int:
        wav = speech(seconds)
        tracemalloc.start()
        count = sum(1 for _ in generate(net, picture, wav))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == round(seconds * 25)
        return found

    assert peak(40) < peak(8) + 3e6  # the analysed columns of 20 s are held, and no more


def test_the_same_again_and_other_speech_differently() -> None:
    net, wav, picture = network(COMPACT), speech(1.0), photo()
    one, again, other = (np.stack(list(generate(net, picture, sound))) for sound in (wav, wav, speech(1.0)))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    wild = np.stack(list(generate(net, picture, wav, lively=200.0)))
    assert np.abs(np.diff(wild.astype(float), axis=0)).mean() > np.abs(np.diff(one.astype(float), axis=0)).mean()


def test_progress_and_refusals() -> None:
    net, told = network(COMPACT), []
    list(generate(net, photo(), speech(3.0), progress=lambda share, text: told.append((share, text))))
    assert told[0] == (0.0, "Frame 1 of 75") and [share for share, _ in told] == sorted(share for share, _ in told)
    with pytest.raises(ValueError, match="photo"):
        next(generate(net, photo()[:8], speech(1.0)))
    with pytest.raises(ValueError, match="speech"):
        next(generate(net, photo(), np.zeros(0, np.float32)))


def test_the_rate_is_the_scales() -> None:
    assert SpeechScale().samples * 25 == SpeechScale().sample_rate
