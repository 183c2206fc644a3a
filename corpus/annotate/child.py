"""The process in which strangers' media files are decoded: it reads requests and writes answers as lines of JSON.

    python -m corpus.annotate.child MEMORY_BYTES

It has limits on memory and on what it may write, and none of the parent's secrets; a file that crashes it costs that
file alone (corpus/annotate/children.py). Answers are JSON, so that a taken-over child can hand back only data.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import Any

from corpus.annotate.base import Row
from corpus.annotate.media import Listener, MediaAnnotator, Message
from corpus.annotate.registry import ANNOTATORS
from corpus.errors import first_line
from corpus.media.clip import BadMedia, Decoded, Facts, Limits, Picture, Sound, open_clip
from corpus.media.shrink import shrink

MISSING_S = 1.0  # up to which a file may be shorter than its header says
LARGEST_FILE = 1_000_000_000  # bytes that it may write to one file


class Shared:
    """All listeners of one file as one: a picture is made small once for all.

    A listener that fails gives a reason in place of rows, and so do those that rest on it; the others go on.
    """

    def __init__(self, annotators: Mapping[str, MediaAnnotator], message: Message) -> None:
        self.annotators = annotators
        self.listeners: dict[str, Listener] = {}
        self.reasons: dict[str, str] = {}
        for name, annotator in annotators.items():
            if not ((annotator.sees and message.facts.sees) or (annotator.hears and message.facts.hears)):
                self.reasons[name] = "no pictures in it" if annotator.sees else "no sound in it"
            elif failed := [below for below in annotator.rests_on if below in self.reasons]:
                self.reasons[name] = f"{failed[0]}: {self.reasons[failed[0]]}"
            else:
                with self._guard(name):
                    self.listeners[name] = annotator.listen(message, self.listeners)

    def __call__(self, part: Picture | Sound) -> None:
        if isinstance(part, Picture):
            small = shrink(part)
            for name, listener in self._working():
                if self.annotators[name].sees:
                    with self._guard(name):
                        listener.picture(part, small)
        else:
            for name, listener in self._working():
                if self.annotators[name].hears:
                    with self._guard(name):
                        listener.sound(part)

    def answers(self, decoded: Decoded) -> dict[str, list[Row]]:
        """Each annotator's rows."""
        rows: dict[str, list[Row]] = {}
        for name, listener in self._working():
            with self._guard(name):
                listener.finish(decoded)
                rows[name] = list(listener.rows())
        return rows

    def _working(self) -> Iterator[tuple[str, Listener]]:
        """Yield the listeners that have not failed, also not meanwhile."""
        for name in tuple(self.listeners):
            if name in self.listeners:
                yield name, self.listeners[name]

    @contextmanager
    def _guard(self, name: str) -> Iterator[None]:
        """Turn a failure of a listener into its reason, and into that of those that rest on it."""
        try:
            yield
        except MemoryError:
            raise
        except Exception as error:  # whatever a detector does with a hostile file
            self._drop(name, f"{type(error).__name__}: {first_line(error)}"[:200])

    def _drop(self, name: str, reason: str) -> None:
        """Give up a listener and those that rest on it."""
        self.reasons[name] = reason
        self.listeners.pop(name, None)
        for above in [other for other in self.listeners if name in self.annotators[other].rests_on]:
            self._drop(above, f"{name}: {reason}")


def annotate_file(request: Mapping[str, Any], annotators: Mapping[str, MediaAnnotator]) -> dict[str, Any]:
    """Decode a file once for all annotators: their rows and reasons by name, or the `reason` why it cannot be used."""
    limits = Limits(**request["limits"])
    try:
        clip = open_clip(Path(request["file"]), limits)
        if request.get("only_facts"):
            return {"facts": asdict(clip.facts)}
        spans = tuple((float(start_s), float(end_s)) for start_s, end_s in request["scenes"])
        message = Message(request["message_id"], clip.facts, spans)
        shared = Shared(annotators, message)
        pictures, sound = (any(getattr(annotators[name], sense) for name in shared.listeners) for sense in SENSES)
        decoded = clip.decode(shared, pictures, sound)
        rows = shared.answers(decoded)
    except BadMedia as error:
        return {"reason": str(error.what)}
    except MemoryError:
        return {"reason": "needs more memory than the process may have"}
    except Exception as error:  # whatever a decoder does with a hostile file
        return {"reason": f"{type(error).__name__}: {first_line(error)}"[:200]}
    answer = {"rows": rows, "reasons": shared.reasons, "facts": {**asdict(clip.facts), "decoded_s": decoded.end_s}}
    if limits.read_s is None and (damage := damage_of(clip.facts, decoded)):
        answer["damage"] = damage
    return answer


def damage_of(facts: Facts, decoded: Decoded) -> str | None:
    """What is wrong with a file; None for a sound one. Pictures or sound alone may be shorter than the file."""
    there_s = facts.duration_s or 0.0
    if facts.stated_s and facts.stated_s > 1.05 * there_s + MISSING_S:
        return f"damaged: {there_s:.1f} of {facts.stated_s:.1f} s are there"
    return f"damaged: {decoded.bad_packets} packets cannot be decoded" if decoded.bad_packets else None


SENSES = ("sees", "hears")


def limit_process(memory_bytes: int) -> None:
    """Bound what this process may use."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def peak_bytes() -> int:
    """The most memory that this process held; getrusage would say that of the process which started it."""
    status = Path("/proc/self/status")
    if not status.exists():  # not on Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024


def end_with_parent() -> None:
    """End this process when the one that started it has ended, even in the middle of a file."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main() -> None:
    """Answer requests until the input ends; the first names the annotators and their settings."""
    limit_process(int(sys.argv[1]))
    Thread(target=end_with_parent, daemon=True).start()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries that print must not disturb the answers
    asked = json.loads(sys.stdin.readline())
    annotators: dict[str, MediaAnnotator] = {}
    for name, settings in asked.items():
        made: Any = ANNOTATORS[name](settings)
        annotators[name] = made
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        answer = annotate_file(json.loads(line), annotators)
        answer["peak_bytes"] = peak_bytes()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
