"""Is all of a file there? Read from its own outer structure, without decoding anything.

An upload that was interrupted, or a recording that was never finished, still begins like a good file. Containers say
how long they are meant to be: ISO media (mp4, mov, m4a) in its top-level boxes, Matroska (mkv, webm) in the size of its
Segment, RIFF (wav, avi) in its first eight bytes.
"""

from __future__ import annotations

from pathlib import Path

# What the first box of an ISO base media file may be (ISO/IEC 14496-12; 'wide' and 'pnot' are QuickTime's).
ISO_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid"}
MAX_BOXES = 100_000  # fragmented files have two boxes per fragment; a bound against hostile ones

COMPLETE = 0.99  # some writers are a few bytes off, and nobody misses a hundredth

EBML_HEADER_ID = b"\x1a\x45\xdf\xa3"
MATROSKA_SEGMENT_ID = b"\x18\x53\x80\x67"


def damage(path: Path, size: int) -> str | None:
    """What is missing from a file, as the second half of a sentence; None when it looks complete or cannot be told.

    Args:
        path: a file of ``size`` bytes that can be read.
    """
    with path.open("rb") as file:
        head = file.read(16)
        if head[4:8] in ISO_FIRST_BOXES:
            return _iso_damage(file, size)
        if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"AVI "):
            promised = int.from_bytes(head[4:8], "little")
            # 0 and the largest number mean "written to a pipe, length unknown".
            return _short(size, promised + 8) if 0 < promised < 0xFFFFFFFF else None
        if head[:4] == EBML_HEADER_ID:
            return _matroska_damage(file, size)
    return None


def _short(size: int, promised: int) -> str | None:
    """The clause for a file of ``size`` bytes that should have ``promised``; None when nothing is missing."""
    if size >= COMPLETE * promised:
        return None
    return f"only {100 * size // promised}% of it is there, so the upload or the recording stopped too early"


def _iso_damage(file, size: int) -> str | None:
    """Walk the top-level boxes: each begins with its size (32 bits; 1 = 64 bits follow; 0 = to the end) and its name."""
    position, has_index, promised = 0, False, size
    for _ in range(MAX_BOXES):
        file.seek(position)
        header = file.read(16)
        if len(header) < 8:
            break
        box_size, box_name = int.from_bytes(header[:4], "big"), header[4:8]
        if box_size == 1 and len(header) == 16:
            box_size = int.from_bytes(header[8:16], "big")
        elif box_size == 0:
            box_size = size - position
        if box_size < 8 or not all(32 <= byte < 127 or byte == 0xA9 for byte in box_name):
            break  # not a box: padding or rubbish after the last one, which players ignore
        has_index |= box_name == b"moov"
        position += box_size
        if position > size:
            promised = position
            # An index that is itself cut off is no index.
            has_index &= box_name != b"moov"
            break
    if not has_index:
        return "its index (the 'moov' part) is missing, so the upload or the recording stopped before it was finished"
    return _short(size, promised)


def _matroska_damage(file, size: int) -> str | None:
    """The Segment follows the EBML header and holds everything else; an all-ones size means a live stream."""
    file.seek(len(EBML_HEADER_ID))
    header_size = _ebml_size(file)
    if header_size is None:
        return None
    file.seek(header_size, 1)
    if file.read(4) != MATROSKA_SEGMENT_ID:
        return None
    segment_size = _ebml_size(file)
    return None if segment_size is None else _short(size, file.tell() + segment_size)


def _ebml_size(file) -> int | None:
    """One EBML variable-length number: the leading zeros of the first byte say how many bytes follow (RFC 8794, 4)."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & (0xFF >> length)]) + file.read(length - 1), "big")
    return None if value == (1 << 7 * length) - 1 else value
