"""The manifest of the last run of filters, read by whoever shows the corpus or uses what is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from corpus.console import command_text
from corpus.store import Corpus


def last_run(corpus: Corpus) -> dict[str, Any] | None:
    """The manifest of the last run; None where none was."""
    path = corpus.root / "filtered" / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def removed_rows(corpus: Corpus) -> list[tuple[str, str, int]]:
    """Filter, reason and messages removed, in the order of the recipe."""
    steps = (last_run(corpus) or {}).get("filters", [])
    return [(step_label(step), reason, count) for step in steps for reason, count in step["reasons"].items()]


def step_label(step: Mapping[str, Any]) -> str:
    """A step's filter with its settings; its filter alone in manifests of earlier versions."""
    return str(step.get("label", step["filter"]))


def newer_note(corpus: Corpus) -> str | None:
    """A note for a corpus with ingests after the last run of filters, whose messages are kept unseen."""
    run = last_run(corpus)
    newer = {manifest["ingest"] for manifest in corpus.ingests()} - set(run["ingests"]) if run else set()
    if not newer or not run:
        return None
    command = ["cbc", "corpus", "filter", *run.get("arguments", ()), "--corpus", corpus.root]
    again = f"run it again: {command_text(*command)}" if run.get("arguments") else "run it again"
    counted = f"{len(newer)} ingests are" if len(newer) > 1 else "1 ingest is"
    return f"note: {counted} newer than the last `cbc corpus filter`, their messages are kept unseen; {again}"
