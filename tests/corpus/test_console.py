"""What is printed: harmless on a terminal, valid JSON for programs, tables by rich on a terminal alone."""

from __future__ import annotations

import json
import math
import os
import pty
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.console import as_json, harmless
from corpus.ingest.run import ingest
from corpus.printing import cell, table_text
from corpus.progress import progress
from corpus.sources.registry import source_named
from tests.corpus.sources.infos import video, write

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J [red]markup[/red] :smile: \u202eevil\r\ud800 " + "a\u0301日本"


def on_terminal(*args: object, columns: int = 100) -> tuple[int, str]:
    """Run the command with stdout and stderr on a terminal; gives exit code and what was drawn."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "cbc", *map(str, args)]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL)
    os.close(theirs)
    drawn = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # the other end is closed
            break
        drawn += part
        if not part:
            break
    os.close(ours)
    return process.wait(), drawn.decode("utf-8").replace("\r\n", "\n")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    """A corpus with a title that would act on a terminal."""
    folder = tmp_path_factory.mktemp("hostile")
    write(folder / "videos", video(title=HOSTILE), name="one")
    ingest(source_named("ytdlp"), [folder / "videos"], folder / "corpus")
    return folder / "corpus"


@given(st.text())
def test_harmless_text_holds_no_control_and_keeps_the_rest(text):
    shown = harmless(text)
    assert len(shown) == len(text)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert all(char in "\t\n" or not (ord(char) < 32 or 127 <= ord(char) < 160) for char in shown)
    assert all(a == b for a, b in zip(text, shown, strict=True) if a.isalnum() and a.isprintable())


@given(st.lists(st.text()), st.floats())
def test_json_is_ascii_and_valid_whatever_it_holds(texts, number):
    shown = as_json({"texts": texts, "number": number})
    assert shown.isascii()
    read = json.loads(shown, parse_constant=lambda name: pytest.fail(name))
    assert read["texts"] == texts
    assert read["number"] == (number if math.isfinite(number) else None)


def test_values_of_a_database_become_json():
    value = {
        "day": date(2024, 1, 2),
        "at": datetime(2024, 1, 2, tzinfo=UTC),
        "sum": Decimal("1.50"),
        "raw": b"\xff",
    }
    assert json.loads(as_json([value, (1, True, None), {3: {4}}, Path("a")])) == [
        {"day": "2024-01-02", "at": "2024-01-02T00:00:00+00:00", "sum": "1.50", "raw": "ff"},
        [1, True, None],
        {"3": [4]},
        "a",
    ]


def test_a_table_in_a_pipe_is_plain_and_aligned_by_the_width_of_its_letters():
    assert table_text(["a", "n"], [("日本", 1), ("x", 20)]) == "a      n\n----  --\n日本   1\nx     20"
    assert cell(HOSTILE, 200).startswith("␛[31mred␛[0m ␛]0;title␇ �2J [red]markup[/red] :smile: �evil")


@pytest.mark.parametrize("command", [["sql", "SELECT title FROM message"], ["sql", "FROM message", "--csv"]])
def test_hostile_text_does_not_act_on_a_terminal(hostile, command):
    code, drawn = on_terminal("corpus", *command, "--corpus", hostile, columns=300)
    assert code == 0
    assert "\x1b" not in drawn and "\x9b" not in drawn and "\x07" not in drawn
    assert "[red]markup[/red] :smile:" in drawn


def test_a_terminal_gets_a_table_as_wide_as_it_is(hostile):
    code, drawn = on_terminal("corpus", "status", "--corpus", hostile, columns=60)
    assert code == 0
    assert "──────" in drawn
    assert max(map(len, drawn.splitlines())) <= 60 or "/" in max(drawn.splitlines(), key=len)  # the corpus' path


def test_an_error_quotes_hostile_text_harmlessly_in_one_line(cbc_here, tmp_path):
    done = cbc_here("corpus", "status", "--corpus", tmp_path / "\x1b[2J\nerror: all is well")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "\x1b" not in done.stderr and "[2J" in done.stderr


def test_progress_is_drawn_on_a_terminal_and_leaves_nothing_there(tmp_path):
    code, drawn = on_terminal("corpus", "simulate", "--corpus", tmp_path / "c", "--brands", 9, "--videos", 40)
    assert code == 0, drawn
    code, drawn = on_terminal("benchmark", "build", "--corpus", tmp_path / "c", "--out", tmp_path / "b")
    assert code == 0, drawn
    assert "building: " in drawn and " of " in drawn and "left" in drawn
    quiet = on_terminal("-q", "benchmark", "build", "--corpus", tmp_path / "c", "--out", tmp_path / "b2")[1]
    assert "building: " not in quiet and "next: " not in quiet and "replay_past" in quiet


def test_long_commands_on_a_corpus_show_how_far_they_are_on_a_terminal_alone(tmp_path, cbc):
    (tmp_path / "m.yaml").write_text("channel: web\nkind: post\nmessage: {message_id: id, body: text}\n")
    (tmp_path / "files").mkdir()
    for n in range(3):
        lines = [f"{n}{i},words of the post that bears the number {n}{i}" for i in range(20)]
        (tmp_path / "files" / f"{n}.csv").write_text("\n".join(["id,text", *lines, ",nobody"]))
    corpus = ("--corpus", tmp_path / "corpus")
    steps = {
        "reading: 3 of 3 files, ": ("ingest", "table", tmp_path / "files", "--mapping", tmp_path / "m.yaml", *corpus),
        "writing texts: 60 of 60 messages and comments, ": ("verbalize", *corpus, "--out", tmp_path / "texts.parquet"),
        "releasing: ": ("release", *corpus, "--out", tmp_path / "release", "--content", "full"),
        "dropping rows: 2 of 2 folders and files, ": ("takedown", "01", *corpus),
    }
    for shown, words in steps.items():
        code, drawn = on_terminal("corpus", *words, columns=200)
        assert code == 0 and shown in drawn and "/s, 0:00:0" in drawn, drawn
    for number, (options, drawing) in enumerate([((), "searching: "), (("-q",), None)], 11):
        drawn = on_terminal(*options, "corpus", "takedown", number, *corpus, columns=200)[1]
        assert (drawing in drawn) if drawing else "searching: " not in drawn and "dropping" not in drawn
    assert cbc("corpus", "takedown", "02", *corpus).stderr == ""


def test_a_display_within_another_is_counted_and_not_drawn(capsys):
    with progress("outside", "calls", 2) as outside, progress("inside", "files", 3) as inside:
        inside.began -= 100
        inside.advance(3)
        outside.advance()
    assert (inside.done, outside.done) == (3, 1)
    assert capsys.readouterr() == ("", "")


def test_progress_says_rate_and_time_left_and_counts_what_was_done_before():
    with progress("reading", "files", 10, begun=4) as shown:
        assert str(shown) == "reading: 4 of 10 files"
        shown.began -= 2
        shown.detail = "1 broken\n\x1b"
        shown.advance(2)
        assert str(shown) == "reading: 6 of 10 files, 1.0/s, 0:00:04 left, 1 broken ␛"


def test_progress_in_a_log_is_silent_for_short_work(capsys):
    with progress("reading", "files", 10) as shown:
        shown.advance(10)
    assert capsys.readouterr() == ("", "")
