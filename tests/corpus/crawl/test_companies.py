"""Companies of a Wikidata query result: their rows, and their channels in a crawl."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from corpus.crawl.crawl import crawl
from corpus.crawl.progress import progress_text
from corpus.crawl.recipe import BadCrawlRecipe, load_crawl_recipe
from corpus.crawl.youtube_api import ENDPOINT_VARIABLE, KEY_VARIABLE
from corpus.ingest.run import ingest
from corpus.sources.wikidata import NoCompanies, Wikidata, rows_of
from corpus.store import Corpus
from tests.corpus.crawl.server import Server, Universe

UNIVERSE = Universe(channels=3, videos_per_channel=4, seed=3)
IDS = UNIVERSE.channel_ids
NAMES = ["company", "companyLabel", "youtubeChannelId", "xUsername"]
ROWS = [
    ("Q17", 'Brand "17", Ltd.', IDS[0], "brand_17"),
    ("Q17", 'Brand "17", Ltd.', IDS[1], "brand_17"),
    ("Q18", "‫ימין‬", "", "@brand_18"),
    ("Q19", "Brand 19", "not-a-channel", ""),
    ("Q20", "Brand 20", "", ""),
    ("Q21", "Brand 21", IDS[2], "far too long for a name"),
]
FORMS = ["result.csv", "plain.tsv", "verbose.tsv", "plain.json", "verbose.json", "sparql.json"]


def entity(name: str) -> str:
    return f"http://www.wikidata.org/entity/{name}"


def quoted(text: str, separator: str) -> str:
    return '"' + text.replace('"', '""') + '"' if '"' in text or separator in text else text


def write(path: Path) -> Path:
    """Write the same result in a form in which it can be downloaded."""
    rows = [dict(zip(NAMES, (entity(row[0]), *row[1:]), strict=True)) for row in ROWS]
    if path.suffix == ".json":
        objects = [{name: cell for name, cell in row.items() if cell} for row in rows]
        if path.stem != "plain":
            objects = [{name: {"type": "literal", "value": cell} for name, cell in row.items()} for row in objects]
        content = {"head": {"vars": NAMES}, "results": {"bindings": objects}} if path.stem == "sparql" else objects
        path.write_text(json.dumps(content), encoding="utf-8")
        return path
    separator = "," if path.suffix == ".csv" else "\t"
    lines = [separator.join(NAMES)]
    if path.stem == "verbose":
        lines = [separator.join(f"?{name}" for name in NAMES)]
        terms = [
            [f"<{row['company']}>", *(f'"{row[name]}"@en' if row[name] else "" for name in NAMES[1:])] for row in rows
        ]
        lines += [separator.join(row) for row in terms]
    else:
        lines += [separator.join(quoted(cell, separator) for cell in row.values()) for row in rows]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_download_gives_the_same_rows(tmp_path, form):
    path = write(tmp_path / form)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    report = ingest(Wikidata(), [path], tmp_path / "corpus")
    with Corpus.open(tmp_path / "corpus").connect() as connection:
        rows = connection.execute("SELECT communicator_id, channel, company, epoch(as_of) FROM communicator").fetchall()
        rejects = connection.execute("SELECT reason, value, line FROM rejects ORDER BY reason").fetchall()
        origins = connection.execute("SELECT DISTINCT source, tool FROM provenance").fetchall()
    at = 1_700_000_000.0
    assert sorted(rows) == sorted(
        [
            (f"youtube:{IDS[0]}", "youtube", 'Brand "17", Ltd.', at),
            (f"youtube:{IDS[1]}", "youtube", 'Brand "17", Ltd.', at),
            (f"youtube:{IDS[2]}", "youtube", "Brand 21", at),
            ("twitter:brand_17", "twitter", 'Brand "17", Ltd.', at),
            ("twitter:brand_18", "twitter", "‫ימין‬", at),
        ]
    )
    lines = [6, 7, 5] if path.suffix != ".json" else [None] * 3
    reasons = ["neither channel nor account", "no id of a YouTube channel", "no name of an X account"]
    values = ["Brand 20", "not-a-channel", "far too long for a name"]
    assert rejects == list(zip(reasons, values, [lines[0], lines[2], lines[1]], strict=True))
    assert report.rows_read == report.rows_counted == 7
    assert origins == [("wikidata@1", "query.wikidata.org")]


def test_a_crawl_takes_its_channels_from_a_result_and_the_company_stays(tmp_path, monkeypatch):
    path = write(tmp_path / "companies.csv")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"youtube": {"companies": "companies.csv", "channels": [IDS[0]]}}))
    os.utime(path, (1_600_000_000, 1_600_000_000))
    ingest(Wikidata(), [path], tmp_path / "corpus")
    with Server(UNIVERSE, key="test-key") as server:
        monkeypatch.setenv(KEY_VARIABLE, "test-key")
        monkeypatch.setenv(ENDPOINT_VARIABLE, server.url)
        crawl(load_crawl_recipe(recipe), tmp_path / "corpus")
    with Corpus.open(tmp_path / "corpus").connect() as connection:
        sql = "SELECT communicator_id, company, name IS NOT NULL FROM communicator WHERE channel = 'youtube'"
        rows = connection.execute(sql).fetchall()
        assert connection.execute("SELECT count(*) FROM message").fetchall() != [(0,)]
    companies = zip(IDS, ['Brand "17", Ltd.', 'Brand "17", Ltd.', "Brand 21"], strict=True)
    assert sorted(rows) == sorted((f"youtube:{name}", company, True) for name, company in companies)
    assert "gone: 1 no channel id, e.g. not-a-channel" in progress_text(tmp_path / "corpus")


def test_a_result_without_a_channel_is_refused_by_a_crawl(tmp_path):
    (tmp_path / "c.csv").write_text("companyLabel,youtubeChannelId\nBrand 1,\nBrand 2,x\n")
    (tmp_path / "recipe.yaml").write_text("youtube: {companies: c.csv}")
    with pytest.raises(BadCrawlRecipe, match="names no YouTube channel"):
        load_crawl_recipe(tmp_path / "recipe.yaml")


WRONG = [
    b"",
    b"a,b\n1,2\n",
    b"companyLabel\nBrand 1\n",
    b"companyLabel,youtubeChannelId\n",
    b"[1, 2]",
    b'{"results": 5}',
    b"[{",
    b"companyLabel,youtubeChannelId\n\xff\xfe,x\n",
]


@pytest.mark.parametrize("content", WRONG)
def test_a_file_that_is_no_result_is_named_and_leaves_no_corpus(tmp_path, cbc, content):
    path = tmp_path / "result.csv"
    path.write_bytes(content)
    ended = cbc("corpus", "ingest", "wikidata", path, "--corpus", tmp_path / "corpus")
    assert ended.returncode == 2 and "is no result of companies" in ended.stderr
    assert not (tmp_path / "corpus").exists()


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"companyLabel,xUsername\n{text}".encode()))
def test_any_bytes_are_rows_or_a_named_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "result.csv"
    path.write_bytes(content)
    try:
        for row in rows_of(path):
            assert all(isinstance(cell, str) for cell in row.cells.values()) and list(row.accounts())
    except NoCompanies:
        pass
