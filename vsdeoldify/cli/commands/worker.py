"""``vsdeoldify worker ADDRESS``: make pieces of films that other computers ask for."""

import argparse
from typing import Any

from ...support.paths import user_path
from ..cluster_options import add_certificate_option, certificate_of
from ..errors import DONE
from ..options import number_or_name
from ..terminal import say


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "worker",
        help="make pieces of films for a cluster",
        description="Make pieces of films for a cluster, until Ctrl-C: one worker for each GPU of this "
        "computer, or one for its processor. It needs the same vsdeoldify and the same models as the "
        "computer that has the film.",
        epilog="examples:\n"
        "  vsdeoldify worker tls://192.168.1.10:8786 --certificate cluster.pem\n"
        "  vsdeoldify worker tls://192.168.1.10:8786 --certificate cluster.pem --device 1     the second GPU",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("address", metavar="ADDRESS", help="what vsdeoldify cluster start shows")
    add_certificate_option(parser)
    parser.add_argument(
        "--device",
        metavar="DEVICE",
        help="0–7: a GPU; 99 or cpu: the CPU; or a torch device name (default: the first GPU, else the CPU)",
    )
    parser.add_argument("--torch-dir", metavar="FOLDER", help="where the model files are")
    parser.add_argument(
        "--folder",
        metavar="FOLDER",
        help="where films that are sent here, and pieces, go for a while (default: your cache folder)",
    )
    parser.add_argument("--name", metavar="NAME", help="what it is called (default: this computer's name)")
    parser.add_argument(
        "--host", metavar="HOST", help="the address to listen on (default: that of the way to the cluster)"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        metavar="N",
        help="the port to listen on, for a firewall (default: any)",
    )


def run(args: argparse.Namespace) -> int:
    """Work until the process is told to end."""
    from ...cluster.security import parse_address
    from ...cluster.work import run_worker

    run_worker(
        parse_address(args.address),
        certificate_of(args),
        None if args.device is None else number_or_name(args.device),
        say,
        torch_dir=None if args.torch_dir is None else user_path(args.torch_dir).absolute(),
        folder=None if args.folder is None else user_path(args.folder).absolute(),
        name=args.name,
        host=args.host,
        port=args.port,
    )
    return DONE
