"""Marketing emails that a user received: mailboxes (mbox) and single messages (.eml), zipped or not.

cbc corpus ingest mbox newsletters.mbox --corpus CORPUS

Each message is a record. Only mailings are kept: what does not say in its head that it is one may be private. Nothing
of the receiver is kept either (see mail.py), and no behavior is in it: that comes from a sender's export, as the
mapping `mailchimp` reads it, with the same campaign. Attachments are left out and counted in the annotation mbox@1.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from corpus.files.archives import BROKEN_FILE
from corpus.files.mailboxes import LARGEST, messages
from corpus.sources.base import BATCH_ROWS, Received, RowError, Source, Staging, given_files
from corpus.sources.mail import Row, email_rows

ENDS = (".mbox", ".mbx", ".eml")
EXTRAS = pa.schema(
    {
        "message_id": pa.string(),
        "list_id": pa.string(),
        "attachments": pa.int64(),
        "_record": pa.int64(),
    }
)


CELLS = {
    "message.message_id": "a digest of the head Message-ID, or of the message without one",
    "message.communicator_id": "the address in From",
    "message.title": "Subject, scrubbed",
    "message.body": "the plain part, else the HTML part as text, scrubbed",
    "message.published_at": "Date",
    "message.language": "Content-Language",
    "message.campaign": "X-Campaign and its like, else List-Id",
    "communicator.communicator_id": "the address in From",
    "communicator.name": "the name in From",
}
"""Where each cell comes from (corpus/sources/base.py)."""


class Mbox(Source):
    """Mailboxes and single messages."""

    name = "mbox"
    version = 1
    cells = CELLS
    raw_kind = "mailbox"

    def files(self, paths: Sequence[Path]) -> list[Path]:
        """The files given, and those named as mail in the folders given. Raises NoSuchPath."""
        return given_files(paths, _inside, "mail", "give mailboxes, .eml files or a folder with some")

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """A record for each message; one message is held at a time."""
        staging.connection.register("_extras", EXTRAS.empty_table())
        staging.connection.execute("CREATE TABLE mbox_extra AS FROM _extras")
        staging.annotate("mbox@1", "mbox_extra")
        extras: list[Row] = []
        for file in files:
            staging.begin(file)
            number = 0
            try:
                with opened(file) as source:
                    for number, (line, message) in enumerate(messages(source, _kind(file.name) == ".eml"), 1):
                        extras += _staged(message, file, number, line, staging)
                        if len(extras) >= BATCH_ROWS:
                            extras = _annotated(staging, extras)
            except BROKEN_FILE as error:
                staging.rows_read += 1
                staging.reject(file.name, None, RowError("broken file", error))
        _annotated(staging, extras)


def _kind(name: str) -> str:
    return Path(name.lower().removesuffix(".gz")).suffix


def _inside(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if _kind(file.name) in ENDS and not file.name.startswith(".")]


def opened(file: Received) -> IO[bytes]:
    """A file's bytes, unzipped where its name ends in .gz."""
    if file.name.lower().endswith(".gz"):
        return gzip.open(file.raw)  # type: ignore[return-value]
    return file.raw.open("rb")


def _staged(message: bytes | None, file: Received, number: int, line: int, staging: Staging) -> list[Row]:
    """Stage one message, or reject it; gives its row of the annotation."""
    staging.rows_read += 1
    try:
        if message is None:
            raise RowError("message too large", f"over {LARGEST} bytes")
        rows = email_rows(message)
    except RowError as error:
        staging.reject(file.name, line, error)
        return []
    same: dict[str, Any] = {"source": staging.source, "raw_sha256": file.sha256, "raw_line": number}
    keys = [("message", rows["message"]["message_id"]), ("communicator", rows["communicator"]["communicator_id"])]
    origins = [{"table_name": table, "row_key": key, "fetched_at": file.modified_at, **same} for table, key in keys]
    staging.add("message", [rows["message"]])
    staging.add("communicator", [rows["communicator"]])
    staging.add("provenance", origins)
    return [{**rows["extra"], "_record": staging.rows_read}]


def _annotated(staging: Staging, extras: list[Row]) -> list[Row]:
    """Move rows of the annotation into DuckDB; gives the empty list to go on with."""
    staging.connection.register("_extras", pa.Table.from_pylist(extras, schema=EXTRAS))
    staging.connection.execute("INSERT INTO mbox_extra FROM _extras")
    staging.connection.unregister("_extras")
    return []
