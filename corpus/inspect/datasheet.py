"""`cbc corpus datasheet`: fill the template corpus/inspect/datasheet.txt with the figures of a corpus."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from corpus.files.atomic import part_path
from corpus.files.output_file import check_output
from corpus.inspect.status import FIGURES, figure
from corpus.printing import number_of, table_markdown
from corpus.schema import TABLES
from corpus.store import Corpus

TEMPLATE = Path(__file__).with_name("datasheet.txt")
MARK = re.compile(r"<!-- figures: (\w+) -->")
WITHOUT_SHARE = ("message_id", "channel", "kind")
SHARES = ", ".join(
    f'round(100.0 * avg(({column.name} IS NULL)::INT), 1) AS "{column.name}"'
    for column in TABLES["message"].columns
    if column.name not in WITHOUT_SHARE
)
SCENE_SHARES = ", ".join(
    f'round(100.0 * count(*) FILTER (len({name}) > 0) / count(*), 1) AS "% with {name}"'
    for name in ("speech", "screen_text", "captions", "objects", "actions")
)
MORE: dict[str, str] = {
    "dates": """SELECT kind, min(day) AS "first", quantile_disc(day, 0.25) AS "a quarter by",
        quantile_disc(day, 0.5) AS "half by", quantile_disc(day, 0.75) AS "three quarters by", max(day) AS "last"
        FROM (SELECT kind, published_at::DATE AS day FROM message WHERE published_at IS NOT NULL)
        GROUP BY kind ORDER BY kind""",
    "communicators": """SELECT channel, count(*) AS communicators, count(DISTINCT company) AS companies,
        median(messages) AS "messages of one, median", max(messages) AS most, median(audience) AS "audience, median"
        FROM communicator JOIN (SELECT communicator_id, count(*) AS messages FROM message GROUP BY communicator_id)
        USING (communicator_id) GROUP BY channel ORDER BY channel""",
    "scenes": f"""SELECT kind, count(DISTINCT message_id) AS messages, count(*) AS scenes,
        round(count(*) / count(DISTINCT message_id), 1) AS "a message", {SCENE_SHARES}
        FROM scene JOIN message USING (message_id) GROUP BY kind ORDER BY kind""",
    "comments": """SELECT coalesce(sentiment, 'none given') AS "sentiment of comments", count(*) AS comments,
        count(DISTINCT message_id) AS messages FROM comment GROUP BY 1 ORDER BY 2 DESC, 1""",
    "missing": f"SELECT kind, {SHARES} FROM message GROUP BY kind ORDER BY kind",
    "languages": """SELECT coalesce(language, 'unknown') AS language, count(*) AS messages FROM message GROUP BY 1
        ORDER BY 2 DESC, 1 LIMIT 12""",
}


def origin(corpus: Corpus) -> str:
    """Sentence that names the ingests from which the figures were counted."""
    ingests = ", ".join(
        f"`{manifest['ingest']}` ({number_of(manifest['rows_kept'], 'row')})" for manifest in corpus.ingests()
    )
    return f"Figures of the corpus made by {ingests}." if ingests else "Figures of an empty corpus."


def datasheet_text(root: Path) -> str:
    """Write the datasheet of a corpus as text. Raises NoSuchPath, WrongVersion, BrokenTable."""
    corpus = Corpus.open(root)
    with corpus.connect() as connection:
        return fill_datasheet(connection, origin(corpus), "None in this corpus.")


def fill_datasheet(connection: duckdb.DuckDBPyConnection, counted_from: str, none: str) -> str:
    """Fill the template with figures of the tables in a database; `none` replaces a figure without rows."""

    def fill(mark: re.Match[str]) -> str:
        figures = counted_from
        if mark[1] != "origin":
            header, rows = figure(connection, {**FIGURES, **MORE}[mark[1]])
            figures = table_markdown(header, rows) if rows else none
        return f"{mark[0]}\n\n{figures}\n\n<!-- end -->"

    return MARK.sub(fill, TEMPLATE.read_text(encoding="utf-8"))


def write_datasheet(root: Path, out: Path) -> None:
    """Write the datasheet of a corpus to a file. Raises NoSuchPath, WrongVersion, BrokenTable, HoldsOther."""
    text = datasheet_text(root)
    check_output(out, "datasheet", is_datasheet)
    part = part_path(out)
    part.write_text(text, encoding="utf-8")
    part.replace(out)


def is_datasheet(path: Path) -> bool:
    """Whether a file is a datasheet, by its heading and a mark of its figures."""
    text = path.read_bytes()
    heading = TEMPLATE.read_bytes().split(b"\n")[0]
    return text.split(b"\n")[0] == heading and MARK.search(text.decode("utf-8", "replace")) is not None
