"""Commands that show what a corpus holds and where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpus.console import say, say_json, say_json_rows
from corpus.options import Corpus, Json

app = typer.Typer()


@app.command()
def status(corpus: Corpus, json: Json = False) -> None:
    """Say what the corpus holds and how its crawl stands: rows, sources, dates, metrics, rejects, sizes on disk."""
    from corpus.crawl.progress import crawl_state, progress_text
    from corpus.inspect.status import status as run
    from corpus.inspect.status import status_rows, status_text

    if json:
        say_json({**status_rows(run(corpus)), "crawl": crawl_state(corpus)})
    else:
        say("\n\n".join(filter(None, [status_text(corpus), progress_text(corpus)])))


@app.command()
def validate(
    corpus: Corpus,
    limit: Annotated[int, typer.Option(min=0, help="how many findings to show")] = 50,
    json: Annotated[bool, typer.Option("--json", help="print every finding as JSON")] = False,
) -> None:
    """Check schema, ranges, dangling ids and duplicates; exit code 1 when there are findings."""
    from corpus.inspect.validate import findings_rows, findings_text
    from corpus.inspect.validate import validate as run

    findings = run(corpus)
    say_json(findings_rows(findings)) if json else say(findings_text(findings, limit))
    if findings:
        raise typer.Exit(1)


@app.command()
def explain(
    row_id: Annotated[str, typer.Argument(metavar="ID", help="a message, communicator or comment")],
    corpus: Corpus,
    json: Json = False,
) -> None:
    """Say where an id's cells came from: raw payload and field, when, by which call and tool, what was done to it."""
    from corpus.inspect.explain import explain as run
    from corpus.inspect.explain import explain_id, explained_rows

    say_json(explained_rows(explain_id(corpus, row_id))) if json else say(run(corpus, row_id))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="one SELECT over the views of the corpus")],
    corpus: Corpus,
    limit: Annotated[int, typer.Option(min=1, help="rows shown")] = 40,
    csv: Annotated[bool, typer.Option("--csv", help="print every row as CSV")] = False,
    json: Annotated[bool, typer.Option("--json", help="print every row as JSON")] = False,
) -> None:
    """Ask the corpus in SQL (DuckDB's); nothing can be written."""
    from corpus.inspect.status import sql_csv, sql_rows, sql_table

    if json:
        say_json_rows(sql_rows(corpus, query))
    elif csv:
        sql_csv(corpus, query)
    else:
        say(sql_table(corpus, query, limit))


@app.command()
def datasheet(
    corpus: Corpus,
    out: Annotated[Path | None, typer.Option(help="file to write; without it the text is printed")] = None,
    json: Json = False,
) -> None:
    """Write the corpus' datasheet, its figures filled in."""
    from corpus.inspect.datasheet import datasheet_text, write_datasheet

    if out is None:
        text = datasheet_text(corpus)
        say_json({"datasheet": text}) if json else say(text)
        return
    write_datasheet(corpus, out)
    say_json({"out": out}) if json else say(f"datasheet in {out}")
