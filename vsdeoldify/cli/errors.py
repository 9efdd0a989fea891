"""The exit codes of the command line, and which error ends a command with which."""

from ..support.errors import FilmError, ModelError, PictureError, RequestError

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

EXPECTED = (FilmError, PictureError, ModelError)
"""What the rooms below raise for a person to read; any other error is a fault of the program."""

# The line of a missing model's message that advises parameters of the public functions.
_TRIAL = "without any download"


class CommandError(Exception):
    """A command cannot go on: the message is printed, without a traceback.

    Args:
        message: What is wrong and what to do.
        code: The exit code.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def message(error: BaseException) -> str:
    """What an error says, in the words of the command line."""
    lines = str(error).splitlines()
    if isinstance(error, ModelError) and any(_TRIAL in line for line in lines):
        lines = [line for line in lines if _TRIAL not in line]
        lines.append("To try without any download: --preset preview")
    return "\n".join(lines)


def exit_code(error: BaseException) -> int:
    """The exit code of a command that an error ended."""
    if isinstance(error, CommandError):
        return error.code
    return USAGE if isinstance(error, RequestError) else FAILED
