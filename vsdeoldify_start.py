"""Where the command `vsdeoldify` starts: ready for Ctrl-C before the package itself is loaded."""

import sys


def main() -> int:
    """Run the command line.

    Returns:
        The exit code, as `vsdeoldify.cli.main` gives it; 130 where it was interrupted before that was there.
    """
    try:
        # Importing the package may set nothing, so that its own file cannot do this.
        from vsdeoldify.cli import main as command
    except KeyboardInterrupt:
        print("vsdeoldify: interrupted", file=sys.stderr)  # noqa: T201
        return 130
    return command()


if __name__ == "__main__":
    sys.exit(main())
