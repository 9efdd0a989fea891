"""fastai callbacks: the schedule (by steps or by the clock), averaged weights, journal and checkpoints."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import cv2
import numpy as np
import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.schedule import combined_cos
from torch import Tensor

from ..preview.network import PreviewNetwork
from ..runtime.color import lab_to_rgb, luma_to_lightness
from .data import Crops, whole_pictures
from .store import Store

_ENCODER_RATE = 1 / 3
# Measuring more pictures every few minutes would take much of a short training.
_CHECKED = 96
_EXAMPLES = 6
_ASLEEP = 60.0
"""Seconds of one step beyond which the computer was asleep or stopped, and nothing was trained."""


class Schedule(Callback):  # type: ignore[misc]
    """One-cycle learning rates and growing crops; ends the training.

    Args:
        crops: the pictures, whose size is set.
        sizes: crop sizes, one after the other.
        shares: the share of the training that each size gets.
        rate: the highest learning rate of the decoder; the encoder, already trained, gets a third of it.
        steps: how many steps to make where `minutes` is None.
        minutes: how long to train; the rates then follow the clock, so that they come down in time however
            busy the machine is.
    """

    order = 60

    def __init__(
        self,
        crops: Crops,
        sizes: Sequence[int],
        shares: Sequence[float],
        rate: float,
        steps: int,
        minutes: float | None,
    ) -> None:
        self.crops = crops
        self.sizes = tuple(sizes)
        self.limits = np.cumsum(shares) / np.sum(shares)
        self.rate = rate
        self.steps = steps
        self.minutes = minutes
        self.done = 0
        self.elapsed = 0.0
        self.curve = combined_cos(0.06, 0.04, 1.0, 0.001)

    @property
    def progress(self) -> float:
        """How much of the training is done, 0…1."""
        if self.minutes is not None:
            return min(1.0, self.elapsed / (60 * self.minutes))
        return min(1.0, self.done / self.steps)

    def before_fit(self) -> None:
        """Start the clock where the last run stopped it."""
        self.last = time.monotonic()
        self._choose_size()

    def before_batch(self) -> None:
        """Set this step's learning rates."""
        rate = self.rate * float(self.curve(self.progress))
        self.learn.opt.set_hyper("lr", [rate * _ENCODER_RATE, rate])

    def after_batch(self) -> None:
        """Advance, and stop at the end."""
        self.done += 1
        now = time.monotonic()
        self.elapsed += min(now - self.last, _ASLEEP)
        self.last = now
        self._choose_size()
        if self.progress >= 1:
            raise CancelFitException()

    def _choose_size(self) -> None:
        stage = int(np.searchsorted(self.limits, self.progress, side="right"))
        self.crops.size = self.sizes[min(stage, len(self.sizes) - 1)]


class Taught(Callback):  # type: ignore[misc]
    """Adds to each batch the colours that other models give to its pictures.

    Args:
        teachers: the models, with their shares of the mean, which sum up to 1.
    """

    order = 59

    def __init__(self, teachers: Sequence[tuple[PreviewNetwork, float]]) -> None:
        self.teachers = teachers

    def before_batch(self) -> None:
        """Append the wanted a/b of the first views to what the loss is given."""
        gray = self.learn.xb[0]
        rows = self.learn.yb[1]
        self.learn.yb = (*self.learn.yb, self.wanted(gray[: len(gray) - len(rows)]))

    @torch.no_grad()
    def wanted(self, gray: Tensor) -> Tensor:
        """The mean of the models' colours.

        Each model sees the pictures mirrored or not, at random: what it makes of left and right alone is
        no knowledge, and cancels out over the steps.

        Args:
            gray: pictures (B, 1, S, S) in 0…1.

        Returns:
            a/b (B, 2, S/2, S/2), Lab units.
        """
        total = gray.new_zeros(len(gray), 2, gray.shape[2] // 2, gray.shape[3] // 2)
        for network, share in self.teachers:
            mirrored = bool(torch.rand(()) < 0.5)
            seen = gray.flip(-1) if mirrored else gray
            found = network.mean(network.logits(seen.contiguous(memory_format=torch.channels_last)))
            total += share * (found.flip(-1) if mirrored else found)
        return total


class Averaged(Callback):  # type: ignore[misc]
    """Keeps a moving average of the weights, which colours better than the last step's.

    Args:
        decay: how much of the old average stays at each step.
    """

    order = 61

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.average: PreviewNetwork | None = None

    def before_fit(self) -> None:
        """Copy the weights, unless a checkpoint brought an average."""
        if self.average is None:
            self.average = deepcopy(self.learn.model.network).requires_grad_(False)

    def after_batch(self) -> None:
        """Move the average towards the weights."""
        assert self.average is not None
        self.steps += 1
        # At first the average would be made of the untrained weights.
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        current = self.learn.model.network.state_dict()
        with torch.no_grad():
            for key, value in self.average.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(current[key], 1 - decay)
                else:
                    value.copy_(current[key])


class Check:
    """Pictures that the network does not learn from, to measure and to look at.

    Args:
        store: the pictures.
        members: which of them; the first 96 are enough.
        size: they are squashed to squares of this side, a multiple of 32.
    """

    def __init__(self, store: Store, members: Sequence[int], size: int = 160) -> None:
        self.gray, self.ab = whole_pictures(store, members[:_CHECKED], size)

    @torch.inference_mode()
    def measure(self, network: PreviewNetwork) -> dict[str, float]:
        """Compare the colours with the true ones.

        Returns:
            `psnr_gain`, the a/b PSNR over plain gray's in dB, and `chroma_share`, the mean chroma as a share
            of the true one: 1 is as colourful.
        """
        error = gray_error = chroma = true_chroma = 0.0
        for gray, ab in zip(torch.split(self.gray, 16), torch.split(self.ab, 16), strict=True):
            found = _predict(network, gray)
            error += float((found - ab).square().sum())
            gray_error += float(ab.square().sum())
            chroma += float(found.norm(dim=1).sum())
            true_chroma += float(ab.norm(dim=1).sum())
        return {
            "psnr_gain": round(10 * float(np.log10(gray_error / max(error, 1e-9))), 3),
            "chroma_share": round(chroma / max(true_chroma, 1e-9), 3),
        }

    @torch.inference_mode()
    def write_examples(self, network: PreviewNetwork, file: Path) -> None:
        """Write a picture with a row of gray, one of coloured and one of true pictures."""
        gray, ab = self.gray[:_EXAMPLES], self.ab[:_EXAMPLES]
        lightness = luma_to_lightness(gray)
        rows = [
            lab_to_rgb(torch.cat((lightness, chroma), dim=1))
            for chroma in (torch.zeros_like(ab), _predict(network, gray), ab)
        ]
        sheet = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1).permute(1, 2, 0)
        cv2.imwrite(str(file), np.rint(sheet.numpy()[..., ::-1] * 255).astype(np.uint8))


class Journal(Callback):  # type: ignore[misc]
    """Writes checkpoints, a log and example pictures to a folder, every few minutes and at the end.

    Args:
        folder: where to.
        every: seconds between two.
        identity: what makes this training this one; a checkpoint of another is not taken up.
        schedule: whose place is saved.
        averaged: whose weights are saved and measured.
        check: the pictures to measure on.
    """

    order = 62

    def __init__(
        self, folder: Path, every: float, identity: str, schedule: Schedule, averaged: Averaged, check: Check
    ) -> None:
        self.folder = folder
        self.every = every
        self.identity = identity
        self.schedule = schedule
        self.averaged = averaged
        self.check = check
        self.losses: list[float] = []
        self.seen = 0

    def before_fit(self) -> None:
        """Note the time."""
        self.saved = time.monotonic()

    def after_batch(self) -> None:
        """Collect the loss; write when it is time."""
        self.losses.append(float(self.learn.loss.detach()))
        self.seen += len(self.learn.x)
        if time.monotonic() - self.saved >= self.every:
            self.write()

    def after_cancel_fit(self) -> None:
        """Write at the end."""
        self.write()

    def write(self) -> None:
        """Write checkpoint, log line and examples now."""
        network = self.averaged.average
        assert network is not None
        seconds = time.monotonic() - self.saved
        self._save()
        network.eval()
        line = {
            "step": self.schedule.done,
            "progress": round(self.schedule.progress, 4),
            "minutes": round(self.schedule.elapsed / 60, 2),
            "size": self.schedule.crops.size,
            "loss": round(float(np.mean(self.losses)), 4) if self.losses else None,
            "pictures_per_second": round(self.seen / max(seconds, 1e-6), 1),
            **self.check.measure(network),
        }
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.check.write_examples(network, self.folder / "examples.png")
        self.losses.clear()
        self.seen = 0
        self.saved = time.monotonic()

    def _save(self) -> None:
        assert self.averaged.average is not None
        state = {
            "identity": self.identity,
            "network": self.learn.model.network.state_dict(),
            "averaged": self.averaged.average.state_dict(),
            "averaged_steps": self.averaged.steps,
            "optimizer": self.learn.opt.state_dict(),
            "done": self.schedule.done,
            "elapsed": self.schedule.elapsed,
        }
        # Renamed when complete: a cut-off leaves the old checkpoint whole.
        temporary = self.folder / "checkpoint.tmp"
        torch.save(state, temporary)
        temporary.replace(self.folder / "checkpoint.pt")

    def resume(self) -> bool:
        """Take up the checkpoint of the folder, if there is one; after the optimizer was made.

        Returns:
            Whether there was one.

        Raises:
            ValueError: it belongs to another training.
        """
        file = self.folder / "checkpoint.pt"
        if not file.exists():
            return False
        network = self.learn.model.network
        state = torch.load(file, map_location=next(network.parameters()).device, weights_only=True)
        if state.get("identity") != self.identity:
            raise ValueError(
                f"{file} belongs to a training with other pictures or settings: "
                "use those again to go on with it, or another --work folder to start anew"
            )
        network.load_state_dict(state["network"])
        self.averaged.average = deepcopy(network).requires_grad_(False)
        self.averaged.average.load_state_dict(state["averaged"])
        self.averaged.steps = state["averaged_steps"]
        self.learn.opt.load_state_dict(state["optimizer"])
        self.schedule.done, self.schedule.elapsed = state["done"], state["elapsed"]
        return True


def _predict(network: PreviewNetwork, gray: Tensor) -> Tensor:
    device = next(network.parameters()).device
    return network(gray.to(device).contiguous(memory_format=torch.channels_last)).cpu()  # type: ignore[no-any-return]
