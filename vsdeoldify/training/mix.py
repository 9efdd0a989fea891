"""Mix two models, each part of the network at its own share: `python -m vsdeoldify.training.mix PICTURES…`.

Between a model and what a training made of it lie models that colour better than both (Wortsman et al.,
"Model soups", 2022), and beyond the training's end, too; and what one part of the network learned may be
wanted more than what another did.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ..preview.network import STRIDE, PreviewNetwork, load_network
from .callbacks import Check
from .data import Pairs, join_views
from .export import calibrate, export
from .store import Store

_BATCH = 32


def parse_shares(text: str) -> dict[str, float]:
    """Read the shares of the command line.

    Args:
        text: a number for all parts, then for some of them a name, an equals sign and a number:
            `0.5,encoder=0.8,encoder.stages.2=0.3`.

    Returns:
        The share of each named part; the name of all others is empty.

    Raises:
        ValueError: it is something else.
    """
    try:
        rest, *named = text.split(",")
        shares = {"": float(rest)}
        for part in named:
            name, share = part.split("=")
            shares[name.strip()] = float(share)
    except ValueError:
        raise ValueError(
            f"shares must be a number and parts with theirs, such as 0.5,encoder=0.8, got {text}"
        ) from None
    return shares


def mix(old: PreviewNetwork, new: PreviewNetwork, shares: Mapping[str, float]) -> PreviewNetwork:
    """A network between two others, or beyond one of them.

    Args:
        old: where a training began. It gives what is not trained: statistics of the normalisations, which
            are to be measured anew (`measure_statistics`), temperature and gain.
        new: where it ended.
        shares: for each part of the network, by the beginning of its name (`encoder`, `encoder.stages.2`,
            `whole`, `local`, `attention`, `merges`, `choose`), 0 for `old`, 1 for `new`, above or below for
            what lies beyond them; the longest name that fits counts, an empty one is for all others.

    Returns:
        A new network.

    Raises:
        ValueError: a name is no part of the network, or the two name other colours.
    """
    if not torch.equal(old.anchors, new.anchors):
        raise ValueError("the two models name other colours: one must come from training the other")
    learned = dict(new.named_parameters())
    for name in shares:
        if not any(_in_part(key, name) for key in learned):
            parts = ", ".join(dict(new.named_children()))
            raise ValueError(f"the network has no part {name}: it has {parts}, and what lies in these")
    result = PreviewNetwork()
    result.load_state_dict(old.state_dict())
    with torch.no_grad():
        for key, parameter in result.named_parameters():
            fitting = [name for name in shares if _in_part(key, name)]
            if fitting:
                parameter.lerp_(learned[key], shares[max(fitting, key=len)])
    return result.to(memory_format=torch.channels_last).eval()


def _in_part(key: str, name: str) -> bool:
    return not name or key == name or key.startswith(f"{name}.")


def measure_statistics(network: PreviewNetwork, batches: Iterable[Tensor]) -> None:
    """Measure the means and deviations of the normalisations anew: a mixture has others than its parts.

    Args:
        network: changed in place, left in evaluation mode.
        batches: gray pictures, (B, 1, S, S) in 0…1.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        # None: the plain mean over all batches.
        norm.momentum = None
        norm.train()
    with torch.inference_mode():
        for gray in batches:
            network.logits(gray.contiguous(memory_format=torch.channels_last))
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    network.eval()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Args:
        arguments: the command line; None takes the process's own.
    """
    parser = argparse.ArgumentParser(prog="python -m vsdeoldify.training.mix", description=__doc__)
    parser.add_argument("pictures", type=Path, nargs="+", help="folders, tar files or colour pictures")
    parser.add_argument("--old", type=Path, required=True, help="the model that a training began with")
    parser.add_argument("--new", type=Path, required=True, help="the model that it ended with")
    parser.add_argument(
        "--shares",
        required=True,
        help="0 is the old one, 1 the new one: a number for all parts of the network, then those of "
        "single ones, such as 0.5,encoder=0.8,merges=-0.2",
    )
    parser.add_argument("--output", type=Path, required=True, help="the model file to write (.safetensors)")
    parser.add_argument("--work", type=Path, help="folder for decoded pictures (default: OUTPUT with .work)")
    parser.add_argument("--size", type=int, default=192, help="side of the crops for the statistics (192)")
    parser.add_argument("--crops", type=int, default=1280, help="how many of them (1280)")
    parser.add_argument(
        "--temperature", type=float, help="lower: sure colours fuller, guesses paler (default: the old one's)"
    )
    parser.add_argument(
        "--colourful",
        type=float,
        default=0.53,
        help="colourfulness to reach, as a share of the true one (0.53)",
    )
    parser.add_argument("--seed", type=int, default=0, help="for crops and their order (0)")
    options = parser.parse_args(arguments)
    if options.size < STRIDE or options.size % STRIDE:
        parser.error(f"--size must be a multiple of {STRIDE}, got {options.size}")
    for name in ("crops", "colourful", "temperature"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            parser.error(f"--{name} must be above 0, got {value}")
    try:
        network = mix(load_network(options.old), load_network(options.new), parse_shares(options.shares))
        work = options.work or options.output.with_suffix(".work")
        store = Store.build(work, options.pictures)
        learned, held = store.split(options.seed)
        crops = Pairs(store, learned, options.size, options.seed)
        measure_statistics(network, _batches(crops, options.crops))
        if options.temperature is not None:
            network.temperature.fill_(options.temperature)
        check = Check(store, held)
        calibrate(network, check.gray, check.ab, options.colourful)
        export(network, options.output)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(f"wrote {options.output}")


def _batches(crops: Pairs, count: int) -> Iterable[Tensor]:
    """Gray pictures as the training sees them, second views among them."""
    for start in range(0, count, _BATCH):
        yield join_views([crops[n % len(crops)] for n in range(start, min(start + _BATCH, count))])[0]


if __name__ == "__main__":
    main()
