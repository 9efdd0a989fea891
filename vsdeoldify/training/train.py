"""The training: a fastai Learner on crops of pictures, from a backbone or from a trained model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import torch
from fastai.callback.training import GradientClip
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.optimizer import OptimWrapper
from safetensors.torch import load_file
from torch import Tensor, nn

from ..preview.network import (
    ANCHORS,
    STAGES,
    STRIDE,
    PreviewNetwork,
    encoder_weights,
    load_network,
    load_preview,
)
from .callbacks import Averaged, Check, Journal, Schedule, Taught
from .data import Pairs, chroma_histogram, find_anchors, join_views
from .export import calibrate
from .losses import FULLNESS, ColourLoss, taught_loss
from .store import Store

_HISTOGRAM_PICTURES = 4000
# Found on held-out pictures with a half-trained network: the least CIEDE2000 at a given colourfulness.
_UNWEIGHT, _TEMPERATURE, _GAIN = 0.75, 0.5, 1.2


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        pictures: folders, tar files or files to learn from.
        folder: where decoded pictures, checkpoints, the log and examples are written.
        backbone: safetensors file with timm's `tf_efficientnet_lite0` weights, to train a new model.
        start: a model file to go on from; with neither, the bundled model.
        epochs: passes over the pictures; ignored where `minutes` is given.
        minutes: time for the whole training.
        batch: crops a step.
        sizes: crop sizes in pixels, multiples of 32, one after the other.
        shares: the share of the training that each size gets.
        rate: the highest learning rate; about a tenth of the default for fine-tuning.
        average: how slowly the averaged weights follow, 0…1.
        colourful: the colourfulness of the exported model as a share of the true one.
        without: pictures whose file name begins with one of these words and an underscore are left out.
        times: how often the pictures of each place come in one pass, in the order of `pictures`: few stills
            of one film among many other pictures would hardly be seen. Empty: all of them once.
        frozen: how many of the encoder's seven stages, from the first, stay as they are: they see edges and
            textures, cost the most and learn the least. 0 trains all of it.
        teachers: model files whose mean colours are learned in place of the true ones (`taught_loss`); the
            statistics of the normalisations stay as they are. Empty: learn from the pictures.
        trust: how much each of `teachers` counts; empty: all the same.
        every: seconds between two checkpoints.
        seed: for crops, order and starting weights.
        device: a torch device.
    """

    pictures: Sequence[Path]
    folder: Path
    backbone: Path | None = None
    start: Path | None = None
    epochs: float = 20
    minutes: float | None = None
    batch: int = 32
    sizes: tuple[int, ...] = (96, 128)
    shares: tuple[float, ...] = (0.65, 0.35)
    rate: float = 1.5e-3
    average: float = 0.998
    colourful: float = 0.53
    without: tuple[str, ...] = ()
    times: tuple[int, ...] = ()
    frozen: int = 0
    teachers: Sequence[Path] = ()
    trust: tuple[float, ...] = ()
    every: float = 180
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if not self.sizes or any(size < STRIDE or size % STRIDE for size in self.sizes):
            raise ValueError(f"sizes must be multiples of {STRIDE}, got {self.sizes}")
        if len(self.sizes) != len(self.shares) or any(share <= 0 for share in self.shares):
            raise ValueError(f"shares must be one number above 0 for each size, got {self.shares}")
        for name in ("epochs", "batch", "rate", "colourful"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if self.times and (len(self.times) != len(self.pictures) or min(self.times) < 1):
            raise ValueError(
                f"times must be one whole number above 0 for each place with pictures, got {self.times}"
            )
        if not 0 <= self.frozen <= len(STAGES):
            raise ValueError(f"frozen must be 0 to {len(STAGES)} stages, got {self.frozen}")
        if self.teachers and self.backbone is not None:
            raise ValueError("teachers teach a trained model: give one to start from and no backbone")
        if self.trust and (len(self.trust) != len(self.teachers) or min(self.trust) <= 0):
            raise ValueError(f"trust must be one number above 0 for each of the teachers, got {self.trust}")
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"minutes must be above 0, got {self.minutes}")


class LogitsModule(nn.Module):
    """The network with the output that the loss takes.

    Args:
        network: the network.
        frozen: how many stages of its encoder do not learn.
        settled: whether the network works in training as it does afterwards: normalised by its statistics,
            which stay, and not by those of the batch, with nothing left out at random.
    """

    def __init__(self, network: PreviewNetwork, frozen: int = 0, settled: bool = False) -> None:
        super().__init__()
        self.network = network
        self._settled = settled
        encoder = network.encoder
        self._frozen = [encoder.stem, *encoder.stages[:frozen]] if frozen else []
        for part in self._frozen:
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """As everywhere, but frozen stages keep their statistics, too, and a settled network all of them."""
        super().train(mode and not self._settled)
        for part in self._frozen:
            part.eval()
        return self

    def forward(self, gray: Tensor) -> Tensor:
        """The logits for `gray` (B, 1, S, S)."""
        return self.network.logits(gray.contiguous(memory_format=torch.channels_last))


def train(settings: Settings) -> PreviewNetwork:
    """Train, or go on with a training that was cut off.

    Args:
        settings: see `Settings`.

    Returns:
        The network with averaged weights, calibrated.

    Raises:
        FileNotFoundError: there are no pictures at a place.
        ValueError: fewer than two pictures, or a file that is not what it should be.
    """
    torch.manual_seed(settings.seed)
    device = torch.device(settings.device)
    # Before the pictures are decoded: a wrong file is to be told at once.
    teaching = _teaching(settings, device)
    settings.folder.mkdir(parents=True, exist_ok=True)
    store = Store.build(settings.folder, settings.pictures, settings.without)
    learned, held = store.split(settings.seed)
    histogram = chroma_histogram(store, learned[:_HISTOGRAM_PICTURES])
    network = _starting_network(settings, histogram)
    check = Check(store, held)
    loss = ColourLoss(network.anchors.double().numpy(), histogram)
    if settings.backbone is not None:
        network.bias.copy_(-_UNWEIGHT * loss.weights.log())
        network.temperature.fill_(_TEMPERATURE)
        network.gain.fill_(_GAIN)
    elif not settings.teachers:
        # A finished model's gain makes it paler than the loss asks for: the training would win that back by
        # being surer than it has reason to.
        calibrate(network.eval(), check.gray, check.ab, FULLNESS)
    loss = loss.to(device)
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    if settings.times:
        learned = store.repeated(learned, settings.times)
    crops = Pairs(store, learned, settings.sizes[0], settings.seed)
    batch = min(settings.batch, len(crops))
    loader = DataLoader(
        crops,
        bs=batch,
        shuffle=True,
        drop_last=True,
        num_workers=0,
        device=device,
        create_batch=join_views,
    )
    schedule = Schedule(
        crops,
        settings.sizes,
        settings.shares,
        settings.rate,
        max(1, round(settings.epochs * len(loader))),
        settings.minutes,
    )
    averaged = Averaged(settings.average)
    journal = Journal(settings.folder, settings.every, _identity(settings, store), schedule, averaged, check)
    learn = Learner(
        DataLoaders(loader, loader, device=device),
        LogitsModule(network, settings.frozen, settled=bool(settings.teachers)),
        loss_func=lambda logits, *truth: (
            taught_loss(network.mean(logits), *truth)
            if settings.teachers
            else loss(logits, network.mean(logits), *truth)
        ),
        opt_func=partial(OptimWrapper, opt=torch.optim.AdamW, weight_decay=0.01),
        splitter=_split,
        cbs=[schedule, averaged, GradientClip(1.0), journal, *teaching],
        path=settings.folder,
    )
    learn.create_opt()
    if journal.resume():
        # Other crops than those that the first part began with.
        crops.reseed(settings.seed + schedule.done)
    if schedule.progress < 1:
        with learn.no_bar(), learn.no_logging():
            try:
                # The schedule ends the training before so many epochs.
                learn.fit(1_000_000)
            except KeyboardInterrupt:
                journal.write()
                raise
    result = averaged.average
    assert result is not None
    calibrate(result.eval().cpu(), check.gray, check.ab, settings.colourful)
    return result


def _starting_network(settings: Settings, histogram: np.ndarray) -> PreviewNetwork:
    if settings.start is not None:
        return load_network(settings.start)
    if settings.backbone is None:
        return load_preview(fold=False)
    network = PreviewNetwork()
    try:
        network.encoder.load_state_dict(encoder_weights(load_file(settings.backbone)))
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"{settings.backbone} does not hold timm's tf_efficientnet_lite0 ({str(error).splitlines()[0]})"
        ) from None
    network.anchors.copy_(torch.from_numpy(find_anchors(histogram, ANCHORS, settings.seed)))
    return network.soften()


def _teaching(settings: Settings, device: torch.device) -> list[Taught]:
    """The callback that asks the teachers, where there are any."""
    if not settings.teachers:
        return []
    trust = settings.trust or (1.0,) * len(settings.teachers)
    networks = [load_network(file).fold().to(device) for file in settings.teachers]
    return [Taught([(network, share / sum(trust)) for network, share in zip(networks, trust, strict=True)])]


def _identity(settings: Settings, store: Store) -> str:
    """What must be equal for a checkpoint to be taken up."""
    return json.dumps(
        {
            "pictures": store.name,
            "start": [str(path) if path else None for path in (settings.backbone, settings.start)],
            "batch": settings.batch,
            "sizes": settings.sizes,
            "frozen": settings.frozen,
            "teachers": [[str(path) for path in settings.teachers], settings.trust],
            "seed": settings.seed,
        }
    )


def _split(model: LogitsModule) -> list[list[nn.Parameter]]:
    """The encoder's and the other parameters: they learn at different rates."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    known = {id(parameter) for parameter in model.network.encoder.parameters()}
    return [[p for p in learning if id(p) in known], [p for p in learning if id(p) not in known]]
