"""Commands that change what is used of a corpus: take down, filter, annotate."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from corpus.console import note, say, say_json
from corpus.options import Corpus, Json

app = typer.Typer()


@app.command()
def takedown(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="videos, posts, channels, comments")],
    corpus: Corpus,
    also: Annotated[
        list[Path] | None, typer.Option(help="a bench, run or release made of it elsewhere or by an earlier version")
    ] = None,
    json: Json = False,
) -> None:
    """Remove ids from everything, keep them from being fetched again, and prove by search that their text is gone."""
    from corpus.takedown.takedown import takedown as run
    from corpus.takedown.takedown import taken_text

    taken = run(corpus, ids, also or [])
    say_json(taken) if json else say(taken_text(taken))


@app.command(name="filter")
def filter_(
    recipe: Annotated[str, typer.Argument(help="YAML: filters in their order; or a shipped one's name: default")],
    corpus: Corpus,
    language: Annotated[
        str | None, typer.Option(help="keep these languages alone, as en,de (without it: all languages)")
    ] = None,
    json: Json = False,
) -> None:
    """Find duplicates and noise; nothing is deleted, but benches and texts are made of what is kept."""
    from corpus.filters.kinds import emptied_text
    from corpus.filters.recipe import load_filter_recipe
    from corpus.filters.run import filtered_text, run_filters

    loaded = load_filter_recipe(recipe)
    if language is not None:
        loaded = loaded.in_languages([name.strip() for name in language.split(",")])
    manifest = run_filters(loaded, corpus)
    say_json(manifest) if json else say(filtered_text(manifest, corpus))
    if warning := emptied_text(manifest["kinds"]):
        note(warning.removeprefix("note: "))


class EngineName(StrEnum):
    """What decodes media: processes of this machine, or tasks on Ray."""

    LOCAL = "local"
    RAY = "ray"


@app.command()
def annotate(
    corpus: Corpus,
    names: Annotated[
        str,
        typer.Option(
            "--with",
            help="language, tone, comment_tone; of media: scenes, speech, text, captions, look, sound, picture_tone",
        ),
    ],
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="a setting of one, as scenes.detector=content")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="processes that decode; by default one a core")] = None,
    engine: Annotated[EngineName, typer.Option(help="what decodes: this machine, or Ray")] = EngineName.LOCAL,
    address: Annotated[
        str | None, typer.Option(help="a Ray cluster to join: auto or HOST:PORT; by default one started here")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="read files again that gave nothing")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="only say what it takes: files, time, memory, disk")] = False,
    json: Json = False,
) -> None:
    """Say of messages what their sources do not, as annotations; goes on where it was stopped."""
    from corpus.annotate.choose import choose_annotators
    from corpus.annotate.run import annotate as annotate_text
    from corpus.annotate.run import annotated_text

    if address and engine is EngineName.LOCAL:
        raise typer.BadParameter("--address is for --engine ray")
    of_text, of_media = choose_annotators(names, settings or [])
    outcomes: list[object] = []
    lines = []
    if of_media:
        from corpus.annotate.media_plan import make_plan, plan_text
        from corpus.annotate.media_run import annotate_here, annotate_media, media_annotated_text
        from corpus.files.side_by_side import CORES

        if plan:
            planned = make_plan(corpus, of_media, workers or CORES)
            outcomes.append(planned)
            lines.append(plan_text(planned))
        else:
            on_ray = None
            if engine is EngineName.RAY:
                from corpus.annotate.ray_engine import ray_engine

                on_ray = ray_engine(address, workers)
            annotated = annotate_media(corpus, of_media, workers or CORES, again=again, engine=on_ray or annotate_here)
            outcomes.append(annotated)
            lines.append(media_annotated_text(annotated))
    for annotator in of_text:
        if plan:
            lines.append(f"{annotator.name} reads no files: a plan is for media")
            continue
        done = annotate_text(corpus, annotator)
        outcomes.append(done)
        lines.append(annotated_text(done))
    say_json(outcomes[0] if len(outcomes) == 1 else outcomes) if json else say("\n".join(lines))
