"""Pairs drawn from videos: what overlaps, what differs, what is jittered, and what happens to videos that cannot be decoded."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from video_clips import FPS, RATE, SLOPE, base, levels, said, write_clip

from avdemo.corpora.video_folder import Video, scan_videos
from avdemo.corpora.video_pairs import Pair, VideoPairs, prepare_frame
from avdemo.errors import InputError

SIDE = 28  # px: frames are scaled to 32
DRAWS = 60


def number_of(video: Video) -> int:
    return int(video.path.stem.partition("_")[0].removeprefix("v"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Seven videos; two of those for training were cut from one. Read only."""
    root = tmp_path_factory.mktemp("videos")
    for number in range(3):
        write_clip(root / "val" / f"v{number + 3}.mp4", number + 3, late_s=0.5 if number == 0 else 0.0)
    for name in ("v0", "v2", "v6_000010_000020", "v6_000030_000040"):
        write_clip(root / "train" / f"{name}.mp4", int(name[1]))
    return root


@pytest.fixture(scope="module")
def videos(folder) -> list[Video]:
    return scan_videos(folder)[0]


def make(videos, **options) -> VideoPairs:
    return VideoPairs(videos, **{"sample_rate": RATE, "samples": RATE, "frame_size": SIDE, "seed": 3, **options})


def same(a: Pair, b: Pair) -> bool:
    facts = ("match", "seen", "heard", "frame_s", "sound_s")
    return all(getattr(a, f) == getattr(b, f) for f in facts) and (a.frame == b.frame).all() and (a.wav == b.wav).all()


def check_sound(pair: Pair) -> float:
    """That the window is the one it says, but for its volume; returns that."""
    expected = base(number_of(pair.heard)) + SLOPE * (pair.sound_s + np.arange(RATE) / RATE)
    volume = pair.wav / expected
    assert np.ptp(volume) < 1e-3
    return float(volume.mean())


# ---- what is drawn


def test_shapes(videos) -> None:
    pair = make(videos).pair("train", 0)
    assert pair.frame.shape == (SIDE, SIDE, 3) and pair.frame.dtype == np.uint8
    assert pair.wav.shape == (RATE,) and pair.wav.dtype == np.float32 and np.abs(pair.wav).max() <= 1


def test_half_of_all_pairs_correspond_and_overlap_in_time(videos) -> None:
    pairs = make(videos)
    offsets = []
    for number in range(DRAWS):
        pair = pairs.pair("val", number)
        assert pair.match == (number % 2 == 0) == (pair.seen == pair.heard)
        assert check_sound(pair) == pytest.approx(1.0, abs=1e-3)  # as it is
        frame = min(int(pair.frame_s * FPS + 0.006), 19)
        left, right = said(pair.frame)
        assert left == pytest.approx(levels(0, frame)[0], abs=3.5) and right == pytest.approx(
            levels(number_of(pair.seen), 0)[1], abs=3.5
        )
        assert pair.heard.start_s - 1e-6 <= pair.sound_s <= pair.heard.end_s - 1 + 1e-6  # no silence from outside the track
        if pair.match:
            assert frame / FPS < pair.sound_s + 1 and (frame + 1) / FPS > pair.sound_s
            offsets.append(pair.frame_s - pair.sound_s)
    assert min(offsets) < 0.2 and max(offsets) > 0.8  # anywhere in the second, not only at its middle


def test_videos_of_one_source_are_never_two_different_videos(videos) -> None:
    pairs = make(videos)
    met = {(number_of(p.seen), number_of(p.heard)) for p in (pairs.pair("train", n) for n in range(1, 4 * DRAWS, 2))}
    assert met == {(a, b) for a in (0, 2, 6) for b in (0, 2, 6) if a != b}
    halves = {p.heard.name for p in (pairs.pair("train", n) for n in range(0, DRAWS, 2))}
    assert len(halves) == 4


def test_every_other_video_is_as_likely() -> None:
    sources = ["a", "b", "b", "b", "c", "d"]
    made = [Video(Path(f"{n}.mp4"), f"{n}.mp4", source, "val", 0.0, 2.0) for n, source in enumerate(sources)]
    rng = np.random.default_rng(0)
    for number, source in enumerate(sources):
        counts = np.bincount([VideoPairs._other(made, number, rng) for _ in range(600)], minlength=6)
        allowed = [other != source for other in sources]
        assert (counts > 0).tolist() == allowed and counts[allowed].min() > 0.6 * counts.sum() / sum(allowed)


def test_training_is_jittered_and_validation_is_not(videos) -> None:
    pairs = make(videos)
    volumes, brightness = [], []
    for number in range(0, DRAWS, 2):
        pair = pairs.pair("train", number)
        volumes.append(check_sound(pair))
        brightness.append(said(pair.frame)[1] - levels(number_of(pair.seen), 0)[1])
    assert 0.9 - 1e-3 <= min(volumes) < 0.95 and 1.05 < max(volumes) <= 1.1 + 1e-3
    assert np.std(brightness) > 5


# ---- determined by seed, split and number


def test_a_pair_does_not_depend_on_what_was_drawn_before(videos) -> None:
    pairs, other = make(videos), make(videos[::-1], cache_mb=0)
    numbers = [5, 2, 9, 2]
    forward = [pairs.pair("train", n) for n in numbers]
    assert all(same(a, b) for a, b in zip(forward[::-1], [other.pair("train", n) for n in numbers[::-1]], strict=True))
    assert same(forward[1], forward[3])
    with ThreadPoolExecutor(4) as pool:
        assert all(same(a, b) for a, b in zip(forward, pool.map(lambda n: pairs.pair("train", n), numbers), strict=True))
    elsewhere = make(videos, seed=4)
    assert not all(same(a, elsewhere.pair("train", n)) for a, n in zip(forward, numbers, strict=True))
    assert len({p.sound_s for p in forward}) == 3


def test_decoded_sounds_stay_within_their_bound(videos) -> None:
    bound = 2.5 * 2 * 2 * RATE  # bytes: two and a half sounds of two seconds
    pairs = make(videos, cache_mb=bound / 2**20)
    for number in range(20):
        pairs.pair("train", number)
        assert pairs._sounds.size == sum(a.nbytes for a in pairs._sounds._kept.values()) <= bound
    assert len(pairs._sounds._kept) == 2


# ---- videos that turn out to be of no use


def test_what_cannot_be_decoded_is_replaced(tmp_path) -> None:
    for number in range(5):
        write_clip(tmp_path / f"v{number}.mp4", number)
    write_clip(tmp_path / "v5.mp4", 5, silent=True)
    videos = [Video(**{**vars(v), "split": "train"}) for v in scan_videos(tmp_path)[0]]
    pairs = make(videos)
    before = [pairs.pair("train", n) for n in range(12)]
    (tmp_path / "v0.mp4").unlink()
    (tmp_path / "v1.mp4").write_bytes(b"no longer a video")
    late = make(videos)
    drawn = [late.pair("train", n) for n in range(24)]
    assert {number_of(p.heard) for p in drawn} == {2, 3, 4}  # the fifth is silent
    assert {number_of(p.seen) for p in drawn} == {2, 3, 4, 5}
    assert [p.match for p in drawn] == [True, False] * 12
    whole = [n for n, p in enumerate(before) if not {number_of(p.heard), number_of(p.seen)} & {0, 1, 5}]
    assert whole and all(same(before[n], drawn[n]) for n in whole)
    assert all(same(a, make(videos).pair("train", n)) for n, a in enumerate(drawn[:6]))


def test_all_of_them_broken(tmp_path) -> None:
    videos = [Video(tmp_path / f"{n}.mp4", f"{n}.mp4", f"{n}", "train", 0.0, 2.0) for n in range(3)]
    with pytest.raises(
        InputError,
        match=r"20 videos in a row of the train split cannot be used; check the folder\. The last: There is no file named",
    ):
        make(videos).pair("train", 0)


def test_two_different_videos_are_needed(videos) -> None:
    with pytest.raises(InputError, match="test split has 0 usable videos"):
        make(videos).pair("test", 0)
    two = [v for v in videos if number_of(v) == 6]
    with pytest.raises(InputError, match="train split has 2 usable videos of fewer than two different sources"):
        make(two).require("train")


def test_windows_that_do_not_fit(videos) -> None:
    with pytest.raises(InputError, match=r"A window of 1\.5 s does not fit"):
        make(videos, samples=RATE * 3 // 2)


# ---- pictures


def test_the_middle_without_a_generator() -> None:
    frame = np.arange(40 * 50 * 3, dtype=np.uint32).reshape(40, 50, 3).astype(np.uint8)
    assert (prepare_frame(frame, 32, None) == frame[4:36, 9:41]).all()


def test_places_flips_and_colours() -> None:
    frame = np.zeros((34, 60, 3), np.uint8)
    frame[..., 0] = 40 + 2 * np.arange(60)  # red says where
    frame[..., 1], frame[..., 2] = 128, 60
    cuts = [prepare_frame(frame, 32, np.random.default_rng(seed)).astype(float) for seed in range(200)]
    assert all(c.shape == (32, 32, 3) for c in cuts)
    flipped = sum(c[0, 0, 0] > c[0, -1, 0] for c in cuts)
    assert 70 < flipped < 130
    grey = [float((c @ [0.299, 0.587, 0.114]).mean()) for c in cuts]
    original = (frame @ np.array([0.299, 0.587, 0.114]))[:, 14:46].mean()
    assert np.ptp(grey) > 40 and abs(np.mean(grey) - original) < 6  # brightness to both sides
    spread = [float((c[..., 1] - c[..., 2]).mean()) / 68 for c in cuts]
    assert 0.5 - 0.02 < min(spread) < 0.6 and 1.4 < max(spread) < 1.5 + 0.02  # saturation
    white = prepare_frame(np.full((32, 32, 3), 255, np.uint8), 32, np.random.default_rng(1))
    assert white.min() > 200  # clipped, not wrapped round
