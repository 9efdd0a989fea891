"""Addresses, certificates, what must be alike, files that are sent."""

import hashlib
import io
import json
import os
import ssl
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cheap_vsdeoldify import CheapRecipe

from vsdeoldify.cli.terminal import JsonLines, Progress
from vsdeoldify.cluster import order, security
from vsdeoldify.cluster.facts import Device, Facts, differences, facts_of
from vsdeoldify.cluster.store import Store
from vsdeoldify.settings.presets import preset
from vsdeoldify.support.errors import FilmError, RequestError
from vsdeoldify.support.reporter import Share, SharedStage


def test_addresses_are_read_and_plain_ones_of_other_machines_refused() -> None:
    address = security.parse_address("tls://192.168.1.10:8786")
    assert (address.scheme, address.host, address.port) == ("tls", "192.168.1.10", 8786)
    assert str(security.parse_address("tls://pc-two")) == "tls://pc-two:8786"
    assert security.parse_address("tls://[fe80::1]:9000").host == "fe80::1"
    for own in ("localhost", "127.0.0.1", "[::1]"):
        assert security.parse_address(f"tcp://{own}:8786").scheme == "tcp"
    for other in ("192.168.1.10", "0.0.0.0", "pc-two", "example.org"):
        with pytest.raises(RequestError, match="without encryption"):
            security.parse_address(f"tcp://{other}:8786")
    for wrong in ("192.168.1.10:8786", "http://pc", "tls://", "tls://pc:99999", "local:x"):
        with pytest.raises(RequestError, match="is no address of a cluster"):
            security.parse_address(wrong)


def test_a_certificate_is_its_owners_alone_and_stands_strict_looks(tmp_path: Path) -> None:
    path = tmp_path / "cluster.pem"
    assert security.write_certificate(path)
    text = path.read_text()
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600
    assert not security.write_certificate(path)
    assert path.read_text() == text
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    for context in (server, client):
        context.load_cert_chain(path)
        context.load_verify_locations(path)
        context.verify_mode = ssl.CERT_REQUIRED
        # As Python does by default from 3.13 on.
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    pipes = [(ssl.MemoryBIO(), ssl.MemoryBIO())]
    to_server, to_client = pipes[0]
    sides = [
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert all(side.getpeercert() for side in sides)
    path.write_text("no certificate")
    with pytest.raises(FilmError, match=r"cluster\.pem holds no certificate with its key"):
        security.write_certificate(path)


def test_what_differs_is_named_with_its_cure() -> None:
    own = facts_of(Device("cpu", "CPU", half=False))
    assert own.versions["vsdeoldify"]

    def found(half: bool | None = None, motion: str = "", precision: str = "auto", **changes: object) -> str:
        versions = {**own.versions, **changes}
        other: Facts = replace(own, versions=versions, half=half or False)
        return "; ".join(differences(own, other, precision=precision, half=False, motion=motion))

    assert not found()
    # Torch for a GPU and torch for the CPU are one version.
    version = str(own.versions["torch"]).partition("+")[0]
    assert not found(torch=f"{version}+cu999")
    assert (
        f'torch is 1.0 there and {own.versions["torch"]} here: pip install "torch=={version}" there'
        in found(torch="1.0")
    )
    assert "the source filter is missing there" in found(**{"vapoursynth-bestsource": None})
    assert not found(**{"vapoursynth-mvutensils": None})
    assert "the plugin for motion is missing there" in found(motion="10", **{"vapoursynth-mvutensils": None})
    assert "half precision and the others in full: with --set precision=float32" in found(half=True)
    assert not found(half=True, precision="float32")


def test_a_file_that_is_sent_goes_on_where_it_broke_off_and_counts_by_its_sum(tmp_path: Path) -> None:
    data = os.urandom(5000)
    digest = hashlib.sha256(data).hexdigest()
    store = Store(tmp_path / "one")
    assert store.have(digest, ".mkv", len(data)) == 0
    assert store.receive(digest, ".mkv", 0, data[:2000]) == 2000
    # Somebody else who begins at the start is told how far it is.
    assert Store(tmp_path / "one").receive(digest, ".mkv", 0, data[:1000]) == 2000
    assert store.have(digest, ".mkv", len(data)) == 2000
    assert store.receive(digest, ".mkv", 2000, data[2000:]) == 5000
    assert store.finish(digest, ".mkv")
    assert store.path(digest, ".mkv").read_bytes() == data
    assert store.have(digest, ".mkv", len(data)) == 5000

    other = "0" * 64
    store.receive(other, ".mkv", 0, data)
    assert not store.finish(other, ".mkv")
    assert store.have(other, ".mkv", len(data)) == 0
    with pytest.raises(FilmError, match="does not fit there"):
        store.have(other, ".mkv", 1 << 60)
    assert store.host() == Store(tmp_path / "one").host() != Store(tmp_path / "two").host()
    os.utime(store.path(digest, ".mkv"), (0, 0))
    store.sweep()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["host"]


def test_who_does_what_stands_behind_the_bar_and_in_lines_for_programs() -> None:
    shares = [Share("anna", "working", (0, 500), 250, 6.125), Share("ben", "opening the film")]
    with Progress(1000, "frames", title="film.mkv", stream=io.StringIO()) as progress:
        progress.update(0)
        progress.shares(shares)
        assert "0/1000 frames" in progress.text(120)
        assert "(anna: 6.12/s, ben: opening the film)" in progress.text(120)
        assert all(len(progress.text(width)) <= width for width in range(1, 150))
        assert "anna" not in progress.text(50)
    lines = io.StringIO()
    with JsonLines(lines).stage(1000, "frames", title="film.mkv") as stage:
        assert isinstance(stage, SharedStage)
        # What has not changed is not said again.
        for said in (shares, shares, shares[:1]):
            stage.shares(said)
    events = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["start", "worker", "worker", "worker", "end"]
    assert events[1] == {
        "event": "worker",
        "name": "anna",
        "doing": "working",
        "piece": [0, 500],
        "done": 250,
        "rate": 6.125,
    }
    assert (events[3]["name"], events[3]["doing"]) == ("ben", "lost")


def test_a_recipe_arrives_with_the_paths_and_the_device_of_the_other_machine(tmp_path: Path) -> None:
    chosen = preset("preview").with_changes(
        ddcolor_p=["/there/own.pth", 16, 1, 0], device_index=0, torch_dir="/there/models", batch_size=2
    )
    recipe = CheapRecipe(chosen, references=Path("/there/references"))
    moved = {"/there/own.pth": str(tmp_path / "sum.pth"), "/there/references": str(tmp_path)}
    packed = order.pack(recipe)
    # Paths of one system cannot be made on another.
    assert '{"path": "/there/references"}' in packed
    here = order.unpack(packed, moved, 1, None)
    assert isinstance(here, CheapRecipe)
    assert here.references == tmp_path
    assert here.chosen.ddeoldify == {
        "method": "ddcolor",
        "ddcolor_p": [str(tmp_path / "sum.pth"), 16, 1, 0],
        "device_index": 1,
        "batch_size": 2,
    }
    with pytest.raises(FilmError, match="does not know how the film is to be coloured"):
        order.unpack(packed.replace("CheapRecipe", "OtherRecipe"), moved, 1, None)
