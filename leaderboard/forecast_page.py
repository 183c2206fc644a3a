"""A forecast as a page: figures with their bands, the replay curve over thumbnails, words, and the scenes that matter.

write_forecast(forecast, Path("forecast.html"))     # what baselines.forecast.run.make_forecast gives
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from corpus.errors import CbcError
from corpus.files.atomic import write_text
from leaderboard.templating import TEMPLATES, environment, page_style, policy

WIDTH, HEIGHT, TOP = 1000, 220, 100.0  # of the curve's picture, and its highest value
THUMBNAILS = 20  # at most so many, evenly spaced
MANY_TIMES = 9
MATTER = 5  # at most so many scenes are said to matter
LEAST_PERCENT = 0.05  # change of a forecast below which a scene does not count as one that matters


class BadPagePath(CbcError):
    """A page cannot be written to a path."""


def write_forecast(forecast: Mapping[str, Any], out: Path) -> Path:
    """Write the page, whole or not at all. Raises BadPagePath."""
    check_page(out, *([Path(forecast["media"])] if forecast["media"] else []))
    script, style = (TEMPLATES / "forecast.js").read_text("utf-8"), page_style() + forecast_style()
    scenes = [scene | {"thumbnail": picture(scene["thumbnail"])} for scene in forecast["scenes"]]
    curve = next((asked for asked in forecast["forecasts"] if asked["asks_curve"] and asked["values"]), None)
    page = environment({"clock": clock}).get_template("forecast.html")
    text = page.render(
        forecast=forecast,
        title=forecast["title"] or (Path(forecast["media"]).name if forecast["media"] else "a message"),
        figures=figures(forecast),
        curve=Markup(curve_svg(curve, scenes)) if curve else None,
        curve_band=bool(curve and curve["low"]),
        thumbnails=spread([scene | {"number": n} for n, scene in enumerate(scenes, 1) if scene["thumbnail"]]),
        rows=scene_rows(scenes, curve),
        matter=matter(forecast, scenes),
        no_matter=no_matter_text(forecast),
        has_band=any(asked["low"] for asked in forecast["forecasts"]),
        unread=[asked["title"] for asked in forecast["forecasts"] if not asked["values"]],
        cut=[asked["title"] for asked in forecast["forecasts"] if asked["cut"]],
        video=relative_url(Path(forecast["media"]), out.parent) if forecast["media"] else None,
        style=Markup(style),
        script=Markup(script),
        policy=policy(style, script) + "; media-src 'self' file:",
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, text)
    return out


def check_page(out: Path, *inputs: Path) -> None:
    """Check, before all work, that a page may be written there. Raises BadPagePath."""
    if out.is_dir() or not out.name:
        raise BadPagePath(f"{out} is a folder", "name a file with --out")
    if any(path.exists() and out.exists() and out.samefile(path) for path in inputs):
        raise BadPagePath(
            f"{out} is the message itself, which the page would overwrite", "name another file with --out"
        )
    if any(parent.exists() and not parent.is_dir() for parent in out.absolute().parents):
        raise BadPagePath(f"{out} lies below a file", "name another place with --out")


def forecast_text(forecast: Mapping[str, Any], out: Path) -> str:
    """The single values in a line, and where the page is."""
    parts = [
        f"{figure['name']} {figure['value']}" + (f" ({figure['band']})" if figure["band"] else "")
        for figure in figures(forecast)
    ]
    unread = [f"{asked['title']} could not be read" for asked in forecast["forecasts"] if not asked["values"]]
    return f"{out}: {', '.join([*parts, *unread]) or 'no single value'}; {len(forecast['scenes'])} scenes"


def forecast_style() -> str:
    """The style of this page beside that of all pages."""
    return (TEMPLATES / "forecast.css").read_text("utf-8")


def relative_url(path: Path, folder: Path) -> str:
    """A file as seen from a folder, as a page names it."""
    return quote(Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix())


def clock(seconds: float) -> str:
    """A time as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def figures(forecast: Mapping[str, Any]) -> list[dict[str, str]]:
    """Name, value and band of each single value."""
    rows = []
    for asked in forecast["forecasts"]:
        if asked["values"] and not asked["asks_curve"]:
            edges = [value_text(asked, asked[edge][0]) for edge in ("low", "high") if asked[edge]]
            row = {"name": asked["title"], "value": value_text(asked, asked["values"][0]), "band": " to ".join(edges)}
            rows.append(row)
    return rows


def value_text(asked: Mapping[str, Any], value: float) -> str:
    """A value of a task: a count, or a percentage."""
    return count_text(value) if asked["spans_decades"] else percent_text(value)


def count_text(value: float) -> str:
    """A count of three significant digits."""
    return f"{float(f'{value:.3g}'):,.0f}"


def percent_text(value: float) -> str:
    """A percentage of three significant digits, at most three decimals."""
    return f"{float(f'{value:.3g}'):.3f}".rstrip("0").rstrip(".") + " %"


def curve_svg(answer: Mapping[str, Sequence[float]], scenes: Sequence[Mapping[str, Any]]) -> str:
    """The curve with its band; a rectangle over each scene, which the script makes a place to jump to."""
    step = WIDTH / max(len(scenes), 1)

    def points(values: Sequence[float]) -> list[str]:
        return [f"{(i + 0.5) * step:.1f},{HEIGHT * (1 - value / TOP):.1f}" for i, value in enumerate(values)]

    band = ""
    if answer["low"]:
        edge = " ".join([*points(answer["high"]), *reversed(points(answer["low"]))])
        band = f'<polygon class="band" points="{edge}"/>'
    heights = [f"{HEIGHT * (1 - level / TOP):.0f}" for level in (0, 50, 100)]
    lines = "".join(f'<line class="grid" x1="0" x2="{WIDTH}" y1="{y}" y2="{y}"/>' for y in heights)
    places = "".join(
        f'<rect class="place" data-start="{scene["start_s"]:g}" x="{i * step:.1f}" y="0" width="{step:.1f}" '
        f'height="{HEIGHT}"><title>scene {i + 1}: {value:.0f}</title></rect>'
        for i, (scene, value) in enumerate(zip(scenes, answer["values"], strict=True))
    )
    return (
        f'<svg class="curve" viewBox="0 -6 {WIDTH} {HEIGHT + 12}" preserveAspectRatio="none" role="img" '
        f'aria-label="replay curve over {len(scenes)} scenes, 0 to 100">'
        f'{lines}{band}<polyline class="mean" points="{" ".join(points(answer["values"]))}"/>{places}</svg>'
    )


def spread(items: Sequence[Any]) -> list[Any]:
    """At most THUMBNAILS of them, evenly spaced."""
    count = min(len(items), THUMBNAILS)
    return [items[round(i * (len(items) - 1) / max(count - 1, 1))] for i in range(count)]


def scene_rows(
    scenes: Sequence[Mapping[str, Any]], curve: Mapping[str, Sequence[float]] | None
) -> list[dict[str, Any]]:
    """The scenes with their replay values; those without a word are left out where others have some."""
    values = list(curve["values"]) if curve else [None] * len(scenes)
    rows = [
        {**scene, "number": number, "replay": value}
        for number, (scene, value) in enumerate(zip(scenes, values, strict=True), 1)
    ]
    spoken = [row for row in rows if row["seen"] or row["speech"]]
    return spoken or rows


def change_text(share: float) -> str:
    """A change as a share of the whole, in words: 0.5 is half as much again."""
    if share > MANY_TIMES:
        return f"more than {MANY_TIMES + 1} times as high"
    size = abs(share) * 100
    figure = f"{size:.0f}" if size >= 10 else f"{size:.2g}"
    return f"{figure} % {'lower' if share < 0 else 'higher'}"


def picture(thumbnail: str | None) -> Markup | None:
    """A thumbnail as its address, which holds all of it."""
    return None if thumbnail is None else Markup(f"data:image/jpeg;base64,{quote(thumbnail, safe='+/=')}")


def matter(forecast: Mapping[str, Any], scenes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The scenes whose absence changes a forecast most, each once, with what it loses and what is in it.

    Of scenes with the same words, as those of a slide, the one that matters most is listed; `alike` counts the others.
    """
    asked = {row["task"]: row for row in forecast["forecasts"]}
    same_words = Counter(words_of(scene) for scene in scenes)
    rows: list[dict[str, Any]] = []
    for loss in forecast["matter"]:
        share = 10 ** -loss["decades"] - 1
        scene = scenes[loss["scene"]]
        words = words_of(scene)
        if abs(share) * 100 < LEAST_PERCENT or any(row["number"] == loss["scene"] + 1 for row in rows):
            continue
        if words and any(words_of(row) == words for row in rows):
            continue
        task = asked[loss["task"]]
        without, whole = (value_text(task, loss[name]) for name in ("without", "whole"))
        if without == whole:
            continue
        figures = f"{task['title']} {without} without it instead of {whole}, {change_text(share)}"
        alike = same_words[words] - 1 if words else 0
        rows.append({**scene, "number": loss["scene"] + 1, "loses": figures, "alike": alike})
    return rows[:MATTER]


def words_of(scene: Mapping[str, Any]) -> tuple[str, ...]:
    """What is seen and said in a scene; empty where nothing is."""
    return (scene["seen"] or "", scene["speech"] or "") if scene["seen"] or scene["speech"] else ()


def no_matter_text(forecast: Mapping[str, Any]) -> str:
    """Why no scene is listed as one that matters: none changes the forecast, or they could not be compared."""
    if forecast["matter"]:
        return "No scene changes the forecast when it is left empty."
    single = [asked for asked in forecast["forecasts"] if not asked["asks_curve"]]
    if any(asked["cut"] for asked in single):
        return "Scenes were not compared, since not all of the question was read."
    if single:
        return "Scenes were not compared, since the model's answers could not be read."
    return "Scenes were not compared, since the model forecasts neither views nor likes per view."
