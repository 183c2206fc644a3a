"""The datasheet: its text is the project's, its figures the corpus'."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from corpus.errors import NoSuchPath
from corpus.ingest.run import ingest
from corpus.inspect.datasheet import MARK, TEMPLATE, datasheet_text, write_datasheet
from corpus.simulate.world import simulate
from corpus.sources.registry import source_named
from tests.conftest import ROOT
from tests.corpus.sources.infos import video, write

HEADINGS = ["Motivation", "Composition", "Collection", "Preprocessing", "Uses", "Distribution", "Maintenance"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sheet")
    simulate(folder / "corpus", brands=3, videos=2, posts=3, emails=1)
    write(folder / "videos", video(title="a | b", language="a|b"))
    (folder / "videos" / "bad.info.json").write_text("{")
    ingest(source_named("ytdlp"), [folder / "videos"], folder / "corpus")
    return folder / "corpus"


def figures(text: str) -> dict[str, list[list[str]]]:
    """The cells of each table between marks."""
    blocks = re.findall(r"<!-- figures: (\w+) -->\n\n(.*?)\n\n<!-- end -->", text, re.DOTALL)
    cells = lambda line: [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]  # noqa: E731
    return {name: [cells(line) for line in block.splitlines() if line.startswith("|")] for name, block in blocks}


def test_figures_are_the_corpus_own(corpus):
    told = figures(datasheet_text(corpus))
    assert ["message", "19"] in told["rows"]
    assert ["comment", "2"] in told["rows"]
    assert [row[:4] for row in told["kinds"][2:]] == [
        ["email", "email", "3", "3"],
        ["post", "twitter", "9", "3"],
        ["video", "youtube", "7", "4"],
    ]
    assert ["ytdlp@1", "cut or invalid JSON", "1", "1", "bad.info.json"] in told["rejects"]
    assert ["none given", "2", "1"] in told["comments"]
    assert ["a\\|b", "1"] in told["languages"]


def test_every_mark_is_filled_and_every_table_is_whole(corpus):
    text = datasheet_text(corpus)
    told = figures(text)
    assert set(told) == set(MARK.findall(TEMPLATE.read_text(encoding="utf-8")))
    for rows in told.values():
        assert len({len(row) for row in rows}) <= 1
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == HEADINGS


def test_an_empty_corpus_has_a_datasheet(tmp_path):
    (tmp_path / "corpus.json").write_text('{"format": "cbc-corpus", "version": 2}')
    text = datasheet_text(tmp_path)
    assert "Figures of an empty corpus." in text
    assert "None in this corpus." in text


def test_the_file_is_the_printed_text(corpus, tmp_path, cbc):
    write_datasheet(corpus, tmp_path / "DATASHEET.md")
    written = (tmp_path / "DATASHEET.md").read_text(encoding="utf-8")
    assert cbc("corpus", "datasheet", "--corpus", corpus).stdout == written + "\n"
    with pytest.raises(NoSuchPath, match="cannot write"):
        write_datasheet(corpus, tmp_path / "absent" / "DATASHEET.md")


def test_the_projects_own_datasheet_has_the_templates_text():
    def answers(text: str) -> str:
        return re.sub(r"(<!-- figures: \w+ -->)\n\n.*?<!-- end -->", r"\1", text, flags=re.DOTALL)

    shown = (ROOT / "DATASHEET.md").read_text(encoding="utf-8")
    assert answers(shown) == TEMPLATE.read_text(encoding="utf-8")
    assert "simulate" in shown.split("<!-- end -->")[0]
