"""Child processes that decode media files: asked one file at a time, replaced when they crash or take too long."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from corpus.errors import CbcError

CODE = Path(__file__).resolve().parents[2]
PASSED_ON = (
    "PATH",
    "PYTHONPATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS",
    "CBC_WEIGHTS",
    "HF_HOME",
)
LONGEST_ANSWER = 64_000_000  # bytes
WAIT_S, BYTES_PER_S = 600.0, 5_000  # how long to wait for a file of some bytes: sound alone has few bytes a second


START_S = 300.0  # loading large models included
MEND = "allow it more memory, or install the extra media again"


class NoChild(CbcError):
    """The process that decodes media files cannot be started, whatever the file."""


class Child:
    """One child process, started at the first file and again after each crash."""

    def __init__(self, asked: Mapping[str, Mapping[str, Any]], memory_bytes: int, patience: float = 1.0) -> None:
        """Remember what to ask: annotators with their settings, and what a process may use of memory and time."""
        self.asked = asked
        self.memory_bytes, self.patience = memory_bytes, patience
        self.process: subprocess.Popen[bytes] | None = None
        self.unread = b""

    def annotate(self, request: Mapping[str, Any], file_bytes: int) -> dict[str, Any]:
        """The answer of corpus/annotate/child.py to a request, or the `reason` why there is none.

        Raises NoChild.
        """
        wait_s = self.patience * (WAIT_S + file_bytes / BYTES_PER_S)
        process = self.process or self._start()
        try:
            self._send(process, request)
            line = self._read_line(process, wait_s)
        except TimeoutError:
            self.stop()
            return {"reason": f"decoding took longer than {wait_s:,.0f} s"}
        except OverflowError:
            self.stop()
            return {"reason": "more rows than can be read"}
        except OSError:
            line = b""
        with suppress(ValueError):
            answer = json.loads(line)
            if isinstance(answer, dict):
                return answer
        return {"reason": self._ended(process)}

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()
        self.process = None
        self.unread = b""

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment["HF_HUB_OFFLINE"] = "1"  # models are fetched before: nothing that decodes may use the network
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CODE), environment.get("PYTHONPATH")]))
        # -P: a working folder may hold a folder called corpus.
        command = [sys.executable, "-P", "-m", "corpus.annotate.child", str(self.memory_bytes)]
        with TemporaryFile() as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment
            )
            try:
                self._send(self.process, self.asked)
                ready = self._read_line(self.process, START_S)
            except (OSError, TimeoutError):
                ready = b""
            if not ready:
                self.stop()
                errors.seek(0)
                lines = errors.read().decode("utf-8", "replace").strip().splitlines() or ["no message"]
                raise NoChild(f"the process that decodes media does not start: {lines[-1][:300]}", MEND)
        return self.process

    def _send(self, process: subprocess.Popen[bytes], content: Mapping[str, Any]) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps(content).encode() + b"\n")
        process.stdin.flush()

    def _read_line(self, process: subprocess.Popen[bytes], wait_s: float) -> bytes:
        """Read a line; empty if the process ended. Raises TimeoutError, OverflowError."""
        assert process.stdout is not None
        descriptor, deadline = process.stdout.fileno(), time.monotonic() + wait_s
        while b"\n" not in self.unread:
            if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            part = os.read(descriptor, 1 << 20)
            if not part:
                return b""
            self.unread += part
            if len(self.unread) > LONGEST_ANSWER:
                raise OverflowError
        line, _, self.unread = self.unread.partition(b"\n")
        return line

    def _ended(self, process: subprocess.Popen[bytes]) -> str:
        """Why the process ended, in words."""
        self.stop()
        code = process.returncode
        if code is not None and code < 0:
            with suppress(ValueError):
                return f"the decoding process was ended by {signal.Signals(-code).name}"
        return f"the decoding process ended with {code}"
