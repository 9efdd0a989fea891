"""``vsdeoldify cluster start``: the meeting point of the computers that make a film together."""

import argparse
from typing import Any

from ...support.paths import user_path
from ..errors import DONE
from ..terminal import say

_CERTIFICATE = "cluster.pem"


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "cluster",
        help="let several computers make a film together",
        description="start: run the meeting point of the computers that make films together, until Ctrl-C. "
        "It computes nothing itself and writes the certificate by which the computers know each other.",
        epilog="examples:\n"
        "  vsdeoldify cluster start                              here, once\n"
        "  vsdeoldify worker tls://192.168.1.10:8786 --certificate cluster.pem     on each computer\n"
        "  vsdeoldify colorize film.mkv --cluster tls://192.168.1.10:8786 --certificate cluster.pem",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("action", choices=("start",), help="what to do")
    parser.add_argument(
        "--certificate",
        metavar="FILE",
        default=_CERTIFICATE,
        help=f"the certificate; it is made if it is not there (default: {_CERTIFICATE})",
    )
    parser.add_argument(
        "--host",
        metavar="HOST",
        default="0.0.0.0",
        help="the address to listen on (default: all of this computer)",
    )
    parser.add_argument(
        "--port", type=int, metavar="N", default=8786, help="the port to listen on (default: 8786)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the meeting point."""
    from ...cluster.scheduler import run_scheduler

    run_scheduler(args.host, args.port, user_path(args.certificate).absolute(), say)
    return DONE
