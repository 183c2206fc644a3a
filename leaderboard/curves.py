"""Draw replay curves of some test videos: true values, which scenes were asked, and the runs' answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
from benchmark.reference_rows import provided_answers, provided_kinds
from benchmark.run import Run
from leaderboard.inline_svg import SETTINGS, inline_svg
from leaderboard.palette import LIGHT
from leaderboard.results import Column, Table, best_first

VIDEOS, PREDICTORS = 6, 4
FEWEST_ASKED = 3  # scenes: fewer make no line that can be compared
STROKES = (("lm", ()), ("second", (5, 1.5)), ("submitted", (2, 1.2)), ("fourth", (6, 1.5, 1.2, 1.5)))  # color, dashes
BOTTOM = -4
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Video:
    """A question with its answers: the true curve, the asked scenes, and each predictor's values (None: unread, or not
    asked).
    """

    title: str
    company: str
    truth: Array
    asked: list[int]
    predicted: dict[str, list[float] | None]
    not_asked: list[str] = field(default_factory=list)


def sampling_key(instance_id: str) -> str:
    """Hash of an id: the videos shown do not depend on how well any run does."""
    return hashlib.sha256(instance_id.encode()).hexdigest()


def with_curves(questions: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Select the questions that ask for enough scenes with known values to draw a line."""
    known = pl.col("target").list.eval(pl.element().is_not_nan()).list.sum()
    drawable = answers.filter(known >= FEWEST_ASKED)
    return questions.join(drawable, "instance_id", "semi", maintain_order="left")


def choose_videos(questions: pl.DataFrame) -> list[str]:
    """Choose instances by the hash of their message, each of another channel as far as possible."""
    frame = questions.select("instance_id", "message_id", "group").unique("message_id", keep="first")
    frame = frame.sort("message_id", "instance_id")
    order = sorted(frame.iter_rows(), key=lambda row: (sampling_key(row[1]), row[0]))
    groups_taken: set[str] = set()
    new_channels: list[str] = []
    same_channels: list[str] = []
    for instance, _, group in order:
        (same_channels if group in groups_taken else new_channels).append(instance)
        groups_taken.add(group)
    return (new_channels + same_channels)[:VIDEOS]


def choose_predictors(table: Table, column: Column) -> list[str]:
    """Choose predictors: the best of each kind without the oracle, then the best of the others."""
    lines = [line for line in best_first(table.lines, column) if column.key in line.rows and line.kind != "oracle"]
    best_by_kind = {line.kind: line.run for line in reversed(lines)}
    best = [best_by_kind[kind] for kind in ("lm", "boosted", "linear", "trivial") if kind in best_by_kind]
    other_runs = [line.run for line in lines if line.run not in best and line.kind != "trivial"]
    return (best + other_runs)[:PREDICTORS]


def predictor_answers(
    bench: Bench, task: str, name: str, runs: Sequence[Run], questions: pl.DataFrame
) -> dict[str, list[float] | None]:
    """A predictor's values by instance, from its run or, for references and oracle, from the bench."""
    run = next((run for run in runs if run.name == name and task in run.tasks), None)
    if name in provided_kinds(bench, task):
        answers = provided_answers(bench, task, name, questions)
    elif run is not None:
        answers = run.predictions(task).filter(pl.col("instance_id").is_in(questions["instance_id"].to_list()))
    else:
        return {}
    return dict(answers.select("instance_id", "values").iter_rows())


def videos(bench: Bench, task: str, names: Sequence[str], runs: Sequence[Run]) -> Iterator[Video]:
    """Yield the chosen videos of a replay task with the named predictors' answers, of those that all of them were asked
    about if there are any. Raises NoAnswers.
    """
    answers = bench.answers(task)
    drawable = with_curves(bench.public(task, "test"), answers)
    questions = asked_of_all(drawable, [run for run in runs if run.name in names and task in run.tasks], task)
    chosen = choose_videos(questions)
    questions = questions.filter(pl.col("instance_id").is_in(chosen))
    targets = dict(answers.select("instance_id", "target").iter_rows())
    predicted_values = {name: predictor_answers(bench, task, name, runs, questions) for name in names}
    rows = {row["instance_id"]: row for row in questions.iter_rows(named=True)}
    for instance in chosen:
        row = rows[instance]
        truth = np.array([np.nan if value is None else value for value in row["replay"]], dtype=np.float64)
        truth[row["asked"]] = targets[instance]
        predicted = {name: legal_values(predicted_values[name].get(instance), len(row["asked"])) for name in names}
        not_asked = [name for name in names if instance not in predicted_values[name]]
        yield Video(row["title"] or "(no title)", row["company"] or "", truth, row["asked"], predicted, not_asked)


def asked_of_all(questions: pl.DataFrame, runs: Sequence[Run], task: str) -> pl.DataFrame:
    """The questions that all of some runs were asked; all questions where there are none."""
    common = questions
    for run in runs:
        common = common.join(run.questions(task), "instance_id", "semi", maintain_order="left")
    return questions if common.is_empty() else common


def legal_values(values: list[float] | None, count: int) -> list[float] | None:
    """The values if they are `count` legal replay values; else None (unparsed)."""
    if values is None or len(values) != count:
        return None
    low, high = -EDGE, 100 + EDGE
    return values if all(value is not None and low <= value <= high for value in values) else None


def stretches(asked: Sequence[int]) -> list[tuple[int, int]]:
    """Group scenes into stretches of consecutive ones: (first, last)."""
    parts: list[tuple[int, int]] = []
    for scene in asked:
        if parts and scene == parts[-1][1] + 1:
            parts[-1] = (parts[-1][0], scene)
        else:
            parts.append((scene, scene))
    return parts


def draw_predicted(axes: Axes, video: Video, values: Sequence[float], style: int) -> None:
    """Draw a predictor's values on the asked scenes."""
    color, dashes = STROKES[style]
    curve = np.full(len(video.truth), np.nan)
    curve[video.asked] = values
    draw_line(axes, curve, color=LIGHT[color], linestyle=(0, dashes) if dashes else "solid", linewidth=1.5)


def draw_line(axes: Axes, curve: Array, **style: Any) -> None:
    """Draw values over scenes: a line for each stretch of known values, a dot for a single one."""
    for first, last in stretches(np.flatnonzero(np.isfinite(curve)).tolist()):
        marker = "o" if first == last else ""
        axes.plot(np.arange(first, last + 1) + 1, curve[first : last + 1], marker=marker, markersize=3, **style)


def mark_asked(axes: Axes, video: Video) -> None:
    """Mark the asked scenes by a shade, and by a bar below for readers who cannot see the shade."""
    for first, last in stretches(video.asked):
        axes.axvspan(first + 0.5, last + 1.5, color=LIGHT["faint"], linewidth=0)
        foot = axes.plot([first + 0.5, last + 1.5], [BOTTOM, BOTTOM], color=LIGHT["muted"], linewidth=3)
        foot[0].set(solid_capstyle="butt", zorder=3)  # above the axis


def draw_curve(video: Video, alt: str = "", key: str = "curve") -> Markup:
    """Draw a video as SVG: truth in ink, asked scenes marked, predictors in color; `key` must be unique on the page."""
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
