"""Templates: short texts with named fields, compiled once to a Polars expression and run over whole tables.

`{field}` is replaced by the column of that name; a part in square brackets is left out of a row in which one of its
fields is null. A backslash makes a bracket plain. A template carries a name and a version; a change of wording is a new
version. Since fields hold one line and none of the wordings around them, a text can be taken apart again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

PIECE = re.compile(r"\\(?P<plain>[\[\]{}])|\[(?P<part>(?:\\.|[^\[\]])*)\]|\{(?P<field>\w+)\}|(?P<text>[^\\\[\]{}]+)")

ONE_LINE, ANY_LINES = r"[^\n]*?", r"(?s:.*)"


class BadTemplate(ValueError):
    """The text of a template does not parse: a brace or bracket without its twin."""


def compile_text(text: str, fields: Mapping[str, pl.Expr]) -> list[pl.Expr]:
    """The pieces of a text as string expressions; a field not given is the column of its name. Raises BadTemplate."""
    pieces: list[pl.Expr] = []
    position = 0
    for match in PIECE.finditer(text):
        if match.start() != position:
            break
        position = match.end()
        if (part := match["part"]) is not None:
            pieces.append(pl.concat_str(compile_text(part, fields)).fill_null(""))
        elif (field := match["field"]) is not None:
            pieces.append(fields[field] if field in fields else pl.col(field).cast(pl.String))
        else:
            pieces.append(pl.lit(match["plain"] or match["text"]))
    if position != len(text):
        raise BadTemplate(f"{text!r} at character {position}")
    return pieces


def pattern_of(text: str, many_lines: Collection[str]) -> str:
    """A regular expression with a group for each field, that matches what the text of a template can become."""
    pattern = ""
    for match in PIECE.finditer(text):
        if (part := match["part"]) is not None:
            pattern += f"(?:{pattern_of(part, many_lines)})?"
        elif (field := match["field"]) is not None:
            pattern += f"(?P<{field}>{ANY_LINES if field in many_lines else ONE_LINE})"
        else:
            pattern += re.escape(match["plain"] or match["text"])
    return pattern


@dataclass(frozen=True)
class Template:
    """A versioned text with fields."""

    name: str
    version: int
    text: str

    @property
    def label(self) -> str:
        """NAME@VERSION, as manifests name it."""
        return f"{self.name}@{self.version}"

    def fill(self, **fields: pl.Expr) -> pl.Expr:
        """One string a row, for whole tables; null where a field outside brackets is null."""
        return pl.concat_str(compile_text(self.text, fields))

    def read(self, text: str, many_lines: Collection[str] = ()) -> dict[str, str] | None:
        """The fields that a text shows, those in `many_lines` with all their lines; None where it is another's text."""
        match = re.fullmatch(pattern_of(self.text, many_lines), text)
        return {name: value for name, value in match.groupdict().items() if value is not None} if match else None
