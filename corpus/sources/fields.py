"""Read fields of JSON payloads: a value of the right type, None if it is missing, RowError if it is invalid."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from corpus.sources.base import RowError

LARGEST = 2**53
Info = dict[str, Any]


def read_number(info: Info, key: str) -> float | None:
    """Read a count or length; None if it is missing. Raises RowError."""
    value = info.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RowError(f"{key} is no number", value)
    if not 0 <= value < LARGEST:
        raise RowError(f"{key} is negative" if value < 0 else f"{key} is impossibly large", value)
    return float(value)


def read_text(info: Info, *keys: str) -> str | None:
    """Read the first of several fields that has text; None if none has. Raises RowError."""
    for key in keys:
        value = info.get(key)
        if value is not None and not isinstance(value, str):
            raise RowError(f"{key} is no text", value)
        if value:
            return value
    return None


def read_list(info: Info, key: str) -> list[Any]:
    """Read a list; empty if it is missing. Raises RowError."""
    value = info.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise RowError(f"{key} of unexpected type", value)
    return value


def read_texts(info: Info, key: str) -> list[str] | None:
    """Read a list of texts; None if it is missing or empty. Raises RowError."""
    values = read_list(info, key)
    if not all(isinstance(value, str) for value in values):
        raise RowError(f"{key} of unexpected type", values)
    return values or None


def read_object(info: Any, key: str) -> Info:
    """Read an object inside a payload; empty if it is missing. Raises RowError."""
    value = info.get(key) if isinstance(info, dict) else None
    if value is not None and not isinstance(value, dict):
        raise RowError(f"{key} of unexpected type", value)
    return value or {}


def read_time(info: Info, *keys: str) -> datetime | None:
    """Read the first of several fields that has a time (seconds since 1970, or YYYYMMDD), UTC. Raises RowError."""
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


def replace_lone_surrogates(value: Any) -> Any:
    """JSON with lone surrogates, which no table can hold, replaced; it is copied only where there are some."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return _replaced(value)
    return value


def _replaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {_replaced(key): _replaced(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item) for item in value]
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value
