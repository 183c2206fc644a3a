"""Mailboxes: what becomes of a mailing, that nothing tells who received it, and each kind of damage."""

from __future__ import annotations

import gzip
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from corpus.errors import NoSuchPath
from corpus.files.mailboxes import read_messages
from corpus.ingest.run import Report, ingest
from corpus.sources.base import RowError
from corpus.sources.mail import email_rows
from corpus.sources.mail_text import plain_text
from corpus.sources.registry import source_named
from corpus.store import Corpus

RECEIVER = ("Quilla Testreceiver", "quilla.t17@receiver.example")
BODY = (
    "Hi Quilla,\n\nnew shoes from 49.90. Sent to quilla.t17@receiver.example.\n"
    "Leave: https://brand-17.example/out?e=abc123\n"
)


def mailing(number: int = 1, body: str | EmailMessage = BODY, **heads: str | None) -> bytes:
    """A mailing as it lies in a mailbox; heads by name with _ for -, None takes one away."""
    told: dict[str, str | None] = {
        "From": "Brand 17 <News@brand-17.example>",
        "To": f"{RECEIVER[0]} <{RECEIVER[1]}>",
        "Delivered-To": RECEIVER[1],
        "Subject": f"Quilla, shoes {number}",
        "Date": "Tue, 03 Mar 2026 10:00:00 +0200",
        "Message-ID": f"<{number}.quilla.t17=receiver.example@brand-17.example>",
        "List-Unsubscribe": "<https://brand-17.example/out?e=abc123>",
        "X-Campaign-Id": "spring-26",
    }
    told |= {name.replace("_", "-"): value for name, value in heads.items()}
    head = "".join(f"{name}: {value}\n" for name, value in told.items() if value is not None)
    if isinstance(body, str):
        return f"{head}Content-Type: text/plain; charset=utf-8\n\n{body}".encode()
    return head.encode() + body.as_bytes()


def mailbox(path: Path, *mails: bytes) -> Path:
    """An mbox with the mails."""
    path.write_bytes(b"".join(b"From someone Tue Mar 3 10:00:00 2026\n" + mail + b"\n\n" for mail in mails))
    return path


def run(folder: Path, *paths: Path) -> tuple[Report, Path]:
    report = ingest(source_named("mbox"), paths, folder / "corpus")
    assert report.rows_read == report.rows_counted
    return report, folder / "corpus"


def rows(root: Path, sql: str) -> list[tuple]:
    with Corpus.open(root).connect() as connection:
        return connection.execute(sql).fetchall()


def test_a_mailing_is_a_message_of_its_sender(tmp_path):
    report, root = run(tmp_path, mailbox(tmp_path / "a.mbox", mailing(1), mailing(2, Content_Language="en-GB")))
    assert (report.rows_read, report.rows_kept, report.rejected) == (2, 2, {})
    assert "effect" not in report.tables
    told = rows(
        root, "SELECT communicator_id, channel, kind, title, body, published_at, language, campaign FROM message"
    )
    assert told[0] == (
        "email:news@brand-17.example", "email", "email", "(name), shoes 1",
        "Hi (name),\n\nnew shoes from 49.90. Sent to (email).\nLeave: (link)",
        datetime(2026, 3, 3, 8), None, "spring-26",
    )  # fmt: skip
    assert told[1][6] == "en-GB"
    assert rows(root, "SELECT communicator_id, channel, name, audience FROM communicator") == [
        ("email:news@brand-17.example", "email", "Brand 17", None)
    ]
    seen = rows(root, "SELECT raw_line, source FROM provenance WHERE table_name = 'message' ORDER BY raw_line")
    assert seen == [(1, "mbox@1"), (2, "mbox@1")]


@pytest.mark.parametrize(
    ("heads", "body"),
    [
        ({}, BODY),
        ({"Delivered_To": None}, "to Quilla Testreceiver, QUILLA, or quilla.t17"),
        ({"To": "undisclosed-recipients:;"}, f"for {RECEIVER[1].upper()} only"),
        ({"To": None, "Delivered_To": None, "X_Original_To": RECEIVER[1]}, "out=quilla.t17%40receiver.example&x"),
        ({"List_Id": "quilla.t17=receiver.example <list.brand-17.example>"}, "text"),
        ({"X_Campaign_Id": "spring/quilla.t17@receiver.example"}, "text"),
        ({"Date": "quilla.t17@receiver.example"}, "text"),
        ({"Message_ID": None}, BODY),
        ({"Cc": "=?utf-8?q?Quilla_T=C3=A9st?= <quilla.t17@receiver.example>"}, "Quilla Tést"),
    ],
)
def test_nothing_in_the_tables_tells_the_receiver(tmp_path, heads, body):
    report, root = run(tmp_path, mailbox(tmp_path / "a.mbox", mailing(1, body, **heads)))
    for table in [*report.tables, *Corpus.open(root).annotations()]:
        told = str(rows(root, f'FROM "{table}"')).lower()
        assert "quilla" not in told and "receiver.example" not in told


def test_html_becomes_text_and_attachments_are_counted(tmp_path):
    mail = EmailMessage()
    mail.set_content(" \n")
    mail.add_alternative(
        "<html><head><title>no</title><style>p {}</style></head><body><p>Two&nbsp;shoes &amp; <b>one</b> sock</p>"
        "<script>no()</script><table><tr><td>40 %</td></tr></table><img src='x' alt='a shoe'></body></html>",
        subtype="html",
    )
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="offer.pdf")
    _, root = run(tmp_path, mailbox(tmp_path / "a.mbox", mailing(1, mail)))
    assert rows(root, "SELECT body FROM message") == [("Two shoes & one sock\n40 %\na shoe",)]
    assert rows(root, 'SELECT attachments FROM "mbox@1"') == [(1,)]


def test_a_campaign_of_mailchimp_joins_with_its_export(tmp_path):
    mail = mailing(1, X_Campaign_Id=None, X_Campaign="mailchimp00aa11bb.c0ffee1234")
    _, root = run(tmp_path, mailbox(tmp_path / "a.mbox", mail))
    export = tmp_path / "campaigns.csv"
    export.write_text(
        "Title,Subject,Audience,Send Date,Total Recipients,Successful Deliveries,Unique Opens,Total Clicks,Click Rate,"
        'Unique Id\nT,Shoes,Everyone,"Mar 03, 2026 10:00 am",110,108,30,7,6.48%,c0ffee1234\n'
    )
    ingest(source_named("mailchimp"), [export], root)
    joined = "SELECT value FROM message m JOIN message e USING (campaign) JOIN effect f ON f.message_id = e.message_id"
    assert rows(root, f"{joined} WHERE m.body IS NOT NULL AND metric = 'opens'") == [(30,)]


@pytest.mark.parametrize(
    ("heads", "reason"),
    [
        ({"List_Unsubscribe": None, "X_Campaign_Id": None}, "not a mailing"),
        ({"List_Post": "<mailto:talk@brand-17.example>"}, "a list that people discuss on"),
        ({"From": None}, "no sender"),
        ({"From": "Brand 17"}, "no sender"),
        ({"From": RECEIVER[1]}, "sent to its sender"),
        ({"Date": "yesterday"}, "unparsable date"),
        ({"Date": "Tue, 03 Mar 3000 10:00:00 +0200"}, "unparsable date"),
    ],
)
def test_what_is_no_mailing_is_rejected_with_its_line(tmp_path, heads, reason):
    good = mailing(2)
    report, root = run(tmp_path, mailbox(tmp_path / "a.mbox", good, mailing(1, **heads)))
    assert (report.rows_kept, report.rejected) == (1, {reason: 1})
    line = good.count(b"\n") + 4
    assert rows(root, "SELECT file, line, reason FROM rejects") == [("a.mbox", line, reason)]
    assert (tmp_path / "a.mbox").read_bytes().splitlines()[line - 1].startswith(b"From someone")


def test_a_mailing_without_a_date_has_none(tmp_path):
    _, root = run(tmp_path, mailbox(tmp_path / "a.mbox", mailing(1, Date=None)))
    assert rows(root, "SELECT published_at FROM message") == [(None,)]


HEAD = b"From: Brand <a@brand-17.example>\nTo: q@receiver.example\nList-Id: x\n"


@pytest.mark.parametrize(
    ("raw", "title", "body"),
    [
        (b"Subject: =?utf-8?B?U2Now7ZuZQ==?= =?utf-8?Q?_Schuhe?=\n\nx", "Schöne Schuhe", "x"),
        (b"Subject: =?no-such-charset?Q?caf=E9?=\n\nx", "caf\ufffd", "x"),
        (b"Subject: =?utf-8?B?%%%?=\n\nx", "=?utf-8?B?%%%?=", "x"),
        (b"Subject: Sch\xc3\xb6n\n\nx", "Schön", "x"),
        (b"Subject: Sch\xf6n\n\nx", "Schön", "x"),
        (b"Subject: a\n b\n\nx", "a b", "x"),
        (b"Subject: s\nContent-Type: text/plain; charset=no-such\n\ncaf\xc3\xa9", "s", "café"),
        (b"Subject: s\nContent-Type: text/plain; charset=iso-8859-1\n\ncaf\xe9", "s", "café"),
        (b"Subject: s\nContent-Type: text/plain; charset=hex\n\nplain", "s", "plain"),
        (b"Subject: s\nContent-Transfer-Encoding: base64\n\n!!!!", "s", None),
        (b"Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nfirst", "s", "first"),
        (b"Subject: s\nContent-Type: multipart/mixed\n\nno boundary", "s", None),
        (b"Subject: s\nContent-Type: text/html\n\n<p>a<b>c", "s", "ac"),
        (
            b"Subject: \xe2\x80\xae zero\xe2\x80\x8bwidth\n\n\x07bell\x00nul",
            "\u202e zero\u200bwidth",
            "\x07bell\x00nul",
        ),
    ],
)
def test_broken_and_foreign_mail_is_read_as_far_as_it_goes(tmp_path, raw, title, body):
    report, root = run(tmp_path, mailbox(tmp_path / "a.mbox", HEAD + raw))
    assert report.rejected == {}
    assert rows(root, "SELECT title, body FROM message") == [(title, body)]


def test_a_big_body_comes_through_whole_and_one_too_big_is_rejected(tmp_path, monkeypatch):
    monkeypatch.setattr("corpus.files.mailboxes.LARGEST", 11_000_000)
    long = mailbox(tmp_path / "a.mbox", HEAD + b"\n" + b"x" * 10_000_000, HEAD + b"\n" + b"y " * 6_000_000, mailing(1))
    report, root = run(tmp_path, long)
    assert (report.rows_kept, report.rejected) == (2, {"message too large": 1})
    assert rows(root, "SELECT max(length(body)) FROM message") == [(10_000_000,)]


def test_messages_are_told_apart_as_mailboxes_do(tmp_path):
    mail = HEAD + b"Subject: s\n\nFrom here on it is text,\n>From there too\n"
    report, root = run(tmp_path, mailbox(tmp_path / "a.mbox", mail, mailing(1)))
    assert report.rows_kept == 2
    single = tmp_path / "mails" / "one.eml"
    single.parent.mkdir()
    single.write_bytes(HEAD + b"Subject: t\n\nA\n\nFrom here on it is text\n")
    run(tmp_path, single.parent)
    assert rows(root, "SELECT body FROM message WHERE title = 't'") == [("A\n\nFrom here on it is text",)]


def test_a_mailbox_may_be_zipped_and_cut(tmp_path):
    whole = gzip.compress(mailbox(tmp_path / "a", *(mailing(n) for n in range(500))).read_bytes())
    (tmp_path / "good.mbox.gz").write_bytes(whole)
    (tmp_path / "cut.mbox.gz").write_bytes(whole[: len(whole) // 2])
    report, root = run(tmp_path, tmp_path / "good.mbox.gz", tmp_path / "cut.mbox.gz")
    assert report.rejected == {"broken file": 1}
    assert rows(root, "SELECT count(*) FROM message") == [(500,)]


def test_the_same_email_twice_is_known_and_a_second_run_changes_nothing(tmp_path):
    path = mailbox(tmp_path / "a.mbox", mailing(1), mailing(1))
    report, _ = run(tmp_path, path)
    assert (report.rows_kept, report.rows_repeated) == (1, 1)
    again, _ = run(tmp_path, path)
    assert (again.files, again.skipped) == (0, 1)


def test_no_mail_is_a_named_error(tmp_path):
    for path in (tmp_path, tmp_path / "none.mbox"):
        with pytest.raises(NoSuchPath, match="no mail at"):
            run(tmp_path, path)


def test_the_command_reads_a_folder_of_mail(tmp_path, cbc):
    (tmp_path / "mails").mkdir()
    mailbox(tmp_path / "mails" / "a.mbox", mailing(1), b"rubbish")
    (tmp_path / "mails" / "notes.txt").write_text("none")
    done = cbc("corpus", "ingest", "mbox", tmp_path / "mails", "--corpus", tmp_path / "corpus")
    assert (done.returncode, done.stderr) == (0, "")
    assert "             1  rejected: no sender" in done.stdout.splitlines()
    bad = cbc("corpus", "ingest", "mbox", tmp_path / "none", "--corpus", tmp_path / "corpus")
    assert bad.returncode == 2 and len(bad.stderr.splitlines()) == 1


lines = st.lists(
    st.sampled_from([
        b"From: a@b.example", b"From: <<>>,", b"To: x@y.example", b"To: ,;:(", b"List-Id: l",
        b"Subject: =?utf-8?B?////?=",
        b"Content-Type: multipart/alternative; boundary=\"b\"",
        b"Content-Type: text/html; charset=\"utf-16\"", b"--b", b"--b--",
        b"Content-Type: ;;=", b"Content-Type: message/rfc822", b"Content-Transfer-Encoding: quoted-printable",
        b"Content-Transfer-Encoding: uuencode", b"Date: 99 Foo 99999 99:99",
        b"Content-Disposition: =?", b"", b"<p>a<!--",
        b"Content-Type: text/plain; charset*=utf-8''%FF", b"=ZZ=", b"From x", b"\xff\xfe", b" folded",
    ]) | st.binary(max_size=20),
    max_size=20,
)  # fmt: skip


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(lines)
@example([b"From: a@b.example", b"List-Id: l", b"Content-Type: text/plain; charset*=utf-8''%FF", b"", b"x"])
def test_any_message_is_rows_or_a_reason(found):
    try:
        told = email_rows(b"\n".join(found))
    except RowError as error:
        assert error.reason
        str(error.value).encode()
    else:
        assert told["message"]["message_id"].startswith("email:")
        str(told).encode()


@settings(deadline=None)
@given(st.lists(st.binary(max_size=30) | st.just(b"From x\n") | st.just(b"\n"), max_size=30))
def test_no_byte_of_a_mailbox_is_lost(tmp_path_factory, found):
    path = tmp_path_factory.getbasetemp() / "bytes"
    path.write_bytes(b"".join(found))
    with path.open("rb") as source:
        assert b"".join(one or b"" for _, one in read_messages(source)) == b"".join(found)


@settings(deadline=None)
@given(st.text(alphabet="<>/!-p&;= \"'abdivstyle\n", max_size=200))
def test_any_html_is_text(html):
    assert plain_text(html) == plain_text(html).strip()
