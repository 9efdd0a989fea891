"""``vsdeoldify models``, as people run it."""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_server import Answer, Server, running_server, wait_until

from vsdeoldify.cli import main
from vsdeoldify.cli.commands import models
from vsdeoldify.cli.errors import CommandError
from vsdeoldify.models.catalogue import ModelFile
from vsdeoldify.support import kept
from vsdeoldify.support.errors import ModelError

VIDEO = b"PK\x03\x04" + random.Random(1).randbytes(200_000)
TINY = b"PK\x03\x04" + random.Random(2).randbytes(100_000)
OTHER = b"PK\x03\x04" + random.Random(3).randbytes(200_000)


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("VSDEOLDIFY_MODELS", str(tmp_path / "models"))
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def test_what_was_compiled_can_be_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(kept.LIMIT_VARIABLE, "1")

    def write(place: Path) -> Path:
        (place / "x").write_bytes(bytes(5_000_000))
        return place / "x"

    assert kept.keep("a", 5_000_000, 1, write)
    assert main(["models", "--forget-compiled"]) == 0
    assert capsys.readouterr().out == "5.0 MB of compiled networks removed\n"
    assert kept.read_kept("a") is None


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as server:
        server.serve("/Video_gen.pth", Answer(VIDEO))
        server.serve("/tiny.pth", Answer(TINY))
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


def fits(model: ModelFile, path: Path) -> None:
    if path.read_bytes()[:2] != b"PK":
        raise ModelError(f"{path} is not the model {model.full_name}")


def run(server: Server, *words: str) -> int:
    """Run the command on two small models that the server has."""
    known = (
        ModelFile(
            "video",
            "deoldify",
            0,
            "Video_gen.pth",
            len(VIDEO),
            hashlib.sha256(VIDEO).hexdigest(),
            "wide",
            (server.url("/Video_gen.pth"),),
            "MIT",
        ),
        ModelFile("tiny", "ddcolor", 0, "tiny.pth", 99_000, None, "tiny", (server.url("/tiny.pth"),), "MIT"),
    )
    parser = argparse.ArgumentParser(prog="vsdeoldify")
    models.add_parser(parser.add_subparsers())
    args = parser.parse_args(["models", *words])
    return models.run(argparse.Namespace(**vars(args), prog="vsdeoldify models"), known, fits)


def test_a_download_ends_verified_and_is_listed_as_such(
    server: Server, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(server, "--download", "video") == 0
    done = capsys.readouterr()
    assert done.out == ""
    assert f"deoldify-video is installed and verified: {folder / 'Video_gen.pth'}" in done.err
    assert (folder / "Video_gen.pth").read_bytes() == VIDEO
    assert run(server) == 0
    listing = capsys.readouterr()
    assert listing.err == ""
    rows = {line.split()[0]: line for line in listing.out.splitlines() if line}
    assert rows["video"].split()[1:] == [
        "DeOldify",
        "200",
        "kB",
        "MIT",
        "verified",
        str(folder / "Video_gen.pth"),
    ]
    assert rows["tiny"].split() == ["tiny", "DDColor", "about", "99", "kB", "MIT", "not", "here"]
    assert rows["preview"]


def test_all_models_are_downloaded_and_their_sums_printed_where_none_is_published(
    server: Server, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(server, "--download", "all") == 0
    assert sorted(path.name for path in folder.iterdir()) == ["Video_gen.pth", "tiny.pth"]
    assert f"sha256 {hashlib.sha256(TINY).hexdigest()}" in capsys.readouterr().err


def test_the_published_file_is_never_downloaded_again(
    server: Server, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir()
    (folder / "Video_gen.pth").write_bytes(VIDEO)
    assert run(server, "--download", "video") == 0
    assert "is here already (verified)" in capsys.readouterr().err
    assert run(server, "--download", "video", "--force") == 0
    assert server.requests == []


def test_a_file_of_the_users_own_is_kept_unless_forced(
    server: Server, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir()
    (folder / "Video_gen.pth").write_bytes(OTHER)
    assert run(server, "--download", "video") == 0
    assert "--force replaces it" in capsys.readouterr().err
    assert (folder / "Video_gen.pth").read_bytes() == OTHER
    assert run(server, "--download", "video", "--force") == 0
    assert (folder / "Video_gen.pth").read_bytes() == VIDEO


@pytest.mark.parametrize("place", ["", "checkpoints"])
def test_a_damaged_file_is_replaced_where_it_lies(
    server: Server, tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own" / place
    own.mkdir(parents=True)
    (own / "Video_gen.pth").write_bytes(b"<html>Sorry</html>")
    assert run(server, "--folder", str(tmp_path / "own")) == 0
    listing = capsys.readouterr().out
    assert "DAMAGED" in listing
    assert "video: it is a web page of 18 bytes" in listing
    assert run(server, "--download", "video", "--folder", str(tmp_path / "own")) == 0
    assert (own / "Video_gen.pth").read_bytes() == VIDEO


def test_a_named_folder_gets_the_file_even_if_another_has_it(server: Server, tmp_path: Path) -> None:
    assert run(server, "--download", "video") == 0
    assert run(server, "--download", "video", "--torch-dir", str(tmp_path / "own")) == 0
    assert (tmp_path / "own" / "Video_gen.pth").read_bytes() == VIDEO


def test_a_named_folder_that_cannot_be_used_is_an_error(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert run(server, "--download", "video", "--folder", str(tmp_path / "file")) == 1
    assert "no folder for model files can be written to" in capsys.readouterr().err


def test_one_failed_download_does_not_stop_the_others(
    server: Server, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.serve("/Video_gen.pth", Answer(status=404))
    assert run(server, "--download", "all") == 1
    assert [path.name for path in folder.iterdir()] == ["tiny.pth"]
    assert "the server answers 404" in capsys.readouterr().err


def test_a_mirror_is_tried_first(server: Server, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server.serve("/mirror/Video_gen.pth", Answer(VIDEO))
    mirrors = ["--mirror", server.url("/gone/"), "--mirror", server.url("/mirror")]
    assert run(server, "--download", "video", *mirrors) == 0
    assert [request.path for request in server.requests] == ["/gone/Video_gen.pth", "/mirror/Video_gen.pth"]
    assert "/gone/Video_gen.pth: the server answers 404" in capsys.readouterr().err


def test_an_unknown_file_is_kept_only_on_request(
    server: Server, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.serve("/Video_gen.pth", Answer(OTHER))
    assert run(server, "--download", "video") == 1
    assert "--accept-unknown" in capsys.readouterr().err
    assert list(folder.iterdir()) == []
    assert run(server, "--download", "video", "--accept-unknown") == 0
    assert "is not the published file" in capsys.readouterr().err
    assert (folder / "Video_gen.pth").read_bytes() == OTHER


def test_verify_names_each_file_and_fails_for_a_wrong_one(
    server: Server, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(server, "--download", "all") == 0
    assert run(server, "--verify") == 0
    out = capsys.readouterr().out
    assert f"deoldify-video: verified {folder / 'Video_gen.pth'}" in out
    assert f"ddcolor-tiny: right network {folder / 'tiny.pth'}: sha256 " in out
    (folder / "Video_gen.pth").write_bytes(OTHER)
    assert run(server, "--verify") == 1
    assert "deoldify-video: not the published file" in capsys.readouterr().out
    (folder / "Video_gen.pth").write_bytes(b"rubbish")
    assert run(server, "--verify", "video") == 1
    assert "deoldify-video: DAMAGED" in capsys.readouterr().out
    assert run(server, "--verify", "tiny") == 0


def test_verify_reports_a_missing_file_only_if_it_was_named(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(server, "--verify") == 0
    nothing = "there is no model file here to verify; vsdeoldify models --download NAME fetches one\n"
    assert capsys.readouterr().out == nothing
    assert run(server, "--verify", "video") == 1
    assert capsys.readouterr().out == "deoldify-video: not here\n"


def test_path_prints_one_path_for_scripts(
    server: Server, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(server, "--path") == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert run(server, "--path", "video") == 1
    missing = capsys.readouterr()
    assert missing.out == ""
    assert "is not installed" in missing.err
    assert run(server, "--download", "video") == 0
    capsys.readouterr()
    assert run(server, "--path", "video") == 0
    assert capsys.readouterr().out == f"{folder / 'Video_gen.pth'}\n"


@pytest.mark.parametrize(
    "words", [["--download", "nonsense"], ["--verify", "all", "--force"], ["--mirror", "x"]]
)
def test_wrong_usage_is_told_from_failure(server: Server, words: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        run(server, *words)
    assert caught.value.code == 2


# The real command, in its own process.

COMMAND = [sys.executable, "-m", "vsdeoldify"]


def call(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | environment,
        timeout=60,
    )


def test_the_command_lists_the_official_models() -> None:
    done = call("models")
    assert (done.returncode, done.stderr) == (0, "")
    for name in (
        "preview",
        "video",
        "stable",
        "deoldify-artistic",
        "modelscope",
        "ddcolor-artistic",
        "paper_tiny",
    ):
        assert f"\n{name} " in done.stdout


def test_help_has_examples_and_goes_to_stdout() -> None:
    done = call("models", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "vsdeoldify models --download paper_tiny" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["models", "--nonsense"],
        ["models", "--timeout", "x"],
        ["models", "--timeout", "nan"],
    ],
)
def test_wrong_options_end_with_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: vsdeoldify" in capsys.readouterr().err


def test_an_ambiguous_name_ends_with_code_2_and_words_on_stderr() -> None:
    done = call("models", "--download", "artistic")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("vsdeoldify models: 'artistic' is the name of 2 models")
    assert "Traceback" not in done.stderr


def test_torch_is_not_needed_to_list_models() -> None:
    code = "import sys; from vsdeoldify.cli import main; main(['models']); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_a_terminal_without_the_letters_of_a_path_gets_them_escaped(tmp_path: Path) -> None:
    (tmp_path / "模型").mkdir()
    done = call(
        "models", "--folder", str(tmp_path / "模型"), PYTHONIOENCODING="latin-1:strict", PYTHONUTF8="0"
    )
    assert done.returncode == 0
    assert "\\u6a21\\u578b" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="closes descriptors with a POSIX shell")
def test_a_closed_stdout_or_stderr_is_no_error() -> None:
    command = " ".join(f"'{word}'" for word in COMMAND)
    for redirection in ("models >&- 2>&-", "models | head -1"):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"{command} {redirection}"], capture_output=True
        )
        assert done.returncode == 0, (redirection, done.stderr)
        assert done.stderr == b""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupted_download_ends_with_code_130_and_no_file_under_a_models_name(
    server: Server, folder: Path
) -> None:
    # The official size, so that the download starts; only as much of it as is needed is ever sent.
    data = b"PK\x03\x04" + bytes(65_536 * 20)
    headers = {"Content-Length": "255144681"}
    server.serve("/ColorizeArtistic_gen.pth", Answer(data, headers=headers, delay=0.2))
    words = ["models", "--download", "deoldify-artistic", "--mirror", server.url("/")]
    part = folder / "ColorizeArtistic_gen.pth.part"
    with subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE, text=True) as process:
        wait_until(part.exists)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "the same command goes on from there" in err
    assert "Traceback" not in err
    assert sorted(path.name for path in folder.iterdir()) == [part.name, f"{part.name}.json"]


def test_errors_of_the_store_end_in_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--path", "video"]) == 1
    assert capsys.readouterr().err.startswith("vsdeoldify models: the model deoldify-video is not installed")
