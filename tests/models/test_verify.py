"""Which file lies there: checksums, and the note of those checked before."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from checkpoints import WEIGHTS, to_zip

from vsdeoldify.models.catalogue import find_model
from vsdeoldify.models.verify import status, verify
from vsdeoldify.networks.loading import check_network
from vsdeoldify.support.errors import ModelError
from vsdeoldify.support.files import cache_folder

VIDEO = find_model("deoldify", "video")


def test_an_unread_file_is_only_looked_at(file: Path) -> None:
    assert status(VIDEO, file.parent).state == "missing"
    file.write_bytes(b"<html>")
    assert status(VIDEO, file.parent).state == "damaged"
    file.write_bytes(to_zip(WEIGHTS))
    report = status(VIDEO, file.parent)
    assert report.state == "unchecked"
    assert "where the published file has 874,066,230" in report.detail


def test_a_verified_file_is_remembered_until_it_changes(file: Path) -> None:
    data = to_zip(WEIGHTS)
    model = replace(VIDEO, size=len(data), sha256=hashlib.sha256(data).hexdigest())
    file.write_bytes(data)
    assert status(model, file.parent).state == "unchecked"
    assert verify(model, file.parent, check=check_network).state == "verified"
    assert status(model, file.parent).state == "verified"
    file.write_bytes(to_zip({k: v + 1 for k, v in WEIGHTS.items()}))
    os.utime(file, ns=(1, 1))
    assert status(model, file.parent).state == "unchecked"
    assert verify(model, file.parent, check=lambda *_: None).state == "different"
    assert status(model, file.parent).state == "different"
    assert verify(model, file.parent, check=check_network).state == "damaged"
    assert status(model, file.parent).state == "unchecked"


def test_notes_that_are_damaged_or_cannot_be_written_do_no_harm(file: Path, tmp_path: Path) -> None:
    cache = cache_folder()
    assert cache is not None
    file.write_bytes(to_zip(WEIGHTS))
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    assert verify(VIDEO, file.parent, check=lambda *_: None).state == "different"
    cache.unlink()
    cache.mkdir()
    for text in ("", "[]", '{"x": 1}', json.dumps({str(file): 3})):
        (cache / "checked.json").write_text(text)
        assert status(VIDEO, file.parent).state == "unchecked"


def test_another_network_under_a_models_name_is_found_out(file: Path) -> None:
    file.write_bytes(to_zip({"fc.weight": torch.zeros(3, 3)}))
    with pytest.raises(ModelError, match="is not the model deoldify-video"):
        check_network(VIDEO, file)
    report = verify(VIDEO, file.parent, check=check_network)
    assert report.state == "damaged"
    assert "is not the model deoldify-video" in report.detail
