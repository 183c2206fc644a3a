"""The lint of names and floors passes on this project and fails on each breach that is planted."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.names import FILES, PARTS, ROOT, all_breaches, faults, main, needless

BREACHES = {
    "comparison": 'def f(task):\n    return task == "replay_past"\n',
    "comparison with a table": 'def f(entry):\n    return entry["table"] != "replay_values"\n',
    "comparison with a condition": 'def f(entry):\n    return entry["condition"] == "time_separated"\n',
    "comparison with a source": 'def f(name):\n    return "ytdlp" == name\n',
    "comparison with a mapping": 'def f(name):\n    return name == "tweets"\n',
    "comparison with the simulated world": 'def f(name):\n    return name == "simulate"\n',
    "test in a collection": 'def f(task):\n    return task in ("replay_past", "other")\n',
    "test in a named collection": 'PAGES = frozenset({"youtube_api"})\ndef f(name):\n    return name not in PAGES\n',
    "key of a dictionary": 'BEST = {"twitter_likes": max}\n',
    "keyword of dict": "BEST = dict(speech_choice=max)\n",
    "look-up": 'def f(best):\n    return best["speech_choice"]\n',
    "look-up with a default": 'def f(best):\n    return best.get("content_simulation", 1)\n',
    "case": 'def f(task):\n    match task:\n        case "replay_future":\n            return 1\n',
    "prefix of several": 'def f(task):\n    return task.startswith("replay_")\n',
    "label in SQL": "SQL = \"FROM provenance WHERE starts_with(source, 'x_api@')\"\n",
}
ALLOWED = {
    "a split": 'def f(split):\n    return split == "test"\n',
    "a metric": 'METRICS = {"views": 1}\n',
    "a list that is run through": 'SOME = ("replay_past", "views")\n\ndef f():\n    return [name for name in SOME]\n',
    "a docstring": '"""Reads youtube_api@1, compares nothing with replay_past."""\n',
}


def planted(root: Path, code: str, where: str = "baselines/planted.py") -> Path:
    """A tree with one file."""
    path = root / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    return root


def test_nobody_decides_by_anothers_name_and_no_exception_is_needless(capsys):
    assert main(ROOT) == 0, capsys.readouterr().out


@pytest.mark.parametrize("kind", BREACHES)
def test_a_planted_name_is_a_fault(kind, tmp_path):
    (line,) = faults(planted(tmp_path, BREACHES[kind]))
    assert line.startswith("baselines/planted.py:") and "ask the task, table or source itself" in line


@pytest.mark.parametrize("kind", ALLOWED)
def test_common_words_and_lists_are_none(kind, tmp_path):
    assert faults(planted(tmp_path, ALLOWED[kind])) == []


def test_a_name_may_be_decided_by_in_its_own_file(tmp_path):
    code = BREACHES["comparison with a source"]
    assert faults(planted(tmp_path, code, "corpus/sources/ytdlp.py")) == []
    assert len(faults(planted(tmp_path, code, "corpus/sources/mbox.py"))) == 1


def test_an_exception_that_nothing_needs_is_a_fault(tmp_path):
    assert len(needless(tmp_path)) == len(FILES)


def test_every_exception_has_a_reason():
    assert all(len(reason) > 5 for reason in FILES.values())
    assert {path for path, _, _ in all_breaches(ROOT)} <= {path for path, _ in FILES}


def test_a_second_script_at_the_root_is_a_fault(tmp_path):
    (tmp_path / "cbc.py").write_text("")
    assert faults(tmp_path) == []
    (tmp_path / "cbc_demo.py").write_text("")
    (line,) = faults(tmp_path)
    assert line.startswith("cbc_demo.py: only cbc.py")


def test_the_command_prints_the_fault_and_ends_with_1(tmp_path):
    planted(tmp_path, BREACHES["comparison"])
    command = [sys.executable, "-m", "tests.house.names", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "baselines/planted.py:2: decides by the name 'replay_past'" in done.stdout


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Path:
    """The project's packages and the rules of its floors."""
    root = tmp_path_factory.mktemp("house")
    for part in PARTS:
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__", "*.yaml", "*.csv"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def imports_kept(root: Path) -> tuple[int, str]:
    """Exit code and words of lint-imports."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_the_floors_are_kept(copied):
    code, words = imports_kept(copied)
    assert code == 0, words


@pytest.mark.parametrize(
    ("file", "line", "rule"),
    [
        ("corpus/store.py", "import benchmark.bench", "the five parts: imports run downward BROKEN"),
        ("benchmark/bench.py", "import leaderboard.words", "the five parts: imports run downward BROKEN"),
        ("corpus/sources/fields.py", "import corpus.ingest.run", "the floors of corpus: imports run downward BROKEN"),
        ("corpus/files/sql.py", "import corpus.files.archives", None),
        ("benchmark/metrics.py", "import benchmark.score", "no circle between files or folders BROKEN"),
        ("benchmark/answers/base.py", "import benchmark.tasks.registry", "no circle between files or folders BROKEN"),
    ],
)
def test_an_import_upward_or_in_a_circle_breaks_its_rule(file, line, rule, copied):
    path = copied / file
    code = path.read_text()
    try:
        path.write_text(f"{code}\n{line}\n")
        exit_code, words = imports_kept(copied)
    finally:
        path.write_text(code)
    assert (exit_code, rule is None or rule in words) == (0 if rule is None else 1, True), words
