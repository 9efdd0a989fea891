"""Colour the film of the demo with the commands that a user would type; `make demo` runs this.

It uses the model in the package, so nothing is downloaded, and leaves the colour film, a picture of it before
and after, and the VapourSynth script in the folder `out`.
"""

import argparse
import os
import shlex
import subprocess
import sys
import time
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILM = ROOT / "demo" / "film.mp4"
FRAMES = 90
SCENES = 3
# The model is cautious: a little more of its colour shows what it does.
COLOURS = ["--preset", "preview", "--saturation", "1.5"]
BIN = Path(sys.executable).parent
# Found on the PATH, the environment's own `vapoursynth` lets vspipe set itself up.
ENVIRONMENT = os.environ | {"PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=FRAMES, help=f"how many, 1–{FRAMES} (default: all)")
    parser.add_argument("--output", type=Path, default=ROOT / "out", help="folder to write to (default: out)")
    args = parser.parse_args()
    if not 1 <= args.frames <= FRAMES:
        parser.error(f"--frames must be 1–{FRAMES}, got {args.frames}")
    if missing := whats_missing():
        return complain(missing)

    from vsdeoldify.cli.errors import CommandError
    from vsdeoldify.film.ffmpeg import find_ffmpeg

    try:
        ffmpeg = find_ffmpeg()
    except CommandError as error:
        return complain(str(error))
    output: Path = args.output
    output.mkdir(parents=True, exist_ok=True)
    script, film, picture = (output / f"demo{end}" for end in (".vpy", "_colour.mp4", "_before_after.png"))
    started = time.monotonic()
    if vspipe_works():
        failed = by_script(script, film, args.frames, ffmpeg)
    else:
        say("(vspipe cannot load this Python; `vsdeoldify colorize` does without it)")
        failed = by_command(film, args.frames)
    if failed:
        return complain(f"{failed} failed, see above; `vsdeoldify doctor` says what is wrong here")
    seconds = time.monotonic() - started
    if compare(film, picture, args.frames, ffmpeg):
        return complain("ffmpeg could not make the picture, see above")
    say(f"\n{args.frames} frames coloured in {seconds:.0f} seconds, start-up included.")
    say(f"colour film:  {film}\nbefore/after: {picture}")
    return 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(message: str) -> int:
    sys.stderr.write(f"make demo: {message}" + "\n")
    return 1


def whats_missing() -> str | None:
    """What the demo needs and does not find, with the cure."""
    if find_spec("vsdeoldify") is None:
        return "vsdeoldify is not installed in this Python; start the demo with `make demo`"
    if find_spec("vapoursynth") is None:
        return "VapourSynth is not installed; run: pip install vapoursynth"
    if not FILM.is_file():
        return f"{FILM} is not here; take a complete copy of the project"
    if not (resources.files("vsdeoldify.preview") / "preview.safetensors").is_file():
        return "the model preview.safetensors is not in the package; take a complete copy of the project"
    return None


def near(path: str | Path) -> str:
    """A path as a user would type it in the project's folder."""
    return shlex.quote(str(path).removeprefix(f"{ROOT}{os.sep}"))


def shown(command: list[str]) -> str:
    """A command as a user would type it."""
    program = Path(command[0]).name
    return " ".join(["ffmpeg" if program.startswith("ffmpeg") else program, *map(near, command[1:])])


def vspipe_works() -> bool:
    """Whether vspipe starts: it needs a Python that was built as a shared library."""
    try:
        tried = subprocess.run([BIN / "vspipe", "--version"], env=ENVIRONMENT, capture_output=True)
    except OSError:
        return False
    return tried.returncode == 0


def by_script(script: Path, film: Path, frames: int, ffmpeg: str) -> str:
    """Write the script, render it with vspipe and encode it with ffmpeg; return what failed."""
    write = [str(BIN / "vsdeoldify"), "script", str(FILM), *COLOURS]
    say(f"$ {shown(write)} > {near(script)}")
    with script.open("wb") as file:
        if subprocess.run(write, env=ENVIRONMENT, stdout=file).returncode:
            return "vsdeoldify script"
    part = [] if frames == FRAMES else ["-e", str(frames - 1)]
    render = [str(BIN / "vspipe"), "-c", "y4m", *part, str(script), "-"]
    encode = [ffmpeg, "-v", "error", "-y", "-i", "-", "-c:v", "libx264", "-crf", "16", str(film)]
    say(f"$ {shown(render)} | {shown(encode)}")
    with subprocess.Popen(render, env=ENVIRONMENT, stdout=subprocess.PIPE) as renderer:
        encoded = subprocess.run(encode, stdin=renderer.stdout)
        if renderer.stdout is not None:
            renderer.stdout.close()
    return "vspipe" if renderer.returncode else "ffmpeg" if encoded.returncode else ""


def by_command(film: Path, frames: int) -> str:
    """Let the command line do all of it; return what failed."""
    part = [] if frames == FRAMES else ["--end", str(frames)]
    command = [str(BIN / "vsdeoldify"), "colorize", str(FILM), "-o", str(film), *COLOURS]
    command += [*part, "--overwrite"]
    say(f"$ {shown(command)}")
    return "vsdeoldify colorize" if subprocess.run(command, env=ENVIRONMENT).returncode else ""


def compare(film: Path, picture: Path, frames: int, ffmpeg: str) -> int:
    """Make the picture: the middle of every scene, before and after; return ffmpeg's exit code."""
    numbers = sorted({(2 * scene + 1) * frames // (2 * SCENES) for scene in range(SCENES)})
    chosen = "+".join(f"eq(n,{number})" for number in numbers)
    layout = f"[0:v][1:v]hstack=shortest=1,select='{chosen}',tile=1x{len(numbers)}"
    command = [ffmpeg, "-v", "error", "-y", "-i", str(FILM), "-i", str(film)]
    command += ["-filter_complex", layout, "-frames:v", "1", str(picture)]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
