"""Recall and precision of `corpus.privacy.scrub` on the planted set, beside other installed detectors; texts/s.

    python -m tests.performance.measure_privacy [LINES_OF_EACH_KIND] [SEED] [--show]

Others: libphonenumber's own matcher (25 regions), presidio-analyzer with its pattern recognizers on a blank spaCy
model (its models of names are no packages of the index), scrubadub. --show prints what ours misses and what it takes
wrongly. An item is found when all its letters and digits are covered; a find is right when it lies on an item and goes
at most two letters beyond.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec

from corpus.privacy.phone import REGIONS
from corpus.privacy.scrub import OWN_FINDERS, RECEIVER_FINDERS, find_spans
from studies.results import Part, write_result
from tests.corpus.privacy.planted import Line, Planter
from tests.performance.show import show

Span = tuple[int, int, str]
Detector = Callable[[Line], list[Span]]
KINDS = ("email", "mention", "phone", "profile", "link")


def ours(line: Line) -> list[Span]:
    """What `scrub` or `scrub_own` replaces."""
    return find_spans(line.text, RECEIVER_FINDERS if line.level == "comment" else OWN_FINDERS)


def score(lines: Sequence[Line], detector: Detector) -> tuple[Counter[str], Counter[str], list[tuple[str, str, str]]]:
    """Found items by label, finds by right and wrong, and the faults: (missed or wrong, label, text)."""
    found: Counter[str] = Counter()
    finds: Counter[str] = Counter()
    faults = []
    for line in lines:
        spans = detector(line)
        for item in line.items:
            whole = _letters(line.text, *item[:2]) <= set().union(*(range(s, e) for s, e, _ in spans))
            found[line.label] += whole
            if not whole:
                faults.append(("missed", line.label, line.text))
        for start, end, _ in spans:
            right = any(
                start < item[1] and end > item[0] and len(_letters(line.text, start, end) - set(range(*item[:2]))) <= 2
                for item in line.items
            )
            finds["right" if right else f"wrong: {line.label}"] += 1
            if not right:
                faults.append(("wrong", f"{line.label}: {line.text[start:end]!r}", line.text))
    return found, finds, faults


def rates(found: Counter[str], finds: Counter[str], lines: Sequence[Line]) -> tuple[float, float]:
    """Recall and precision over all."""
    planted = sum(len(line.items) for line in lines)
    return found.total() / planted, finds["right"] / max(1, finds.total())


def _letters(text: str, start: int, end: int) -> set[int]:
    return {i for i in range(start, end) if text[i].isalnum()}


def matcher() -> Detector:
    """libphonenumber's matcher, every region in turn."""
    import phonenumbers

    def detect(line: Line) -> list[Span]:
        return [
            (m.start, m.end, "phone") for region in REGIONS for m in phonenumbers.PhoneNumberMatcher(line.text, region)
        ]

    return detect


def presidio() -> Detector:
    """Presidio's recognizers of addresses, numbers and links."""
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import EmailRecognizer, PhoneRecognizer, UrlRecognizer

    class Blank(SpacyNlpEngine):
        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    registry = RecognizerRegistry([EmailRecognizer(), PhoneRecognizer(supported_regions=REGIONS), UrlRecognizer()])
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank())
    return lambda line: [(r.start, r.end, r.entity_type) for r in engine.analyze(line.text, language="en")]


def scrubadub() -> Detector:
    """scrubadub's default detectors."""
    import scrubadub as library

    scrubber = library.Scrubber()
    return lambda line: [(f.beg, f.end, f.type) for f in scrubber.iter_filth(line.text)]


def measure(each: int, seed: int, show_faults: bool) -> list[Part]:
    """Every detector on the same lines: overall, recall by kind, and false finds by what they were found in."""
    lines = list(Planter(seed).lines(each))
    items = Counter(line.label for line in lines if line.items)
    others = {"phonenumbers": matcher, "presidio_analyzer": presidio, "scrubadub": scrubadub}
    detectors = {"ours": ours} | {name: make() for name, make in others.items() if find_spec(name)}
    scores, overall = {}, []
    for name, detector in detectors.items():
        start = time.perf_counter()
        scores[name] = score(lines, detector)
        lines_per_s = len(lines) / (time.perf_counter() - start)
        overall.append((name, *rates(*scores[name][:2], lines), lines_per_s))
    recall = [(label, *(hits[label] / count for hits, _, _ in scores.values())) for label, count in items.items()]
    labels = sorted({label for _, finds, _ in scores.values() for label in finds} - {"right"})
    wrong = [(label[7:], *(finds[label] for _, finds, _ in scores.values())) for label in labels]
    for fault in scores["ours"][2] if show_faults else []:
        print(*fault, sep=" | ")
    title = f"{len(lines):,} lines, {items.total():,} planted items, seed {seed}"
    return [
        Part(title, ["detector", "recall", "precision", "lines/s"], overall),
        Part("Recall by kind", ["kind", *scores], recall),
        Part("Wrong finds by what they were found in", ["in", *scores], wrong),
    ]


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    parts = measure(*[*numbers, *(300, 1)[len(numbers) :]], "--show" in sys.argv)
    for part in parts:
        show(part)
    if "--write" in sys.argv:
        print(write_result("privacy", "Personal data found", "make privacy", parts))
