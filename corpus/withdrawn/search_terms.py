"""Search terms for withdrawn content: ids as whole values, and pieces of texts as files may encode them.

A long text is cut into pieces, so that a shortened copy or a quotation is found too. A piece that remaining messages
also hold is no search term, and neither is a text too short to identify its author.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

PIECE = 40  # characters
SHORTEST = 16  # characters; a shorter text does not identify its author
SHORTEST_ID = 8  # characters; a shorter id is found by the number of its record alone
OTHERS = re.compile(
    r"(?i)(in[_ ])?(reply|replied|response|quoted|referenced|retweeted|conversation|parent).*"
)  # columns with ids of other messages


def cut_pieces(text: str) -> Iterator[str]:
    """Cut a text of at least SHORTEST characters into pieces that cover it."""
    text = text.strip()
    if len(text) >= SHORTEST:
        for start in range(0, len(text), PIECE):
            yield text[start : start + PIECE] if start + PIECE <= len(text) else text[-PIECE:]


def escaped_forms(piece: str) -> set[str]:
    """A piece as it may be encoded: as text, in JSON (in ASCII or not), in JSON within JSON, and in CSV."""
    plain, ascii_ = (json.dumps(piece, ensure_ascii=escape)[1:-1] for escape in (False, True))
    nested = {json.dumps(form, ensure_ascii=False)[1:-1] for form in (plain, ascii_)}
    return {piece, plain, ascii_, piece.replace('"', '""'), *nested}


@dataclass(frozen=True)
class SearchTerms:
    """Ids, pieces of text, and record numbers (0: the whole file) by the first 16 digits of their file's digest.

    `staged` are files whose records are all known by number, so that ids need not be searched in them.
    """

    ids: frozenset[str]
    pieces: frozenset[str]
    lines: dict[str, frozenset[int]]
    staged: frozenset[str] = frozenset()

    @property
    def forms(self) -> list[str]:
        """Pieces in every encoding, sorted."""
        return sorted({form for piece in self.pieces for form in escaped_forms(piece)})

    @property
    def values(self) -> frozenset[str]:
        """Ids with and without their medium, except short ones."""
        named = self.ids | {name.partition(":")[2] for name in self.ids}
        return frozenset(name for name in named if len(name) >= SHORTEST_ID)

    @property
    def json_forms(self) -> list[str]:
        """Forms of pieces, and ids as whole values, to search in rows written as JSON."""
        return sorted({*self.forms, *(json.dumps(name, ensure_ascii=False) for name in self.values)})


def contains_any(texts: pl.Series, forms: list[str]) -> pl.Series:
    """Whether each text holds any of the forms (by Aho-Corasick, in one pass)."""
    if not forms:
        return pl.repeat(False, len(texts), eager=True)
    return texts.str.contains_any(forms).fill_null(False)


class Pruned:
    """Type of PRUNED, which `prune` returns for a value that holds a search term."""


PRUNED = Pruned()


def prune(node: Any, terms: SearchTerms, values: frozenset[str], words: list[str], key: str = "") -> Any:
    """Drop the innermost list entry around each search term from JSON; PRUNED if no list encloses it.

    A number is an id only under a key that ends in `id`.
    """
    if isinstance(node, str):
        return PRUNED if node in values or any(word in node for word in words) else node
    if isinstance(node, int) and not isinstance(node, bool):
        return PRUNED if key.lower().endswith("id") and str(node) in values else node
    if isinstance(node, list):
        kept = [prune(item, terms, values, words, key) for item in node]
        return [item for item in kept if item is not PRUNED]
    if isinstance(node, dict):
        pruned = {
            name: value
            if isinstance(value, str | int) and OTHERS.fullmatch(name)
            else prune(value, terms, values, words, name)
            for name, value in node.items()
        }
        return PRUNED if any(value is PRUNED for value in pruned.values()) else pruned
    return node
