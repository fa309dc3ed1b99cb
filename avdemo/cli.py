"""The commands: ``python -m avdemo isolate|foley|lips|match|imagine|sonify|evaluate|bench|train|weights|replay``.

Results go to standard output, progress to standard error; refusals are raised as :class:`avdemo.errors.AvdemoError` and printed
by ``__main__``. A command imports what it needs when it runs, so that ``--help`` is there at once.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import math
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import typer

from avdemo.checkpoints.cli import weights_app
from avdemo.errors import AvdemoError, InputError
from avdemo.shell import extras_explained, progress_on_stderr, show, show_run
from avdemo.ui.capabilities import CAPABILITIES

app = typer.Typer(
    help="Sound and picture, after five papers: the same as the app's tabs, from a shell.",
    add_completion=False,
    invoke_without_command=True,
)
app.add_typer(weights_app, name="weights")

NAMES = [entry.name for entry in CAPABILITIES]
CapabilityName = Annotated[str, typer.Argument(metavar="CAPABILITY", help=f"One of {', '.join(NAMES)}.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the results.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Of everything random.", min=0)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.callback()
def start(context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Sound and picture, after five papers: the same as the app's tabs, from a shell."""
    if version:
        from avdemo import __version__

        typer.echo(f"avdemo {__version__}")
        raise typer.Exit()
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit()


@app.command()
def isolate(
    video: Annotated[Path, typer.Argument(help="A video with sound.", metavar="VIDEO")],
    at: Annotated[str, typer.Option("--at", metavar="X,Y", help="The place to hear, in pixels of the upright video.")],
    time_s: Annotated[float, typer.Option("--time", metavar="S", help="The frame to look at, in seconds.")] = 0.0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Hear one place of a video alone: isolated.wav, rest.wav, energy.png, run.json."""
    place = parse_place(at)
    if not math.isfinite(time_s) or time_s < 0:
        raise InputError(f"The time {time_s:g} is not a moment of a video; give seconds from its beginning, such as --time 1.5.")
    pipeline = part_of("pixels", "pipeline")
    folder = out if out is not None else Path("out") / f"{video.stem}-isolated"
    with progress_on_stderr() as progress:
        run = pipeline.isolate(video, at=place, time_s=time_s, out_dir=folder, progress=progress)
    show_run(run, folder, as_json)


@app.command()
def match(
    picture: Annotated[Path, typer.Argument(help="A video, or an image.", metavar="PICTURE")],
    sound: Annotated[
        Path | None, typer.Argument(help="A sound; an image needs one, a video has its own.", metavar="[SOUND]")
    ] = None,
    shift_s: Annotated[float, typer.Option("--shift", metavar="S", help="Let the sound come so many seconds later.")] = 0.0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Do picture and sound belong together, when and where? scores.json, where.mp4 or where.png, spectrogram.png, run.json."""
    pipeline = part_of("correspondence", "pipeline")
    folder = out if out is not None else Path("out") / f"{picture.stem}-match"
    with progress_on_stderr() as progress:
        run = pipeline.match(picture, sound, shift_s=shift_s, out_dir=folder, progress=progress)
    show_run(run, folder, as_json)


@app.command()
def imagine(
    sound: Annotated[Path, typer.Argument(help="A sound, or a video that has one.", metavar="SOUND")],
    count: Annotated[int, typer.Option("--count", metavar="N", help="How many pictures, 1 to 64.")] = 4,
    seed: Seed = 0,
    variant: Annotated[Literal["C", "N", "A"], typer.Option("--variant", help="The painter: S2I-C, S2I-N or S2I-A.")] = "C",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Paint the instrument that is heard: picture_01.png ..., spectrogram.png, run.json."""
    pipeline = part_of("crossmodal", "pipeline")
    folder = out if out is not None else Path("out") / f"{sound.stem}-imagined"
    with progress_on_stderr() as progress:
        run = pipeline.imagine(sound, count=count, seed=seed, variant=variant, out_dir=folder, progress=progress)
    show_run(run, folder, as_json)


@app.command()
def sonify(
    image: Annotated[Path, typer.Argument(help="A picture of an instrument.", metavar="IMAGE")],
    seed: Seed = 0,
    seconds: Annotated[float, typer.Option("--seconds", metavar="S", help="Length of the sound, 0.5 to 20.")] = 4.0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Play the instrument that is seen: sound.wav, spectrogram.png, run.json."""
    pipeline = part_of("crossmodal", "pipeline")
    folder = out if out is not None else Path("out") / f"{image.stem}-sonified"
    with progress_on_stderr() as progress:
        run = pipeline.sonify(image, seed=seed, seconds=seconds, out_dir=folder, progress=progress)
    show_run(run, folder, as_json)


@app.command()
def lips(
    photo: Annotated[Path, typer.Argument(help="A photo of a face, or of lips.", metavar="PHOTO")],
    speech: Annotated[Path, typer.Argument(help="Speech, or a video that has some.", metavar="SPEECH")],
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Recorded only: lips use no chance.", min=0)] = 0,
    box: Annotated[
        str | None, typer.Option("--box", metavar="X,Y,W,H", help="The square around the mouth, in pixels of the upright photo.")
    ] = None,
    turn: Annotated[float, typer.Option("--turn", metavar="DEG", help="By how much the box is turned, clockwise.")] = 0.0,
    face: Annotated[int, typer.Option("--face", metavar="N", help="Which face, from 1, the largest.", min=1)] = 1,
    lively: Annotated[float, typer.Option("--lively", metavar="X", help="How far the mouth moves, 0 to 2.")] = 1.0,
    mark: Annotated[bool, typer.Option("--mark/--no-mark", help='Whether the videos say "generated" in a corner.')] = True,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Make a photo say it: face.mp4 (unless it shows only a mouth), lips.mp4, phases.png, opening.png, run.json."""
    pipeline = part_of("lips", "pipeline")
    square = None if box is None else parse_box(box)
    folder = out if out is not None else Path("out") / f"{photo.stem}-speaks"
    with progress_on_stderr() as progress:
        knobs = {"seed": seed, "box": square, "turn_deg": turn, "face": face, "lively": lively, "mark": mark}
        run = pipeline.lips(photo, speech, out_dir=folder, progress=progress, **knobs)
    show_run(run, folder, as_json)


@app.command()
def foley(
    video: Annotated[Path, typer.Argument(help="A video, with sound or without, or a photo.", metavar="VIDEO")],
    variant: Annotated[
        Literal["frame", "seq", "flow"], typer.Option("--variant", help="How the pictures reach the sound.")
    ] = "flow",
    seed: Seed = 0,
    temperature: Annotated[float, typer.Option("--temperature", metavar="T", help="0 to 2; 1 is as it was learned.")] = 1.0,
    loudness_db: Annotated[float, typer.Option("--loudness", metavar="DB", help="Louder or softer, -40 to 20.")] = 0.0,
    keep: Annotated[bool, typer.Option("--keep", help="Mix the sound under the video's own instead of replacing that.")] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Write the sound of a silent video or of a photo: video.mp4, sound.wav, run.json."""
    pipeline = part_of("foley", "pipeline")
    folder = out if out is not None else Path("out") / f"{video.stem}-with-sound"
    knobs = {"variant": variant, "seed": seed, "temperature": temperature, "loudness_db": loudness_db, "keep": keep}
    with progress_on_stderr() as progress:
        run = pipeline.foley(video, **knobs, out_dir=folder, progress=progress)
    show_run(run, folder, as_json)


@app.command()
def evaluate(
    capability: CapabilityName,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with the evaluation data.")],
    as_json: AsJson = False,
    quick: Annotated[bool, typer.Option("--quick", help="A small part of the data: a rough answer soon.")] = False,
) -> None:
    """The paper's table, ours beside it."""
    module = part_of(capability, "evaluation")
    folder = existing_folder(data)
    with progress_on_stderr() as progress, extras_explained():
        result = module.evaluate(folder, quick=quick, progress=progress)
    show(result, as_json)


@app.command()
def bench(capability: CapabilityName, as_json: AsJson = False) -> None:
    """Seconds, real-time factor and memory on this machine."""
    module = part_of(capability, "bench")
    with progress_on_stderr() as progress:
        result = module.bench(progress=progress)
    show(result, as_json)


@app.command()
def train(
    capability: CapabilityName,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with the training data.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Checkpoint to write, NAME.safetensors.")],
    config: Annotated[Literal["compact", "scratch", "paper"], typer.Option("--config", help="Size of the network.")] = "compact",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from where the last training to FILE stopped.")] = False,
    minutes: Annotated[float | None, typer.Option("--minutes", metavar="M", help="Stop after this long.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", metavar="N", help="Stop after this many steps.", min=1)] = None,
    seed: Seed = 0,
    start: Annotated[
        Path | None, typer.Option("--start", metavar="FILE", help="Go on from a checkpoint, with a fresh optimizer.")
    ] = None,
    variant: Annotated[
        str | None, typer.Option("--variant", metavar="V", help="foley: frame, seq or flow alone; without it all three as one.")
    ] = None,
) -> None:
    """Train a network and write its checkpoint; works under `accelerate launch` too."""
    if minutes is not None and not 0 < minutes < math.inf:
        raise InputError(f"The time to train, {minutes:g} minutes, must be more than nothing; give for instance --minutes 30.")
    if out.suffix != ".safetensors":
        raise InputError(f"The checkpoint to write, {out.name}, must end in .safetensors.")
    with progress_on_stderr() as progress, extras_explained():
        recipe = part_of(capability, "recipe")
        begin = {name: value for name, value in (("start", start), ("variant", variant)) if value is not None}
        if strange := sorted(set(begin) - set(inspect.signature(recipe.train).parameters)):
            raise InputError(f"The training of {capability} takes no --{strange[0]}; leave it out.")
        result = recipe.train(
            existing_folder(data),
            out,
            config=config,
            resume=resume,
            minutes=minutes,
            steps=steps,
            seed=seed,
            progress=progress,
            **begin,
        )
    if result is not None:
        show(result, as_json=False)


@app.command()
def replay(
    run_file: Annotated[Path, typer.Argument(metavar="RUN_JSON", help="The run.json beside a result.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Keep the new results here.")] = None,
) -> None:
    """Do again what a run.json says and compare the results byte for byte."""
    from avdemo.replay import replay as do_again

    with progress_on_stderr() as progress:
        result = do_again(run_file, out, progress=progress)
    if not result.identical:
        raise AvdemoError(result.sentence())
    typer.echo(result.sentence())
    for circumstance in result.circumstances:
        typer.echo(f"although: {circumstance}")


def parse_place(text: str) -> tuple[float, float]:
    """ "320,180" -> (320.0, 180.0).

    Raises:
        InputError: not two finite numbers.
    """
    try:
        x_px, y_px = (float(part) for part in text.split(","))
    except ValueError:
        x_px = y_px = math.nan
    if not (math.isfinite(x_px) and math.isfinite(y_px)):
        raise InputError(f"The place {text!r} is not two numbers; give pixels from the left and the top, such as --at 320,180.")
    return x_px, y_px


def parse_box(text: str) -> tuple[float, ...]:
    """ "180,260,96,96" -> (180.0, 260.0, 96.0, 96.0).

    Raises:
        InputError: not four finite numbers.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 4 or not all(math.isfinite(value) for value in values):
        raise InputError(
            f"The box {text!r} is not four numbers; give its left, top, width and height in pixels, such as --box 180,260,96,96."
        )
    return values


def existing_folder(path: Path) -> Path:
    """The path, if it is a folder.

    Raises:
        InputError: it is not.
    """
    if not path.is_dir():
        raise InputError(f"There is no folder {path.name or path} to take the data from; give an existing one with --data.")
    return path


def part_of(capability: str, part: str) -> ModuleType:
    """Import ``avdemo.<capability>.<part>``.

    Raises:
        InputError: no such capability is planned, or it is planned but not there yet.
    """
    if capability not in NAMES:
        raise InputError(f"There is no capability named {capability!r}; the names are {', '.join(NAMES)}.")
    if not _is_there(f"avdemo.{capability}.{part}"):
        there = [name for name in NAMES if _is_there(f"avdemo.{name}.{part}")]
        raise InputError(
            f"The {part} of {capability} is not there yet; this version has "
            + (f"that of {' and '.join(there)}." if there else "none for any capability.")
        )
    return importlib.import_module(f"avdemo.{capability}.{part}")


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even the folder is there
        return False
