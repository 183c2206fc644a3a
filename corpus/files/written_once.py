"""A folder is written once: what lies there already is compared with what is asked for, never overwritten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corpus.errors import CbcError, printable

SHOWN = 6  # differences in one message
WIDEST = 60  # characters of a value
MEND = "give another folder, or remove this one"


class HoldsOther(CbcError):
    """The folder to write holds something else than what is asked for."""


def refuse_other(place: Path, what: str, there: Mapping[str, Any], asked: Mapping[str, Any], mend: str = MEND) -> None:
    """Refuse a place that holds another `what`, naming each setting there and as asked. Raises HoldsOther."""
    differing = list(differences(there, asked))
    if not differing:
        return
    shown = "; ".join(differing[:SHOWN]) + ("; ..." if len(differing) > SHOWN else "")
    raise HoldsOther(f"{place} holds another {what} ({shown})", mend)


def differences(there: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[str]:
    """`seed: 0 there, 1 asked` for every setting, nested ones by dotted key, that is not the same."""
    old, new = flattened(there), flattened(asked)
    for key in dict.fromkeys([*new, *old]):
        if old.get(key) != new.get(key):
            yield f"{key}: {excerpt(old.get(key))} there, {excerpt(new.get(key))} asked"


def flattened(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        nested = isinstance(value, Mapping) and value
        flat |= flattened(value, f"{above}{key}.") if nested else {f"{above}{key}": value}
    return flat


def excerpt(value: Any) -> str:
    """A value as a person reads it on one line, cut where it is long."""
    if value is None:
        return "none"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return printable(text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…")
