"""Taking down posts of answers that hold many, and emails of mailboxes: what is beside them stays as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpus.ingest.run import ingest
from corpus.sources.registry import source_named
from corpus.takedown.takedown import takedown
from tests.corpus.sources.mapped import rows
from tests.corpus.sources.test_mbox import mailbox, mailing
from tests.corpus.sources.test_x_api import answer, flat, old, tweet
from tests.corpus.takedown.test_takedown import words_in

SECRET = "the lighthouse keeper sold us his oldest boat for a song"
OTHER = "a quite different remark about harbours and their cranes"


def raw_of(root: Path, source: str) -> Path:
    return next(path for path in (root / "raw" / source).rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "lines",
    [
        [answer(tweet(1, text=SECRET), tweet(2, text=OTHER))],
        [flat(1, text=SECRET), flat(2, text=OTHER)],
        [old(1, full_text=SECRET), old(2, full_text=OTHER)],
    ],
    ids=["answers", "flattened", "v1.1"],
)
def test_a_post_goes_and_the_others_of_its_answer_stay(tmp_path, lines):
    given = tmp_path / "posts.jsonl"
    given.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    root = tmp_path / "corpus"
    ingest(source_named("x_api"), [given], root)
    name = rows(root, f"SELECT message_id FROM message WHERE body = '{SECRET}'")[0][0]
    takedown(root, [name])
    said = words_in(root)
    assert SECRET not in said and OTHER in said
    assert len(raw_of(root, "x_api").read_text().splitlines()) == len(lines)
    report = ingest(source_named("x_api"), [given], root)
    assert report.files == 0  # known by its digest, and not copied again
    again = tmp_path / "again.jsonl"
    again.write_text(given.read_text() + "\n")
    report = ingest(source_named("x_api"), [again], root)
    assert report.rejected == {"withdrawn": 1} and SECRET not in words_in(root)


def test_an_email_goes_and_the_mailbox_stays_readable(tmp_path):
    box = mailbox(
        tmp_path / "box.mbox", mailing(1, f"{SECRET}\n"), mailing(2, f"{OTHER}\n"), mailing(3, "See you soon\n")
    )
    root = tmp_path / "corpus"
    ingest(source_named("mbox"), [box], root)
    lines = dict(rows(root, "SELECT row_key, raw_line FROM provenance WHERE table_name = 'message'"))
    name = rows(root, f"SELECT message_id FROM message WHERE body LIKE '{SECRET}%'")[0][0]
    takedown(root, [name])
    said = words_in(root)
    assert SECRET not in said and OTHER in said
    ingest(source_named("mbox"), [raw_of(root, "mbox")], tmp_path / "anew")
    kept = dict(rows(tmp_path / "anew", "SELECT row_key, raw_line FROM provenance WHERE table_name = 'message'"))
    assert kept == {key: line for key, line in lines.items() if key != name}


def test_an_email_in_a_file_of_its_own_goes_whole(tmp_path):
    (tmp_path / "one.eml").write_bytes(mailing(1, f"dear all\n\nFrom here on: {SECRET}\n"))
    root = tmp_path / "corpus"
    ingest(source_named("mbox"), [tmp_path / "one.eml"], root)
    takedown(root, [rows(root, "SELECT message_id FROM message")[0][0]])
    assert "lighthouse" not in words_in(root)
