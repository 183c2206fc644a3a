"""MinHash of many texts at once: shingles, signatures, bands, all as flat arrays of numpy.

Texts are given normalised (corpus.filters.pool), nonempty and some thousand at a time. A shingle is a run of `size`
characters or words; a text shorter than that is one shingle. Broder, On the resemblance and containment of documents
(1997); bands: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4. Constants are fixed: same text, same bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from corpus.files.scatter import GOLDEN, splitmix64

Unit = Literal["character", "word"]
Hashes = NDArray[np.uint64]
Counts = NDArray[np.int64]

VALUES = 128  # of a signature, at most
RECALL = 0.99  # of pairs at the threshold, by the bands
CHUNK = 60_000  # shingles hashed at once: they stay in the processor's cache


def banding(threshold: float) -> tuple[int, int]:
    """Bands and values a band: the longest bands that still find RECALL of the pairs at the threshold."""
    for rows in range(VALUES, 0, -1):
        bands = VALUES // rows
        if 1 - (1 - threshold**rows) ** bands >= RECALL:
            return bands, rows
    return VALUES, 1


def shingles(texts: Sequence[str], unit: Unit, size: int) -> tuple[Hashes, Counts]:
    """Hashes of the shingles of all texts, text after text (a shingle may come twice), and how many each text has."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32).astype(np.uint64)
    counts = np.array([len(text) for text in texts], np.int64)
    if unit == "word":
        codes, counts = _words(" ".join(texts)), np.array([text.count(" ") + 1 for text in texts], np.int64)
    return _runs(codes, counts, size)


def _words(joined: str) -> Hashes:
    """A hash of each word of a text with single spaces."""
    codes = np.frombuffer(joined.encode("utf-32-le"), np.uint32).astype(np.uint64)
    starts = np.concatenate([[0], np.flatnonzero(codes == ord(" ")) + 1])
    lengths = np.diff(starts, append=len(codes) + 1)
    within = np.arange(len(codes)) - np.repeat(starts, lengths)[: len(codes)]
    powers = np.cumprod(np.full(int(lengths.max()), GOLDEN))
    terms = np.where(codes == ord(" "), np.uint64(0), splitmix64(codes + np.uint64(1)) * powers[within])
    return splitmix64(np.add.reduceat(terms, starts))


def _runs(units: Hashes, counts: Counts, size: int) -> tuple[Hashes, Counts]:
    """Hashes of every `size` units that follow one another in a text; a shorter text is filled up with zeros."""
    lengths = np.maximum(counts, size)
    starts = np.cumsum(lengths) - lengths
    filled = np.zeros(int(lengths.sum()) + size, np.uint64)
    filled[np.arange(len(units)) + np.repeat(starts - (np.cumsum(counts) - counts), counts)] = units
    runs = np.zeros(int(lengths.sum()), np.uint64)
    for position in range(size):
        runs = runs * GOLDEN + splitmix64(filled[position : position + len(runs)] + np.uint64(1))
    counted = lengths - size + 1
    within = np.arange(len(runs)) - np.repeat(starts, lengths)
    return splitmix64(runs[within < np.repeat(counted, lengths)]), counted


def signatures(hashes: Hashes, counts: Counts, values: int) -> NDArray[np.uint32]:
    """For each text the least of its shingles' hashes under each of `values` functions, the upper 32 bits of it."""
    factors = splitmix64(np.arange(1, values + 1, dtype=np.uint64)) | np.uint64(1)
    terms = splitmix64(np.arange(values + 1, 2 * values + 1, dtype=np.uint64))
    ends = np.cumsum(counts)
    signed = np.empty((len(counts), values), np.uint32)
    first = 0
    while first < len(counts):
        start = int(ends[first] - counts[first])
        last = max(first + 1, int(np.searchsorted(ends, start + CHUNK, "right")))
        part, offsets = hashes[start : int(ends[last - 1])], (ends - counts)[first:last] - start
        for n in range(values):
            signed[first:last, n] = np.minimum.reduceat(part * factors[n] + terms[n], offsets) >> np.uint64(32)
        first = last
    return signed


def bands_of(texts: Sequence[str], unit: Unit, size: int, threshold: float) -> Hashes:
    """A hash of each band of each text, shaped (texts, bands): two texts that share one may be near duplicates."""
    bands, rows = banding(threshold)
    signed = signatures(*shingles(texts, unit, size), bands * rows).astype(np.uint64)
    keys = np.zeros((len(texts), bands), np.uint64)
    for row in range(rows):
        keys = keys * GOLDEN + splitmix64(signed.reshape(len(texts), bands, rows)[:, :, row] + np.uint64(1))
    return splitmix64(keys)


def similarities(left: Sequence[str], right: Sequence[str], unit: Unit, size: int) -> NDArray[np.float64]:
    """The true Jaccard similarity of each pair of texts: shared shingles by all shingles of both."""
    (left_keys, left_owner), (right_keys, right_owner) = _distinct(left, unit, size), _distinct(right, unit, size)
    _, place, _ = np.intersect1d(left_keys, right_keys, assume_unique=True, return_indices=True)
    shared = np.bincount(left_owner[place], minlength=len(left))
    both = np.bincount(left_owner, minlength=len(left)) + np.bincount(right_owner, minlength=len(left))
    return np.asarray(shared / (both - shared), np.float64)


def _distinct(texts: Sequence[str], unit: Unit, size: int) -> tuple[Hashes, Counts]:
    """Each text's shingles once, hashed with the number of the text, and that number."""
    hashes, counts = shingles(texts, unit, size)
    owner = np.repeat(np.arange(len(texts)), counts)
    keys, first = np.unique(splitmix64(hashes + splitmix64(owner.astype(np.uint64))), return_index=True)
    return keys, owner[first]
