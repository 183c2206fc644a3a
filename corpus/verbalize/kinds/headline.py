"""A headline of an A/B test with how often it was shown and clicked."""

from __future__ import annotations

import polars as pl

from corpus.verbalize.kinds.base import SPEAKER, Behavior, CountedKind, all_null, first_reason
from corpus.verbalize.number_words import percent_in_three_digits, read_number
from corpus.verbalize.template import Template

HEADLINE = Template(
    "headline-text",
    1,
    SPEAKER + "headline: {title}\n[lede: {body}\n]impressions: {impressions}\nclicks: {clicks}\nclick rate: {rate} %",
)


class Headline(CountedKind):
    """Headlines shown at least once; the click rate is clicks by impressions."""

    name = "headline"
    templates = (HEADLINE,)
    template = HEADLINE
    metrics = ("impressions", "clicks")

    def reason(self) -> pl.Expr:
        unknown = pl.col("impressions").is_null() | pl.col("clicks").is_null() | (pl.col("impressions") == 0)
        return first_reason(no_text=all_null("title"), no_behavior=unknown)

    def fields(self) -> dict[str, pl.Expr]:
        return {"rate": percent_in_three_digits(pl.col("clicks") / pl.col("impressions"))}

    def read(self, text: str) -> Behavior:
        """Impressions, clicks and click_rate, a fraction."""
        rate = (HEADLINE.read(text) or {}).get("rate")
        percentage = read_number(rate) if rate is not None else None
        return super().read(text) | ({"click_rate": percentage / 100} if percentage is not None else {})
