"""What keeps people unknown: personal data in texts gives way to placeholders, authors stand as keyed hashes.

`scrub` is for what receivers wrote: e-mail addresses, telephone numbers, @mentions and every link go. `scrub_own` is
for what a communicator said, wrote or showed: ordinary links stay there, they are the message; links to people go.
Names of persons in running text are not found: that needs a trained model, and it would take public speakers with it.

The key comes from the environment variable CBC_HASH_KEY and is never stored; without it there is no author at all,
since a plain hash of a public account id can be undone by hashing every account.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from corpus.privacy.patterns import emails, links, mentions, profiles
from corpus.privacy.phone import phones

KEY_VARIABLE = "CBC_HASH_KEY"
Finder = Callable[[str], Iterator[tuple[int, int]]]
WRITTEN: dict[str, Finder] = {"email": emails, "link": links, "mention": mentions, "phone": phones}
OWN: dict[str, Finder] = {"profile": profiles, "email": emails, "mention": mentions, "phone": phones}
# No finder finds anything in a text without one of these.
SUSPECT = re.compile(
    r"(?i)[@＠﹫]|://|\w[.．。]\w|\bwww|\b(?:dot|d0t|punkt|punto|point|ponto)\b|\b(?:tel|skype|sip|callto|sms):|"
    r"\d(?:[^\w\n]{0,5}\d){6}|"
    r"(?:\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|hundred)\b\W{1,3}){6}"
)
HIDDEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
FOREIGN = re.compile(r"[^\x00-\x7f]")
Span = tuple[int, int, str]


def scrub(text: str) -> str:
    """A receiver's text with (link), (email), (mention) and (phone) for what they stand for."""
    return _scrubbed(text, WRITTEN)


def scrub_own(text: str) -> str:
    """A communicator's text with (profile), (email), (mention) and (phone) for what they stand for."""
    return _scrubbed(text, OWN)


def scrub_said(texts: Iterable[str | None]) -> list[str | None]:
    """`scrub_own` of many texts, each different one looked at once; None stays None."""
    told: dict[str | None, str | None] = {None: None}
    return [told[text] if text in told else told.setdefault(text, scrub_own(text or "")) for text in texts]


def find(text: str, finders: dict[str, Finder] = WRITTEN) -> list[Span]:
    """Start, end and kind of what would be replaced, in order and apart from each other."""
    if not SUSPECT.search(text):
        return []
    found = list(_spans(_plain(text), finders))
    if HIDDEN.search(text):
        places = [i for i, char in enumerate(text) if not HIDDEN.match(char)]
        bare = _plain(HIDDEN.sub("", text))
        found += [(places[start], places[end - 1] + 1, kind) for start, end, kind in _spans(bare, finders)]
    return _apart(sorted(found, key=lambda span: (span[0], -span[1])))


def _scrubbed(text: str, finders: dict[str, Finder]) -> str:
    while found := find(text, finders):  # what a placeholder leaves behind can be an item of its own
        parts, done = [], 0
        for start, end, kind in found:
            parts += [text[done:start], f"({kind})"]
            done = end
        text = "".join([*parts, text[done:]])
    return text


def _spans(text: str, finders: dict[str, Finder]) -> Iterator[Span]:
    """What each finder finds in what the ones before it left."""
    for kind, finder in finders.items():
        spans = [(start, end) for start, end in finder(text)]
        yield from ((start, end, kind) for start, end in spans)
        text = _blanked(text, spans)


def _blanked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with found spans as line ends, which belong to no item."""
    parts, done = [], 0
    for start, end in sorted(spans):
        if end > done:
            start = max(start, done)
            parts += [text[done:start], "\n" * (end - start)]
            done = end
    return "".join([*parts, text[done:]])


def _apart(spans: list[Span]) -> list[Span]:
    """Spans that overlap as one, of the kind of the first."""
    merged: list[Span] = []
    for start, end, kind in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), merged[-1][2])
        else:
            merged.append((start, end, kind))
    return merged


def _plain(text: str) -> str:
    """Full-width characters and the digits of all scripts as ASCII, length and places unchanged."""
    return text if text.isascii() else FOREIGN.sub(lambda found: _ascii(found[0]), text)


def _ascii(char: str) -> str:
    digit = unicodedata.digit(char, None) if char.isdigit() and char.isdecimal() else None
    if digit is not None:
        return str(digit)
    if "\uff01" <= char <= "\uff5e":
        return chr(ord(char) - 0xFEE0)
    return {"﹫": "@", "。": ".", "\u00a0": " ", "\u202f": " ", "\u2009": " "}.get(char, char)


def hash_key() -> bytes | None:
    """The key of author hashes; None where the environment gives none."""
    return os.environ.get(KEY_VARIABLE, "").encode() or None


def author_hash(author: str | None, key: bytes | None) -> str | None:
    """HMAC-SHA256 of an author's id, 32 hex digits; None without author or key."""
    if not author or not key:
        return None
    return hmac.new(key, author.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]
