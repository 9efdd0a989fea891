"""The options of clusters, shared by the commands that use one."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..support.paths import user_path
from .errors import USAGE, CommandError
from .options import number_or_name

if TYPE_CHECKING:
    from ..film.colorize import MakePieces
    from ..film.recipe import Recipe

_LOCAL = re.compile(r"local(?::(\d+))?")
_MOST = 64


def add_cluster_options(parser: "argparse.ArgumentParser | argparse._ArgumentGroup") -> None:
    """The options that say who makes a film's pieces."""
    parser.add_argument(
        "--cluster",
        metavar="CLUSTER",
        help="who makes the film's pieces: local:2 (two workers on this computer), local with --device 0,1 "
        "(one for each GPU), or the address that vsdeoldify cluster start shows (tls://192.168.1.10:8786)",
    )
    add_certificate_option(parser)


def add_certificate_option(
    parser: "argparse.ArgumentParser | argparse._ArgumentGroup", default: str | None = None
) -> None:
    """The option that names the certificate of a cluster."""
    parser.add_argument(
        "--certificate",
        metavar="FILE",
        default=default,
        help="a cluster's certificate, the file cluster.pem that vsdeoldify cluster start writes",
    )


def certificate_of(args: argparse.Namespace) -> Path | None:
    """The file that `--certificate` names."""
    return None if args.certificate is None else user_path(args.certificate).absolute()


def cluster_of(args: argparse.Namespace) -> "Callable[[Recipe], MakePieces]":
    """Who makes the pieces of a film, by the options; of several devices the first one stays in `args`.

    Raises:
        CommandError: the options contradict each other.
        RequestError: an address that is none.
    """
    from ..film.work import render_pieces

    devices = [name.strip() for name in (args.device or "").split(",")]
    several = len(devices) > 1
    if several:
        args.device = devices[0]
    local = None if args.cluster is None else _LOCAL.fullmatch(args.cluster)
    if several and local is None:
        raise CommandError(
            "several devices make a film with --cluster local; a vsdeoldify worker has one, as in --device 0",
            USAGE,
        )
    if args.cluster is None:
        if args.certificate is not None:
            raise CommandError("--certificate goes with --cluster tls://ADDRESS", USAGE)
        return lambda recipe: render_pieces
    if local is None:
        return _remote(args)
    count = int(local[1]) if local[1] else len(devices)
    if not 1 <= count <= _MOST or count < len(devices):
        raise CommandError(
            f"--cluster {args.cluster}: 1 to {_MOST} workers, and at least one for each device", USAGE
        )
    names = [number_or_name(devices[n % len(devices)]) if args.device else None for n in range(count)]

    def on_this(recipe: "Recipe") -> "MakePieces":
        from ..cluster.crew import on_this_computer
        from ..cluster.facts import look_at_device

        known = {name: look_at_device(name) for name in dict.fromkeys(names)}
        return on_this_computer(
            [known[name] for name in names], recipe, recipe.chosen.ddeoldify.get("torch_dir")
        )

    return on_this


def _remote(args: argparse.Namespace) -> "Callable[[Recipe], MakePieces]":
    from ..cluster.security import check_reachable, parse_address

    address, certificate = parse_address(args.cluster), certificate_of(args)

    def on_that(recipe: "Recipe") -> "MakePieces":
        from ..cluster.crew import on_cluster

        # Before the film is read, which may take minutes.
        check_reachable(address, certificate)
        return on_cluster(address, certificate, recipe)

    return on_that
