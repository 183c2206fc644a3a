"""What a filter is: a class with its settings and one query that selects the messages it removes.

A new filter is one new file in this folder with a subclass of `Filter`, and its line in corpus/filters/registry.py; in
a package of its own, an entry point of the group `cbc.filters`. `apply` does the rest: what the filter looks at, what
an earlier one removed already, counts by reason and kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from corpus.filters.pool import Pool
from corpus.strict_model import StrictModel

Kind = Literal["video", "post", "email", "headline", "image", "sound"]


@dataclass(frozen=True)
class FilterCounts:
    """How many messages a filter saw, and those it removed by reason and by kind."""

    filter: str
    label: str
    settings: dict[str, Any]
    looked_at: int
    reasons: dict[str, int]
    kinds: dict[str, int]

    @property
    def removed(self) -> int:
        """Messages removed, whatever the reason."""
        return sum(self.reasons.values())

    def entry(self) -> dict[str, Any]:
        """The filter's entry in the manifest."""
        return {**asdict(self), "removed": self.removed, "kept": self.looked_at - self.removed}


class Filter(StrictModel, ABC):
    """A reason not to keep messages; the fields of a subclass are its settings in a recipe.

    `kinds` (null: all) are the kinds of message it looks at; it neither sees nor counts the others.
    """

    name: ClassVar[str]

    kinds: tuple[Kind, ...] | None = Field(default=None, min_length=1)

    @property
    def label(self) -> str:
        """Its name with its settings other than the defaults, so that two steps of one filter differ."""
        chosen = self.model_dump(mode="json", exclude_defaults=True)
        kinds = ", ".join(chosen.pop("kinds", None) or ())
        parts = [kinds, *(_setting_text(name, value) for name, value in chosen.items())]
        details = "; ".join(filter(None, parts))
        return f"{self.name} ({details})" if details else self.name

    @abstractmethod
    def find(self, pool: Pool) -> str:
        """SQL of what is removed: message_id, reason, value, duplicate_of, of those in `selected`.

        `selected` has message_id, kind, place (earliest published first) and whole_s (duration in whole seconds).
        `value` is what broke the rule, as text; a message comes once.
        """

    def apply(self, pool: Pool) -> FilterCounts:
        """Remove what the filter finds among the messages still kept."""
        looked_at = pool.select(self.kinds)
        step = pool.remove(self.name, self.find(pool))
        reasons = pool.counts(f"SELECT reason, count(*) FROM dropped WHERE step = {step} GROUP BY 1 ORDER BY 1")
        kinds = pool.counts(
            f"SELECT kind, count(*) FROM dropped JOIN placed USING (message_id) WHERE step = {step} "
            "GROUP BY 1 ORDER BY 1"
        )
        return FilterCounts(self.name, self.label, self.model_dump(mode="json"), looked_at, reasons, kinds)


def _setting_text(name: str, value: Any) -> str:
    """A setting in a few words: a flag by its name alone, a mapping by its keys."""
    if value is True:
        return name
    if isinstance(value, float):
        return f"{name} {value:g}"
    return f"{name} {', '.join(map(str, value)) if isinstance(value, list | dict) else value}"
