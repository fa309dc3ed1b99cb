"""Long signals through a network that takes fixed windows: where the windows start, and how their results are joined.

A network sees ``size`` frames at a time. Cutting a long sequence into windows side by side would leave a click at every seam,
and at a seam the network has context on one side only. So windows overlap: each starts ``hop < size`` frames after the one
before, and where several cover a frame their results are averaged.

**The weights.** Inside a window the triangle 1, 2, ..., n, ..., 2, 1 trusts the middle, which has context on both sides, more
than the ends. Frame t is then

    out[t] = sum_k triangle[t - start_k] * piece_k[t - start_k] / sum_k triangle[t - start_k]     over all windows k that cover t

as in demucs' ``apply.py``. Because the same sum stands below the line, what is multiplied with the pieces adds up to one at
*every* frame, whatever the overlap: where two windows meet it is a linear crossfade; in the first frames of the signal, which
only the first window covers, the quotient is triangle / triangle = 1 (no fade-in), and so it is at the end and for a signal
shorter than one window. So when all pieces agree (a network that does nothing, a constant mask), the input comes back.

**Exactly one.** Floating-point quotients add up to 1 only to the last bit. Here the weights are rounded to multiples of 2^-20
and the rest of the rounding goes to the largest one; such numbers and their sums are exact in float32, in any order of adding.
So a mask that is 1 everywhere in every window is precisely 1 everywhere when joined, not nearly.

**The end.** All windows lie inside the signal: the last is moved back so that it ends with the signal. (Padding the last window
with silence instead would show the network something it rarely met in training.) Only a signal shorter than one window needs
padding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

GRID = 2**20  # weights are multiples of 1 / GRID; float32 has 24 bits, so sums up to 1 stay exact


def window_starts(total: int, size: int, hop: int) -> list[int]:
    """First frames of the windows that cover ``total`` frames.

    Args:
        total: frames in the sequence, >= 0.
        size: frames in a window.
        hop: frames from one start to the next, 1 ... size.

    Returns:
        Ascending starts. Each ``start + size <= total``, except for a sequence shorter than a window: ``[0]``, and the caller
        pads the window's end. An empty sequence has no window.
    """
    if size < 1 or not 1 <= hop <= size:
        raise ValueError(f"Windows of {size} frames every {hop} frames leave gaps; the hop must lie between 1 and the size.")
    if total < 0:
        raise ValueError(f"A sequence cannot have {total} frames.")
    if total == 0:
        return []
    if total <= size:
        return [0]
    return [*range(0, total - size, hop), total - size]


def crossfade_weights(starts: Sequence[int], size: int, total: int) -> Tensor:
    """Weight of each frame of each window in the joined sequence.

    Args:
        starts: ascending, from :func:`window_starts`; together the windows must cover every frame.
        size: frames in a window.
        total: frames in the sequence.

    Returns:
        (len(starts), size) float32 >= 0. The weights that meet at one frame of the sequence add up to exactly 1.0; frames of a
        window that lie beyond the sequence (a short signal's padding) weigh 0.

    Raises:
        ValueError: a frame is covered by no window.
    """
    if not starts:
        if total:
            raise ValueError(f"No window covers a sequence of {total} frames.")
        return torch.zeros(0, size)
    ramp = torch.arange(1, size + 1, dtype=torch.float64)
    triangle = torch.minimum(ramp, ramp.flip(0))  # (size,)
    room = max(total, max(starts) + size)
    weight_sum = torch.zeros(room, dtype=torch.float64)
    for start in starts:
        weight_sum[start : start + size] += triangle
    if bool((weight_sum[:total] == 0).any()):
        frame = int((weight_sum[:total] == 0).nonzero()[0])
        raise ValueError(f"Frame {frame} of {total} lies in no window.")
    units = torch.stack([torch.floor(triangle / weight_sum[start : start + size] * GRID) for start in starts])  # (N, size)
    # What rounding down has left over, per frame, goes to the heaviest window there.
    missing = torch.full((room,), float(GRID), dtype=torch.float64)
    heaviest = torch.zeros(room, dtype=torch.float64)
    for start, row in zip(starts, units, strict=True):
        missing[start : start + size] -= row
        heaviest[start : start + size] = torch.maximum(heaviest[start : start + size], row)
    for start, row in zip(starts, units, strict=True):
        here = slice(start, start + size)
        takes = row == heaviest[here]
        row += torch.where(takes, missing[here], 0.0)
        missing[here] = torch.where(takes, 0.0, missing[here])
        row[max(0, total - start) :] = 0.0
    return (units / GRID).float()


def overlap_add(pieces: Iterable[Tensor], starts: Sequence[int], total: int) -> Tensor:
    """Join the windows' results into one sequence.

    Args:
        pieces: one (..., size) tensor per start (a stacked tensor, a list, or a generator: only one piece need live at a time);
            real or complex floating point. Half precision is added up in float32.
        starts: from :func:`window_starts`.
        total: frames in the sequence.

    Returns:
        (..., total).

    Raises:
        ValueError: pieces and starts differ in number, there is no piece, or a frame is in no window.
    """
    joined: Tensor | None = None
    weights: Tensor | None = None
    count = 0
    for count, piece in enumerate(pieces, start=1):
        if count > len(starts):
            raise ValueError(f"There are more pieces than the {len(starts)} window starts.")
        piece = piece.float() if piece.dtype in (torch.float16, torch.bfloat16) else piece
        size = piece.shape[-1]
        if joined is None or weights is None:
            weights = crossfade_weights(starts, size, total).to(piece.device)
            joined = piece.new_zeros(*piece.shape[:-1], total)
        start = starts[count - 1]
        length = min(size, total - start)
        joined[..., start : start + length] += piece[..., :length] * weights[count - 1, :length]
    if joined is None or count != len(starts):
        raise ValueError(f"{count} pieces cannot fill {len(starts)} windows.")
    return joined
