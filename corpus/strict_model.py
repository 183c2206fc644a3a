"""Settings that people write: a pydantic model that knows its keys, and its first fault in one line."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError


class StrictModel(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def first_fault(error: ValidationError, *above: str) -> str:
    """The first thing wrong, with the key it is under (`above`: keys around the model)."""
    fault = error.errors()[0]
    key = ".".join(map(str, [*above, *fault["loc"]]))
    if fault["type"] == "extra_forbidden":
        return f"unknown key {key}"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message
