"""A small bench with runs and the page made of them, shared by the tests of this folder, which only read them."""

from __future__ import annotations

import functools
import shutil
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from leaderboard.site import build_site
from tests.leaderboard.browser import ARGUMENTS, Quiet, opened
from tests.leaderboard.small import WIDE, write_bench, write_runs


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """bench/, runs/ and the site/ built from them without naming the bench."""
    root = tmp_path_factory.mktemp("small")
    runs = write_runs(root / "runs", write_bench(root / "bench"))
    build_site(runs, root / "site")
    return root


@pytest.fixture(scope="session", params=[True, False], ids=["simulated", "real"])
def site_without_oracle(request, tmp_path_factory) -> Path:
    """The page of the same runs less the oracle, in the simulated world and of real data."""
    root = tmp_path_factory.mktemp("without")
    runs = write_runs(root / "runs", write_bench(root / "bench", simulated=request.param, oracle=False))
    return build_site(runs, root / "site").parent


@pytest.fixture(scope="session")
def wide_site(tmp_path_factory) -> Path:
    """The page with the widest table there is."""
    root = tmp_path_factory.mktemp("wide")
    bench = write_bench(root / "bench", asked=WIDE)
    return build_site(write_runs(root / "runs", bench), root / "site").parent


@pytest.fixture(scope="session")
def runs(folder) -> list[Path]:
    return sorted((folder / "runs").iterdir())


@pytest.fixture(scope="session")
def address(folder):
    """The site served on this machine alone."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder / "site"))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def browser():
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs chromium, which is not installed (Debian: apt install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def page(browser, address):
    page = opened(browser, address)
    yield page
    page.close()
