"""Train the preview model: `python -m vsdeoldify.training PICTURES… --output FILE`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command line; None takes the process's own.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m vsdeoldify.training", description=__doc__)
    parser.add_argument("pictures", type=Path, nargs="+", help="folders, tar files or colour pictures")
    parser.add_argument("--output", type=Path, required=True, help="the model file to write (.safetensors)")
    parser.add_argument(
        "--work", type=Path, help="folder for checkpoints, log and examples (default: OUTPUT with .work)"
    )
    parser.add_argument("--backbone", type=Path, help="train anew from timm's tf_efficientnet_lite0 weights")
    parser.add_argument("--start", type=Path, help="go on from this model file (default: the bundled model)")
    parser.add_argument("--epochs", type=float, default=20, help="passes over the pictures (default 20)")
    parser.add_argument("--minutes", type=float, help="train for this long instead")
    parser.add_argument("--batch", type=int, default=32, help="crops a step (default 32)")
    parser.add_argument("--sizes", default="96,128", help="crop sizes, multiples of 32 (96,128)")
    parser.add_argument("--shares", default="65,35", help="share of the training for each (65,35)")
    parser.add_argument("--rate", type=float, help="highest learning rate (1.5e-3; fine-tuning 1.5e-4)")
    parser.add_argument(
        "--colourful",
        type=float,
        default=0.53,
        help="colourfulness to reach, as a share of the true one (0.53)",
    )
    parser.add_argument(
        "--without",
        default="",
        help="leave out pictures whose names begin with one of these words and an underscore (har,ships)",
    )
    parser.add_argument(
        "--times",
        default="",
        help="how often the pictures of each place come in one pass, such as 20,1 (once)",
    )
    parser.add_argument(
        "--frozen", type=int, default=0, help="stages of the encoder that do not learn, 0 to 7 (default 0)"
    )
    parser.add_argument(
        "--teachers",
        type=Path,
        nargs="+",
        default=[],
        help="learn the mean of the colours that these model files give, not the true ones",
    )
    parser.add_argument(
        "--trust", default="", help="how much each of the teachers counts, such as 40,35,25 (all the same)"
    )
    parser.add_argument("--every", type=float, default=180, help="seconds between checkpoints (180)")
    parser.add_argument("--seed", type=int, default=0, help="for crops, order and weights (0)")
    parser.add_argument("--device", default="cpu", help="torch device, such as cuda (default cpu)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch's choice)")
    options = parser.parse_args(arguments)
    try:
        import torch

        from .export import export
        from .train import Settings, train
    except ImportError as error:
        parser.error(f'{error}; training needs the train extra: pip install "vsdeoldify[train]"')
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    work = options.work or options.output.with_suffix(".work")
    try:
        settings = Settings(
            pictures=options.pictures,
            folder=work,
            backbone=options.backbone,
            start=options.start,
            epochs=options.epochs,
            minutes=options.minutes,
            batch=options.batch,
            sizes=tuple(int(size) for size in options.sizes.split(",")),
            shares=tuple(float(share) for share in options.shares.split(",")),
            rate=options.rate or (1.5e-3 if options.backbone else 1.5e-4),
            colourful=options.colourful,
            without=tuple(word for word in options.without.split(",") if word),
            times=tuple(int(times) for times in options.times.split(",") if times),
            frozen=options.frozen,
            teachers=options.teachers,
            trust=tuple(float(share) for share in options.trust.split(",") if share),
            every=options.every,
            seed=options.seed,
            device=options.device,
        )
        export(train(settings), options.output)
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from {work}", file=sys.stderr)
        return 130
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(f"wrote {options.output}; log and example pictures are in {work}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
