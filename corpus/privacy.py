"""What keeps receivers unknown: comments are scrubbed of personal data, their authors stand as keyed hashes.

The key comes from the environment variable CBC_HASH_KEY and is never stored; without it there is no author at all,
since a plain hash of a public account id can be undone by hashing every account.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re

KEY_VARIABLE = "CBC_HASH_KEY"
LINK = re.compile(r"(?i)\b(?:https?://|www\.)\S+")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
MENTION = re.compile(r"(?<![\w@])[@＠][\w.-]*\w")
# An optional +, then 8 to 15 digits in groups: shorter numbers are prices, years and counts.
PHONE = re.compile(r"(?<![\w.,])(?:\+|\(\+?)?\d(?:[\s().\-/]{0,2}\d){7,14}(?![\w,]|\.\d)")
DATE = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{4}")


def scrub(text: str) -> str:
    """The text with links, e-mail addresses, @mentions and phone numbers replaced by placeholders."""
    text = LINK.sub("(link)", text)
    text = EMAIL.sub("(email)", text)
    text = MENTION.sub("(mention)", text)
    return PHONE.sub(lambda found: found[0] if DATE.fullmatch(found[0]) else "(phone)", text)


def hash_key() -> bytes | None:
    """The key of author hashes; None where the environment gives none."""
    return os.environ.get(KEY_VARIABLE, "").encode() or None


def author_hash(author: str | None, key: bytes | None) -> str | None:
    """HMAC-SHA256 of an author's id, 32 hex digits; None without author or key."""
    if not author or not key:
        return None
    return hmac.new(key, author.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]
