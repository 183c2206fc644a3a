"""Several commands, one after the other in one process of their own, since each start of Python takes a second."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """import contextlib, io, json, signal, sys
import cbc
for words in json.loads(sys.stdin.read()):
    sys.argv = ["cbc", *words]
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cbc.main()
        except SystemExit as ended:
            code = ended.code
    signal.set_wakeup_fd(-1)
    print(json.dumps([code, *(stream.buffer.getvalue().decode() for stream in (out, err))]), file=sys.__stdout__)
"""


def run_several(
    commands: Iterable[Sequence[object]], environment: Mapping[str, str] | None = None, before: Sequence[str] = ()
) -> list[subprocess.CompletedProcess[str]]:
    """The exit code, stdout and stderr of each command; `before` are words before Python's own, as of setpriv."""
    words = [[str(word) for word in command] for command in commands]
    done = subprocess.run(
        [*before, sys.executable, "-c", SCRIPT],
        input=json.dumps(words),
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    printed = map(json.loads, done.stdout.splitlines())
    return [subprocess.CompletedProcess(asked, *each) for asked, each in zip(words, printed, strict=True)]
