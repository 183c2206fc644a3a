"""Filters by name."""

from __future__ import annotations

from corpus.errors import CbcError
from corpus.filters.base import Filter
from corpus.filters.exact import ExactDuplicates
from corpus.filters.interactions import Interactions
from corpus.filters.language import DetectedLanguage
from corpus.filters.length import Length
from corpus.filters.near import NearDuplicates

FILTERS: dict[str, type[Filter]] = {
    made.name: made for made in (ExactDuplicates, NearDuplicates, DetectedLanguage, Interactions, Length)
}


class UnknownFilter(CbcError):
    """A filter is named that does not exist."""


def filter_class(name: object) -> type[Filter]:
    """The filter of that name. Raises UnknownFilter."""
    if name not in FILTERS:
        raise UnknownFilter(f"no filter is called {name}", f"use one of {', '.join(FILTERS)}")
    return FILTERS[str(name)]
