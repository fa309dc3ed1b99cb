"""The two towers run over the frames and the seconds of a clip, batch by batch."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from avdemo import media
from avdemo.checkpoints.running import Model

if TYPE_CHECKING:
    from torch import nn

    from avdemo.correspondence.network import Correspondence

CHECKPOINT = "correspondence-compact"
BATCH = 8  # frames or windows at a time: more of them are no faster on a CPU and take hundreds of megabytes
LONGEST = 2.0  # long side of the frames, in short sides: a panorama must not take the memory of ten frames
THUMBNAIL_PX = 144  # short side of the frames that are kept
MAP_BYTES = (
    384e6  # for the maps of a clip: every window of 2 to 3 minutes; longer clips keep those of every second, third... window
)

Step = Callable[[float, str], None]
run_lock = threading.Lock()  # one network at a time: two would share the same cores


@lru_cache(maxsize=2)
def load_model(name: str = CHECKPOINT) -> Model:
    """The checkpoint of a name or path, loaded once; errors as of :func:`avdemo.checkpoints.running.open_model`."""
    from avdemo.checkpoints.running import open_model
    from avdemo.correspondence.config import CorrespondenceConfig
    from avdemo.correspondence.network import Correspondence

    def build(config: dict) -> Correspondence:
        return Correspondence(CorrespondenceConfig.from_dict(config))

    def finish(network: Correspondence) -> None:
        if network.config.vision == "mobilenet_v2":
            _fuse(network.vision.features)

    return open_model(name, build, finish=finish)


def _fuse(module: nn.Module) -> None:
    """Put each batch norm of the frozen backbone into the convolution before it: the same numbers in a third less time."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    before: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and before is not None and isinstance(before[1], nn.Conv2d):
            setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
            setattr(module, name, nn.Identity())
        _fuse(child)
        before = (name, child)


def frame_size(config, width: int, height: int) -> tuple[int, int]:
    """(width, height) px at which the vision tower sees a picture: its own shape, sides divisible by the tower's stride."""
    short = config.frame_size
    scale = min(short / min(width, height), LONGEST * short / max(width, height))
    least = 4 * config.stride
    return tuple(max(least, round(side * scale / config.stride) * config.stride) for side in (width, height))


def every_window(info: media.MediaInfo, config, count: int) -> int:
    """Of how many windows one's maps are kept, so that a clip's memory stays bounded."""
    width, height = frame_size(config, info.width, info.height)
    places = (width // config.stride) * (height // config.stride)
    heard = (config.bins // 8) * (config.spec_frames // 8)
    each = 2 * (config.vision_embed * (places if info.kind == "video" else 0) + config.audio_embed * heard)
    return max(1, math.ceil(count * each / MAP_BYTES))


def windows(wav: np.ndarray, rate: int, samples: int, time_s: np.ndarray, span: tuple[float, float]) -> Iterator[np.ndarray]:
    """The sound around each centre, (samples,); silence outside the span."""
    first, last = round(span[0] * rate), min(wav.shape[1], round(span[1] * rate))
    for centre in time_s:
        start = round(float(centre) * rate) - samples // 2
        if len(time_s) > 1:
            start = min(max(start, first), max(first, last - samples))  # the rounding of the last one
        low, high = max(start, first), min(start + samples, last)
        window = np.zeros(samples, np.float32)
        window[low - start : high - start] = wav[0, low:high]
        yield window


def _batches(items: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    while batch := list(islice(items, BATCH)):
        yield np.stack(batch)


def _tower(model: Model, run: Callable, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One tower on one batch: pooled (N, D) float32 and maps (N, D, ., .) float16."""
    import torch

    with torch.inference_mode(), run_lock:
        data = torch.from_numpy(batch).to(model.device)
        with torch.autocast(data.device.type, model.dtype, enabled=model.dtype != torch.float32):
            maps = run(data).float()
        halves = maps.clamp(max=6e4).to(torch.float16)  # fp16 ends at 65504
        # the maximum of what is kept, so that the heat's hottest place agrees with the score
        return halves.float().amax((2, 3)).cpu().numpy(), halves.contiguous().cpu().numpy()


def listen(model: Model, windows: Iterator[np.ndarray], count: int, every: int, step: Step):
    """Pooled sound (T, Da), maps (K', Da, f, t), levels (T,) and silence (T,) of all windows."""
    pooled, maps, level_db, is_silent = [], [], [], []
    for n, batch in enumerate(_batches(windows)):
        step(0.25 * n * BATCH / count, f"Listening: second {n * BATCH + 1} of {count}")
        level_db.append(20 * np.log10(np.sqrt(np.square(batch).mean(1)) + 1e-5))
        is_silent += [media.is_silent(window[None]) for window in batch]
        heard, kept = _tower(model, model.network.hear, batch)
        pooled.append(heard)
        maps.append(kept[-n * BATCH % every :: every])
    return np.concatenate(pooled), np.concatenate(maps), np.concatenate(level_db), np.array(is_silent)


def look(model: Model, info: media.MediaInfo, time_s: np.ndarray, every: int, step: Step):
    """Pooled frames (T, Dv), maps (K, Dv, h, w) and thumbnails (K, h, w, 3) at these times; of one frame for a still."""
    from PIL import Image

    size = frame_size(model.network.config, info.width, info.height)
    if info.kind == "image":
        picture = media.read_image(info.path, max_side=2 * max(size))
        frames = iter([np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX, reducing_gap=2.0))])
        time_s, every = time_s[:1], 1
    else:
        frames = media.iter_frames(info.path, time_s, size=size)
    shrink = min(1.0, THUMBNAIL_PX / min(size))
    small = tuple(max(1, round(side * shrink)) for side in size)
    pooled, maps, thumbnails = [], [], []
    for n, batch in enumerate(_batches(frames)):
        step(0.25 + 0.75 * n * BATCH / len(time_s), f"Looking: frame {n * BATCH + 1} of {len(time_s)}")
        seen, kept = _tower(model, model.network.see, batch)
        pooled.append(seen)
        first = -n * BATCH % every
        maps.append(kept[first::every])
        thumbnails += [np.asarray(Image.fromarray(frame).resize(small, Image.Resampling.BOX)) for frame in batch[first::every]]
    return np.concatenate(pooled), np.concatenate(maps), np.stack(thumbnails)
