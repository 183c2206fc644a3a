"""Replay curves of some test videos: what was replayed, what the runs saw of it, and what they answered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import polars as pl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmark.answers.base import EDGE
from benchmark.bench import Bench
from benchmark.reference_rows import own_answers, own_kinds
from benchmark.run import Run
from leaderboard.inline_svg import SETTINGS, inline_svg
from leaderboard.palette import LIGHT
from leaderboard.results import Column, Table, best_first

VIDEOS, PREDICTORS = 6, 4
FEWEST_ASKED = 3  # scenes: fewer make no line that could be compared with another
STROKES = (("lm", ()), ("second", (5, 1.5)), ("submitted", (2, 1.2)), ("fourth", (6, 1.5, 1.2, 1.5)))  # color, dashes
BOTTOM = -4
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Video:
    """One question with its answer: the whole true curve, which scenes were asked, and each predictor's values."""

    title: str
    company: str
    truth: Array
    asked: list[int]
    predicted: dict[str, list[float] | None]


def draw_order(instance_id: str) -> str:
    """A fixed hash: which videos are shown has nothing to do with how well anyone does."""
    return hashlib.sha256(instance_id.encode()).hexdigest()


def with_curves(questions: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """The questions that ask for enough scenes with known values to draw a line."""
    known = pl.col("target").list.eval(pl.element().is_not_nan()).list.sum()
    drawable = answers.filter(known >= FEWEST_ASKED)
    return questions.join(drawable, "instance_id", "semi", maintain_order="left")


def chosen_videos(questions: pl.DataFrame) -> list[str]:
    """Instances to show: in the order of the hash of their message, each of another channel as far as there are."""
    frame = questions.select("instance_id", "message_id", "cluster").sort("message_id", "instance_id")
    order = sorted(frame.iter_rows(), key=lambda row: (draw_order(row[1]), row[0]))
    seen: set[str] = set()
    first: list[str] = []
    rest: list[str] = []
    for instance, _, cluster in order:
        (rest if cluster in seen else first).append(instance)
        seen.add(cluster)
    return (first + rest)[:VIDEOS]


def chosen_predictors(table: Table, column: Column) -> list[str]:
    """Whom to show: the best of each kind but the oracle, then the best of the others."""
    lines = [line for line in best_first(table.lines, column) if column.key in line.rows and line.kind != "oracle"]
    firsts = {line.kind: line.run for line in reversed(lines)}
    best = [firsts[kind] for kind in ("lm", "boosted", "trivial") if kind in firsts]
    others = [line.run for line in lines if line.run not in best and line.kind != "trivial"]
    return (best + others)[:PREDICTORS]


def answers_given(
    bench: Bench, task: str, name: str, runs: Sequence[Run], questions: pl.DataFrame
) -> dict[str, list[float] | None]:
    """A predictor's values by instance on some questions, from its run or, of a reference, from the bench."""
    run = next((run for run in runs if run.name == name and task in run.tasks), None)
    if name in own_kinds(bench, task):
        shown = own_answers(bench, task, name, questions)
    elif run is not None:
        shown = run.predictions(task).filter(pl.col("instance_id").is_in(questions["instance_id"].to_list()))
    else:
        return {}
    return dict(shown.select("instance_id", "values").iter_rows())


def videos(bench: Bench, task: str, names: Sequence[str], runs: Sequence[Run]) -> Iterator[Video]:
    """The chosen videos of a replay task with the named predictors' answers. Raises NoAnswers."""
    answers = bench.answers(task)
    questions = with_curves(bench.public(task, "test"), answers)
    chosen = chosen_videos(questions)
    questions = questions.filter(pl.col("instance_id").is_in(chosen))
    targets = dict(answers.select("instance_id", "target").iter_rows())
    given = {name: answers_given(bench, task, name, runs, questions) for name in names}
    asked = {row["instance_id"]: row for row in questions.iter_rows(named=True)}
    for instance in chosen:
        row = asked[instance]
        truth = np.array([np.nan if value is None else value for value in row["replay"]], dtype=np.float64)
        truth[row["asked"]] = targets[instance]
        predicted = {name: legal(given[name].get(instance), len(row["asked"])) for name in names}
        yield Video(row["title"] or "(no title)", row["company"] or "", truth, row["asked"], predicted)


def legal(values: list[float] | None, count: int) -> list[float] | None:
    """Values if there are as many as were asked and all are replay values; None, unparsed, otherwise."""
    if values is None or len(values) != count:
        return None
    low, high = -EDGE, 100 + EDGE
    return values if all(value is not None and low <= value <= high for value in values) else None


def stretches(asked: Sequence[int]) -> list[tuple[int, int]]:
    """Asked scenes as stretches of consecutive ones: first and last."""
    parts: list[tuple[int, int]] = []
    for scene in asked:
        if parts and scene == parts[-1][1] + 1:
            parts[-1] = (parts[-1][0], scene)
        else:
            parts.append((scene, scene))
    return parts


def draw_predicted(axes: Axes, video: Video, values: Sequence[float], style: int) -> None:
    """A predictor's values on the asked scenes."""
    color, dashes = STROKES[style]
    curve = np.full(len(video.truth), np.nan)
    curve[video.asked] = values
    draw_line(axes, curve, color=LIGHT[color], linestyle=(0, dashes) if dashes else "solid", linewidth=1.5)


def draw_line(axes: Axes, curve: Array, **style: Any) -> None:
    """Values over scenes: one line a stretch of known ones, a lone one as a dot."""
    for first, last in stretches(np.flatnonzero(np.isfinite(curve)).tolist()):
        marker = "o" if first == last else ""
        axes.plot(np.arange(first, last + 1) + 1, curve[first : last + 1], marker=marker, markersize=3, **style)


def mark_asked(axes: Axes, video: Video) -> None:
    """The asked scenes: a shade, with a bar at its foot for those who hardly see the shade."""
    for first, last in stretches(video.asked):
        axes.axvspan(first + 0.5, last + 1.5, color=LIGHT["faint"], linewidth=0)
        foot = axes.plot([first + 0.5, last + 1.5], [BOTTOM, BOTTOM], color=LIGHT["muted"], linewidth=3)
        foot[0].set(solid_capstyle="butt", zorder=3)  # above the axis


def curve(video: Video, alt: str = "", key: str = "curve") -> Markup:
    """One video as SVG: truth in ink, asked scenes marked, predictors in color; `key` is its own on the page."""
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(3.9, 2.1), layout="constrained")
        axes = figure.subplots()
        mark_asked(axes, video)
        draw_line(axes, video.truth, color=LIGHT["ink"], linewidth=1.8)
        for style, values in enumerate(video.predicted.values()):
            if values is not None:
                draw_predicted(axes, video, values, style)
        axes.set_xlim(0.5, len(video.truth) + 0.5)
        axes.set_ylim(BOTTOM, 103)
        axes.set_yticks([0, 50, 100])
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("scene")
        axes.set_ylabel("replay value, of 100")
        axes.grid(axis="y", color=LIGHT["rule"], linewidth=0.6)
        axes.tick_params(length=0, colors=LIGHT["muted"])
        axes.spines[["top", "right", "left"]].set_visible(False)
        return inline_svg(figure, alt, key)
