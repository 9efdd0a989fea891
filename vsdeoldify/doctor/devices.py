"""What torch can compute on, and a frame coloured on each device."""

import re
import shutil
from collections.abc import Callable, Iterator

from .facts import Device, Facts, probe
from .findings import Finding
from .surroundings import DISTRIBUTION, output_of, pip, size

_TEST_TIMEOUT = 600


def devices(facts: Facts) -> Iterator[Finding]:
    if error := facts.error("devices"):
        if not facts.error("torch"):
            fix = "update the graphics driver, restart the computer, run this again"
            yield Finding("Devices", "error", "devices", f"looking for them failed: {error}", fix)
        return
    architectures = facts.torch["architectures"]
    for device in facts.devices:
        parts = [device["name"]]
        if device.get("memory"):
            free = f", {size(device['free'])} free" if "free" in device else ""
            parts.append(size(device["memory"]) + free)
        if "architecture" in device:
            parts.append(device["architecture"])
        parts += [" ".join(device["precisions"]), f"device_index={device['index']}"]
        text = "; ".join(parts)
        if problem := device.get("problem"):
            fix = "close other programs that use this GPU; if that does not help, update its driver"
            yield Finding("Devices", "error", device["device"], f"{text}; {problem}", fix, device)
        elif architectures and not _supported(device, architectures):
            text += f"; this torch was built for {', '.join(architectures)} only"
            fix = "install the torch build for this GPU: https://pytorch.org/get-started/locally/"
            yield Finding("Devices", "error", device["device"], text, fix, device)
        else:
            yield Finding("Devices", "ok", device["device"], text, data=device)
    yield from _unused_gpu(facts)


def _supported(device: Device, architectures: list[str]) -> bool:
    """Whether torch was built for a GPU: for its very architecture or an older one of its generation."""
    own = re.fullmatch(r"sm_(\d+)(\d)", device.get("architecture", ""))
    if own is None:
        return True
    for name in architectures:
        built = re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", name)
        if built is None:
            continue
        older = (int(built[2]), int(built[3])) <= (int(own[1]), int(own[2]))
        if older and (built[1] == "compute" or built[2] == own[1]):
            return True
    return False


def _unused_gpu(facts: Facts) -> Iterator[Finding]:
    """A graphics card that the driver knows and torch does not use."""
    if any(device["device"].startswith("cuda") for device in facts.devices):
        return
    torch = facts.torch
    tool = shutil.which("nvidia-smi")
    if tool is None or torch["rocm"]:
        return
    code, output = output_of([tool, "--query-gpu=name,driver_version", "--format=csv,noheader"])
    if code == 0 and output.strip():
        name = "; ".join(output.strip().splitlines())
        if torch["cuda"]:
            text = f"{name}: there, but torch (CUDA {torch['cuda']}) cannot use it"
            fix = "update the NVIDIA driver; if CUDA_VISIBLE_DEVICES is set, unset it"
        else:
            text = f"{name}: there, but this torch was built without CUDA"
            fix = "install the torch build for CUDA: https://pytorch.org/get-started/locally/"
        yield Finding("Devices", "warning", "GPU", text, fix)


def self_tests(facts: Facts, say: Callable[[str], None]) -> Iterator[Finding]:
    """Colour one frame on each device, each in a process of its own."""
    if facts.error("devices"):
        reason = "torch does not load" if facts.error("torch") else "the devices are not known"
        yield Finding("Self-test", "note", "self-test", f"not done: {reason}")
        return
    for device in facts.devices:
        name = device["device"]
        say(f"colouring one frame on {name}...")
        result = probe("test", name, timeout=_TEST_TIMEOUT).get("test", {"error": "no result"})
        if error := result.get("error"):
            fix = _test_fix(error, device)
            yield Finding("Self-test", "error", name, f"failed: {error}", fix, {"error": error})
            continue
        value = result["value"]
        how = "the preview model" if value["network"] == "preview" else "a random network"
        text = f"one frame coloured with {how}, first one after {value['seconds']} s"
        if "difference" in value:
            text += f", largest difference from the CPU {value['difference']:.1%}"
        yield Finding("Self-test", "ok", name, text, data=value)
        # What else is broken has been told already.
        told = facts.error(DISTRIBUTION) is not None
        if (why := value.get("why")) and name == "cpu" and not told and "FileNotFoundError" not in why:
            fix = pip(f"install --force-reinstall --no-deps {DISTRIBUTION}")
            yield Finding("Self-test", "warning", "preview", f"cannot be used: {why}", fix)


def _test_fix(error: str, device: Device) -> str:
    if "out of memory" in error.lower():
        return "close other programs that use this device, or colour on another one (see Devices)"
    if "no kernel image" in error:
        return "install the torch build for this GPU: https://pytorch.org/get-started/locally/"
    if device["device"] == "cpu":
        return pip("install --upgrade --force-reinstall torch torchvision timm")
    return "update this device's driver and torch; until then colour with device_index=99 (the CPU)"
