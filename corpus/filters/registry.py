"""Filters by name: the built-in ones and those that other packages add by entry points (group `cbc.filters`)."""

from __future__ import annotations

from corpus.filters.base import Filter
from corpus.registry import Registry

FILTERS: Registry[Filter] = Registry(
    "filter",
    "cbc.filters",
    {
        "exact_duplicates": "corpus.filters.exact:ExactDuplicates",
        "near_duplicates": "corpus.filters.near:NearDuplicates",
        "language": "corpus.filters.language:DetectedLanguage",
        "interactions": "corpus.filters.interactions:Interactions",
        "length": "corpus.filters.length:Length",
    },
    Filter,
)
