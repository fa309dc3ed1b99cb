"""Open what people upload, safely, and say in a sentence why something cannot be opened.

Only demuxers of real media are allowed: a playlist (m3u8, concat, ...) renamed to .mp4 could otherwise make the
decoder open other files of this machine or of its network.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer

from avdemo.errors import InputError
from avdemo.media.completeness import damage

# Demuxer names.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,wav,w64,mp3,aac,ogg,flac,aiff,caf,amr,au,asf,flv,mpeg,mpegts,dv"
ACCEPTED = "mp4, mov, webm, mkv, avi or gif videos, wav, mp3, m4a, ogg or flac sounds, and jpg, png or webp pictures"


def file_size(path: Path) -> int:
    """Bytes of a regular, readable, non-empty file.

    Raises:
        InputError: there is no such file, it is a folder, it is empty, or it may not be read.
    """
    name = path.name or str(path)
    try:
        status = path.stat()
        if path.is_dir():
            raise InputError(f"{name} is a folder; give a file: {ACCEPTED}.")
        if not path.is_file():
            raise InputError(f"{name} is not an ordinary file; give one of these: {ACCEPTED}.")
        if status.st_size == 0:
            raise InputError(f"{name} is empty (0 bytes), so the upload or the recording did not work; try again.")
        with path.open("rb"):
            return status.st_size
    except FileNotFoundError:
        raise InputError(f"There is no file named {name}; check its name and place.") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{name} cannot be opened ({reason}); check that you may read it.") from None


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a video or sound for demuxing; closes it at the end.

    Raises:
        InputError: with the reason as far as it can be told from the file.
    """
    try:
        container = av.open(
            str(path.absolute()),  # absolute, so that no name is taken for a protocol ("a:b.mp4")
            mode="r",
            container_options={"format_whitelist": FORMATS, "protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise unreadable(path) from error
    try:
        yield container
    finally:
        container.close()


def unreadable(path: Path) -> InputError:
    """The error for a file that no decoder understands, with the reason as far as its bytes tell."""
    name, size = path.name, file_size(path)
    with path.open("rb") as file:
        head = file.read(2048)
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"hevc", b"msf1"):
        return InputError(f"{name} is an HEIC picture, which is not supported; save it as JPEG or PNG and give that.")
    missing = damage(path, size)
    if missing:
        return InputError(f"{name} is not complete: {missing}; export or upload it again.")
    if _is_text(head):
        return InputError(f"{name} holds text, whatever its name says; give one of these: {ACCEPTED}.")
    return InputError(f"{name} is damaged or of a kind that cannot be read; give one of these: {ACCEPTED}.")


def _is_text(head: bytes) -> bool:
    """Printable UTF-8 (the last few bytes may be half a character)."""
    text = head.decode("utf-8", errors="ignore")
    enough = len(text.encode()) >= len(head) - 4
    return enough and all(character.isprintable() or character in "\r\n\t\f" for character in text)
