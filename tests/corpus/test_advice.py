"""The advice in an error line fits the mistake, and the commands that a line names run as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from corpus.simulate.world import simulate
from tests.corpus.sources.mapped import POSTS

INGEST = ("corpus", "ingest", "table")
HEADER = "id,title,day,views\n"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """A small simulated corpus, in a folder whose name needs quotes."""
    root = tmp_path_factory.mktemp("world") / "my corpus"
    simulate(root, brands=3, videos=2, posts=2, emails=1)
    return root


def commands_in(text: str) -> list[list[str]]:
    """The arguments of the commands that a text names."""
    lines = re.findall(r"cbc (?:corpus|benchmark) [^`\n]*--corpus (?:'[^']*'|\S+)", text)
    return [shlex.split(line)[1:] for line in lines]


def test_an_unknown_id_is_no_matter_of_opting_out(corpus, cbc_here):
    done = cbc_here("corpus", "explain", "nosuch", "--corpus", corpus)
    assert done.returncode == 2
    assert "opt-out" not in done.stderr
    (listing,) = commands_in(done.stderr)
    assert cbc_here(*listing).returncode == 0


def test_a_mapping_that_does_not_exist_is_an_absent_file(tmp_path, cbc_here):
    (tmp_path / "a.csv").write_text(HEADER)
    for mapping in ("nope.yaml", tmp_path / "nope"):
        done = cbc_here(*INGEST, tmp_path / "a.csv", "--mapping", mapping, "--corpus", tmp_path / "c")
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: there is no file {mapping}; check the path, or use one of headlines, ")


@pytest.mark.parametrize(("mark", "written"), [(";", '";"'), ("\t", '"\\t"'), ("|", '"|"')])
def test_another_separator_is_recognized(tmp_path, cbc_here, mark, written):
    (tmp_path / "posts.yaml").write_text(yaml.safe_dump(POSTS))
    (tmp_path / "a.csv").write_text(f"{HEADER}1,x,2020-01-01,5\n".replace(",", mark))
    line = (*INGEST, tmp_path / "a.csv", "--mapping", tmp_path / "posts.yaml", "--corpus", tmp_path / "c")
    done = cbc_here(*line)
    assert done.returncode == 2
    assert done.stderr.endswith(f"; set `separator: {written}` in the mapping posts\n")
    (tmp_path / "posts.yaml").write_text(f"separator: {written}\n{yaml.safe_dump(POSTS)}")
    assert cbc_here(*line).returncode == 0


def test_broken_yaml_is_placed(tmp_path, cbc_here):
    (tmp_path / "a.csv").write_text(HEADER)
    (tmp_path / "posts.yaml").write_text("channel: web\nkind: post: x\n")
    mapping = tmp_path / "posts.yaml"
    done = cbc_here(*INGEST, tmp_path / "a.csv", "--mapping", mapping, "--corpus", tmp_path / "c")
    assert done.returncode == 2
    assert "posts.yaml (line 2, column 11: mapping values are not allowed here); correct the file" in done.stderr


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (["1,x,,5"], ["1 file read, 0 skipped (ingested before)", "1 row read:", "  -> 1 row in message"]),
        (["1,x,,5", "2,y,,6"], ["1 file read, 0 skipped (ingested before)", "2 rows read:", "  -> 2 rows in message"]),
    ],
)
def test_a_report_counts_one_and_many(tmp_path, cbc_here, rows, lines):
    (tmp_path / "posts.yaml").write_text(yaml.safe_dump(POSTS))
    (tmp_path / "a.csv").write_text(HEADER + "\n".join(rows) + "\n")
    line = (*INGEST, tmp_path / "a.csv", "--mapping", tmp_path / "posts.yaml", "--corpus", tmp_path / "c")
    assert set(lines) <= set(cbc_here(*line).stdout.splitlines())
    assert cbc_here(*line).stdout.splitlines()[:2] == ["0 files read, 1 skipped (ingested before)", "0 rows read:"]


def test_a_source_without_files_reports_none(tmp_path, cbc_here):
    sizes = ("--brands", 3, "--videos", 2, "--posts", 2, "--emails", 1)
    done = cbc_here("corpus", "simulate", *sizes, "--corpus", tmp_path)
    assert done.stdout.splitlines()[0] == "15 rows read:"
    assert "ingested before" not in done.stdout


def test_the_commands_in_messages_run_as_they_stand(corpus, tmp_path, cbc_here):
    (tmp_path / "posts.yaml").write_text(yaml.safe_dump(POSTS))
    (tmp_path / "a.csv").write_text(f"{HEADER},x,,5\n")
    rejected = tmp_path / "all rejected"
    mapping = tmp_path / "posts.yaml"
    told = [
        cbc_here(*INGEST, tmp_path / "a.csv", "--mapping", mapping, "--corpus", rejected).stderr,
        cbc_here("corpus", "filter", "default", "--corpus", corpus).stdout,
        cbc_here("corpus", "forget", "nosuch", "--corpus", corpus).stderr,
        cbc_here("corpus", "status", "--corpus", tmp_path / "no corpus").stderr,
    ]
    (tmp_path / "a.csv").write_text(f"{HEADER}1,x,,5\n")
    assert cbc_here(*INGEST, tmp_path / "a.csv", "--mapping", mapping, "--corpus", corpus).returncode == 0
    told.append(cbc_here("corpus", "status", "--corpus", corpus).stdout)
    for text in told:
        (command,) = commands_in(text)
        assert cbc_here(*command).returncode == 0, command
