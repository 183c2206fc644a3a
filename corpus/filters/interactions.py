"""Minimum interactions: below a hundred views or sends, behavior is noise (the paper's limits: sparse behavior)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat

from corpus.filters.base import Filter, Kind
from corpus.filters.pool import Pool
from corpus.schema import METRICS


def _metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"{name!r} is no metric: give one of {', '.join(METRICS)}")
    return name


Metric = Annotated[str, AfterValidator(_metric)]

FEW = """
SELECT message_id, {reason} AS reason, format('{{:g}}', value) AS value, NULL AS duplicate_of
FROM selected LEFT JOIN (
    SELECT message_id, coalesce(any_value(value) FILTER (receiver IS NULL), sum(value)) AS value FROM (
        SELECT message_id, receiver, value FROM effect WHERE metric = '{metric}' AND scene IS NULL
        QUALIFY row_number() OVER (PARTITION BY message_id, receiver ORDER BY observed_at DESC NULLS LAST) = 1
    ) GROUP BY message_id
) USING (message_id)
WHERE kind = '{kind}' AND {few}
"""
"""Messages with a small count: the newest observation of all receivers, else the sum over their segments."""


class Interactions(Filter):
    """Remove messages of a kind with fewer than `least` of a metric; `unknown` says what happens to unknown counts."""

    name = "interactions"

    least: dict[Kind, dict[Metric, PositiveFloat]] = Field(min_length=1)
    unknown: Literal["keep", "remove"] = "keep"

    def find(self, pool: Pool) -> str:
        """SQL of messages below a rule; the first rule of the recipe that a message breaks is its reason."""
        rules = [(kind, *rule) for kind, metrics in self.least.items() for rule in metrics.items()]
        breaches = [f"SELECT *, {n} AS rule FROM ({self._few(*rule)})" for n, rule in enumerate(rules)]
        first = "QUALIFY row_number() OVER (PARTITION BY message_id ORDER BY rule) = 1"
        return f"SELECT * EXCLUDE (rule) FROM ({' UNION ALL '.join(breaches)}) {first}"

    def _few(self, kind: str, metric: str, least: float) -> str:
        reason = f"CASE WHEN value IS NULL THEN '{metric} unknown' ELSE 'fewer than {least:g} {metric}' END"
        few = f"(value < {least}" + (" OR value IS NULL)" if self.unknown == "remove" else ")")
        return FEW.format(kind=kind, metric=metric, reason=reason, few=few)
