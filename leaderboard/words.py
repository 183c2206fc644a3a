"""Words of the page: names of conditions, metrics and kinds of runs, and the format of numbers and names."""

from __future__ import annotations

import re

from benchmark.metrics import Metric

UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
LONGEST = 2000  # characters of a text from outside
METRICS = {
    "rmse": "RMSE",
    "rmse_log10": "RMSE log₁₀",
    "spearman": "rank correlation",
    "crps": "CRPS",
    "crps_log10": "CRPS log₁₀",
    "r2": "R²",
    "accuracy": "% right",
    "accuracy_abs5": "% within 5",
    "accuracy_rel10": "% within 10 %",
}

# Metrics with the same unit in every table; the others have the unit of the table.
UNITS = {
    "rmse_log10": "powers of ten",
    "crps_log10": "powers of ten",
    "spearman": "1 is perfect",
    "r2": "1 is perfect",
    "accuracy": "% of answers",
    "accuracy_abs5": "% of values",
    "accuracy_rel10": "% of values",
}

CONDITIONS = {
    "past": "first scenes masked",
    "future": "last scenes masked",
    "random_5": "stretches of 5 masked",
    "random_7": "stretches of 7 masked",
    "all_masked": "all masked",
    "test": "held-out videos",
    "brand_separated": "unseen brands",
    "time_separated": "later posts",
    "25-way": "one of 25",
}

KINDS = {
    "lm": "language model",
    "linear": "linear model of words",
    "boosted": "gradient boosting",
    "submitted": "submitted",
    "trivial": "reference",
    "oracle": "best possible score",
}


def plain(name: str) -> str:
    """Write a name without an entry here: underscores as spaces."""
    return name.replace("_", " ")


def metric(name: str) -> str:
    """A metric's name on the page."""
    return METRICS.get(name, plain(name))


def condition(name: str) -> str:
    """A condition's name on the page."""
    return CONDITIONS.get(name, plain(name))


def kind(name: str) -> str:
    """The name of a kind of run on the page."""
    return KINDS.get(name, plain(name))


def unit(name: str, of_table: str) -> str:
    """The unit of a metric's scores."""
    return UNITS.get(name, of_table)


def skill_unit(metric: Metric) -> str:
    """The unit of the skills on a metric."""
    if metric.skill == "share":
        return "% of the error removed"
    in_percent = UNITS.get(metric.name, "").startswith("%")
    return "percentage points gained" if in_percent else f"{METRICS.get(metric.name, plain(metric.name))} gained"


def short_skill_unit(metric: Metric) -> str:
    """The unit of the skills on a metric, for narrow columns."""
    if metric.skill == "share":
        return "% of error"
    return "points" if UNITS.get(metric.name, "").startswith("%") else METRICS.get(metric.name, plain(metric.name))


def direction(metric: Metric) -> str:
    """Say whether lower or higher values of a metric are better."""
    return "lower is better" if metric.lower_is_better else "higher is better"


def visible(text: str) -> str:
    """Replace characters that break a page or chart: control characters, lone surrogates, bidi overrides."""
    return UNSHOWABLE.sub("\ufffd", text[:LONGEST])


def number(value: float | None, metric: str = "") -> str:
    """Write a score: two decimals, three for logarithms, fewer above a thousand; a dash for none."""
    if value is None or value != value:
        return "–"
    size = abs(value)
    return signed(value, 0 if size >= 10_000 else 1 if size >= 1_000 else 3 if metric == "rmse_log10" else 2)


def signed(value: float, decimals: int) -> str:
    """Write a number with separators and a true minus sign; a rounded zero has no sign."""
    text = f"{abs(value):,.{decimals}f}"
    return f"−{text}" if value < 0 and text.strip("0.,") else text


def interval(low: float | None, high: float | None, metric: str = "") -> str:
    """Write an interval; empty for none."""
    return "" if low is None or high is None else f"{number(low, metric)} to {number(high, metric)}"


def gain(value: float | None, share: bool, metric: str) -> str:
    """Write a skill: a share of the error in percent, or a difference in points (for R² with two decimals)."""
    if value is None or value != value:
        return "–"
    return signed(100 * value if share else value, 2 if metric == "r2" else 1)


def signed_gain(value: float | None, share: bool, metric: str) -> str:
    """Write a skill with its sign."""
    text = gain(value, share, metric)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.,") else text


def short_gain(value: float, share: bool, metric: str) -> str:
    """Write a skill with its sign, from a hundred without decimals."""
    scaled = 100 * value if share else value
    if abs(scaled) < 99.95:
        return signed_gain(value, share, metric)
    return f"{'+' if value > 0 else ''}{signed(scaled, 0)}"


def skill(value: float | None, share: bool, metric: str) -> str:
    """Write a skill with its sign and, for a share, its unit."""
    return f"{signed_gain(value, share, metric)}{' %' if share and value is not None else ''}"


def skill_interval(low: float | None, high: float | None, share: bool, metric: str) -> str:
    """Write a skill's interval; empty for none."""
    return "" if low is None or high is None else f"{gain(low, share, metric)} to {gain(high, share, metric)}"


def digits(value: float) -> str:
    """Write a positive number in three digits, or without decimals from a thousand."""
    return f"{value:,.0f}" if value >= 999.5 else f"{value:.3g}"


def count(value: float) -> str:
    """Write a count, a large one in three digits and a word: 1.05 million."""
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value >= 0.9995 * size:
            return f"{digits(value / size)} {word}"
    return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Write a duration in the largest unit of which there are two."""
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{digits(seconds / size)} {name}"
    return f"{digits(seconds)} seconds"


def tick(value: float) -> str:
    """Write a number at an axis, short enough to fit beside its neighbors."""
    for least, size, letter in ((1e9, 1e9, " bn"), (1e6, 1e6, " M"), (1e4, 1e3, " k")):
        if abs(value) >= least:
            return f"{value / size:,.6g}{letter}".replace("-", "−")
    return f"{value:,.6g}".replace("-", "−")
