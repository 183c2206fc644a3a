"""Fields of JSON payloads: a value of the right kind, None where it is missing, RowError where it makes no sense."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from corpus.sources.base import RowError

LARGEST = 2**53
Info = dict[str, Any]


def number(info: Info, key: str) -> float | None:
    """A count or a length; None where it is missing. Raises RowError."""
    value = info.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RowError(f"{key} is no number", value)
    if not 0 <= value < LARGEST:
        raise RowError(f"{key} is negative" if value < 0 else f"{key} is impossibly large", value)
    return float(value)


def text(info: Info, *keys: str) -> str | None:
    """The first of several fields that has text; None where all are missing. Raises RowError."""
    for key in keys:
        value = info.get(key)
        if value is not None and not isinstance(value, str):
            raise RowError(f"{key} is no text", value)
        if value:
            return value
    return None


def items(info: Info, key: str) -> list[Any]:
    """A list; empty where it is missing. Raises RowError."""
    value = info.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise RowError(f"{key} of unexpected type", value)
    return value


def texts(info: Info, key: str) -> list[str] | None:
    """A list of texts; None where it is missing. Raises RowError."""
    found = items(info, key)
    if not all(isinstance(one, str) for one in found):
        raise RowError(f"{key} of unexpected type", found)
    return found or None


def moment(info: Info, *keys: str) -> datetime | None:
    """The first of several fields that has a time (seconds since 1970, or YYYYMMDD), UTC. Raises RowError."""
    for key in keys:
        value = info.get(key)
        if value is None:
            continue
        try:
            if isinstance(value, str):
                return datetime.strptime(value, "%Y%m%d")
            return datetime.fromtimestamp(value, UTC).replace(tzinfo=None, microsecond=0)
        except (ValueError, TypeError, OverflowError, OSError):
            raise RowError("unparsable date", f"{key}: {value}") from None
    return None


def whole(value: Any) -> Any:
    """The same JSON with half characters (lone surrogates), which no table can hold, replaced."""
    if isinstance(value, dict):
        return {whole(key): whole(one) for key, one in value.items()}
    if isinstance(value, list):
        return [whole(one) for one in value]
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value
