"""Are the pictures of a kind different from each other, and are they new? (the paper only shows examples)

*Different*: the distance between two samples of a kind, mean over all pairs, beside that of photos; and how many samples have a twin.
*New*: the distance of a sample to the nearest training photo of its kind, mirrored too, beside that of held-out photos to theirs. A
painter that remembers would have a small fraction of it, as the made copies have (mirrored, moved and brighter).

Distances are taken between pixels at 32 px, as root mean square of the range, and between the eye's features (1 - cosine). Painted
pictures are smoother than photos, which alone brings them nearer to anything in pixels; the features care less.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from avdemo.crossmodal.album import Album
from avdemo.crossmodal.jury import Jury
from avdemo.crossmodal.testset import SEED

SIDE = 32  # px at which pixels are compared
TWIN = 0.05  # two pictures nearer than this, root mean square of the pixels' range, are the same to the eye
COPIES = 6  # of training photos of a kind, changed a little
MOVED, BRIGHTER = 1 / 32, 12  # share of the side; of 255


def thumbnails(frames: np.ndarray) -> np.ndarray:
    """(N, S, S, 3) uint8 -> (N, SIDE * SIDE * 3) float32 in [0, 1]."""
    pictures = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float() / 255
    return F.interpolate(pictures, size=(SIDE, SIDE), mode="area").flatten(1).numpy()


def pixel_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Thumbnails (N, D), (M, D) -> root mean square differences (N, M)."""
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T
    return np.sqrt(np.maximum(squares, 0) / first.shape[1])


def feature_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Features (N, D), (M, D) -> 1 - cosine (N, M)."""
    unit = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9) for x in (first, second))
    a, b = unit
    return 1 - a @ b.T


def spread(frames: np.ndarray, features: np.ndarray, kinds: np.ndarray, most: int) -> dict[str, float]:
    """Mean distance between two pictures of a kind, and percent of the pictures that have a twin; kinds weigh the same."""
    rows = []
    for kind in np.unique(kinds):
        of_kind = np.flatnonzero(kinds == kind)[:most]
        if len(of_kind) < 2:
            continue
        pair = ~np.eye(len(of_kind), dtype=bool)
        small = thumbnails(frames[of_kind])
        pixels = pixel_distances(small, small)
        seen = feature_distances(features[of_kind], features[of_kind])
        twins = (np.where(pair, pixels, np.inf).min(1) < TWIN).mean()
        rows.append((pixels[pair].mean(), seen[pair].mean(), 100 * twins))
    means = np.mean(rows, axis=0) if rows else [np.nan] * 3
    return dict(zip(("pixels", "features", "twins"), map(float, means), strict=True))


def nearest(
    frames: np.ndarray, features: np.ndarray, kinds: np.ndarray, photos: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Distances (N,) of each picture to the nearest of the photos of its kind, in pixels (mirrored too) and in features.

    Args:
        photos: their frames, features and kinds.

    Returns:
        NaN where there is no photo of the kind.
    """
    pixels, seen = np.full(len(frames), np.nan), np.full(len(frames), np.nan)
    for kind in np.unique(kinds):
        mine, theirs = np.flatnonzero(kinds == kind), np.flatnonzero(photos[2] == kind)
        if not len(theirs):
            continue
        small = thumbnails(frames[mine])
        both = (pixel_distances(small, thumbnails(photos[0][theirs][:, :, ::way])) for way in (1, -1))
        pixels[mine] = np.minimum(*both).min(1)
        seen[mine] = feature_distances(features[mine], photos[1][theirs]).min(1)
    return pixels, seen


def copies(album: Album, most: int = COPIES) -> tuple[np.ndarray, np.ndarray]:
    """Training photos as something that remembers would give them: mirrored, moved a little, brighter; and their kinds."""
    rng = np.random.default_rng([SEED, 11])
    rows = np.concatenate([rng.permutation(np.flatnonzero(album.kind == k))[:most] for k in np.unique(album.kind)])
    frames = album.on_white()[rows][:, :, ::-1]
    shift = max(1, round(MOVED * frames.shape[1]))
    frames = np.pad(frames, ((0, 0), (shift, 0), (shift, 0), (0, 0)), mode="edge")[:, :-shift, :-shift]
    return np.clip(frames.astype(int) + BRIGHTER, 0, 255).astype(np.uint8), album.kind[rows]


def diversity(
    jury: Jury, painted: dict[str, tuple[np.ndarray, np.ndarray]], album: Album, held: Album, most: int
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Two tables, row -> scores: how different the pictures of a kind are, and how near to the training photos.

    Args:
        painted: label -> frames (N, S, S, 3) and kinds (N,).
        album: training photos; held: held-out photos.
        most: pictures of a kind.

    Returns:
        rows with "pixels", "features", "twins" (percent); rows with "pixels", "features" (medians) and their ratios to those of
        the held-out photos.
    """
    train = album.on_white()
    known = (train, jury.see(train)[0], album.kind)
    shown = {label: (frames, jury.see(frames)[0], kinds) for label, (frames, kinds) in painted.items()}
    differ = {label: spread(*found, most) for label, found in shown.items()}
    differ["real training photos"] = spread(*known, most)
    new = {}
    if len(held):
        frames = held.on_white()
        shown["real held-out photos"] = (frames, jury.see(frames)[0], held.kind)
    frames, kinds = copies(album)
    shown["made copies of training photos"] = (frames, jury.see(frames)[0], kinds)
    for label, found in shown.items():
        pixels, seen = nearest(*found, known)
        new[label] = {"pixels": float(np.nanmedian(pixels)), "features": float(np.nanmedian(seen))}
    if bound := new.get("real held-out photos"):
        for row in new.values():
            row |= {f"{name}, ratio": row[name] / bound[name] if bound[name] else float("nan") for name in ("pixels", "features")}
    return differ, new
