"""Posts to text: the command beside peers that clean and fill alike, each a process of its own, parquet to parquet.

    python -m tests.performance.bench_verbalize [ROWS]

`cbc corpus verbalize` joins accounts and newest likes to the posts and writes them in their order. `datasets.map` and
one plain Polars query are given the joined rows; the other Polars query joins and sorts as the command does. All four
write the same text, which is looked at. They take turns; medians count. Then the command's peak memory at 1, 2 and 4
times the rows. The posts are like real ones: two thirds hold a link, a third a mention, 29 % more than ASCII.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np
import polars as pl

from corpus.files.atomic import write_json
from corpus.files.sql import PARQUET
from corpus.schema import TABLES
from corpus.store import Corpus
from corpus.verbalize.kinds.post import POST
from corpus.verbalize.mask_counts import mask_series
from corpus.verbalize.message_frames import list_speakers, posts_sql, safe_body
from corpus.verbalize.number_words import UNITS, count_in_three_digits
from corpus.verbalize.post import FIELDS
from corpus.verbalize.safe_text import (
    ADDRESS,
    AT_NAME_AFTER_AT,
    BLANK,
    LINK,
    MENTION,
    sanitize,
)
from corpus.verbalize.times import HOURS_BELOW_DAYS
from studies.results import Part
from tests.performance.command_cost import run_module
from tests.performance.show import show

ROUNDS = 3
ACCOUNTS = 1_000
BODIES = 50_000
WORDS = np.array(
    ["we", "our", "new", "store", "coffee", "game", "season", "thank", "for", "all", "best", "ever", "soon", "today"]
)
ENDS = ["", " only 12,500 left", " “like this”", " it’s on…", " &amp; more\nsee you", " at 5", " in 2023", " 🎉"]


# The corpus and the joined rows.


def make_bodies(rng: np.random.Generator) -> list[str]:
    """Texts of about 130 characters with links, mentions, numbers, line breaks and letters beyond ASCII."""
    words = WORDS[rng.integers(0, len(WORDS), (BODIES, 20))]
    ends = rng.choice(ENDS, BODIES, p=[0.38, 0.05, 0.1, 0.15, 0.03, 0.12, 0.13, 0.04])
    mentions = np.where(rng.random(BODIES) < 0.33, " @some_account", "")
    links = [f" https://t.co/{n:08x}" if n % 3 else "" for n in range(BODIES)]
    return [" ".join(row[:17]) + m + e + link for row, m, e, link in zip(words, mentions, ends, links, strict=True)]


def make_corpus(root: Path, rows: int) -> None:
    """A corpus of posts of 1,000 accounts, as an ingest writes it."""
    place = Corpus.create(root).root / "tables" / "made-0000000000000000"
    place.mkdir(parents=True)
    bodies = pl.DataFrame({"n": range(BODIES), "body": make_bodies(np.random.default_rng(0))})
    account = f"'twitter:u' || (i % {ACCOUNTS})"
    with duckdb.connect() as connection:
        connection.execute("SET threads=1")
        connection.register("bodies", bodies.to_arrow())
        post_id = "'twitter:' || (1500000000000000000 + i * 7919)"
        post = f"""SELECT {post_id} AS message_id, {account} AS communicator_id, 'twitter' AS channel, 'post' AS kind,
        body, TIMESTAMP '2012-01-01' + to_minutes(i % 5000000) AS published_at
        FROM range({rows}) r(i) JOIN bodies ON n = i % {BODIES} ORDER BY i"""
        effect = f"""SELECT {post_id} AS message_id, metric, i * 7919 % below AS value,
        TIMESTAMP '2024-01-01' AS observed_at
        FROM range({rows}) r(i), (VALUES ('likes', 5000), ('shares', 900)) m(metric, below) ORDER BY i, metric"""
        speaker = f"""SELECT {account} AS communicator_id, 'twitter' AS channel, 'brand ' || i AS name,
        'Company ' || i AS company, 1000 + i AS audience, TIMESTAMP '2024-01-01' AS as_of FROM range({ACCOUNTS}) r(i)"""
        for name, sql in {"message": post, "effect": effect, "communicator": speaker}.items():
            connection.execute(f"CREATE OR REPLACE TABLE made ({TABLES[name].ddl})")
            connection.execute(f"INSERT INTO made BY NAME {sql}")
            connection.execute(f"COPY made TO '{place / f'{name}.parquet'}' {PARQUET}")
    write_json(place / "manifest.json", {"ingest": place.name, "source": "made@1"})


def make_joined(root: Path, out: Path) -> None:
    """The rows that peers without a join are given: names made safe, newest likes beside the text."""
    with Corpus.open(root).connect(kept=True) as connection:
        list_speakers(connection)
        columns = "message_id, company, account, audience, country, language, published_at, age_days, body, likes"
        connection.execute(f"COPY (SELECT {columns} FROM ({posts_sql(connection)}) ORDER BY 1) TO '{out}' {PARQUET}")


# The peers.


def by_polars(source: Path, out: Path) -> None:
    """The same expressions in one streamed Polars query."""
    _filled(pl.scan_parquet(source), out)


def by_polars_joins(source: Path, out: Path) -> None:
    """The same with the joins and the order."""
    tables = source.with_name("corpus") / "tables"
    names = ("message", "effect", "communicator")
    posts, effects, speakers = (pl.scan_parquet(tables / "*" / f"{name}.parquet") for name in names)
    likes = effects.filter(pl.col("metric") == "likes", pl.col("scene").is_null(), pl.col("receiver").is_null())
    last = {"likes": pl.col("value").sort_by("observed_at").last(), "observed_at": pl.col("observed_at").max()}
    newest = likes.group_by("message_id").agg(**last)
    safe = {"company": sanitize(pl.col("company"), 80), "account": sanitize(pl.col("name"), 80)}
    named = speakers.select("communicator_id", "audience", **safe)
    age_days = (pl.col("observed_at") - pl.col("published_at")).dt.total_seconds() / 86400
    own = posts.filter(pl.col("kind") == "post", ~pl.col("body").str.starts_with("RT @"))
    _filled(
        own.join(newest, on="message_id")
        .join(named, on="communicator_id")
        .with_columns(age_days=age_days)
        .sort("message_id"),
        out,
    )


def _filled(frame: pl.LazyFrame, out: Path) -> None:
    text = POST.fill(likes=count_in_three_digits(pl.col("likes")), **FIELDS)
    filled = frame.with_columns(body=safe_body()).select("message_id", template=pl.lit(POST.label), text=text)
    filled.sink_parquet(out, compression="zstd", compression_level=1, maintain_order=True)


def by_datasets(source: Path, out: Path) -> None:
    """`datasets.map(batched=True)` with the same cleaning and template in Python, without its cache."""
    from datasets import Dataset, disable_caching, disable_progress_bars

    disable_caching()
    disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        posts = Dataset.from_parquet(str(source), cache_dir=cache)
        mapped = posts.map(python_texts(), batched=True, remove_columns=posts.column_names)
        mapped.to_parquet(str(out))


def python_texts() -> Callable[[dict[str, list[Any]]], dict[str, list[Any]]]:
    """The batch function of `by_datasets`."""
    import regex

    address, name = (regex.compile(p) for p in (ADDRESS, AT_NAME_AFTER_AT))
    blank, marks = regex.compile(f"{BLANK}+"), str.maketrans("<>=", "‹›꞊")

    def unlink(body: str) -> str:
        return name.sub(rf"\1{MENTION}", address.sub(LINK, body))

    def clean(body: str) -> str:
        return blank.sub(" ", body).translate(marks).strip()[:300].rstrip()

    def words(count: float) -> str:
        text = str(round(count))
        for unit, size in UNITS.items():
            if count >= size * 0.9995:
                value = count * (1 / size)
                digits = 2 if value < 9.995 else 1
                # round(value, 2) sees that 2.845 is a little less than that.
                text = f"{round(value * 10**digits) / 10**digits if value < 99.95 else round(value)} {unit}"
        return text

    def filled(
        company: str | None,
        account: str | None,
        audience: float,
        published_at: Any,
        age: float,
        body: str,
        likes: float,
    ) -> str:
        head = (f"company: {company}\n" if company else "") + (f"account: {account}\n" if account else "")
        aged = f"{int(age * 24)} hours" if age < HOURS_BELOW_DAYS else f"{int(age)} days"
        times = f"published: {published_at:%Y-%m-%d %Hh %a}\nage: {aged}"
        return f"{head}followers: {words(audience)}\n{times}\npost: {clean(body)}\nlikes: {words(likes)}"

    def texts(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        unlinked = pl.Series([unlink(body) for body in batch["body"]])
        bodies = mask_series(unlinked).to_list()  # the project's own here too
        names = ("company", "account", "audience", "published_at", "age_days")
        text = list(map(filled, *(batch[name] for name in names), bodies, batch["likes"]))
        return {"message_id": batch["message_id"], "template": [POST.label] * len(text), "text": text}

    return texts


# Measuring.

PEERS = {"datasets": by_datasets, "polars": by_polars, "polars-joins": by_polars_joins}
NAMES = {
    "cbc": "cbc corpus verbalize",
    "polars-joins": "plain Polars, joins and order too",
    "polars": "plain Polars, joined rows given",
    "datasets": "datasets.map(batched=True), joined rows given",
}


def verbalize_command(folder: Path) -> list[object]:
    """The command that a user types."""
    return ["cbc", "corpus", "verbalize", "--corpus", folder / "corpus", "--out", folder / "cbc.parquet"]


def measure(rows: int = 1_000_000) -> Part:
    """All of them in turns; then the command alone at several sizes."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("CBC_BENCH_DIR")) as name:
        folder = Path(name)
        make_corpus(folder / "corpus", rows)
        make_joined(folder / "corpus", folder / "joined.parquet")
        commands = {"cbc": verbalize_command(folder)} | {
            peer: ["tests.performance.bench_verbalize", peer, folder / "joined.parquet", folder / f"{peer}.parquet"]
            for peer in PEERS
        }
        runs = [{peer: run_module(*command) for peer, command in commands.items()} for _ in range(ROUNDS)]
        check_same_text(folder)
        seconds = {peer: median(run[peer][0] for run in runs) for peer in commands}
        peaks = {peer: max(run[peer][1] for run in runs) for peer in commands}
    table: list[tuple[Any, ...]] = [
        (NAMES[peer], rows, seconds[peer], rows / seconds[peer], seconds["cbc"] / seconds[peer], peaks[peer])
        for peer in NAMES
    ]
    table += [alone(rows * factor) for factor in (2, 4)]
    title = "Posts to text (aim: 1,000,000 posts/s, and 0.7 of plain Polars)"
    return Part(title, ["what", "posts", "seconds", "posts/s", "our time by its time", "peak MB"], table)


def alone(rows: int) -> tuple[Any, ...]:
    """The command at another size."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("CBC_BENCH_DIR")) as name:
        make_corpus(Path(name, "corpus"), rows)
        seconds, peak = run_module(*verbalize_command(Path(name)))
    return NAMES["cbc"], rows, seconds, rows / seconds, None, peak


def check_same_text(folder: Path) -> None:
    """Assert that all wrote the same rows in the same order."""
    ours = pl.read_parquet(folder / "cbc.parquet", columns=["message_id", "text"])
    for peer in PEERS:
        theirs = pl.read_parquet(folder / f"{peer}.parquet", columns=["message_id", "text"])
        assert ours.equals(theirs), f"{peer} wrote other text"


def main(rows: int = 1_000_000) -> None:
    """Print the table."""
    show(measure(rows))


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in PEERS:
        PEERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
