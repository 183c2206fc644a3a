"""What a command prints: results on stdout, notes on stderr, JSON for programs.

Text from outside (titles, file names, messages of libraries) may hold terminal escapes; nothing printed here acts.
"""

from __future__ import annotations

import json
import logging
import math
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, time
from pathlib import Path
from typing import Any

CONTROLS = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"},  # their pictures: ␛ for an escape
    0x7F: 0x2421,
    **dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD),
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),  # bytes of a file name that are not UTF-8
}
"""Control characters, marks that turn the direction of text, and lone surrogates, each with its harmless picture."""
PARTS = ("corpus", "benchmark", "baselines", "leaderboard", "studies")
"""The packages whose log is shown."""


@dataclass
class Verbosity:
    """How much the command prints: `quiet` hides notes and progress, `verbose` adds tracebacks and the log."""

    quiet: bool = False
    verbose: bool = False


VERBOSITY = Verbosity()


def harmless(text: str) -> str:
    """Text without anything that a terminal would act on; line feeds and tabs stay."""
    return text.translate(CONTROLS)


def on_one_line(text: str) -> str:
    """Harmless text without line breaks."""
    return harmless(" ".join(text.split()))


class OneLine(logging.Formatter):
    """A record of the log as one harmless line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's logger and message."""
        return f"debug: {record.name}: {on_one_line(record.getMessage())}"


def log_steps(wanted: bool) -> None:
    """Print the project's own log on stderr, a line a step, or do so no more. No key and no author is logged."""
    for part in PARTS:
        logger = logging.getLogger(part)
        logger.handlers = [logging.StreamHandler(sys.stderr)] if wanted else []
        logger.setLevel(logging.DEBUG if wanted else logging.NOTSET)
        logger.propagate = not wanted
        for handler in logger.handlers:
            handler.setFormatter(OneLine())


def say(text: str) -> None:
    """Print a result."""
    print(harmless(text))


def note(text: str) -> None:
    """Print a note on stderr, unless the user wants quiet."""
    if not VERBOSITY.quiet:
        print(f"note: {on_one_line(text)}", file=sys.stderr)


def failed(text: str) -> None:
    """Print why the command did not do what was asked, as one line on stderr."""
    print(f"error: {on_one_line(text)}", file=sys.stderr)


def command_text(*words: str | Path) -> str:
    """Format a command so that it can be pasted into a shell."""
    return shlex.join(map(str, words))


def next_command(*words: str | Path) -> None:
    """Print the command that comes next, ready to be pasted, unless the user wants quiet."""
    if not VERBOSITY.quiet:
        say(f"next: {command_text(*words)}")


def plain(value: Any) -> Any:
    """A value as JSON can hold it: dataclasses as objects, times as ISO 8601, null for what is no number."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):  # also a StrEnum
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date | time) else str(value)


def as_json(value: Any, indent: int | None = 1) -> str:
    """A value as JSON in ASCII, so that nothing in it acts on a terminal or breaks an encoding."""
    return json.dumps(plain(value), indent=indent, allow_nan=False)


def say_json(value: Any) -> None:
    """Print a value as JSON."""
    print(as_json(value))


def say_json_rows(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as a JSON list, a row a line, as they come."""
    start = "["
    for row in rows:
        print(f"{start}\n {as_json(row, None)}", end="")
        start = ","
    print("[]" if start == "[" else "\n]")
