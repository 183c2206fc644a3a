"""Read marketing emails that a user received: mailboxes (mbox) and single messages (.eml), zipped or not.

cbc corpus ingest mbox newsletters.mbox --corpus CORPUS

Each message is a record. Only messages whose headers mark them as mailings are kept, since others may be private, and
nothing about the receiver is kept (see mail.py). Emails hold no behavior: it comes from a sender's export with the same
campaign, as the mapping `mailchimp` reads it. Attachments are left out and counted in the annotation mbox@1.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from corpus.files.archives import BROKEN_FILE
from corpus.files.mailboxes import LARGEST, read_messages
from corpus.sources.base import BATCH_ROWS, Received, RowError, Source, Staging, list_files
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
        """List the files, and the mail files in the folders. Raises NoSuchPath."""
        return list_files(paths, _find_mail, "mail", "give mailboxes, .eml files or a folder with some")

    def stage(self, files: Sequence[Received], staging: Staging) -> None:
        """Stage each message as a record, with one message in memory."""
        staging.connection.register("_extras", EXTRAS.empty_table())
        staging.connection.execute("CREATE TABLE mbox_extra AS FROM _extras")
        staging.annotate("mbox@1", "mbox_extra")
        extras: list[Row] = []
        for file in files:
            staging.begin(file)
            number = 0
            try:
                with open_mail(file) as source:
                    for number, (line, message) in enumerate(read_messages(source, _extension(file.name) == ".eml"), 1):
                        extras += _stage_message(message, file, number, line, staging)
                        if len(extras) >= BATCH_ROWS:
                            extras = _flush_extras(staging, extras)
            except BROKEN_FILE as error:
                staging.rows_read += 1
                staging.reject(file.name, None, RowError("broken file", error))
        _flush_extras(staging, extras)


def _extension(name: str) -> str:
    return Path(name.lower().removesuffix(".gz")).suffix


def _find_mail(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if _extension(file.name) in ENDS and not file.name.startswith(".")]


def open_mail(file: Received) -> IO[bytes]:
    """Open the bytes of a file, unzipped if its name ends in .gz."""
    if file.name.lower().endswith(".gz"):
        return gzip.open(file.raw)  # type: ignore[return-value]
    return file.raw.open("rb")


def _stage_message(message: bytes | None, file: Received, number: int, line: int, staging: Staging) -> list[Row]:
    """Stage a message, or reject it; returns its row of the annotation."""
    staging.rows_read += 1
    try:
        if message is None:
            raise RowError("message too large", f"over {LARGEST} bytes")
        rows = email_rows(message)
    except RowError as error:
        staging.reject(file.name, line, error)
        return []
    origin: dict[str, Any] = {"source": staging.source, "raw_sha256": file.sha256, "raw_line": number}
    keys = [("message", rows["message"]["message_id"]), ("communicator", rows["communicator"]["communicator_id"])]
    origins = [{"table_name": table, "row_key": key, "fetched_at": file.modified_at, **origin} for table, key in keys]
    staging.add("message", [rows["message"]])
    staging.add("communicator", [rows["communicator"]])
    staging.add("provenance", origins)
    return [{**rows["extra"], "_record": staging.rows_read}]


def _flush_extras(staging: Staging, extras: list[Row]) -> list[Row]:
    """Move rows of the annotation into DuckDB; returns an empty list for the next rows."""
    staging.connection.register("_extras", pa.Table.from_pylist(extras, schema=EXTRAS))
    staging.connection.execute("INSERT INTO mbox_extra FROM _extras")
    staging.connection.unregister("_extras")
    return []
