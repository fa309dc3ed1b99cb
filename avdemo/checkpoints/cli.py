"""``python -m avdemo weights list|verify|pull|publish|import-sound-of-pixels``: look after the checkpoints.

Exit code 0, or 2 and one sentence on standard error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from avdemo.checkpoints import store
from avdemo.checkpoints.index import record, records
from avdemo.errors import AvdemoError, InputError
from avdemo.settings import get_settings

weights_app = typer.Typer(help="The checkpoints: what is here, is it intact, fetch, publish, import.", no_args_is_help=True)

_NONE = "No checkpoint is known yet; train one with `python -m avdemo train`."
_WHERE = {"weights": "weights folder", "cache": "Hub cache", "hub": "on the Hub", "nowhere": "missing"}
Names = Annotated[list[str] | None, typer.Argument(help="Names of checkpoints; all of them when none is given.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@contextmanager
def _refusals() -> Iterator[None]:
    """An expected error becomes its sentence on standard error and exit code 2."""
    try:
        yield
    except AvdemoError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _show(columns: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table, markup=False)


@weights_app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every checkpoint that is known, and where its file is."""
    with _refusals():
        found = records()
        places = {name: store.locate(name)[0] for name in found}
        if as_json:
            typer.echo(json.dumps([{**asdict(r), "where": places[r.name]} for r in found.values()], indent=2, ensure_ascii=False))
        elif not found:
            typer.echo(_NONE, err=True)
        else:
            _show(
                ["name", "capability", "MB", "where", "published", "licence"],
                [
                    [r.name, r.capability, f"{r.bytes / 1e6:.1f}", _WHERE[places[r.name]], _pin(r.repo_id, r.revision), r.licence]
                    for r in found.values()
                ],
            )


def _pin(repo_id: str | None, revision: str | None) -> str:
    return f"{repo_id}@{revision[:7]}" if revision else "no"


@weights_app.command()
def verify(names: Names = None) -> None:
    """Hash the files again and compare them with their records."""
    with _refusals():
        states = {name: store.verify(name) for name in names or records()}
    if not states:
        typer.echo(_NONE, err=True)
        return
    _show(["name", "state", ""], [[name, state, "" if state == "bad" else words] for name, (state, words) in states.items()])
    bad = {name: words for name, (state, words) in states.items() if state == "bad"}
    for name, words in bad.items():
        typer.echo(words if words.endswith(".") else f"The checkpoint {name} {words}.", err=True)
    if bad:
        raise typer.Exit(2)


@weights_app.command()
def pull(names: Names = None) -> None:
    """Download checkpoints into the weights folder; a damaged file there is replaced."""
    with _refusals():
        wanted = names or [name for name, entry in records().items() if entry.published]
        if not wanted:
            typer.echo("No checkpoint has been published yet, so there is nothing to download.", err=True)
        for name in wanted:
            path = store.pull(name)
            typer.echo(f"{name}: {path.name} is in the weights folder, sha256 {record(name).sha256[:12]} as recorded.")


@weights_app.command()
def publish(
    repo: Annotated[str, typer.Argument(help="Hub repository, owner/name; made when it does not exist.")],
    name: Annotated[list[str] | None, typer.Option(help="Only this checkpoint; may be given several times.")] = None,
    private: Annotated[bool, typer.Option(help="Make a new repository private.")] = False,
) -> None:
    """Upload the weights folder with its model cards, then pin the commit in the records."""
    from avdemo.checkpoints.publishing import publish as upload

    with _refusals():
        sha, pinned = upload(repo, names=name, private=private)
    typer.echo(f"Published {', '.join(entry.name for entry in pinned)} to {repo} at {sha}; commit index.json to keep that pin.")


@weights_app.command("import-sound-of-pixels")
def import_sound_of_pixels(
    frame: Annotated[Path, typer.Argument(help="frame_best.pth")],
    sound: Annotated[Path, typer.Argument(help="sound_best.pth")],
    synth: Annotated[Path, typer.Argument(help="synthesizer_best.pth")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; by default pixels-paper.safetensors in the weights folder.")
    ] = None,
) -> None:
    """Convert the three files that the authors of The Sound of Pixels released."""
    with _refusals():
        out = out or get_settings().weights_dir / "pixels-paper.safetensors"
        if out.suffix != ".safetensors":
            raise InputError(f"The file to write, {out.name}, must end in .safetensors.")
        from avdemo.checkpoints.released import import_released, read_released

        # Imported here, at the command: the library of checkpoints knows no capability.
        from avdemo.pixels.config import PixelsConfig
        from avdemo.pixels.network import SoundOfPixels

        scale = read_released(synth).get("scale")  # K differs between the paper (16) and the release (32)
        config = PixelsConfig.paper() if scale is None or scale.ndim != 1 else PixelsConfig.paper(channels=scale.numel())
        entry = import_released(
            {"frame": frame, "sound": sound, "synthesizer": synth},
            _unfilled(SoundOfPixels, config),
            out=out,
            config=config.as_dict(),
            capability="pixels",
            preprocessing=_preprocessing(config),
            training_data="MUSIC (solo and duet videos), by the authors of The Sound of Pixels",
            licence="other: that of the authors' release",
            summary="The released model of The Sound of Pixels, converted from the authors' three files.",
        )
    typer.echo(f"{entry.name}: wrote {entry.file} ({entry.bytes / 1e6:.1f} MB) and its record.")


def _unfilled(network: type, config: object):
    """The network's keys and shapes without the memory for its values."""
    import torch

    with torch.device("meta"):
        return network(config)


def _preprocessing(config) -> dict:
    keys = ("sample_rate", "samples", "n_fft", "hop", "log_bins", "frame_size", "frames", "frame_rate", "frame_stride")
    return {key: getattr(config, key) for key in keys} | {"normalisation": config.normalisation}
