"""The shipped mapping for Mailchimp's export of campaigns, on a file of its shape."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.ingest.run import Report, ingest
from corpus.sources.registry import source_named
from tests.corpus.sources.mapped import rejects, rows

HEAD = (
    "Title,Subject,List,Send Date,Send Weekday,Total Recipients,Successful Deliveries,Soft Bounces,Hard Bounces,"
    "Total Bounces,Times Forwarded,Forwarded Opens,Unique Opens,Open Rate,Total Opens,Unique Clicks,Click Rate,"
    "Total Clicks,Unsubscribes,Abuse Complaints,Times Liked on Facebook,Folder Id,Unique Id,Total Orders,"
    "Total Gross Sales,Total Revenue,Analytics ROI,Visits"
)


def line(number: int, **cells: str) -> str:
    """A row of the export; cells by their column's name with _ for spaces."""
    told = {
        "Title": "Spring",
        "Subject": f"Shoes {number}",
        "List": "Newsletter",
        "Send Date": "Mar 03, 2026 09:30 pm",
        "Total Recipients": "1,751",
        "Successful Deliveries": "1,742",
        "Total Bounces": "9",
        "Unique Opens": "141",
        "Total Opens": "201",
        "Unique Clicks": "20",
        "Click Rate": "1.15%",
        "Total Clicks": "157",
        "Unsubscribes": "1",
        "Abuse Complaints": "0",
        "Unique Id": f"c0ffee{number:04}",
        "Visits": "n/a",
    } | {name.replace("_", " "): value for name, value in cells.items()}
    return ",".join(f'"{told.get(name, "0")}"' for name in HEAD.split(","))


def run(folder: Path, *lines: str, head: str = HEAD) -> tuple[Report, Path]:
    export = folder / "campaigns.csv"
    export.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    report = ingest(source_named("mailchimp"), [export], folder / "corpus")
    assert report.rows_read == report.rows_counted
    return report, folder / "corpus"


def test_a_campaign_has_its_behavior_by_segment(tmp_path):
    report, root = run(tmp_path, line(1))
    assert (report.rows_kept, report.rejected) == (1, {})
    told = rows(root, "SELECT message_id, channel, kind, title, published_at, campaign FROM message")
    assert told == [
        (
            "email:mailchimp:c0ffee0001",
            "email",
            "email",
            "Shoes 1",
            datetime(2026, 3, 3, 21, 30),
            "mailchimp:c0ffee0001",
        )
    ]
    effects = rows(root, "SELECT metric, value, exposure, receiver FROM effect ORDER BY metric")
    assert effects == [
        ("click_through_rate", pytest.approx(0.0115), 1742, "Newsletter"),
        ("clicks", 157, 1742, "Newsletter"),
        ("opens", 141, 1742, "Newsletter"),
        ("sends", 1742, None, "Newsletter"),
    ]
    kept = rows(root, 'SELECT campaign_title, recipients, total_opens, unsubscribes FROM "mailchimp@1"')
    assert kept == [("Spring", 1751, 201, 1)]


def test_newer_exports_call_the_list_an_audience(tmp_path):
    _, root = run(tmp_path, line(1, List="Everyone"), head=HEAD.replace(",List,", ",Audience,"))
    assert rows(root, "SELECT DISTINCT receiver FROM effect") == [("Everyone",)]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Click_Rate": "115%"}, "out of range"),
        ({"Click_Rate": "%"}, "not a number"),
        ({"Send_Date": "soon"}, "unparsable date"),
        ({"Unique_Opens": "-1"}, "negative count"),
        ({"Unique_Opens": "8%"}, "not a whole number"),
        ({"Unique_Id": ""}, "missing id"),
    ],
)
def test_what_makes_no_sense_is_rejected_with_its_line(tmp_path, cells, reason):
    report, root = run(tmp_path, line(1), line(2, **cells))
    assert (report.rows_kept, report.rejected) == (1, {reason: 1})
    assert rejects(root) == [("campaigns.csv", 3, reason)]


def test_the_command_reads_an_export(tmp_path, cbc):
    run(tmp_path, line(1))
    done = cbc("corpus", "ingest", "mailchimp", tmp_path / "campaigns.csv", "--corpus", tmp_path / "other")
    assert (done.returncode, done.stderr) == (0, "")
    assert "             1  kept" in done.stdout.splitlines()


@given(st.decimals(0, 100, places=2), st.sampled_from([".", ","]), st.sampled_from(["%", " %", "% "]))
def test_percents_are_read_as_fractions(value, mark, sign):
    import duckdb

    from corpus.sources.table_sql import prepare

    with duckdb.connect() as connection:
        prepare(connection)
        told = connection.execute("SELECT cell_number(?)", [f"{value}".replace(".", mark) + sign]).fetchall()
    assert told == [(pytest.approx(float(value) / 100),)]
