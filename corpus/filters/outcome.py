"""What the last run of filters said, for those who show the corpus or make something of what is kept."""

from __future__ import annotations

import json
from typing import Any

from corpus.store import Corpus


def last_run(corpus: Corpus) -> dict[str, Any] | None:
    """The manifest of the last run; None where none was."""
    path = corpus.root / "filtered" / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def removed_rows(corpus: Corpus) -> list[tuple[str, str, int]]:
    """Filter, reason and messages removed, in the order of the recipe."""
    steps = (last_run(corpus) or {}).get("filters", [])
    return [(step["filter"], reason, count) for step in steps for reason, count in step["reasons"].items()]


def newer_note(corpus: Corpus) -> str | None:
    """A line to show where ingests came after the filters ran: their messages are kept unseen."""
    run = last_run(corpus)
    newer = {found["ingest"] for found in corpus.ingests()} - set(run["ingests"]) if run else set()
    if not newer:
        return None
    told = f"{len(newer)} ingests are" if len(newer) > 1 else "1 ingest is"
    return f"note: {told} newer than the last `cbc corpus filter`, their messages are kept unseen; run it again"
