"""Single frames of a film as pictures."""

from collections.abc import Sequence
from pathlib import Path

from ..support.reporter import Reporter
from .process import render_process


def write_stills(
    text: str,
    numbers: Sequence[int],
    folder: Path,
    reporter: Reporter,
    *,
    unit: str,
    title: str,
    bits: int = 8,
) -> None:
    """Write frames of a script as `after_<n>.png` and, of its output 1, `before_<n>.png`.

    Args:
        text: the script.
        numbers: of the frames.
        folder: where the pictures go, and what is needed meanwhile.
        reporter: told how far it is.
        unit: what the pictures are called in its reports.
        title: what is done, in its reports.
        bits: 8 or 16, of the pictures.

    Raises:
        FilmError: a frame cannot be made.
    """
    script, listed = folder / "film.vpy", folder / "numbers"
    script.write_text(text, encoding="utf-8", errors="surrogateescape")
    # A command line may not hold as many.
    listed.write_text(",".join(map(str, numbers)))
    with (
        render_process("pictures", script, listed, folder, str(bits)) as renderer,
        reporter.stage(len(numbers), unit, title=title) as stage,
    ):
        # The process writes a line for every frame that is done.
        for done, _ in enumerate(renderer.output, 1):
            stage.update(done)
        renderer.finish()
