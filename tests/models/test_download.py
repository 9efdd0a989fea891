"""Downloads of model files, from a real server that misbehaves in every way servers do."""

import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from email.message import Message
from io import BytesIO
from pathlib import Path

import pytest
from model_server import Answer, Server, running_server, wait_until

from vsdeoldify.models.catalogue import ModelFile
from vsdeoldify.models.download import (
    Downloaded,
    DownloadError,
    _SafeRedirects,
    _SourceError,
    download,
    download_folder,
)
from vsdeoldify.models.reading import read_checkpoint
from vsdeoldify.networks.loading import check_network
from vsdeoldify.support.errors import ModelError

# Begins like a torch file; the rest is no matter where the checksum is known.
DATA = b"PK\x03\x04" + random.Random(1).randbytes(300_000)
OTHER = b"PK\x03\x04" + random.Random(2).randbytes(300_000)
HTML = b"<!DOCTYPE html><html><body>Please sign in to continue</body></html>"
PROXIES = [name for name in os.environ if name.lower().endswith("_proxy")]


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in [*PROXIES, "VSDEOLDIFY_MODELS"]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "Modèles et 模型"
    path.mkdir()
    return path


def model_of(*urls: str, data: bytes = DATA, sha256: str | None = "of data") -> ModelFile:
    digest = hashlib.sha256(data).hexdigest() if sha256 == "of data" else sha256
    return ModelFile("video", "deoldify", 0, "Video_gen.pth", len(data), digest, "wide", urls, "MIT")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fits(model: ModelFile, path: Path) -> None:
    """The network check of these tests: a file is right if its twentieth byte is even."""
    if path.read_bytes()[20] % 2:
        raise ModelError(f"{path} is not the model {model.name}: it is odd")


def even(data: bytes) -> bytes:
    return data[:20] + b"\0" + data[21:]


def odd(data: bytes) -> bytes:
    return data[:20] + b"\1" + data[21:]


def fetch(
    model: ModelFile, folder: Path, *, accept_unknown: bool = False, timeout: float = 5.0
) -> tuple[Downloaded, list[str]]:
    told: list[str] = []
    done = download(
        model,
        folder,
        notify=told.append,
        accept_unknown=accept_unknown,
        check=fits,
        timeout=timeout,
        pause=0.0,
    )
    return done, told


def test_a_good_source_gives_the_file_and_leaves_nothing_else(server: Server, folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    model = model_of(server.serve("/a", Answer(DATA)))
    done = download(model, folder, progress=lambda n, of: seen.append((n, of)), check=fits)
    assert done == Downloaded(folder / "Video_gen.pth", hashlib.sha256(DATA).hexdigest(), True)
    assert done.path.read_bytes() == DATA
    assert names(folder) == ["Video_gen.pth"]
    assert seen == sorted(seen)
    assert seen[-1] == (len(DATA), len(DATA))
    assert server.requests[0].user_agent == "vsdeoldify"


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_an_answer_without_a_length_is_complete_when_the_model_is(
    server: Server, folder: Path, framing: str
) -> None:
    done, told = fetch(model_of(server.serve("/a", Answer(DATA, framing=framing))), folder)
    assert done.verified
    assert told == []


BAD_SOURCES = {
    "not found": (Answer(b"no", status=404), "the server answers 404"),
    "server error": (Answer(b"no", status=500), "the server answers 500"),
    "proxy login": (Answer(b"no", status=407), "the server answers 407"),
    "web page": (Answer(HTML, headers={"Content-Type": "text/html; charset=utf-8"}), "a web page"),
    "web page of the right size": (Answer(HTML.ljust(len(DATA))), "a web page of 300,004 bytes"),
    "text": (Answer(b"Rate limit exceeded".ljust(len(DATA))), "begins with 'Rate limit exceeded'"),
    "git-lfs pointer": (Answer(b"version https://git-lfs.github.com/spec/v1", framing="close"), "git-lfs"),
    "zeros": (Answer(bytes(len(DATA))), "zeros only"),
    "nothing": (Answer(b"", framing="close"), "it is empty"),
    "wrong bytes": (Answer(odd(OTHER)), "it is odd"),
    "wrong bytes, right network": (Answer(even(OTHER)), "has the sha256 "),
    "too short": (Answer(DATA[:-1]), "its file has 300,003 bytes, the published one 300,004"),
    "too long": (Answer(DATA + b"x"), "its file has 300,005 bytes, the published one 300,004"),
    "too long, untold": (Answer(DATA + b"x" * 99, framing="close"), "more than the 300,004 bytes"),
    "always cut": (Answer(DATA, cuts=[0] * 99), "was cut"),
    "always cut early": (Answer(DATA, ranges=False, cuts=[9000] * 99), "was cut after 9.0 kB"),
    "cut without ranges": (Answer(DATA, ranges=False, cuts=[200_000] * 99), "was cut after 200 kB"),
    "compressed": (Answer(DATA, headers={"Content-Encoding": "gzip"}), "not asked for"),
    "endless redirect": (Answer(status=302, headers={"Location": "/bad"}), "302"),
    "redirect to a local file": (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "302"),
    "redirect to nowhere": (Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}), "no connection"),
    "range without its place": (Answer(DATA, status=206), "without saying which"),
}


@pytest.mark.parametrize("name", BAD_SOURCES)
def test_a_bad_source_is_named_as_what_it_is_and_the_next_one_used(
    server: Server, folder: Path, name: str
) -> None:
    answer, expected = BAD_SOURCES[name]
    bad = server.serve("/bad", Answer(**{**vars(answer), "cuts": list(answer.cuts)}))
    done, told = fetch(model_of(bad, server.serve("/good", Answer(DATA))), folder)
    assert done.path.read_bytes() == DATA
    assert names(folder) == ["Video_gen.pth"]
    assert any(message.startswith(f"{bad}: ") and expected in message for message in told)


@pytest.mark.parametrize("name", BAD_SOURCES)
def test_only_bad_sources_end_in_one_message_and_the_next_try_succeeds(
    server: Server, folder: Path, name: str
) -> None:
    answer, expected = BAD_SOURCES[name]
    bad = server.serve("/bad", Answer(**{**vars(answer), "cuts": list(answer.cuts)}))
    model = model_of(bad)
    with pytest.raises(DownloadError) as caught:
        fetch(model, folder)
    message = str(caught.value)
    assert bad in message
    assert expected in message
    assert str(folder / "Video_gen.pth") in message
    assert str(model.sha256) in message
    assert "vsdeoldify models --verify video" in message
    assert set(names(folder)) <= {"Video_gen.pth.part", "Video_gen.pth.part.json"}
    server.serve("/bad", Answer(DATA))
    assert fetch(model, folder)[0].verified
    assert names(folder) == ["Video_gen.pth"]


def test_a_source_that_hangs_is_left_after_the_timeout(server: Server, folder: Path) -> None:
    slow = server.serve("/slow", Answer(DATA, delay=30))
    done, told = fetch(model_of(slow, server.serve("/good", Answer(DATA))), folder, timeout=0.2)
    assert done.verified
    assert "no data for 0.2 seconds" in told[0]


def test_a_server_that_never_answers_is_left_after_the_timeout(server: Server, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
        done, told = fetch(model_of(url, server.serve("/good", Answer(DATA))), folder, timeout=0.2)
    assert done.verified
    assert "no answer in time" in told[0]


def test_a_refused_connection_and_an_unknown_host_are_told(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refused = f"http://127.0.0.1:{closed.getsockname()[1]}/a"
    unknown = "http://no-such-host.invalid/a"
    with pytest.raises(DownloadError) as caught:
        fetch(model_of(refused, unknown), folder)
    assert str(caught.value).count("no connection (") == 2
    assert names(folder) == []


def test_control_characters_of_a_server_do_not_reach_the_terminal(server: Server, folder: Path) -> None:
    text = b"\x1b[31mAll your models\x07".ljust(len(DATA))
    with pytest.raises(DownloadError) as caught:
        fetch(model_of(server.serve("/a", Answer(text))), folder)
    assert "\x1b" not in str(caught.value)


def test_redirects_are_followed_and_keep_the_range(server: Server, folder: Path) -> None:
    server.serve("/store", Answer(DATA, cuts=[100_000]))
    first = server.serve("/a", Answer(status=302, headers={"Location": server.url("/store")}))
    assert fetch(model_of(first), folder)[0].verified
    assert [(r.path, r.range) for r in server.requests] == [
        ("/a", None),
        ("/store", None),
        ("/a", "bytes=100000-"),
        ("/store", "bytes=100000-"),
    ]


def test_a_redirect_to_an_open_connection_is_refused() -> None:
    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(_SourceError, match="not encrypted"):
        _SafeRedirects().redirect_request(request, BytesIO(), 302, "", Message(), "http://example.org/b")


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_cut_connection_is_continued_where_it_broke(server: Server, folder: Path, framing: str) -> None:
    cuts = [70_000, 5_000, 100_000]
    done, told = fetch(model_of(server.serve("/a", Answer(DATA, cuts=cuts[:2], framing=framing))), folder)
    assert done.path.read_bytes() == DATA
    assert told == []
    assert [r.range for r in server.requests] == [None, "bytes=70000-", "bytes=75000-"]
    assert {r.if_range for r in server.requests[1:]} == {'"one"'}


def test_many_cuts_do_not_matter_while_each_connection_brings_something(server: Server, folder: Path) -> None:
    data = b"PK\x03\x04" + random.Random(3).randbytes(11_000_000)
    answer = Answer(data, cuts=[1_100_000] * 10)
    assert fetch(model_of(server.serve("/a", answer), data=data), folder)[0].verified
    assert len(server.requests) == 11


def test_a_server_without_ranges_is_read_from_the_start(server: Server, folder: Path) -> None:
    answer = Answer(DATA, ranges=False, cuts=[200_000])
    assert fetch(model_of(server.serve("/a", answer)), folder)[0].verified
    assert [r.range for r in server.requests] == [None, "bytes=200000-"]


def test_a_server_that_sends_another_range_is_read_from_the_start(server: Server, folder: Path) -> None:
    answer = Answer(DATA, wrong_start=-7, cuts=[200_000])
    assert fetch(model_of(server.serve("/a", answer)), folder)[0].verified
    assert [r.range for r in server.requests] == [None, "bytes=200000-", None]


def test_a_file_that_changes_on_the_server_is_never_joined_to_its_old_part(
    server: Server, folder: Path
) -> None:
    model = model_of(server.serve("/a", Answer(even(OTHER), etag='"old"', cuts=[200_000, 0, 0, 0])))
    with pytest.raises(DownloadError):
        fetch(model, folder)
    server.serve("/a", Answer(DATA, etag='"new"'))
    assert fetch(model, folder)[0].path.read_bytes() == DATA
    assert server.requests[-1].if_range == '"old"'


def test_the_next_source_continues_what_the_first_began(server: Server, folder: Path) -> None:
    first = server.serve("/a", Answer(DATA, cuts=[200_000, 0, 0, 0]))
    done, _ = fetch(model_of(first, server.serve("/b", Answer(DATA, etag='"two"'))), folder)
    assert done.verified
    assert (server.requests[-1].path, server.requests[-1].range) == ("/b", "bytes=200000-")
    assert server.requests[-1].if_range is None


@pytest.mark.parametrize("size", [1, 5_000, 300_003, 300_004, 300_005, 900_000])
def test_a_part_of_something_else_is_thrown_away(server: Server, folder: Path, size: int) -> None:
    (folder / "Video_gen.pth.part").write_bytes(even(OTHER.ljust(size))[:size])
    done, _ = fetch(model_of(server.serve("/a", Answer(DATA))), folder)
    assert done.path.read_bytes() == DATA
    assert names(folder) == ["Video_gen.pth"]


def test_a_complete_part_is_put_in_place_without_the_network(folder: Path) -> None:
    (folder / "Video_gen.pth.part").write_bytes(DATA)
    assert fetch(model_of("http://127.0.0.1:1/"), folder)[0].path.read_bytes() == DATA


def test_a_file_in_place_stays_until_the_new_one_is_complete(server: Server, folder: Path) -> None:
    target = folder / "Video_gen.pth"
    target.write_bytes(b"old")
    with pytest.raises(DownloadError):
        fetch(model_of(server.serve("/a", Answer(odd(OTHER)))), folder)
    assert target.read_bytes() == b"old"
    fetch(model_of(server.serve("/a", Answer(DATA))), folder)
    assert target.read_bytes() == DATA


# Models whose checksum nobody published, and sources that all disagree with it.


def test_without_a_published_checksum_the_network_decides(server: Server, folder: Path) -> None:
    bad, good = server.serve("/bad", Answer(odd(OTHER))), server.serve("/good", Answer(even(DATA)))
    done, told = fetch(model_of(bad, good, sha256=None), folder)
    assert done.path.read_bytes() == even(DATA)
    assert done.sha256 == hashlib.sha256(even(DATA)).hexdigest()
    assert not done.verified
    assert "it is odd" in told[0]


def test_without_a_published_checksum_only_the_same_etag_is_continued(server: Server, folder: Path) -> None:
    old, new = even(DATA), even(OTHER)
    model = model_of(server.serve("/a", Answer(old, etag="", cuts=[200_000])), sha256=None)
    assert fetch(model, folder)[0].path.read_bytes() == old
    assert [r.range for r in server.requests] == [None, None]

    model = model_of(server.serve("/a", Answer(old, etag='"old"', cuts=[200_000, 0, 0, 0])), sha256=None)
    with pytest.raises(DownloadError):
        fetch(model, folder)
    server.serve("/a", Answer(new, etag='"new"'))
    assert fetch(model, folder)[0].path.read_bytes() == new


def test_without_a_published_checksum_a_complete_part_is_not_fetched_again(
    server: Server, folder: Path
) -> None:
    url = server.serve("/a", Answer(even(DATA)))
    (folder / "Video_gen.pth.part").write_bytes(even(DATA))
    (folder / "Video_gen.pth.part.json").write_text(json.dumps({"url": url, "validator": '"one"'}))
    assert fetch(model_of(url, sha256=None), folder)[0].path.read_bytes() == even(DATA)
    assert [r.range for r in server.requests] == ["bytes=300004-"]
    assert server.sent == 0
    assert names(folder) == ["Video_gen.pth"]


def test_without_a_published_checksum_an_endless_answer_ends(server: Server, folder: Path) -> None:
    model = model_of(server.serve("/a", Answer(DATA * 9, framing="close")), sha256=None)
    with pytest.raises(DownloadError, match="sends more than the 900,012 bytes"):
        fetch(model, folder)


def test_sources_that_all_disagree_with_the_checksum_are_reported(server: Server, folder: Path) -> None:
    urls = [server.serve(path, Answer(even(OTHER))) for path in ("/a", "/b")]
    with pytest.raises(DownloadError, match="--accept-unknown keeps such a file") as caught:
        fetch(model_of(*urls), folder)
    assert str(caught.value).count(hashlib.sha256(even(OTHER)).hexdigest()) == 2
    assert names(folder) == []


@pytest.mark.parametrize("size", [300_004, 200_000, 400_000])
def test_such_a_file_is_kept_if_the_user_wants_it(server: Server, folder: Path, size: int) -> None:
    data = even((OTHER + OTHER)[:size])
    urls = [server.serve(path, Answer(data)) for path in ("/a", "/b")]
    done, told = fetch(model_of(*urls), folder, accept_unknown=True)
    assert done.path.read_bytes() == data
    assert not done.verified
    assert len(told) == 2
    assert names(folder) == ["Video_gen.pth"]


def test_the_published_file_is_preferred_even_then(server: Server, folder: Path) -> None:
    urls = [server.serve("/a", Answer(even(OTHER))), server.serve("/b", Answer(DATA))]
    done, _ = fetch(model_of(*urls), folder, accept_unknown=True)
    assert done.verified
    assert names(folder) == ["Video_gen.pth"]


def test_another_network_is_never_kept(server: Server, folder: Path) -> None:
    with pytest.raises(DownloadError, match="it is odd"):
        fetch(model_of(server.serve("/a", Answer(odd(OTHER)))), folder, accept_unknown=True)
    assert names(folder) == []


def test_the_real_network_check_refuses_a_checkpoint_of_something_else(
    server: Server, folder: Path, tmp_path: Path
) -> None:
    import torch

    torch.save({"params": {"fc.weight": torch.zeros(9, 9)}}, tmp_path / "other.pth")
    model = model_of(server.serve("/a", Answer((tmp_path / "other.pth").read_bytes())), sha256=None)
    with pytest.raises(DownloadError, match="it is not the model deoldify-video"):
        download(model, folder, check=check_network, pause=0.0)
    assert names(folder) == []


# Interruptions and company.

SCRIPT = """
import sys
from pathlib import Path
from vsdeoldify.models.download import download
from vsdeoldify.models.catalogue import ModelFile
from vsdeoldify.networks.loading import check_network
url, size, digest, folder = sys.argv[1:]
model = ModelFile("video", "deoldify", 0, "Video_gen.pth", int(size), digest, "wide", (url,), "MIT")
done = download(model, Path(folder), check=check_network, notify=print, pause=0.0)
print(done.verified, flush=True)
"""


def start(model: ModelFile, folder: Path) -> "subprocess.Popen[str]":
    arguments = [model.urls[0], str(model.size), str(model.sha256), str(folder)]
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_a_killed_download_goes_on_where_it_stopped(server: Server, folder: Path, name: str) -> None:
    model = model_of(server.serve("/a", Answer(DATA, delay=0.05)))
    part = folder / "Video_gen.pth.part"
    with start(model, folder) as process:
        wait_until(lambda: part.exists() and part.stat().st_size > 65_536)
        process.send_signal(getattr(signal, name))
        assert process.wait(10) != 0
    assert not (folder / "Video_gen.pth").exists()
    kept = part.stat().st_size
    assert 0 < kept < len(DATA)
    assert fetch(model, folder)[0].path.read_bytes() == DATA
    assert server.requests[-1].range == f"bytes={kept}-"
    assert names(folder) == ["Video_gen.pth"]


def test_two_processes_at_once_download_once(server: Server, folder: Path) -> None:
    model = model_of(server.serve("/a", Answer(DATA, delay=0.3)))
    with start(model, folder) as first, start(model, folder) as second:
        answers = [process.communicate(timeout=30)[0] for process in (first, second)]
    assert all(answer.endswith("True\n") for answer in answers)
    assert sum("another download of Video_gen.pth is running" in answer for answer in answers) == 1
    assert server.sent == len(DATA)
    assert (folder / "Video_gen.pth").read_bytes() == DATA
    assert names(folder) == ["Video_gen.pth"]


def test_eight_threads_at_once_all_get_the_file(server: Server, folder: Path) -> None:
    model = model_of(server.serve("/a", Answer(DATA, cuts=[50_000, 60_000])))
    results: list[Downloaded] = []
    threads = [threading.Thread(target=lambda: results.append(fetch(model, folder)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [done.verified for done in results] == [True] * 8
    assert server.sent == len(DATA)
    assert names(folder) == ["Video_gen.pth"]


# Disks and folders.


def test_too_little_space_is_told_before_anything_is_fetched(server: Server, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    model = ModelFile("video", "deoldify", 0, "V.pth", 2 * free, "0" * 64, "wide", (server.url("/a"),), "MIT")
    with pytest.raises(DownloadError, match=r"free, and V\.pth needs"):
        fetch(model, folder)
    assert server.requests == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a device of Linux")
def test_a_disk_that_fills_up_while_writing_is_told(server: Server, folder: Path) -> None:
    (folder / "Video_gen.pth.part").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match=r"the disk of .* is full: Video_gen.pth needs 300 kB"):
        fetch(model_of(server.serve("/a", Answer(DATA))), folder)
    assert not (folder / "Video_gen.pth").exists()


def test_a_real_full_disk_leaves_no_file_under_the_models_name(server: Server, folder: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1700k", "tmpfs", folder], check=False).returncode:
        pytest.skip("mounting a small disk takes the rights of root")
    try:
        # The size is a guess where no checksum is published, so the disk can fill up unforeseen.
        data = even(DATA * 6)[:1_790_000]
        url = server.serve("/a", Answer(data, framing="close"))
        model = ModelFile("tiny", "ddcolor", None, "t.pth", 600_000, None, "tiny", (url,), "MIT")
        with pytest.raises(DownloadError, match="is full"):
            fetch(model, folder)
        assert not (folder / "t.pth").exists()
        (folder / "t.pth.part").unlink()
        server.serve("/a", Answer(even(DATA)))
        assert fetch(model, folder)[0].path.exists()
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_folder_that_cannot_be_made_or_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match=r"file.*cannot be written.*--folder"):
        fetch(model_of(server.serve("/a", Answer(DATA))), tmp_path / "file" / "models")


def test_a_folder_under_the_models_name_is_told(server: Server, folder: Path) -> None:
    (folder / "Video_gen.pth").mkdir()
    with pytest.raises(DownloadError, match=r"cannot be written: Is a directory|cannot be replaced"):
        fetch(model_of(server.serve("/a", Answer(DATA))), folder)


def test_the_first_writable_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    good = tmp_path / "new" / "folder"
    assert download_folder([tmp_path / "file" / "a", good, tmp_path / "later"]) == good
    assert good.is_dir()
    assert not (tmp_path / "later").exists()


def test_no_writable_folder_names_them_all(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError) as caught:
        download_folder([tmp_path / "file" / "a", tmp_path / "file" / "b"])
    assert str(tmp_path / "file" / "a") in str(caught.value)
    assert str(tmp_path / "file" / "b") in str(caught.value)


# Proxies.


def test_the_proxy_of_the_environment_is_used(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    server.serve("/Video_gen.pth", Answer(DATA))
    assert fetch(model_of("http://models.invalid/Video_gen.pth"), folder)[0].verified
    assert server.requests[0].path == "http://models.invalid/Video_gen.pth"


def test_a_dead_proxy_is_named_without_its_password(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://me:secret@127.0.0.1:1")
    with pytest.raises(DownloadError, match=r"through the proxy http://127\.0\.0\.1:1") as caught:
        fetch(model_of("http://models.invalid/Video_gen.pth"), folder)
    assert "secret" not in str(caught.value)


def test_a_downloaded_checkpoint_can_be_read(server: Server, folder: Path, tmp_path: Path) -> None:
    import torch

    torch.save({"model": {"a": torch.ones(3)}}, tmp_path / "a.pth")
    data = (tmp_path / "a.pth").read_bytes()
    done, _ = fetch(model_of(server.serve("/a", Answer(data)), data=data), folder)
    assert read_checkpoint(done.path)["a"].tolist() == [1, 1, 1]
