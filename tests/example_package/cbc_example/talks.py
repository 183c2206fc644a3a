"""Recorded talks: one JSON object a line, {"id", "speaker", "title", "views", "likes", "seconds"}."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from corpus.sources.base import Received, RowError, Source, Staging, list_files


class Talks(Source):
    """Files *.talks.jsonl."""

    name = "talks"
    version = 1
    cells = {
        "message.message_id": "id",
        "message.title": "title",
        "message.duration_s": "seconds",
        "communicator.communicator_id": "speaker",
        "effect.views": "views",
        "effect.likes": "likes",
    }

    def files(self, paths: Sequence[Path]) -> list[Path]:
        return list_files(paths, lambda folder: folder.rglob("*.talks.jsonl"), "talks", "give *.talks.jsonl")

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        for file in files:
            for line, text in enumerate(file.raw.read_text(encoding="utf-8").splitlines(), 1):
                staging.rows_read += 1
                try:
                    self.stage_talk(json.loads(text), file, line, staging)
                except (ValueError, KeyError, TypeError):
                    staging.reject(file.name, line, RowError("no talk", text))

    def stage_talk(self, talk: dict[str, object], file: Received, line: int, staging: Staging) -> None:
        """Stage one talk. Raises KeyError where it lacks a field."""
        key, speaker = f"talk:{talk['id']}", f"talk:{talk['speaker']}"
        video = {"channel": "web", "kind": "video", "title": talk["title"], "duration_s": talk["seconds"]}
        effects = [{"message_id": key, "metric": name, "value": float(talk[name])} for name in ("views", "likes")]
        staging.add("message", [{"message_id": key, "communicator_id": speaker, **video}])
        staging.add("communicator", [{"communicator_id": speaker, "channel": "web", "name": talk["speaker"]}])
        staging.add("effect", effects)
        origin = {"source": staging.source, "raw_sha256": file.sha256, "raw_line": line}
        names = (("message", key), ("communicator", speaker))
        staging.add("provenance", [{"table_name": table, "row_key": row, **origin} for table, row in names])
