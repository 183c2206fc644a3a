"""`cbc corpus filter RECIPE --corpus DIR`: run the filters and write down which messages they remove, and why.

Nothing is deleted. CORPUS/filtered/removed.parquet names the messages that are not kept, in the order in which they
were removed; manifest.json beside it holds the recipe and the counts by filter, reason and kind. Both are put in place
in one rename; a later run replaces them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpus.console import command_text
from corpus.errors import CbcError
from corpus.files.atomic import replace_folder, write_json
from corpus.files.sql import PARQUET, quote
from corpus.filters.base import FilterCounts
from corpus.filters.kinds import kind_counts, kinds_text
from corpus.filters.outcome import step_label
from corpus.filters.pool import Pool
from corpus.filters.recipe import FilterRecipe
from corpus.printing import table_text
from corpus.progress import progress
from corpus.store import Corpus

FORMAT, VERSION = "cbc-filtered", 1
REMOVED = "SELECT message_id, filter, reason, value, duplicate_of FROM dropped ORDER BY step, message_id"
SHOW_REMOVED = "FROM removed JOIN message USING (message_id)"


class NothingToFilter(CbcError):
    """The corpus holds no message."""


def run_filters(recipe: FilterRecipe, root: Path) -> dict[str, Any]:
    """Run a recipe over a corpus; gives the manifest written.

    Raises NoSuchPath, WrongVersion, Busy, NothingToFilter.
    """
    corpus = Corpus.open(root)
    with corpus.lock():
        with corpus.staging("filtered") as folder, Pool.open(corpus, folder) as pool:
            before = pool.counts("SELECT kind, count(*) FROM placed GROUP BY kind ORDER BY kind")
            if not before:
                raise NothingToFilter(f"{root} holds no message", "ingest some first")
            steps = []
            with progress("filtering", "filters", len(recipe.filters)) as shown:
                for each in recipe.filters:
                    steps.append(each.apply(pool))
                    shown.advance()
            manifest = manifest_of(recipe, before, steps, corpus)
            staged = folder / "whole"
            staged.mkdir()
            pool.connection.execute("SET threads=1")  # how threads share rows out shows in the bytes of the file
            pool.connection.execute(f"COPY ({REMOVED}) TO {quote(staged / 'removed.parquet')} {PARQUET}")
            write_json(staged / "manifest.json", manifest)
            replace_folder(staged, corpus.root / "filtered")
        corpus.refresh()
    return manifest


def manifest_of(
    recipe: FilterRecipe, before: dict[str, int], steps: list[FilterCounts], corpus: Corpus
) -> dict[str, Any]:
    """The manifest of a run: its recipe, and counts in all, by kind and by filter."""
    total = sum(before.values())
    return {
        **{"format": FORMAT, "version": VERSION, "recipe": recipe.name, "digest": recipe.digest},
        "arguments": recipe.arguments,
        **{"messages": total, "kept": total - sum(step.removed for step in steps)},
        "kinds": kind_counts(before, steps),
        "filters": [step.entry() for step in steps],
        "ingests": [ingest["ingest"] for ingest in corpus.ingests()],
    }


def filtered_text(manifest: dict[str, Any], root: Path) -> str:
    """What a run removed, by step of the recipe and reason and by kind, and where to look."""
    rows: list[tuple[Any, ...]] = []
    for step in (step for step in manifest["filters"] if step["looked_at"]):
        rows.append((step_label(step), None, step["looked_at"], step["removed"], step["kept"]))
        rows += [(None, reason, None, count, None) for reason, count in step["reasons"].items()]
    return "\n".join(
        [
            table_text(["filter", "reason", "looked at", "removed", "kept"], rows),
            *idle_lines(manifest),
            "",
            kinds_text(manifest["kinds"]),
            "",
            f"{manifest['kept']:,} of {manifest['messages']:,} messages are kept; nothing was deleted, see the others:",
            command_text("cbc", "corpus", "sql", SHOW_REMOVED, "--corpus", root),
        ]
    )


def idle_lines(manifest: dict[str, Any]) -> list[str]:
    """A line that names the steps that looked at no message; none where each looked at some."""
    idle = [step_label(step) for step in manifest["filters"] if not step["looked_at"]]
    return [f"no message of their kinds was left to look at for: {', '.join(idle)}"] if idle else []
