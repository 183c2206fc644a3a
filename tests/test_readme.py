"""README.md and docs/*.md read as a newcomer reads them: every command runs as pasted or at least parses."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer

from tests.corpus.crawl.server import Server, Universe
from tests.readme_blocks import PAGES, ROOT, TAGS, Block, blocks, run

pytest.importorskip("lightgbm", reason="README's commands need the extras `train` and `board`")
ALL = [block for page in PAGES for block in blocks(page)]
HANDLE = re.compile(r"@[A-Za-z]\w+")


def named(block: Block) -> str:
    return f"{block.page.name}:{block.line}"


@pytest.fixture(params=["an empty folder", "a fresh checkout"])
def folder(request, tmp_path) -> Path:
    if request.param == "a fresh checkout":
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        archive = subprocess.run(["tar", "--null", "-T", "-", "-c"], cwd=ROOT, input=files, capture_output=True)
        subprocess.run(["tar", "-x"], cwd=tmp_path, input=archive.stdout, check=True)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_quick_blocks_run_as_pasted(page, folder):
    if page.name != "README.md" and (folder / "README.md").exists():
        pytest.skip("the guides are run in an empty folder only")
    for block in blocks(page):
        if block.tag == "quick":
            done = run(block, folder)
            assert done.returncode == 0, f"{named(block)}\n{done.stdout}\n{done.stderr}"
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("block", [block for block in ALL if block.tag == "keyed"], ids=named)
def test_the_keyed_blocks_run_against_a_server_of_the_protocol(block, tmp_path):
    universe = Universe(channels=2, videos_per_channel=12)
    universe.channels[universe.channel_ids[0]]["snippet"]["customUrl"] = HANDLE.search(block.code)[0]
    with Server(universe, key="test-key") as server:
        done = run(block, tmp_path, CBC_YOUTUBE_API_KEY="test-key", CBC_YOUTUBE_ENDPOINT=server.url)
        assert done.returncode == 0, f"{named(block)}\n{done.stdout}\n{done.stderr}"
    assert "test-key" not in done.stdout + done.stderr


@pytest.mark.parametrize("block", ALL, ids=named)
def test_every_block_has_a_tag_and_is_complete_where_it_is_run(block):
    assert block.language not in ("sh", "python") or block.tag in TAGS
    if block.tag in ("quick", "keyed"):
        assert block.is_complete, "capitals stand for something of the reader's"


@pytest.mark.parametrize("block", [block for block in ALL if block.language == "sh"], ids=named)
def test_every_command_line_parses(block):
    checked = subprocess.run(["bash", "-n", "-c", block.code], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    for line in block.commands:
        words = shlex.split(line, comments=True)
        if words and words[0] == "cbc":
            parse(words[1:])


def parse(words: list[str]) -> None:
    """Parse a command of cbc without running it: an unknown command or option raises."""
    import cbc

    command = typer.main.get_command(cbc.app)
    while hasattr(command, "commands"):
        assert words[0] in command.commands, f"{command.name} has no {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, words)


def test_a_wrong_command_is_found():
    with pytest.raises(AssertionError, match="has no buidl"):
        parse(["benchmark", "buidl"])
    with pytest.raises(Exception, match="--corpsu"):
        parse(["corpus", "status", "--corpsu", "x"])


def test_readmes_table_is_that_of_the_demo():
    from studies.readme import BEGIN, END, table_of_demo

    result = json.loads((ROOT / "docs" / "results" / "demo.json").read_text(encoding="utf-8"))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip() == table_of_demo(result).strip()
