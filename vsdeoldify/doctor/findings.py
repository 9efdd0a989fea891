"""What the examination finds, and how it reads."""

import getpass
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["ok", "note", "warning", "error"]

_MARKS = {"ok": "ok", "note": "note", "warning": "WARN", "error": "ERROR"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        section: the heading it stands under.
        level: "ok", "note" (nothing to do), "warning" (a part does not work) or "error" (colouring fails).
        name: what was looked at.
        text: what was found.
        fix: the command or the step that mends it.
        data: the same for programs.
    """

    section: str
    level: Level
    name: str
    text: str
    fix: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def scrub(finding: Finding) -> Finding:
    """The finding without the user's name, home folder and passwords."""
    hide = _hider()

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return hide(value)
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items()}
        return [clean(item) for item in value] if isinstance(value, list) else value

    return Finding(
        finding.section,
        finding.level,
        finding.name,
        hide(finding.text),
        None if finding.fix is None else hide(finding.fix),
        clean(finding.data),
    )


def _hider() -> Callable[[str], str]:
    homes = {os.path.expanduser("~"), os.environ.get("HOME", ""), os.environ.get("USERPROFILE", "")}  # noqa: PTH111
    homes |= {os.path.realpath(home) for home in homes if home}
    # A home such as "/" is nobody's name, and taking it out would spoil every path.
    patterns = [re.escape(home.rstrip("/\\")) for home in homes if len(home.rstrip("/\\")) > 2]
    home_pattern = re.compile(
        rf"(?:{'|'.join(sorted(patterns, key=len, reverse=True))})(?![\w.-])", re.IGNORECASE
    )
    try:
        user = getpass.getuser()
    except Exception:
        user = ""
    user_pattern = re.compile(rf"(?<=[/\\]){re.escape(user)}(?=[/\\]|$)", re.IGNORECASE)
    secrets = re.compile(r"(?<=://)[^/@\s]*@")

    def hide(text: str) -> str:
        text = secrets.sub("***@", text)
        if patterns:
            text = home_pattern.sub("~", text)
        return user_pattern.sub("<user>", text) if user else text

    return hide


def as_text(findings: list[Finding]) -> str:
    lines: list[str] = []
    width = max((len(finding.name) for finding in findings), default=0)
    section = None
    for finding in findings:
        if finding.section != section:
            section = finding.section
            lines += ["", section]
        lines.append(f"  {_MARKS[finding.level]:<5}  {finding.name:<{width}}  {finding.text}")
        if finding.fix:
            lines.append(f"  {'':<5}  {'':<{width}}  -> {finding.fix}")
    errors = sum(finding.level == "error" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    counts = f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
    verdict = "something needed is broken" if errors else "colouring works here"
    return "\n".join([*lines[1:], "", f"{verdict}: {counts}"])
