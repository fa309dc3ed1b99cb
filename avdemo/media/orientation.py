"""Which way up a video is: phones store frames as the sensor lies and add a matrix that says how to show them.

The decoder does not apply it. The matrix (ISO/IEC 14496-12, 8.2.2; nine 32-bit numbers, row by row, the first two
columns in 16.16 fixed point) maps a stored point to a shown one: x' = a x + c y, y' = b x + d y, with y downwards. Only
the eight turns and mirrors occur, so signs suffice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame


@dataclass(frozen=True)
class Orientation:
    """Steps from the stored picture to the upright one, in this order."""

    transpose: bool = False  # swap rows and columns
    flip_columns: bool = False  # then mirror left-right
    flip_rows: bool = False  # then mirror top-bottom

    @property
    def is_upright(self) -> bool:
        """Whether the stored picture is already as it is shown."""
        return not (self.transpose or self.flip_columns or self.flip_rows)

    @property
    def rotation(self) -> int:
        """Clockwise degrees (0, 90, 180, 270) that turn the stored picture upright, any mirroring left aside."""
        if self.transpose:
            return 90 if self.flip_columns else 270
        return 180 if self.flip_rows else 0

    @property
    def is_mirrored(self) -> bool:
        """Whether the picture is mirrored on top of its rotation (some front cameras)."""
        return self.transpose ^ self.flip_columns ^ self.flip_rows

    def shown(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) of the upright picture for stored ones; also the other way round."""
        return (height, width) if self.transpose else (width, height)

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """Turn a stored picture (H, W, ...) upright; contiguous."""
        if self.transpose:
            picture = np.swapaxes(picture, 0, 1)
        if self.flip_columns:
            picture = picture[:, ::-1]
        if self.flip_rows:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)


def orientation_of(frame: VideoFrame) -> Orientation:
    """Read the display matrix that the demuxer attached to a decoded frame."""
    side_data = frame.side_data.get(SideDataType.DISPLAYMATRIX)
    if side_data is None:
        return Orientation()
    a, b, _, c, d = np.frombuffer(bytes(side_data), dtype=np.int32)[:5].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(transpose=True, flip_columns=c < 0, flip_rows=b < 0)
    return Orientation(flip_columns=a < 0, flip_rows=d < 0)
