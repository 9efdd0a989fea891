"""Calling the command as a person does."""

from collections.abc import Callable

type Colorize = Callable[..., tuple[int, str]]
"""Takes the arguments of `vsdeoldify colorize`; gives the exit code and what was said."""
