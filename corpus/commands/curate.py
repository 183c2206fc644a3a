"""Commands that change what is used of a corpus: take down, filter, annotate."""

from __future__ import annotations

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


@app.command()
def annotate(
    corpus: Corpus,
    name: Annotated[str, typer.Option("--with", help="an annotator: language")],
    json: Json = False,
) -> None:
    """Say of messages what their sources do not, as an annotation; goes on where it was stopped."""
    from corpus.annotate.registry import ANNOTATORS
    from corpus.annotate.run import annotate as run
    from corpus.annotate.run import annotated_text

    annotated = run(corpus, ANNOTATORS[name]())
    say_json(annotated) if json else say(annotated_text(annotated))
