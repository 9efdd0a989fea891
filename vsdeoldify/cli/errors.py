"""The exit codes of the command line, and the error that ends a command."""

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class CommandError(Exception):
    """A command cannot go on: the message is printed, without a traceback.

    Args:
        message: What is wrong and what to do.
        code: The exit code.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code
