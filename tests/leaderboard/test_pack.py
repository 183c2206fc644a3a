"""A run as one file: the same bytes each time, verified, rescored, on the page; any other zip is refused."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import zipfile
from pathlib import Path

import polars as pl
import pytest

from benchmark.bench import Bench
from benchmark.run import write_run
from benchmark.score import score
from benchmark.submit import submit
from corpus.errors import CbcError
from corpus.files.hashes import sums_text
from leaderboard.pack import BadPack, pack, unpack
from leaderboard.site import build_site
from leaderboard.verify import NotVerified, verify
from tests.leaderboard.small import guesses, write_bench

TASK = "like_view_ratio"


@pytest.fixture(scope="module")
def bench(folder) -> Bench:
    return Bench.open(folder / "bench")


@pytest.fixture(scope="module")
def run(bench, tmp_path_factory) -> Path:
    """A run of one's own answers."""
    folder = tmp_path_factory.mktemp("mine")
    answers = pl.concat([guesses(bench, task, 0.2, 0, 9) for task in (TASK, "replay_future")])
    answers.write_parquet(folder / "answers.parquet")
    submit(folder / "answers.parquet", "mine", bench.root, folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def packed(run, bench, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("packed") / "mine.zip"
    pack(run, bench.root, file)
    return file


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_answers_become_a_file_that_is_verified_and_stands_on_the_page(bench, run, tmp_path, cbc):
    """The way of a submission: answers, run, file, pull request, the check of the project, the page."""
    submissions = tmp_path / "submissions"
    submissions.mkdir()
    (submissions / "README.md").write_text("how to send one in")
    done = cbc("leaderboard", "pack", run, "--bench", bench.root, "--out", submissions / "mine.zip")
    assert done.returncode == 0, done.stderr
    done = cbc("leaderboard", "verify", submissions, "--bench", bench.root)
    assert done.returncode == 0, done.stderr
    line, last = done.stdout.splitlines()
    value = next(row["value"] for row in score(run, bench.root) if (row["task"], row["metric"]) == (TASK, "rmse"))
    assert line.startswith(f"ok {submissions / 'mine.zip'}: mine, ") and f"{TASK} rmse {value:.2f}" in line
    assert last == f"1 packed runs verified against bench {bench.fingerprint}"
    site = tmp_path / "site"
    done = cbc("leaderboard", "build", submissions / "mine.zip", "--bench", bench.root, "--out", site)
    assert done.returncode == 0, done.stderr
    rows = json.loads((site / "data" / f"{TASK}.json").read_text())["rows"]
    (shown,) = [row["value"] for row in rows if (row["run"], row["metric"]) == ("mine", "rmse")]
    assert shown == value and 'data-run="mine"' in (site / "index.html").read_text()
    assert names(tmp_path / "submissions") == ["README.md", "mine.zip"]


def test_the_same_run_gives_the_same_bytes_wherever_and_whenever(run, packed, bench, tmp_path):
    copy = shutil.copytree(run, tmp_path / "elsewhere", copy_function=shutil.copy)
    (copy / "scores.json").write_text("{}")
    (copy / "manifest.json").chmod(0o600)
    os.utime(copy / "manifest.json", (0, 0))
    pack(copy, bench.root, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()
    with zipfile.ZipFile(packed) as file:
        assert file.namelist()[0] == "manifest.json"
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_an_unpacked_run_is_the_run(run, packed, tmp_path):
    unpack(packed, tmp_path / "run")
    for name in names(tmp_path / "run"):
        if (run / name).is_file():
            assert (tmp_path / "run" / name).read_bytes() == (run / name).read_bytes()
    assert set(names(run)) - {"scores.json"} == set(names(tmp_path / "run"))
    assert "already there" in unpack(packed, tmp_path / "run")
    with pytest.raises(CbcError, match="exists and is no run"):
        unpack(packed, run / "predictions")


def test_pack_overwrites_nothing_else(run, bench, tmp_path):
    (tmp_path / "a.zip").write_text("thesis")
    for out in (tmp_path / "a.zip", tmp_path / "a.pkl", tmp_path):
        with pytest.raises(BadPack):
            pack(run, bench.root, out)
    assert (tmp_path / "a.zip").read_text() == "thesis" and names(tmp_path) == ["a.zip"]


def test_packed_runs_stand_beside_folders_and_find_their_bench_beside_them(folder, runs, packed, tmp_path):
    shutil.copytree(folder / "bench", tmp_path / "bench")
    shutil.copy(packed, tmp_path / "mine.zip")
    page = build_site([tmp_path / "mine.zip", *runs], tmp_path / "site").read_text()
    assert 'data-run="mine"' in page and 'data-run="nano-lcbm"' in page and str(tmp_path) not in page


def members(packed):
    with zipfile.ZipFile(packed) as file:
        return {entry.filename: file.read(entry) for entry in file.infolist()}


def zipped(path: Path, contents, compression=zipfile.ZIP_STORED, mode=stat.S_IFREG | 0o644):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in contents:
            entry = zipfile.ZipInfo(name)
            entry.external_attr, entry.compress_type = mode << 16, compression
            file.writestr(entry, content)


PREDICTIONS = f"predictions/{TASK}.parquet"


def changed(**more):
    return lambda path, old: zipped(path, ({**old, **{name.replace("_", "."): v for name, v in more.items()}}).items())


def added(name, content=b"x"):
    return lambda path, old: zipped(path, [*old.items(), (name, content)])


def without(name):
    return lambda path, old: zipped(path, [item for item in old.items() if item[0] != name])


def as_link(path, old):
    zipped(path, old.items(), mode=stat.S_IFLNK | 0o777)


def encrypted(path, old):
    """The flag alone, in every header."""
    zipped(path, old.items())
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + at] |= 1
            place = content.find(mark, place + 4)
    path.write_bytes(content)


def bomb(path, old):
    buffer = io.BytesIO()
    buffer.write(b"0" * (1 << 26))
    zipped(path, [*old.items(), ("zeros", buffer.getvalue())], zipfile.ZIP_DEFLATED)


def overlapping(path, old):
    """Two entries of the directory that name the same bytes: more is unpacked than lies there."""
    zipped(path, old.items())
    content = path.read_bytes()
    first = content.find(b"PK\x01\x02")
    end = content.rfind(b"PK\x05\x06")
    entry = content[first : content.find(b"PK\x01\x02", first + 4)]
    count = len(old) + 1000
    size = len(content[first:end]) + 1000 * len(entry)
    tail = b"PK\x05\x06\0\0\0\0" + count.to_bytes(2, "little") * 2 + size.to_bytes(4, "little")
    path.write_bytes(content[:end] + entry * 1000 + tail + first.to_bytes(4, "little") + b"\0\0")


def lies_about_size(path, old):
    zipped(path, old.items())
    content = bytearray(path.read_bytes())
    first = content.find(b"PK\x01\x02")
    content[first + 20 : first + 28] = (10).to_bytes(4, "little") * 2
    path.write_bytes(content)


def other_answers(path, old):
    zipped(path, ({**old, PREDICTIONS: old["predictions/replay_future.parquet"]}).items())


def twice(path, old):
    with pytest.warns(UserWarning, match="Duplicate name"):
        zipped(path, [*old.items(), ("manifest.json", old["manifest.json"])])


def after_a_script(path, old):
    """Both ways to put something before a zip: the offsets of its members count that, or do not."""
    zipped(path, old.items())
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())


def after_a_counted_script(path, old):
    path.write_bytes(b"#!/bin/sh\n")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as file:
        for name, content in old.items():
            file.writestr(name, content)


HOSTILE = {
    "after a script": after_a_script,
    "after a counted script": after_a_counted_script,
    "absent": lambda path, old: None,
    "empty": lambda path, old: path.write_bytes(b""),
    "junk": lambda path, old: path.write_bytes(os.urandom(3000)),
    "a pickle": lambda path, old: path.write_bytes(b"\x80\x04cos\nsystem\n."),
    "a tar": lambda path, old: path.write_bytes(b"manifest.json" + b"\0" * 2000),
    "cut": lambda path, old: (zipped(path, old.items()), path.write_bytes(path.read_bytes()[:-200])),
    "an empty zip": lambda path, old: zipped(path, []),
    "a folder": lambda path, old: path.mkdir(),
    "a link": lambda path, old: path.symlink_to("/etc/passwd"),
    "larger than it may be": lambda path, old: (zipped(path, old.items()), os.truncate(path, 1 << 40)),
    "links inside": as_link,
    "folders inside": lambda path, old: zipped(path, [*old.items(), ("predictions/", b"")]),
    "encrypted": encrypted,
    "compressed": lambda path, old: zipped(path, old.items(), zipfile.ZIP_DEFLATED),
    "a bomb": bomb,
    "overlapping": overlapping,
    "lies about its size": lies_about_size,
    "a path up": added("../../evil"),
    "an absolute path": added("/tmp/evil"),
    "a path up in predictions": added("predictions/../../evil.parquet"),
    "a backslash": added("..\\evil"),
    "a pickle inside": added("predictions/x.pkl", b"\x80\x04."),
    "a script inside": added("setup.py"),
    "a file that is not listed": added("predictions/views.parquet"),
    "manifest twice": twice,
    "no manifest": without("manifest.json"),
    "no sums": without("SHA256SUMS"),
    "a task absent": without(PREDICTIONS),
    "other bytes than its sums": other_answers,
    "a manifest that says more": lambda path, old: zipped(
        path, ({**old, "manifest.json": old["manifest.json"].replace(b'"mine"', b'"ours"')}).items()
    ),
    "a manifest that is deep": lambda path, old: zipped(path, ({**old, "manifest.json": b"[" * 100_000}).items()),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_anything_else_is_one_line_and_nothing_is_written(name, packed, bench, tmp_path):
    path = tmp_path / "in" / "mine.zip"
    path.parent.mkdir()
    HOSTILE[name](path, members(packed))
    before = names(tmp_path)
    for step in (
        lambda: unpack(path, tmp_path / "out" / "run"),
        lambda: build_site([path], tmp_path / "site", bench.root),
        lambda: build_site([path], tmp_path / "site"),
    ):
        with pytest.raises(CbcError) as error:
            step()
        assert error.value.mend and str(error.value).isprintable() and len(str(error.value)) < 600
        assert names(tmp_path) == before


def resealed(path, old, **files):
    """A zip whose sums are right, whatever is in it."""
    contents = {**old, **files}
    del contents["SHA256SUMS"]
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    zipped(path, {**contents, "SHA256SUMS": sums_text(sums).encode()}.items())


def manifest_with(old, **fields):
    return {"manifest.json": json.dumps(json.loads(old["manifest.json"]) | fields).encode()}


def test_a_well_made_file_is_opened_like_any_run(packed, bench, tmp_path):
    """Right sums prove nothing: what is inside is checked as a run folder is, each file with its own line."""
    old = members(packed)
    for name, files, told in (
        ("bench", manifest_with(old, bench="beef"), "answers another bench"),
        ("name", manifest_with(old, run="a\nb"), "printable"),
        ("path", manifest_with(old, tasks=["../x"]), "tasks.0"),
        ("constant", manifest_with(old, run="constant"), "the name of the bench's own constant"),
        ("oracle", manifest_with(old, run="oracle", kind="oracle"), "the name of the bench's own oracle"),
        ("junk", {PREDICTIONS: b"PAR1junkPAR1"}, "cannot be read as parquet"),
        ("swapped", {PREDICTIONS: old["predictions/replay_future.parquet"]}, "questions that were not asked"),
    ):
        resealed(tmp_path / f"{name}.zip", old, **files)
        lines = verify([tmp_path / f"{name}.zip"], bench.root)
        line = next(lines)
        assert line.startswith(f"wrong {tmp_path / name}.zip: ") and told in line and line.isprintable()
        assert "cbc-run-" not in line and line.count(f"{name}.zip") == 1 + ("manifest of" in line)
        with pytest.raises(NotVerified, match="1 of 1 packed runs"):
            next(lines)


def answers_with(old, **columns):
    """Its answers to a task with other columns, as parquet."""
    frame = pl.read_parquet(old[PREDICTIONS]).with_columns(**columns)
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return {PREDICTIONS: buffer.getvalue()}


def test_unpack_checks_all_that_needs_no_bench_and_says_what_it_does_not_check(packed, tmp_path, cbc_here):
    old = members(packed)
    for name, files, told in (
        ("junk", {PREDICTIONS: b"PAR1junkPAR1"}, f"predictions/{TASK}.parquet cannot be read as parquet"),
        ("texts", answers_with(old, values=pl.lit("12")), "column values is"),
        ("twice", answers_with(old, instance_id=pl.lit("a")), "answers a more than once"),
        ("oracle", manifest_with(old, run="oracle", kind="oracle"), "the name of the bench's own oracle"),
    ):
        file = tmp_path / f"{name}.zip"
        resealed(file, old, **files)
        done = cbc_here("leaderboard", "unpack", file, "--out", tmp_path / "run")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert f"error: {file}" in done.stderr and told in done.stderr and "cbc-run-" not in done.stderr
        assert not (tmp_path / "run").exists()
    resealed(tmp_path / "other.zip", old, **manifest_with(old, bench="beef"))
    done = cbc_here("leaderboard", "unpack", tmp_path / "other.zip", "--out", tmp_path / "run")
    assert done.returncode == 0 and "bench beef (whether it answers that bench's questions is checked" in done.stdout


def test_every_file_has_its_line_and_one_wrong_file_fails_the_check(packed, bench, tmp_path, cbc):
    shutil.copy(packed, tmp_path / "good.zip")
    (tmp_path / "bad.zip").write_bytes(b"PK")
    done = cbc("leaderboard", "verify", tmp_path, "--bench", bench.root)
    assert done.returncode == 2
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["wrong", "ok"]
    assert done.stderr == "error: 1 of 2 packed runs cannot be verified; each `wrong` line says why\n"
    (tmp_path / "bad.zip").unlink()
    for name in ("run.sh", "a\x1b[31m.zip"):
        (tmp_path / name).write_text("x")
    (tmp_path / "more").mkdir()
    done = cbc("leaderboard", "verify", tmp_path, "--bench", bench.root)
    assert done.returncode == 2 and "3 of 4" in done.stderr and "\x1b" not in done.stdout
    for name in ("run.sh", "a\x1b[31m.zip"):
        (tmp_path / name).unlink()
    (tmp_path / "more").rmdir()
    shutil.copy(packed, tmp_path / "bad.zip")
    done = cbc("leaderboard", "verify", tmp_path, "--bench", bench.root)
    both = f"{tmp_path / 'bad.zip'} and {tmp_path / 'good.zip'} are both called mine"
    assert done.returncode == 2 and done.stderr.startswith(f"error: {both}; ")


def test_a_wrong_file_is_named_once_with_the_mend_that_fits(packed, bench, tmp_path):
    resealed(tmp_path / "z.zip", members(packed), **manifest_with(members(packed), bench="beef"))
    assert next(verify([tmp_path / "z.zip"], bench.root)) == (
        f"wrong {tmp_path / 'z.zip'}: answers another bench than {bench.root}; "
        "predict again on this bench, or name the other one"
    )


def test_answers_that_cannot_be_read_are_seen_in_the_line(bench, tmp_path):
    unread = guesses(bench, TASK, 0.2, 1.0, 9)
    write_run(tmp_path / "run", bench, "mute", "submitted", {TASK: unread}, {})
    pack(tmp_path / "run", bench.root, tmp_path / "mute.zip")
    line = next(verify([tmp_path / "mute.zip"], bench.root))
    assert line.startswith(f"ok {tmp_path / 'mute.zip'}: mute, {TASK} rmse ")
    assert line.endswith(f"({len(unread)} of {len(unread)} unread)")


def test_a_folder_without_packed_runs_is_named_and_no_error_but_a_missing_one_is(bench, tmp_path, cbc_here):
    (tmp_path / "README.md").write_text("how to send one in")
    done = cbc_here("leaderboard", "verify", tmp_path, "--bench", bench.root)
    assert (done.returncode, done.stdout) == (0, f"no packed runs (*.zip) in {tmp_path}; nothing to verify\n")
    missing = cbc_here("leaderboard", "verify", tmp_path / "nowhere", "--bench", bench.root)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr.startswith(f"error: nothing at {tmp_path / 'nowhere'}; ")


def test_a_run_with_a_name_of_the_bench_is_not_packed(bench, tmp_path):
    write_run(tmp_path / "run", bench, "constant", "trivial", {TASK: guesses(bench, TASK, 0.2, 0, 9)}, {})
    with pytest.raises(BadPack, match="the name of the bench's own constant"):
        pack(tmp_path / "run", bench.root, tmp_path / "a.zip")


def test_a_run_of_another_bench_is_not_packed(run, tmp_path):
    other = write_bench(tmp_path / "other", seed=1)
    with pytest.raises(CbcError, match="another bench"):
        pack(run, other.root, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
