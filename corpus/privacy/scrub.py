"""Replace personal data in texts with placeholders, and authors with keyed hashes.

`scrub` is for texts of receivers (comments): it replaces e-mail addresses, telephone numbers, @mentions and all links.
`scrub_own` is for texts of a communicator: ordinary links stay, since they belong to the message; links to people go.
Names of persons in running text are not detected: that needs a trained model, which would also remove public speakers.

The key comes from the environment variable CBC_HASH_KEY and is never stored. Without it no author is kept, since a
plain hash of a public account id can be undone by hashing every account.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from corpus.privacy.patterns import find_emails, find_links, find_mentions, find_profiles
from corpus.privacy.phone import find_phones

KEY_VARIABLE = "CBC_HASH_KEY"
Finder = Callable[[str], Iterator[tuple[int, int]]]
COMMON: dict[str, Finder] = {"mention": find_mentions, "phone": find_phones}
RECEIVER_FINDERS: dict[str, Finder] = {"email": find_emails, "link": find_links, **COMMON}
OWN_FINDERS: dict[str, Finder] = {"profile": find_profiles, "email": find_emails, **COMMON}
# A text that does not match this holds nothing for any finder.
SUSPECT = re.compile(
    r"(?i)[@＠﹫]|://|\w[.．。]\w|\bwww|\b(?:dot|d0t|punkt|punto|point|ponto)\b|\b(?:tel|skype|sip|callto|sms):|"
    r"\d(?:[^\w\n]{0,5}\d){6}|"
    r"(?:\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|hundred)\b\W{1,3}){6}"
)
ZERO_WIDTH = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
NON_ASCII = re.compile(r"[^\x00-\x7f]")
Span = tuple[int, int, str]


def scrub(text: str) -> str:
    """Replace personal data in a receiver's text with (link), (email), (mention) and (phone)."""
    return _replace_spans(text, RECEIVER_FINDERS)


def scrub_own(text: str) -> str:
    """Replace personal data in a communicator's text with (profile), (email), (mention) and (phone)."""
    return _replace_spans(text, OWN_FINDERS)


def scrub_own_texts(texts: Iterable[str | None]) -> list[str | None]:
    """Apply `scrub_own` to many texts, once to each distinct text; None stays None."""
    scrubbed: dict[str | None, str | None] = {None: None}
    return [scrubbed[text] if text in scrubbed else scrubbed.setdefault(text, scrub_own(text or "")) for text in texts]


def find_spans(text: str, finders: dict[str, Finder] = RECEIVER_FINDERS) -> list[Span]:
    """Start, end and kind of everything that is replaced, in order and without overlap."""
    if not SUSPECT.search(text):
        return []
    spans = list(_spans(_normalize(text), finders))
    if ZERO_WIDTH.search(text):
        places = [i for i, char in enumerate(text) if not ZERO_WIDTH.match(char)]
        bare = _normalize(ZERO_WIDTH.sub("", text))
        spans += [(places[start], places[end - 1] + 1, kind) for start, end, kind in _spans(bare, finders)]
    return _merge(sorted(spans, key=lambda span: (span[0], -span[1])))


def _replace_spans(text: str, finders: dict[str, Finder]) -> str:
    while spans := find_spans(text, finders):  # the text around a placeholder can match anew
        parts, done = [], 0
        for start, end, kind in spans:
            parts += [text[done:start], f"({kind})"]
            done = end
        text = "".join([*parts, text[done:]])
    return text


def _spans(text: str, finders: dict[str, Finder]) -> Iterator[Span]:
    """Yield the spans of each finder in the text that the finders before it left."""
    for kind, finder in finders.items():
        spans = [(start, end) for start, end in finder(text)]
        yield from ((start, end, kind) for start, end in spans)
        text = _blank(text, spans)


def _blank(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Replace spans with line ends, which no pattern matches."""
    parts, done = [], 0
    for start, end in sorted(spans):
        if end > done:
            start = max(start, done)
            parts += [text[done:start], "\n" * (end - start)]
            done = end
    return "".join([*parts, text[done:]])


def _merge(spans: list[Span]) -> list[Span]:
    """Merge spans that overlap; the kind of the first stays."""
    merged: list[Span] = []
    for start, end, kind in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), merged[-1][2])
        else:
            merged.append((start, end, kind))
    return merged


def _normalize(text: str) -> str:
    """Convert full-width characters and the digits of all scripts to ASCII, at unchanged positions."""
    return text if text.isascii() else NON_ASCII.sub(lambda match: _to_ascii(match[0]), text)


def _to_ascii(char: str) -> str:
    digit = unicodedata.digit(char, None) if char.isdigit() and char.isdecimal() else None
    if digit is not None:
        return str(digit)
    if "\uff01" <= char <= "\uff5e":
        return chr(ord(char) - 0xFEE0)
    return {"﹫": "@", "。": ".", "\u00a0": " ", "\u202f": " ", "\u2009": " "}.get(char, char)


def hash_key() -> bytes | None:
    """Key of author hashes from the environment; None if it is not set."""
    return os.environ.get(KEY_VARIABLE, "").encode() or None


def author_hash(author: str | None, key: bytes | None) -> str | None:
    """HMAC-SHA256 of an author's id, its first 32 hex digits; None without author or key."""
    if not author or not key:
        return None
    return hmac.new(key, author.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]
