"""Length: seconds of a video, characters and words of a message's title, body and speech."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

from corpus.filters.base import Filter
from corpus.filters.pool import READ, Pool

MEASURES = {
    "duration_s": "(SELECT place, duration_s FROM message JOIN selected USING (message_id))",
    "characters": "(SELECT place, length(text) AS characters FROM {text})",
    "words": "(SELECT place, len(string_split(text, ' ')) - (text = '')::INTEGER AS words FROM {text})",
}
UNITS = {"duration_s": "s", "characters": "characters", "words": "words"}


class Length(Filter):
    """Remove messages that are shorter or longer than the bounds; an unknown duration is kept.

    Characters and words are counted in the first 50,000 characters of the normalised text.
    """

    name = "length"

    min_duration_s: NonNegativeFloat | None = None
    max_duration_s: NonNegativeFloat | None = None
    min_characters: PositiveInt | None = None
    max_characters: int | None = Field(default=None, ge=1, lt=READ)
    min_words: PositiveInt | None = None
    max_words: PositiveInt | None = None

    @model_validator(mode="after")
    def _check_bounds(self) -> Length:
        if not self._rules():
            raise ValueError("give a bound: " + ", ".join(f"min_{name}, max_{name}" for name in MEASURES))
        return self

    def _rules(self) -> list[tuple[str, str, float]]:
        """Measure, which end, bound: for each bound given."""
        sides = [(measure, end) for measure in MEASURES for end in ("min", "max")]
        bounds = [(measure, end, getattr(self, f"{end}_{measure}")) for measure, end in sides]
        return [(measure, end, bound) for measure, end, bound in bounds if bound is not None]

    def find(self, pool: Pool) -> str:
        """SQL of messages outside a bound; the first bound that a message breaks is its reason."""
        breaches = [f"SELECT *, {n} AS rule FROM ({_outside(pool, *rule)})" for n, rule in enumerate(self._rules())]
        first = "QUALIFY row_number() OVER (PARTITION BY message_id ORDER BY rule) = 1"
        return f"SELECT * EXCLUDE (rule) FROM ({' UNION ALL '.join(breaches)}) {first}"


def _outside(pool: Pool, measure: str, end: str, bound: float) -> str:
    """SQL of the messages beyond one bound."""
    rows = MEASURES[measure].format(text=pool.text) if "{text}" in MEASURES[measure] else MEASURES[measure]
    comparison, beyond = ("shorter", "<") if end == "min" else ("longer", ">")
    return f"""SELECT message_id, '{comparison} than {bound:g} {UNITS[measure]}' AS reason,
    format('{{:g}}', {measure}::DOUBLE) AS value, NULL AS duplicate_of
    FROM selected JOIN {rows} USING (place) WHERE {measure} {beyond} {bound}"""
