"""Refuse to overwrite a folder that was made with other settings, and name the settings that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corpus.errors import CbcError, printable

SHOWN = 6  # differences in one message
WIDEST = 60  # characters of a value
MEND = "give another folder, or remove this one"


class HoldsOther(CbcError):
    """The output folder was made with other settings than those requested."""


def refuse_other(place: Path, what: str, there: Mapping[str, Any], asked: Mapping[str, Any], mend: str = MEND) -> None:
    """Compare the settings of the `what` at a place with those requested. Raises HoldsOther, naming the differences."""
    differing = list(differences(there, asked))
    if not differing:
        return
    shown = "; ".join(differing[:SHOWN]) + ("; ..." if len(differing) > SHOWN else "")
    raise HoldsOther(f"{place} holds another {what} ({shown})", mend)


def differences(there: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[str]:
    """Yield `seed: 0 there, 1 asked` for every setting that differs, nested ones by dotted key."""
    old, new = flattened(there), flattened(asked)
    for key in dict.fromkeys([*new, *old]):
        if old.get(key) != new.get(key):
            yield f"{key}: {excerpt(old.get(key))} there, {excerpt(new.get(key))} asked"


def flattened(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Flatten nested settings to dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        nested = isinstance(value, Mapping) and value
        flat |= flattened(value, f"{above}{key}.") if nested else {f"{above}{key}": value}
    return flat


def excerpt(value: Any) -> str:
    """Format a value on one printable line of at most WIDEST characters."""
    if value is None:
        return "none"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return printable(text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…")
