"""`cbc corpus ...`: build a corpus, look at it, check it, give it away. The commands stand in corpus/commands.

cbc corpus ingest ytdlp videos/ --corpus CORPUS
cbc corpus ingest table posts.csv --mapping posts.yaml --corpus CORPUS
cbc corpus status --corpus CORPUS
cbc corpus sql "SELECT kind, count(*) FROM message GROUP BY kind" --corpus CORPUS
"""

from __future__ import annotations

import typer

from corpus.commands import curate, fill, give, look

app = typer.Typer(no_args_is_help=True, help="Build the corpus, look at it, check it, export it.")
for commands in (fill, look, curate, give):
    app.add_typer(commands.app)
