"""Seconds and peak memory of a command.

A process starts its life with the peak of the one that forked it, so a small process starts and measures the command.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

MEASURE = """
import os, subprocess, sys, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
print(time.perf_counter() - start, used.ru_maxrss / 1024, status)
"""


def run_module(*arguments: object) -> tuple[float, float]:
    """Run `python -m ARGUMENTS`; returns seconds and peak memory in MB. Raises CalledProcessError if it fails."""
    command: Sequence[str] = [sys.executable, "-m", *map(str, arguments)]
    printed = subprocess.run([sys.executable, "-c", MEASURE, *command], check=True, stdout=subprocess.PIPE, text=True)
    seconds, peak_mb, status = printed.stdout.split()
    if int(status):
        raise subprocess.CalledProcessError(int(status), command)
    return float(seconds), float(peak_mb)
