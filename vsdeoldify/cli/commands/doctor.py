"""``vsdeoldify doctor``: what is wrong with an installation, and what fixes it."""

import argparse
import dataclasses
import json

from ...doctor.examination import examine
from ...doctor.findings import as_text, scrub
from ..errors import DONE, FAILED
from ..terminal import answer, say


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "doctor",
        help="check this installation and say how to mend it; for bug reports",
        description="Check this installation: versions, devices, models, tools, folders; colour one frame\n"
        "on each device. Every problem comes with the command that mends it. User name, home folder\n"
        "and passwords are left out, so the output can be put into a bug report as it is.\n"
        "No network is used.",
        epilog="examples:\n"
        "  vsdeoldify doctor\n"
        "  vsdeoldify doctor --no-test           without the test on each device, which takes longest\n"
        "  vsdeoldify doctor --json > report.json\n"
        "\n"
        "exit code: 0 colouring works here (there may be warnings), 1 something needed is broken",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON, for programs")
    parser.add_argument("--no-test", action="store_true", help="do not colour a frame on each device")
    parser.add_argument("--torch-dir", metavar="FOLDER", help="a folder of models to look into as well")


def run(args: argparse.Namespace) -> int:
    """Check everything and print the report."""
    findings = [
        scrub(finding)
        for finding in examine(args.torch_dir, test=not args.no_test, say=lambda text: say(f"doctor: {text}"))
    ]
    usable = all(finding.level != "error" for finding in findings)
    if args.json:
        report = {"usable": usable, "findings": [dataclasses.asdict(finding) for finding in findings]}
        answer(json.dumps(report, indent=2, default=str))
    else:
        answer(as_text(findings))
    return DONE if usable else FAILED
