"""Real workers, a real scheduler: the film is what a single machine makes, whatever becomes of them."""

import hashlib
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from cheap_vsdeoldify import BROKEN_FRAME
from clusters import Cluster, begin, frames, paths, running_cluster, slow, start
from films import CLICKS, run, run_ffmpeg, see

from vsdeoldify.cluster.security import make_certificate
from vsdeoldify.film.project import identity_of, save_project
from vsdeoldify.settings.project import Project, ProjectReferences, ProjectScene

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
FRAMES = 60


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten bits, a variable rate, sound."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=96x64:r=25"]
    times = ["-vf", "format=yuv420p10,setpts='PTS+floor(N/7)*0.013/TB'", "-fps_mode", "passthrough"]
    run_ffmpeg(*picture, *CLICKS, *times, "-frames:v", str(FRAMES), "-c:v", "ffv1", "-t", "3", path)
    return path


@pytest.fixture(scope="module")
def single(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film that this machine makes alone."""
    folder = tmp_path_factory.mktemp("single")
    made = begin(film, folder / "single.mkv")
    made.finished()
    return made.output


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def workers(cluster: Cluster) -> Cluster:
    """Two workers that see all files of this machine; every frame takes a while."""
    for name in ("anna", "ben"):
        cluster.add(name, **slow(0.05))
    for running in cluster.workers.values():
        running.says("is ready at")
    return cluster


def test_without_a_worker_it_waits_and_ctrl_c_keeps_what_is_done(
    cluster: Cluster, film: Path, single: Path, tmp_path: Path
) -> None:
    alone = begin(film, tmp_path / "out.mkv", **{BROKEN_FRAME: "25"})
    assert alone.running.end() == 1
    made = begin(film, tmp_path / "out.mkv", "--resume", *cluster.options)
    made.running.says("waiting: no worker is there: vsdeoldify worker starts one")
    made.running.process.send_signal(signal.SIGINT)
    assert made.running.end() == 130
    assert "going on after 20 of 60 frames" in made.messages
    assert [path.name[:13] for path in made.pieces] == ["000000-000010", "000010-000020"]


def test_two_workers_make_the_same_film_and_one_that_would_make_another_is_left_out_with_the_cure(
    workers: Cluster, film: Path, single: Path, tmp_path: Path
) -> None:
    fake = tmp_path / "fake" / "vapoursynth-1.0.dist-info"
    fake.mkdir(parents=True)
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: vapoursynth\nVersion: 1.0\n")
    carl = workers.add("carl", PYTHONPATH=os.pathsep.join([str(fake.parent), *paths()]))
    carl.says("is ready at")
    try:
        made = begin(film, tmp_path / "out.mkv", *workers.options)
        said = made.finished()
    finally:
        workers.drop("carl")
    assert frames(made.output) == frames(single)
    assert frames(made.output, "a") == frames(single, "a")
    at_work = [event for event in made.events() if event["event"] == "worker" and event["piece"]]
    assert {event["name"] for event in at_work} == {"anna", "ben"}
    assert all(0 <= event["done"] <= event["piece"][1] - event["piece"][0] for event in at_work)
    assert [event["done"] for event in made.events() if event["event"] == "end"][-1] == FRAMES
    assert "carl is left out: VapourSynth is 1.0 there and" in said
    assert 'pip install "vapoursynth==' in said


def test_a_worker_that_is_killed_is_told_and_one_that_is_stopped_is_overtaken(
    workers: Cluster, film: Path, single: Path, tmp_path: Path
) -> None:
    made = begin(film, tmp_path / "out.mkv", *workers.options)
    made.works("anna")
    stopped = workers.workers["ben"].worker
    workers.workers["anna"].worker.kill()
    made.until(lambda event: "anna is lost" in event.get("text", ""), "the loss")
    made.works("ben")
    stopped.suspend()
    try:
        # What does the work was started anew.
        assert "anna is lost; the film goes on without it" in made.finished()
        assert frames(made.output) == frames(single)
    finally:
        stopped.resume()


def test_a_film_goes_on_alone_and_on_a_cluster(
    workers: Cluster, film: Path, single: Path, tmp_path: Path
) -> None:
    killed = begin(film, tmp_path / "out.mkv", *workers.options)
    killed.until(lambda event: event["event"] == "progress" and event["done"] > 25, "some pieces")
    killed.running.process.kill()
    killed.running.end()
    before = len(killed.pieces)
    assert 0 < before < FRAMES / 10
    alone = begin(film, tmp_path / "out.mkv", "--resume", **{BROKEN_FRAME: str(FRAMES - 1)})
    assert alone.running.end() == 1
    assert f"going on after {before * 10} of {FRAMES} frames" in alone.messages
    assert len(alone.pieces) == FRAMES / 10 - 1
    made = begin(film, tmp_path / "out.mkv", "--resume", *workers.options)
    assert f"going on after {FRAMES - 10} of {FRAMES} frames" in made.finished()
    assert frames(made.output) == frames(single)


def test_a_scheduler_that_is_lost_is_told_and_the_film_goes_on_when_it_is_back(
    workers: Cluster, film: Path, single: Path, tmp_path: Path
) -> None:
    made = begin(film, tmp_path / "out.mkv", *workers.options)
    made.until(lambda event: event["event"] == "progress" and event["done"] > 15, "some pieces")
    workers.scheduler.process.kill()
    made.until(lambda event: "waiting: the cluster does not answer" in event.get("text", ""), "the loss")
    before = made.pieces
    assert 0 < len(before) < FRAMES / 10
    workers.start_scheduler()
    made.finished()
    assert frames(made.output) == frames(single)


def test_four_workers_of_this_computer_make_the_same_film_by_a_project(film: Path, tmp_path: Path) -> None:
    """Each scene has its own settings, and a reference corrects the colours."""
    _painted(film, tmp_path / "references", 14)
    scenes = (
        ProjectScene(0, 24),
        ProjectScene(25, 44, settings={"colormap": "180:280|+140,0.0"}),
        ProjectScene(45, 59),
    )
    path, pictures = tmp_path / "film.vsdeoldify.json", ProjectReferences("references")
    save_project(Project(identity_of(film, FRAMES), scenes, path=path, references=pictures))
    options = ["--project", path]
    alone = begin(film, tmp_path / "alone.mkv", *options)
    assert alone.running.end() == 0, alone.running.said()
    four = begin(film, tmp_path / "four.mkv", *options, "--cluster", "local:4")
    assert four.running.end() == 0, four.running.said()
    made = frames(four.output)
    assert made == frames(alone.output)
    # Where a scene has other colours than its neighbours, some pieces end.
    assert "000020-000025" in [piece.name[:13] for piece in four.pieces]
    names = {event["name"] for event in four.events() if event["event"] == "worker"}
    assert names == {f"worker {number} (CPU)" for number in range(1, 5)}


def test_a_network_gives_the_same_to_the_last_bit(film: Path, tmp_path: Path) -> None:
    """Torch adds up in another order with another number of threads; sixteen bits show it."""
    deep = tmp_path / "deep.mkv"
    run_ffmpeg("-i", film, "-map", "0:v", "-frames:v", "12", "-pix_fmt", "yuv444p16le", "-c:v", "ffv1", deep)
    command = [sys.executable, "-m", "vsdeoldify", "colorize", deep, "--preset", "preview", "--every", "3"]
    command += ["--references", _painted(film, tmp_path / "references", 5), "--device", "cpu"]
    command += ["--set", "backend=torch", "--segment", "5", "--encoder-options", "-c:v ffv1"]
    for name, options in (("alone", []), ("cluster", ["--cluster", "local:2"])):
        running = start([*command, "-o", tmp_path / f"{name}.mkv", *options], tmp_path / f"{name}.log")
        assert running.end() == 0, running.said()
    assert frames(tmp_path / "alone.mkv") == frames(tmp_path / "cluster.mkv")
    clip = see(tmp_path / "cluster.mkv").clip
    assert (len(clip), clip.format.bits_per_sample) == (12, 16)
    assert min(np.asarray(frame[1]).std() for frame in clip.frames(close=True)) > 0


def _painted(film: Path, folder: Path, frame: int) -> Path:
    """A folder with a frame in other colours."""
    folder.mkdir()
    chosen = ["-vf", f"select='eq(n,{frame})',hue=h=60", "-frames:v", "1", "-update", "1"]
    run_ffmpeg("-i", film, *chosen, folder / f"ref_{frame:06}.png")
    return folder


def _answer(port: int, certificate: Path | None, request: bytes | None, *, plain: bool = False) -> bytes:
    """What a port says to somebody, or nothing where it hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(certificate)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as way:
            talking = way if plain else context.wrap_socket(way)
            with talking:
                if request is not None:
                    talking.sendall(request)
                return talking.recv(100)
    except (ssl.SSLError, ConnectionResetError):
        return b""


def test_nobody_without_the_certificate_gets_in(workers: Cluster, film: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text(make_certificate())
    processes = [psutil.Process(workers.scheduler.process.pid), workers.workers["anna"].worker]
    ports = {
        one.laddr.port for process in processes for one in process.net_connections() if one.status == "LISTEN"
    }
    # The scheduler's, the worker's; no page for browsers, and nothing for the network beyond them.
    assert len(ports) == 2
    assert workers.port in ports
    for port in ports:
        assert _answer(port, None, None) == b""
        assert _answer(port, other, None) == b""
        assert _answer(port, workers.certificate, None)
        # Neither encrypted nor plain is there a page.
        request = b"GET /metrics HTTP/1.0\r\n\r\n"
        assert not _answer(port, None, request, plain=True).startswith(b"HTTP")
        assert not _answer(port, workers.certificate, request).startswith(b"HTTP")
    there = ["-o", tmp_path / "o.mkv", "--cluster", workers.address]
    for command, arguments, words in (
        ("worker", [workers.address, "--certificate", other], "has another certificate than"),
        ("worker", [f"tcp://192.0.2.1:{workers.port}"], "without encryption everybody"),
        ("colorize", [film, *there], "needs the cluster's certificate"),
        ("colorize", [film, *there, "--certificate", film], "cannot be read (it is no text)"),
    ):
        ran = run(command, *arguments)
        assert ran.code in (1, 2)
        assert words in ran.said
    assert list(tmp_path.iterdir()) == [other]


def test_a_broken_frame_is_told_as_without_a_cluster(film: Path, tmp_path: Path) -> None:
    made = begin(film, tmp_path / "out.mkv", "--cluster", "local:2", **{BROKEN_FRAME: "25"})
    assert made.running.end() == 1
    words = "vsdeoldify colorize: ddeoldify: out of memory on cuda:0; use a smaller render factor"
    assert words in made.running.said().splitlines()
    assert made.pieces


def _hidden(*places: Path, size: str) -> list[str]:
    """What runs a command where some folders are empty; skips where the system does not allow it."""
    mounts = " && ".join(f"mount -t tmpfs -o size={size} none '{place}'" for place in places)
    inside = ["unshare", "-rm", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
    try:
        if subprocess.run([*inside, "true"], capture_output=True).returncode == 0:
            return inside
    except FileNotFoundError:
        pass
    pytest.skip("this system lets nobody hide folders from a program")


def test_a_film_that_workers_do_not_see_is_sent_once_and_the_pieces_come_back(
    cluster: Cluster, film: Path, single: Path, tmp_path: Path
) -> None:
    for name in list(cluster.workers):
        cluster.drop(name)
    work, own = tmp_path / "work", tmp_path / "own"
    work.mkdir()
    own.mkdir()
    inside = _hidden(film.parent, work, size="64m")
    # What an earlier transfer has left.
    data = film.read_bytes()
    files = own / "cluster" / "files"
    files.mkdir(parents=True)
    (files / f"{hashlib.sha256(data).hexdigest()}.part").write_bytes(data[:5000])
    for name in ("dora", "emil"):
        cluster.add(name, inside=inside, folder=own, **slow(0.02))
    for running in cluster.workers.values():
        running.says("is ready at")
    made = begin(film, work / "out.mkv", *cluster.options)
    said = made.finished()
    assert said.count("film.mkv (") == 1
    assert "is sent to" in said
    assert frames(made.output) == frames(single)
    assert [path.read_bytes() == data for path in files.glob("*.mkv")] == [True]
    for name in ("dora", "emil"):
        cluster.drop(name)


def test_a_worker_with_a_full_disk_is_left_out_and_the_film_goes_on(
    cluster: Cluster, film: Path, single: Path, tmp_path: Path
) -> None:
    work, small = tmp_path / "work", tmp_path / "small"
    work.mkdir()
    small.mkdir()
    cluster.add("fritz", inside=_hidden(work, small, size="16k"), folder=small)
    cluster.add("gerd", **slow(0.1))
    for running in cluster.workers.values():
        running.says("is ready at")
    made = begin(film, work / "out.mkv", *cluster.options)
    said = made.finished()
    assert "fritz could not make the frames" in said
    assert "is full on fritz: make room there" in said
    assert said.count("fritz is left out") <= 1
    assert frames(made.output) == frames(single)


def test_an_address_where_nothing_answers_is_told_at_once(film: Path, tmp_path: Path) -> None:
    pem = tmp_path / "cluster.pem"
    pem.write_text(make_certificate())
    ran = run("colorize", film, "--cluster", "tls://127.0.0.1:9", "--certificate", pem)
    assert ran.code == 1
    assert "tls://127.0.0.1:9 does not answer" in ran.said
