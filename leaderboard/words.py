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


def number(value: float | None, metric: str = "", signed: bool = False) -> str:
    """A score as shown: two decimals, three for logarithms, fewer above a thousand; a dash where there is none."""
    if value is None or value != value:
        return "–"
    size = abs(value)
    decimals = 0 if size >= 10_000 else 1 if size >= 1_000 else 3 if metric == "rmse_log10" else 2
    text = f"{size:,.{decimals}f}"
    zero = not text.strip("0.,")
    sign = "" if zero else "−" if value < 0 else "+" if signed else ""
    return sign + text


def interval(low: float | None, high: float | None, metric: str = "", signed: bool = False) -> str:
    """An interval as shown; empty where there is none."""
    if low is None or high is None:
        return ""
    return f"[{number(low, metric, signed)}, {number(high, metric, signed)}]"
