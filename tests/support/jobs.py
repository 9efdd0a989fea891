"""Jobs and plans for tests that look at pieces and not at pictures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from vsdeoldify.film.job import FilmMark, Job, Place
from vsdeoldify.film.pieces import Plan


def a_job(**changes: Any) -> Job:
    """A job of 40 frames with something in every field."""
    job = Job(
        film=FilmMark(1000, "a" * 64, "b" * 64, 40),
        timing="25/1",
        first=0,
        end=40,
        colours={"ddeoldify": {"method": "ddcolor", "ddcolor_p": ["artistic", 24, 1, 0]}},
        weights={"ddcolor_p": "c" * 64},
        chain=1,
        encoder=("-c:v", "libx264"),
        encoder_version="ffmpeg 7.1, core 164",
    )
    return replace(job, **changes)


def a_plan(folder: Path, job: Job | None = None, length: int = 10) -> Plan:
    """A plan of such a job."""
    return Plan(
        job=job or a_job(),
        place=Place(folder / "film.mkv", "ffmpeg"),
        length=length,
        script=folder / "film.vpy",
        rate=(25, 1),
        times=(),
        suffix=".mov",
    )
