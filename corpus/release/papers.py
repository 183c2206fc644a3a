"""Write the documents of a release from its tables: lists of ids, datasheet, card, Croissant, checksums, manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpus.files.atomic import write_json, write_text
from corpus.files.hashes import fingerprint, sums_text
from corpus.inspect.datasheet import fill_datasheet
from corpus.release.card import card_text
from corpus.release.croissant import croissant_text
from corpus.release.figures import holdings, open_tables
from corpus.release.manifest import MANIFEST, SUMS, digests
from corpus.release.targets import write_lists


def write_papers(folder: Path, about: dict[str, Any]) -> dict[str, Any]:
    """Write everything in a release except its tables and recipe, the manifest last; returns the manifest.

    `about` is the manifest without `files` and `fingerprint`.
    """
    with open_tables(folder) as connection:
        write_lists(connection, folder)
        origin = f"Figures of {about['name']} {about['version']} ({about['content']}). {holdings(connection)}"
        write_text(folder / "DATASHEET.md", fill_datasheet(connection, origin, "None in this release."))
        write_text(folder / "croissant.json", croissant_text(folder, about))
        write_text(folder / "README.md", card_text(connection, about))
    files = digests(folder)
    manifest = {**about, "fingerprint": fingerprint(files), "files": files}
    write_text(folder / SUMS, sums_text(files))
    write_json(folder / MANIFEST, manifest)
    return manifest
