"""Read raw files again, each with its source, to find the records about withdrawn ids.

Provenance holds only records of which something was kept; raw files also hold duplicates and rejected records. This
takes as long as the ingests did.
"""

from __future__ import annotations

from datetime import UTC, datetime

from corpus.errors import CbcError
from corpus.ingest.deduplicate import open_staging
from corpus.ingest.kept_source import source_of
from corpus.sources.base import Received, Source, Staging
from corpus.store import Corpus
from corpus.withdrawn.file_names import DIGITS
from corpus.withdrawn.gate import reject_withdrawn
from corpus.withdrawn.tombstones import Ids

AT_ONCE = 500  # files


def reread_records(corpus: Corpus, wanted: Ids) -> tuple[dict[str, frozenset[int]], frozenset[str]]:
    """Find records by the first digits of their file's digest (0: the whole file), and the files that were read."""
    records: dict[str, frozenset[int]] = {}
    reread: set[str] = set()
    for manifest in corpus.ingests():
        source = source_of(manifest)
        if source is None or source.generated or source.paged:
            continue
        files = [raw for file in manifest["files"] if (raw := received_file(corpus, source, file))]
        for start in range(0, len(files), AT_ONCE):
            batch = files[start : start + AT_ONCE]
            for digits, numbers in staged_records(corpus, source, batch, wanted).items():
                records[digits] = records.get(digits, frozenset()) | numbers
            reread |= {file.sha256[:DIGITS] for file in batch}
    return records, frozenset(reread)


def received_file(corpus: Corpus, source: Source, file: dict[str, str]) -> Received | None:
    """The raw file of an entry in a manifest, for its source; None if it no longer exists."""
    digits = file["sha256"][:DIGITS]
    raw = next(iter(sorted((corpus.root / "raw" / source.name).glob(f"{digits}-*"))), None)
    if raw is None:
        return None
    changed = datetime.fromtimestamp(int(raw.stat().st_mtime), UTC).replace(tzinfo=None)
    # The raw path also stands for the user's: names may repeat, raw paths do not.
    return Received(raw, raw, file["name"], file["sha256"], changed)


def staged_records(corpus: Corpus, source: Source, files: list[Received], wanted: Ids) -> dict[str, frozenset[int]]:
    """Stage files, and find the records about the ids by file digest."""
    with corpus.staging("takedown") as folder, open_staging(folder) as connection:
        staging = Staging(connection, folder, source.label)
        try:
            source.stage(files, staging)
        except CbcError:
            return {}
        staging.flush()
        terms = reject_withdrawn(connection, wanted, staging)
        return terms.lines if terms else {}
