"""`vsdeoldify doctor` on this installation, and on ones that are broken on purpose."""

import argparse
import getpass
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from vsdeoldify import cli
from vsdeoldify.cli.commands import doctor as command
from vsdeoldify.doctor import devices, examination, libraries, packages, system, tools
from vsdeoldify.doctor import facts as facts_module
from vsdeoldify.doctor.facts import Facts
from vsdeoldify.doctor.findings import Finding, as_text, scrub
from vsdeoldify.models.catalogue import MODELS

ROOT = Path(__file__).parents[2]
VAPOURSYNTH = {"vapoursynth": {"value": {"version": "R9", "plugins": []}}}


def library(folder: Path, name: str, code: str) -> None:
    """A Python library whose import runs this code."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(code)


def distribution(folder: Path, name: str, version: str) -> None:
    """What pip leaves of an installed package."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def doctor_process(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vsdeoldify", "doctor", *options],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def named(findings: Iterable[Finding], name: str) -> list[Finding]:
    return [finding for finding in findings if finding.name == name]


def levels(findings: Iterable[Finding]) -> set[str]:
    return {finding.level for finding in findings}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a user's name in it, and a folder of models in all states."""
    home = tmp_path_factory.mktemp("homes") / "Änne Müller"
    models = home / "models"
    models.mkdir(parents=True)
    files = {model.full_name: models / model.file for model in MODELS}
    files["deoldify-video"].write_text("<!DOCTYPE html><html>Too many requests</html>")
    files["deoldify-stable"].write_bytes(b"")
    files["ddcolor-modelscope"].write_bytes(b"PK\x03\x04" + bytes(5000))
    with files["deoldify-artistic"].open("wb") as file:
        file.write(b"\x80\x02")
        file.truncate(255144681)  # sparse: the size is right
    return home


@pytest.fixture(scope="module")
def report(home: Path) -> dict[str, Any]:
    """The whole report of this installation, with a proxy and models in all states."""
    result = doctor_process(
        "--json",
        HOME=str(home),
        USERPROFILE=str(home),
        XDG_CACHE_HOME="",
        VSDEOLDIFY_MODELS=str(home / "models"),
        https_proxy="http://anne:geheim@proxy.example:3128",
    )
    assert result.returncode in (0, 1), result.stderr
    parsed: dict[str, Any] = json.loads(result.stdout)
    assert parsed["usable"] == (result.returncode == 0)
    assert "geheim" not in result.stdout + result.stderr
    assert str(home) not in result.stdout + result.stderr
    return parsed


def entries(report: dict[str, Any], section: str, name: str) -> list[dict[str, Any]]:
    return [f for f in report["findings"] if (f["section"], f["name"]) == (section, name)]


def test_colouring_works_where_the_tests_run(report: dict[str, Any]) -> None:
    errors = [f for f in report["findings"] if f["level"] == "error"]
    assert errors == []
    assert report["usable"]


def test_the_report_has_the_versions_a_bug_report_needs(report: dict[str, Any]) -> None:
    import vapoursynth as vs

    (found,) = entries(report, "Libraries", "torch")
    assert metadata.version("torch") in found["text"]
    assert "CUDA" in found["text"] or "ROCm" in found["text"]
    (found,) = entries(report, "Libraries", "VapourSynth")
    assert found["data"]["version"] == str(vs.__version__)
    assert "API R" in found["text"]
    (found,) = entries(report, "System", "Python")
    assert found["data"]["version"] == ".".join(map(str, sys.version_info[:3]))
    for name in ("numpy", "torch", "torchvision", "timm", "safetensors", "vapoursynth"):
        assert entries(report, "Packages", name)[0]["data"]["version"]


def test_the_cpu_is_listed_with_the_number_to_give_and_colours_a_frame(report: dict[str, Any]) -> None:
    (device,) = entries(report, "Devices", "cpu")
    assert "device_index=99" in device["text"]
    (test,) = entries(report, "Self-test", "cpu")
    assert test["level"] == "ok"


def test_the_bundled_model_does_the_self_test(report: dict[str, Any]) -> None:
    if not (ROOT / "vsdeoldify" / "preview" / "preview.safetensors").is_file():
        pytest.skip("the bundled model is not in this checkout")
    assert entries(report, "Self-test", "cpu")[0]["data"]["network"] == "preview"


@pytest.mark.parametrize(
    ("name", "level", "words"),
    [
        ("video", "warning", "web page"),
        ("stable", "warning", "empty"),
        ("modelscope", "warning", "911,950,059"),
        ("deoldify-artistic", "ok", "not verified"),
    ],
)
def test_each_state_of_a_model_file_is_told(
    report: dict[str, Any], name: str, level: str, words: str
) -> None:
    (found,) = entries(report, "Models", name)
    assert found["level"] == level
    assert words in found["text"]
    assert "~" in found["text"]
    assert (found["fix"] is None) == (level == "ok")
    assert level == "ok" or name in found["fix"]


def test_missing_models_are_named_with_their_size(report: dict[str, Any]) -> None:
    (found,) = entries(report, "Models", "not installed")
    assert "ddcolor-artistic (912 MB)" in found["text"]


def test_the_proxy_is_shown_without_its_password(report: dict[str, Any]) -> None:
    (found,) = entries(report, "Network", "https proxy")
    assert found["text"] == "http://***@proxy.example:3128"


def test_every_problem_has_its_cure(report: dict[str, Any]) -> None:
    for found in report["findings"]:
        assert found["fix"] or found["level"] in ("ok", "note"), found


def test_without_torch_the_report_is_whole_and_names_the_command(tmp_path: Path, home: Path) -> None:
    library(tmp_path, "torch", "raise ImportError('libcudart.so.99: cannot open shared object file')")
    result = doctor_process(PYTHONPATH=str(tmp_path), HOME=str(home))
    assert result.returncode == 1
    assert re.search(r"ERROR +torch +does not load", result.stdout)
    assert "libcudart.so.99" in result.stdout
    assert re.search(r"-> .*pip install .*torch", result.stdout)
    for section in ("System", "Packages", "Libraries", "Models", "Tools", "Folders", "Network", "Self-test"):
        assert f"\n{section}\n" in f"\n{result.stdout}"
    assert "not done: torch does not load" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_without_vapoursynth_doctor_works_and_the_others_point_to_it(tmp_path: Path) -> None:
    library(tmp_path, "vapoursynth", "raise ImportError('libvapoursynth.so: cannot open shared object file')")
    result = doctor_process("--no-test", PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert re.search(r"ERROR +VapourSynth +does not load: .*libvapoursynth.so", result.stdout)
    assert re.search(r"-> .*pip install .*vapoursynth", result.stdout)
    assert "Traceback" not in result.stdout + result.stderr
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "vsdeoldify",
            "colorize",
            "--preset",
            "preview",
            "demo/film.mp4",
            "-o",
            str(tmp_path / "o.mkv"),
        ],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "libvapoursynth.so" in result.stderr
    assert "vsdeoldify doctor" in result.stderr
    assert "Traceback" not in result.stderr


def in_process(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[Finding]]:
    code = cli.main(["doctor", "--json", "--no-test", *options])
    return code, [Finding(**f) for f in json.loads(capsys.readouterr().out)["findings"]]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise RuntimeError('numpy is broken')", "RuntimeError: numpy is broken"),
        ("import os; os._exit(3)", "ended with code 3"),
        ("import os; os.abort()", "ended with code"),
        ("import time; time.sleep(60)", "no answer within 2 seconds"),
        ("import sys; sys.exit('gone')", "SystemExit"),
    ],
    ids=["raises", "exits", "aborts", "hangs", "leaves"],
)
def test_a_library_that_takes_the_process_with_it_becomes_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: str,
    words: str,
) -> None:
    library(tmp_path, "numpy", code)
    # So that nothing slow is loaded after numpy.
    for name in (
        "vapoursynth",
        "torch",
        "torchvision",
        "timm",
        "safetensors",
        "pyvips",
        "PIL",
        "skimage",
        "vsdeoldify",
    ):
        library(tmp_path, name, "raise ImportError('absent')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(libraries, "_LIBRARIES_TIMEOUT", 2)
    exit_code, findings = in_process(capsys)
    assert exit_code == 1
    (found,) = (f for f in named(findings, "numpy") if f.section == "Libraries")
    assert found.level == "error"
    assert words in found.text
    assert "numpy" in str(found.fix)


def test_output_of_libraries_does_not_disturb_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    library(
        tmp_path, "numpy", "import os; print('hello'); os.write(1, b'{\"start\": 1}\\n'); __version__ = '9'"
    )
    for name in (
        "vapoursynth",
        "torch",
        "torchvision",
        "timm",
        "safetensors",
        "pyvips",
        "PIL",
        "skimage",
        "vsdeoldify",
    ):
        library(tmp_path, name, "raise ImportError('absent')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    _, findings = in_process(capsys)
    assert [f.text for f in named(findings, "numpy") if f.section == "Libraries"] == ["9"]
    assert levels(named(findings, "VapourSynth")) == {"error"}


@pytest.fixture(scope="module")
def facts(report: dict[str, Any]) -> dict[str, Any]:
    """What the libraries of this installation told the report."""
    devices = [f["data"] for f in report["findings"] if f["section"] == "Devices"]
    return {
        "numpy": {"value": entries(report, "Libraries", "numpy")[0]["data"]},
        "vapoursynth": {"value": entries(report, "Libraries", "VapourSynth")[0]["data"]},
        "torch": {"value": entries(report, "Libraries", "torch")[0]["data"]},
        "devices": {"value": devices},
    }


@pytest.mark.parametrize(
    ("version", "noted"), [("R74", True), ("R79", True), ("R80", False), ("R100", False)]
)
def test_releases_of_vapoursynth_that_may_hang_are_named(
    facts: dict[str, Any], version: str, noted: bool
) -> None:
    value = facts["vapoursynth"]["value"] | {"version": version}
    findings = [*libraries._vapoursynth(Facts({"vapoursynth": {"value": value}}))]
    assert bool([f for f in findings if f.name == "clip.frames()"]) == noted


CHECKS = [
    "system",
    "environment",
    "packages",
    "conflicts",
    "libraries",
    "devices",
    "models",
    "vspipe",
    "source_filter",
    "motion",
    "cluster",
    "ffmpeg",
    "folders",
    "proxy",
]


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_that_fails_becomes_a_line_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any], check: str
) -> None:
    def fails(*_: object) -> list[Finding]:
        raise OSError("the disk is gone")

    monkeypatch.setattr(facts_module, "probe", lambda *_, **__: facts)
    monkeypatch.setattr(examination, check, fails)
    findings = list(examination.examine(None, test=False, say=lambda text: None))
    failed = [f for f in findings if "the disk is gone" in f.text]
    assert len(failed) == 1
    assert failed[0].level == "warning"
    assert len({f.section for f in findings}) >= 7


def test_without_any_facts_every_check_still_ends() -> None:
    checks = (libraries._numpy, libraries._vapoursynth, libraries._torch, devices.devices)
    found = [finding for check in checks for finding in check(Facts())]
    found += devices.self_tests(Facts(), lambda text: None)
    assert all(finding.level in ("error", "note") for finding in found)


def cuda(**changes: Any) -> dict[str, Any]:
    device = {
        "device": "cuda:1",
        "index": "1",
        "name": "NVIDIA GeForce RTX 5090",
        "memory": 34_000_000_000,
        "free": 30_000_000_000,
        "architecture": "sm_120",
        "precisions": ["float32", "float16", "bfloat16"],
    }
    return device | changes


def device_findings(facts: dict[str, Any], device: dict[str, Any], architectures: list[str]) -> list[Finding]:
    torch = {"value": facts["torch"]["value"] | {"architectures": architectures}}
    return list(devices.devices(Facts({"torch": torch, "devices": {"value": [device]}})))


def test_a_gpu_is_listed_with_memory_precision_and_the_number_to_give(facts: dict[str, Any]) -> None:
    (found,) = device_findings(facts, cuda(), ["sm_90", "sm_120"])
    assert found.level == "ok"
    for words in ("RTX 5090", "34.0 GB", "30.0 GB free", "bfloat16", "device_index=1"):
        assert words in found.text


@pytest.mark.parametrize(
    ("own", "built", "works"),
    [
        ("sm_120", ["sm_75", "sm_90"], False),
        ("sm_61", ["sm_75", "sm_90"], False),
        ("sm_89", ["sm_80", "sm_90"], True),
        ("sm_120", ["sm_90", "compute_90"], True),
        ("sm_90", ["sm_90a"], True),
        ("gfx1100", ["gfx1030"], True),
    ],
)
def test_a_gpu_that_this_torch_was_not_built_for_is_an_error(
    facts: dict[str, Any], own: str, built: list[str], works: bool
) -> None:
    (found,) = device_findings(facts, cuda(architecture=own), built)
    assert (found.level == "ok") == works
    assert works or "torch" in str(found.fix)


def test_a_gpu_without_free_memory_is_an_error_with_its_reason(facts: dict[str, Any]) -> None:
    (found,) = device_findings(facts, cuda(problem="OutOfMemoryError: CUDA out of memory"), ["sm_120"])
    assert found.level == "error"
    assert "close other programs" in str(found.fix)


def test_a_nvidia_card_that_torch_cannot_use_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any]
) -> None:
    if os.name == "nt":
        pytest.skip("the stand-in for nvidia-smi is a shell script")
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA GeForce GTX 1080, 390.157'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    cpu = {"device": "cpu", "index": "99", "name": "CPU", "precisions": ["float32"]}
    for cuda_version, words in (("13.2", "driver"), (None, "CUDA")):
        torch = {"value": facts["torch"]["value"] | {"cuda": cuda_version}}
        findings = list(devices.devices(Facts({"torch": torch, "devices": {"value": [cpu]}})))
        (found,) = named(findings, "GPU")
        assert found.level == "warning"
        assert "GTX 1080" in found.text
        assert words in str(found.fix)


def test_a_self_test_that_fails_is_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    reported = {"devices": {"value": [cuda(device="cuda:7")]}, "torch": {"value": {}}}
    (found,) = devices.self_tests(Facts(reported), lambda text: None)
    assert found.level == "error"
    assert "device_index=99" in str(found.fix)


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        ("OutOfMemoryError: CUDA out of memory. Tried", "close other programs"),
        ("RuntimeError: CUDA error: no kernel image is available", "torch build"),
        ("RuntimeError: driver shut down", "driver"),
    ],
)
def test_the_cure_of_a_failed_self_test_fits_the_error(error: str, cure: str) -> None:
    assert cure in devices._test_fix(error, {"device": "cuda:0"})


def test_a_second_vapoursynth_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert levels(packages.conflicts()) <= {"ok", "note"}
    (tmp_path / "vapoursynth.pyd").write_bytes(b"MZ")
    distribution(tmp_path, "VapourSynth", "65")
    monkeypatch.syspath_prepend(tmp_path)
    found = named(packages.conflicts(), "vapoursynth")
    assert len(found) == 2
    assert all(finding.level == "warning" and str(tmp_path) in finding.text for finding in found)


def test_an_old_vsdeoldify_and_fastai_1_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library(tmp_path, "vsdeoldify", "")
    distribution(tmp_path, "vsdeoldify", "3.1.1")
    distribution(tmp_path, "fastai", "1.0.61")
    monkeypatch.syspath_prepend(tmp_path)
    findings = list(packages.conflicts())
    assert any("3.1.1" in finding.text for finding in named(findings, "vsdeoldify"))
    assert any("other copies" in finding.text for finding in named(findings, "vsdeoldify"))
    assert levels(named(findings, "fastai")) == {"warning"}


def test_files_left_by_version_3_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vsslib").mkdir()
    (tmp_path / "deoldify").mkdir()
    (tmp_path / "deoldify" / "visualize.py").touch()
    monkeypatch.setattr(packages, "package_folder", lambda: tmp_path)
    texts = [finding.text for finding in named(packages.conflicts(), "vsdeoldify")]
    assert any("vsslib, deoldify/visualize.py" in text for text in texts)


def test_a_package_that_is_too_old_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(tmp_path, "timm", "0.9.16")
    distribution(tmp_path, "scikit_image", "0.19.3")
    monkeypatch.syspath_prepend(tmp_path)
    findings = list(packages.packages())
    (timm,) = named(findings, "timm")
    assert timm.level == "error"
    assert 'pip install --upgrade "timm>=' in str(timm.fix)
    assert levels(named(findings, "scikit-image")) == {"warning"}  # needed by the command line only


def test_packages_that_are_missing_are_named_with_what_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    version = metadata.version

    def without(name: str) -> str:
        if name in ("timm", "imageio-ffmpeg") or name.startswith("pyvips"):
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", without)
    findings = list(packages.packages())
    assert levels(named(findings, "timm")) == {"error"}
    for name in ("imageio-ffmpeg", "pyvips"):
        (found,) = named(findings, name)
        assert found.level == "warning"
        assert "command line only" in found.text
        assert re.search(rf'pip install --upgrade "{name}>=', str(found.fix))
    assert levels(named(findings, "torch")) == {"ok"}
    assert not named(findings, "fastai")  # of the train extra


@pytest.mark.parametrize(
    ("older", "newer"), [("2.5.1", "2.6"), ("1.0.9", "1.0.15"), ("74", "81"), ("2.6.0rc1+cu1", "2.6.1")]
)
def test_versions_are_compared_as_numbers(older: str, newer: str) -> None:
    assert packages.release(older) < packages.release(newer)
    assert packages.release("2.6") == packages.release("2.6.0+cpu")


def test_settings_that_break_python_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/opt/other")
    monkeypatch.setenv("VSDEOLDIFY_MODELS", "/nowhere/models")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    findings = list(system.environment())
    assert levels(named(findings, "PYTHONHOME")) == {"warning"}
    assert levels(named(findings, "VSDEOLDIFY_MODELS")) == {"warning"}
    assert levels(named(findings, "CUDA_VISIBLE_DEVICES")) == {"note"}


@pytest.mark.skipif(os.name == "nt", reason="the broken tools are shell scripts")
def test_tools_that_do_not_run_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (
        ("ffmpeg", "libx265.so.1: not found"),
        ("vspipe", "Run `vapoursynth config` to set it"),
    ):
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\necho '{text}' >&2\nexit 127\n")
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools.sysconfig, "get_path", lambda _: str(tmp_path))
    (ffmpeg,) = tools.ffmpeg(Facts())
    assert ffmpeg.level == "error", "no other ffmpeg is there"
    assert "libx265.so.1" in ffmpeg.text
    (vspipe,) = tools.vspipe(Facts(VAPOURSYNTH))
    assert vspipe.level == "warning"
    assert str(vspipe.fix).endswith("vapoursynth config")


def test_tools_that_are_missing_are_named_with_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools.sysconfig, "get_path", lambda _: str(tmp_path))
    assert "imageio-ffmpeg" in str(next(iter(tools.ffmpeg(Facts()))).fix)
    assert "vapoursynth" in str(next(iter(tools.vspipe(Facts(VAPOURSYNTH)))).fix)
    assert "vapoursynth-bestsource" in str(next(iter(tools.source_filter(Facts(VAPOURSYNTH)))).fix)
    (motion,) = tools.motion(Facts(VAPOURSYNTH))
    assert "vapoursynth-mvutensils" in str(motion.fix)
    assert "every" in motion.text
    monkeypatch.setattr(tools, "installed_version", lambda name: None)
    (cluster,) = tools.cluster()
    assert cluster.level == "note"
    assert 'install "vsdeoldify[cluster]"' in str(cluster.fix)


def test_two_vapoursynth_versions_are_told_apart() -> None:
    (found, *_) = tools.vspipe(Facts(VAPOURSYNTH))
    if "does not run" in found.text or "activated" in found.text:
        pytest.skip("vspipe is not set up here (vapoursynth config)")
    assert found.level == "warning"
    assert "mixed" in found.text


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_written_is_told() -> None:
    found = system.folder_finding("Folders", "temporary files", Path("/proc/x/y"), False)
    assert found.level == "warning"
    assert "read-only" in found.text
    assert "not there yet" in found.text


@pytest.mark.parametrize("home", ["/home/anne", "/home/anne/", "C:\\Users\\anne"])
def test_home_and_user_are_hidden_wherever_they_stand(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("USERPROFILE", home)
    monkeypatch.setattr(getpass, "getuser", lambda: "anne")
    plain = home.rstrip("/")
    finding = Finding(
        "S",
        "ok",
        "n",
        f"{plain} and {plain}/a.pth, /media/anne/disk, D:\\anne\\x, {plain}2/keep, planner",
        f'pip install "{plain}/b"',
        {"file": f"{plain}/c", "list": [{"deep": f"http://u:p@host/{plain}"}], "number": 3},
    )
    clean = scrub(finding)
    assert clean.text == rf"~ and ~/a.pth, /media/<user>/disk, D:\<user>\x, {plain}2/keep, planner"
    assert clean.fix == 'pip install "~/b"'
    assert clean.data["file"] == "~/c"
    assert clean.data["list"][0]["deep"].startswith("http://***@host/")
    assert clean.data["number"] == 3


def test_a_root_folder_as_home_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/")
    monkeypatch.setenv("USERPROFILE", "/")
    assert scrub(Finding("S", "ok", "n", "/opt/models/x")).text == "/opt/models/x"


def test_the_report_is_plain_text_with_the_cure_below_each_problem() -> None:
    text = as_text(
        [
            Finding("System", "ok", "Python", "3.12"),
            Finding("Tools", "warning", "ffmpeg", "not found", "python -m pip install imageio-ffmpeg"),
            Finding("Tools", "error", "torch", "gone", "python -m pip install torch"),
        ]
    )
    assert text.splitlines() == [
        "System",
        "  ok     Python  3.12",
        "",
        "Tools",
        "  WARN   ffmpeg  not found",
        "                 -> python -m pip install imageio-ffmpeg",
        "  ERROR  torch   gone",
        "                 -> python -m pip install torch",
        "",
        "something needed is broken: 1 error, 1 warning",
    ]


def test_warnings_alone_leave_the_exit_code_at_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    args = argparse.Namespace(json=False, no_test=True, torch_dir=None)
    for level, code in (("warning", 0), ("error", 1)):
        monkeypatch.setattr(
            command, "examine", lambda *_, level=level, **__: [Finding("S", level, "n", "t", "f")]
        )
        assert command.run(args) == code
