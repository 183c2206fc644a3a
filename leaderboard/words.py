"""What a reader is told: names of conditions, metrics and kinds of runs, and how numbers are written."""

from __future__ import annotations

METRICS = {
    "rmse": "RMSE",
    "rmse_log10": "RMSE log₁₀",
    "r2": "R²",
    "accuracy": "% right",
    "accuracy_abs5": "% within 5",
    "accuracy_rel10": "% within 10 %",
}

CONDITIONS = {
    "past": "first scenes masked",
    "future": "last scenes masked",
    "random_5": "runs of 5 masked",
    "random_7": "runs of 7 masked",
    "all_masked": "all masked",
    "test": "held-out videos",
    "brand_separated": "unseen brands",
    "time_separated": "later posts",
    "25-way": "one of 25",
}

KINDS = {
    "lm": "language model",
    "boosted": "gradient boosting",
    "submitted": "submitted answers",
    "trivial": "trivial",
    "oracle": "best possible (simulated world)",
}


def plain(name: str) -> str:
    """A name of ours that has no wording: its underscores as spaces."""
    return name.replace("_", " ")


def metric(name: str) -> str:
    """How a metric is told, with its unit."""
    return METRICS.get(name, plain(name))


def condition(name: str) -> str:
    """How a condition is told."""
    return CONDITIONS.get(name, plain(name))


def kind(name: str) -> str:
    """How a kind of run is told."""
    return KINDS.get(name, plain(name))


def number(value: float | None, metric: str = "") -> str:
    """A score as shown: two decimals, three for logarithms, fewer above a thousand; a dash where there is none."""
    if value is None or value != value:
        return "–"
    size = abs(value)
    return minus(value, 0 if size >= 10_000 else 1 if size >= 1_000 else 3 if metric == "rmse_log10" else 2)


def minus(value: float, decimals: int) -> str:
    """A number with separators and a true minus, which a rounded zero never has."""
    text = f"{abs(value):,.{decimals}f}"
    return f"−{text}" if value < 0 and text.strip("0.,") else text


def interval(low: float | None, high: float | None, metric: str = "") -> str:
    """An interval as shown; empty where there is none."""
    return "" if low is None or high is None else f"[{number(low, metric)}, {number(high, metric)}]"


def gain(value: float | None, share: bool, metric: str) -> str:
    """A skill as shown: a share of the error in percent, a difference in points, of R² with two decimals."""
    if value is None or value != value:
        return "–"
    return minus(100 * value if share else value, 2 if metric == "r2" else 1)


def skill(value: float | None, share: bool, metric: str) -> str:
    """A skill with its sign and, of a share, its unit."""
    text = gain(value, share, metric)
    sign = "+" if value is not None and value > 0 and text.strip("0.,") else ""
    return f"{sign}{text}{' %' if share and value is not None else ''}"


def skill_interval(low: float | None, high: float | None, share: bool, metric: str) -> str:
    """A skill's interval as shown; empty where there is none."""
    return "" if low is None or high is None else f"[{gain(low, share, metric)}, {gain(high, share, metric)}]"
