"""Settings that people write: a pydantic model that knows its keys, and its first fault in one line."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from corpus.errors import first_line


class StrictModel(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def yaml_fault(error: Exception) -> str:
    """Why a YAML file cannot be read, with line and column where the error has them."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark and problem else first_line(error)


def first_fault(error: ValidationError, *above: str) -> str:
    """The first thing wrong, with the key it is under (`above`: keys around the model)."""
    fault = error.errors()[0]
    key = ".".join(map(str, [*above, *fault["loc"]]))
    if fault["type"] == "extra_forbidden":
        return f"unknown key {key}"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message
