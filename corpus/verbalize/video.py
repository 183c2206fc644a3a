"""A video as text: forward (content shown, behavior asked) and reverse (behavior shown, speech asked).

Each function takes a frame with one row a video and gives it back with `prompt` and `answer`. Scenes are lists, one
item a scene: scene_seen, scene_speech (null: silent), replay (0 to 100; null: asked). Content must have gone through
corpus.verbalize.safe_text.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from corpus.verbalize.number_words import (
    as_integer,
    count_in_three_digits,
    count_words,
    percent,
    percent_in_three_digits,
)
from corpus.verbalize.safe_text import MASK, gist
from corpus.verbalize.template import Template
from corpus.verbalize.times import age, published


@dataclass(frozen=True)
class VideoForm:
    """The templates that make a video's prompt and answer: the whole, one of its scenes, one line of the answer."""

    prompt: Template
    scene: Template
    answer: Template
    separator: str = "\n"
    paper_numbers: bool = False
    """Counts and percentages rounded as the paper does."""


HEADER = (
    "[channel: {company}\n][subscribers: {audience}\n][title: {title}\n][about: {body}\n][category: {category}\n]"
    "[country: {country}\n][language: {language}\n][tags: {tags}\n][marked: {flags}\n][published: {time}\n]"
    "[length: {length} s\n][age: {age}\n][views: {views}\n][likes: {likes} % of views\n]"
)
SCENE = Template("scene", 1, "scene {number}: {seen}[ | says: {speech}][ = {value}]")
SCENE_MASK = Template("scene-mask", 1, "<mask {number}>")  # numbered, so that it tells which scene is asked
ANSWER = Template("scene-answer", 1, "scene {number}: {gist} = {value}")

REPLAY = VideoForm(
    Template(
        "replay",
        2,
        HEADER
        + "{scenes}\nhow much is each masked scene replayed, 0 to 100? one line a scene, its value after =\nanswer:",
    ),
    SCENE,
    ANSWER,
)
REPLAY_PAPER = VideoForm(
    Template(
        "replay-paper",
        1,
        "<video>\n{scenes}\n[channel: {company}\n][title: {title}\n][published: {date}\n][subscribers: {audience}\n]"
        "[views: {views}\n][likes: {likes} % of views\n]"
        "give the replay values, 0 to 100, of the masked scenes in their order, with commas between\nanswer:",
    ),
    SCENE,
    Template("value", 1, "{value}"),
    separator=", ",
    paper_numbers=True,
)
"""The paper's order of fields (scenes first) and its bare list of values."""

LIKE_VIEW = Template(
    "like-view",
    2,
    HEADER + "[{scenes}\n]which percentage of its viewers like this video? its value after =\nanswer:",
)
LIKE_VIEW_ANSWER = Template("like-view-answer", 1, "{gist} = {likes} %")
VIEWS = Template("views", 2, HEADER + "[{scenes}\n]how many views does this video have? the number after =\nanswer:")
VIEWS_ANSWER = Template("views-answer", 1, "{gist} = {views}")
SPEECH = Template(
    "speech-choice",
    2,
    HEADER + "{scenes}\nwhat is said in the masked scenes?\n{numbered}\nanswer with the number of the right text:",
)

CAPTION = Template("caption", 1, "{scenes}\nwhat is to be seen?\nanswer:")
OPTION = Template("option", 1, "{number}) {option_texts}")


def header_fields(masked: tuple[str, ...] = ()) -> dict[str, pl.Expr]:
    """The fields of HEADER from a frame's columns; those in `masked` are shown as the mask."""
    fields = {
        "audience": count_in_three_digits(pl.col("audience")),
        "tags": as_integer(pl.col("tag_count")),
        "time": published(),
        "length": as_integer(pl.col("duration_s")),
        "age": age(),
        "views": count_in_three_digits(pl.col("views")),
        "likes": percent_in_three_digits(pl.col("like_view_pct") / 100),
    }
    return fields | {name: pl.lit(MASK) for name in masked}


def paper_fields() -> dict[str, pl.Expr]:
    """The fields as the paper writes them: the day alone, counts and percentages rounded further."""
    return header_fields() | {
        "audience": count_words(pl.col("audience")),
        "date": pl.col("published_at").dt.strftime("%Y-%m-%d"),
        "views": count_words(pl.col("views")),
        "likes": percent(pl.col("like_view_pct")),
    }


def scene_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """One row a scene: row (which video), number (from 1), seen, speech, and replay where the frame has it."""
    lists = ["scene_seen", "scene_speech"] + (["replay"] if "replay" in frame.columns else [])
    rows = frame.select(*lists, row=pl.int_range(pl.len(), dtype=pl.Int64)).with_columns(
        number=pl.int_ranges(1, pl.col("scene_seen").list.len() + 1)
    )
    return rows.explode(*lists, "number", empty_as_null=False).with_columns(
        seen=pl.col("scene_seen").cast(pl.String), speech=pl.col("scene_speech").cast(pl.String)
    )


def lines(rows: pl.DataFrame, template: Template, name: str, separator: str = "\n") -> pl.DataFrame:
    """The template run over scene rows and joined by video: columns row and `name`."""
    return rows.group_by("row", maintain_order=True).agg(template.fill().str.join(separator).alias(name))


def joined(frame: pl.DataFrame, *columns: pl.DataFrame) -> pl.DataFrame:
    """The frame with columns made by `lines`."""
    numbered = frame.drop("prompt", "answer", strict=False).with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))
    for column in columns:
        numbered = numbered.join(column, on="row", how="left", maintain_order="left")
    return numbered.drop("row")


def replay_text(frame: pl.DataFrame, form: VideoForm = REPLAY) -> pl.DataFrame:
    """Forward: scenes with their replay values, masked where `replay` is null (their values: `target`)."""
    rows = scene_rows(frame)
    shown = rows.with_columns(value=pl.coalesce(as_integer(pl.col("replay")), SCENE_MASK.fill()))
    targets = frame.select("target").explode("target")["target"]
    asked = rows.filter(pl.col("replay").is_null()).with_columns(value=as_integer(pl.lit(targets)), gist=scene_gist())
    texts = joined(frame, lines(shown, form.scene, "_scenes"), lines(asked, form.answer, "answer", form.separator))
    prompt = form.prompt.fill(scenes=pl.col("_scenes"), **(paper_fields() if form.paper_numbers else header_fields()))
    return texts.with_columns(prompt=prompt).drop("_scenes")


def scene_gist() -> pl.Expr:
    """A few words on a scene: what is seen, else what is said, else nothing."""
    seen, spoken = gist(pl.col("seen").str.split(" | ").list.first()), gist(pl.col("speech"))
    return pl.when(seen != "").then(seen).otherwise(spoken.fill_null(""))


def like_view_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Forward: likes in percent of views, asked after the title."""
    return _whole_text(frame, LIKE_VIEW, LIKE_VIEW_ANSWER, ("likes",))


def views_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Forward: the count of views, asked after the title; likes are masked too."""
    return _whole_text(frame, VIEWS, VIEWS_ANSWER, ("views", "likes"))


def _whole_text(frame: pl.DataFrame, prompt: Template, answer: Template, masked: tuple[str, ...]) -> pl.DataFrame:
    """The prompt shows masks, the answer tells the values."""
    scenes = lines(scene_rows(frame).with_columns(value=pl.lit(None, pl.String)), SCENE, "_scenes")
    return (
        joined(frame, scenes)
        .with_columns(
            prompt=prompt.fill(scenes=pl.col("_scenes"), **header_fields(masked)),
            answer=answer.fill(gist=gist(pl.col("title"), 6).fill_null(""), **header_fields()),
        )
        .drop("_scenes")
    )


def speech_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Reverse: replay values shown, the speech of the scenes in `asked` masked, to be chosen from `option_texts`."""
    rows = scene_rows(frame).with_columns(
        value=as_integer(pl.col("replay")),
        masked=(pl.col("number") - 1).is_in(frame["asked"].gather(scene_rows(frame)["row"])),
    )
    rows = rows.with_columns(speech=pl.when("masked").then(pl.lit(MASK)).otherwise("speech"))
    options = (
        frame.select("option_texts", row=pl.int_range(pl.len(), dtype=pl.Int64))
        .with_columns(number=pl.int_ranges(1, pl.col("option_texts").list.len() + 1))
        .explode("option_texts", "number")
    )
    texts = joined(frame, lines(rows, SCENE, "_scenes"), lines(options, OPTION, "_numbered"))
    prompt = SPEECH.fill(scenes=pl.col("_scenes"), numbered=pl.col("_numbered"), **header_fields())
    number = pl.col("target").list.first().cast(pl.Int64) + 1
    return texts.with_columns(prompt=prompt, answer=number.cast(pl.String)).drop("_scenes", "_numbered")
