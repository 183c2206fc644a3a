"""Read yt-dlp info files: one NAME.info.json per video, its captions beside it as NAME.LANG.vtt, .srt or .json3.

yt-dlp --skip-download --write-info-json --write-comments --write-subs --write-auto-subs URL...
cbc corpus ingest ytdlp videos/ --corpus CORPUS

Scenes are the paper's merged heatmap markers, else the chapters, else the whole video; captions, scrubbed, are the
speech of the scene in which they begin. Chapters and tags become the annotation ytdlp@1. Each info file is a record; a
comment or caption file that cannot be read is a record of its own, rejected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus.errors import NoSuchPath
from corpus.privacy.scrub import hash_key, scrub_own
from corpus.sources.base import BATCH_ROWS, Received, RowError, Source, Staging
from corpus.sources.captions import CAPTIONS, Captions, list_captions, parse_captions
from corpus.sources.fields import read_list
from corpus.sources.ytdlp_info import CELLS, Row, assign_speech, comment_row, provenance_rows, read_info, video_rows

INFO = ".info.json"
EXTRAS = pa.schema(
    {
        "message_id": pa.string(),
        "chapters": pa.list_(pa.struct({"start_s": pa.float64(), "end_s": pa.float64(), "title": pa.string()})),
        "tags": pa.list_(pa.string()),
        "categories": pa.list_(pa.string()),
        "caption_language": pa.string(),
        "caption_automatic": pa.bool_(),
        "_record": pa.int64(),
    }
)
Fault = tuple[str, RowError]


class YtDlp(Source):
    """Info files of yt-dlp, single or in folders."""

    name = "ytdlp"
    version = 1
    cells = CELLS
    comments = True

    def files(self, paths: Sequence[Path]) -> list[Path]:
        """List info files and the captions beside them. Raises NoSuchPath."""
        infos = sorted({file for path in paths for file in (path.rglob(f"*{INFO}") if path.is_dir() else [path])})
        missing = [path for path in infos if not path.is_file()]
        if missing or not infos:
            where = missing[0] if missing else ", ".join(map(str, paths))
            raise NoSuchPath(f"no yt-dlp info file at {where}", "give *.info.json files or a folder that holds some")
        beside = captions_by_stem({path.parent for path in infos})
        return [*infos, *(file for path in infos for file in beside.get(stem(path), []))]

    def reread(self, new: Sequence[Path], files: Sequence[Path]) -> list[Path]:
        """Info files whose captions are new."""
        late = {path.with_name(path.name.rsplit(".", 2)[0]) for path in new if path.suffix[1:] in CAPTIONS}
        return [path for path in files if path.suffix[1:] not in CAPTIONS and stem(path) in late]

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Stage each info file as a record, together with its captions."""
        infos = {stem(file.path): file for file in files if file.path.suffix[1:] not in CAPTIONS}
        beside = captions_by_stem({place.parent for place in infos})
        reader = _Reader(staging, hash_key(), {file.path: file.raw for file in files})
        for place, file in infos.items():
            staging.begin(file)
            reader.read(file, beside.get(place, []))
        for file in files:
            if file.path.suffix[1:] in CAPTIONS and file.path.with_name(file.path.name.rsplit(".", 2)[0]) not in infos:
                reader.reject(file.name, RowError("captions whose info file is not new"))
        reader.finish()


class _Reader:
    """Stages the rows of info files, and counts files and comments that cannot be read."""

    def __init__(self, staging: Staging, key: bytes | None, raw: dict[Path, Path]) -> None:
        self.staging, self.key, self.raw = staging, key, raw
        self.extras: list[Row] = []
        staging.connection.register("_extras", EXTRAS.empty_table())
        staging.connection.execute("CREATE TABLE ytdlp_extra AS FROM _extras")
        staging.annotate("ytdlp@1", "ytdlp_extra")

    def reject(self, name: str, error: RowError) -> None:
        """Count a comment or caption file as a record of its own, and reject it."""
        self.staging.rows_read += 1
        self.staging.reject(name, None, error)

    def read(self, file: Received, beside: Sequence[Path]) -> None:
        """Stage one video with its speech and comments, or reject its info file."""
        self.staging.rows_read += 1
        try:
            info = read_info(file.raw.read_bytes())
            rows, comments = video_rows(info, file.modified_at), read_list(info, "comments")
        except RowError as error:
            self.staging.reject(file.name, None, error)
            return
        faults: list[Fault] = []
        self._add_speech(rows, list_captions(info, beside), file.name, faults)
        rows["comment"] = list(self._read_comments(comments, rows["message"][0]["message_id"], file.name, faults))
        rows["provenance"] = provenance_rows(rows, info, file, self.staging.source)
        self.extras += [{**row, "_record": self.staging.rows_read} for row in rows.pop("extra")]
        for table, table_rows in rows.items():
            self.staging.add(table, table_rows)
        if len(self.extras) >= BATCH_ROWS:
            self.finish()
        for where, fault in faults:
            self.reject(where, fault)

    def _add_speech(
        self, rows: dict[str, list[Row]], candidates: list[Captions], name: str, faults: list[Fault]
    ) -> None:
        """Add the speech of the best readable captions to the scenes."""
        for captions in candidates:
            where = captions.content.name if isinstance(captions.content, Path) else name
            try:
                utterances = parse_captions(self._read_captions(captions), captions.kind, captions.automatic)
            except RowError as error:
                faults.append((where, error))
                continue
            assign_speech(
                [replace(utterance, text=scrub_own(utterance.text)) for utterance in utterances], rows["scene"]
            )
            rows["extra"][0] |= {"caption_language": captions.language, "caption_automatic": captions.automatic}
            return

    def _read_captions(self, captions: Captions) -> str:
        """Read the text of captions. Raises RowError."""
        if isinstance(captions.content, str):
            return captions.content
        try:
            return self.raw.get(captions.content, captions.content).read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise RowError("captions not UTF-8", f"byte {error.start + 1}") from None

    def _read_comments(self, comments: list[Any], message_id: str, name: str, faults: list[Fault]) -> Iterator[Row]:
        for comment in comments:
            try:
                yield comment_row(comment, message_id, self.key)
            except RowError as error:
                faults.append((name, error))

    def finish(self) -> None:
        """Move waiting rows of the annotation into DuckDB."""
        self.staging.connection.register("_extras", pa.Table.from_pylist(self.extras, schema=EXTRAS))
        self.staging.connection.execute("INSERT INTO ytdlp_extra FROM _extras")
        self.staging.connection.unregister("_extras")
        self.extras = []


def stem(path: Path) -> Path:
    """Path without extensions, which an info file shares with its captions."""
    return path.with_name(path.name.removesuffix(INFO).removesuffix(".json"))


def captions_by_stem(folders: set[Path]) -> dict[Path, list[Path]]:
    """Map FOLDER/NAME to the caption files NAME.LANG.KIND in the folders."""
    by_stem: dict[Path, list[Path]] = {}
    for folder in sorted(folders):
        for path in sorted(folder.iterdir()):
            parts = path.name.rsplit(".", 2)
            if len(parts) == 3 and parts[2] in CAPTIONS and path.is_file():
                by_stem.setdefault(folder / parts[0], []).append(path)
    return by_stem
