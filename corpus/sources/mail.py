"""Convert an email to rows without its receivers, by pure functions; RowError if it is not a mailing.

Messages are parsed with the lenient policy of Python's `email`, since the strict ones raise on the broken headers of
real mailboxes. Links, addresses and phone numbers become placeholders as in comments (corpus/privacy/scrub.py), since
any part of a link may identify the receiver. So do the names and addresses of receivers, everywhere. The message id is
a digest, since senders write the receiver into Message-ID.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from corpus.ids import global_id
from corpus.privacy.scrub import scrub
from corpus.sources.base import RowError
from corpus.sources.mail_text import plain_text

RECEIVERS = (
    *("To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Apparently-To", "Delivered-To", "Envelope-To"),
    *("X-Delivered-To", "X-Original-To", "X-Envelope-To", "X-Forwarded-To", "X-Rcpt-To", "X-Receiver"),
)
CAMPAIGNS = ("X-Campaign-Id", "X-CampaignID", "X-Campaign_ID", "X-Campaign", "X-MailingID", "X-Mailing-Id", "X-Job")
MAILING = ("List-Unsubscribe", "List-Id", "Feedback-ID", "X-Feedback-ID", *CAMPAIGNS)
MAILCHIMP = re.compile(r"mailchimp[0-9a-f]*\.([0-9a-f]+)")
WORD = r"[^\W\d_][\w.’'-]{0,40}"
HELLO = "Hi|Hello|Hey|Dear|Hallo|Liebe|Lieber|Bonjour|Hola|Ciao"
GREETING = re.compile(rf"(?m)^([ \t]{{0,20}}(?:{HELLO})[ \t]{{1,20}}){WORD}(?:[ \t]{WORD}){{0,3}}(?=[ \t]?[,!:])")
LETTERS = re.compile(r"[^\W\d_]{3,}")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
ADDRESS = re.compile(r"""(?<![^\s@<>"',;:()])[^\s@<>"',;:()]+@[^\s@<>"',;:()]+\.[^\s@<>"',;:()]+""")
Row = dict[str, Any]


def email_rows(content: bytes) -> dict[str, Row]:
    """Convert an email to a row of `message`, of `communicator` and, as `extra`, of the annotation. Raises RowError."""
    mail = message_from_bytes(content)
    sender, name = sender_of(mail)
    if not any(mail.get(header) for header in MAILING) and _header(mail, "Precedence").lower() not in ("bulk", "list"):
        raise RowError("not a mailing")
    if "@" in _header(mail, "List-Post"):
        raise RowError("a list that people discuss on")
    mask = receiver_masker(mail)
    text, attachments = body_of(mail)
    title, body = _clean_text(mask(_header(mail, "Subject"))), _clean_text(GREETING.sub(r"\1(name)", mask(text)))
    if title is None and body is None:
        raise RowError("no text")
    published_at, language = date_of(mail), _header(mail, "Content-Language").split(",")[0]
    identity = _header(mail, "Message-ID") or f"{sender}\n{published_at}\n{title}\n{body}"
    message_id, communicator_id = global_id("email", digest(identity)), global_id("email", sender)
    message = {
        "message_id": message_id,
        "communicator_id": communicator_id,
        "channel": "email",
        "kind": "email",
        "title": title,
        "body": body,
        "published_at": published_at,
        "language": language if LANGUAGE.fullmatch(language) else None,
        "campaign": mask(campaign_of(mail)) or None,
    }
    list_id = mask(_header(mail, "List-Id")) or None
    return {
        "message": message,
        "communicator": {"communicator_id": communicator_id, "channel": "email", "name": name},
        "extra": {"message_id": message_id, "list_id": list_id, "attachments": attachments},
    }


def digest(text: str) -> str:
    """Digest of a text that may identify the receiver: 32 hex digits of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def sender_of(mail: Message) -> tuple[str, str]:
    """Address and name of the sender; its domain if there is no name. Raises RowError."""
    named = [(name, address) for name, address in addresses(mail, "From") if ADDRESS.fullmatch(address)]
    if not named:
        raise RowError("no sender")
    name, address = named[0]
    if address in {receiver for _, receiver in receivers(mail)}:
        raise RowError("sent to its sender")
    return address, name if name and "@" not in name else address.rpartition("@")[2]


def receivers(mail: Message) -> list[tuple[str, str]]:
    """Names and addresses of the receivers."""
    return [receiver for header in RECEIVERS for receiver in addresses(mail, header)]


def addresses(mail: Message, header: str) -> list[tuple[str, str]]:
    """Names and addresses (in lower case) in all headers of a name; of a broken header only the addresses."""
    raw = [_text(value) for name, value in mail.raw_items() if name.lower() == header.lower()]
    pairs = [*getaddresses(raw), *(("", address) for text in raw for address in ADDRESS.findall(text))]
    return [(decoded(name), address.strip().lower()) for name, address in pairs]


def receiver_masker(mail: Message) -> Callable[[str], str]:
    """Make a function that replaces the addresses and names of the receivers in a text by placeholders."""
    people = receivers(mail)
    full = {address for _, address in people if "@" in address}
    full |= {quote(address) for address in full} | {address.replace("@", "=") for address in full}
    local_parts = {address.partition("@")[0] for address in full}
    boxes = {local for local in local_parts if re.search(r"[._\d]", local)}  # jane.doe, jane7
    names = {name for name, _ in people if len(name) >= 2 and "@" not in name}
    words = {word for name in names for word in re.findall(r"[^\W\d_]{2,}", name)}
    spelled = {form for word in words for form in (word, word.capitalize(), word.upper())}
    spelled |= {form for box in boxes for word in LETTERS.findall(box) for form in (word.capitalize(), word.upper())}
    address_pattern, name_pattern = _match_any(full, re.IGNORECASE), _match_any(names | spelled | boxes)

    def mask(text: str) -> str:
        text = address_pattern.sub("(email)", text) if address_pattern else text
        return name_pattern.sub("(name)", text) if name_pattern else text

    return mask


def _match_any(texts: set[str], flags: int = 0) -> re.Pattern[str] | None:
    """Compile a pattern of any of the texts as whole words, longest first; None without texts."""
    choices = "|".join(re.escape(text) for text in sorted(texts, key=lambda text: (-len(text), text)))
    return re.compile(rf"(?<!\w)(?:{choices})(?!\w)", flags) if choices else None


def campaign_of(mail: Message) -> str:
    """Campaign of an email, of Mailchimp in the form of the mapping `mailchimp`; else its list."""
    campaign = next(filter(None, (_header(mail, name) for name in CAMPAIGNS)), "")
    mailchimp = MAILCHIMP.fullmatch(campaign)
    return f"mailchimp:{mailchimp[1]}" if mailchimp else campaign or _header(mail, "List-Id")


def date_of(mail: Message) -> datetime | None:
    """When an email was sent, UTC without a zone; None if it does not say. Raises RowError."""
    date = _header(mail, "Date")
    if not date:
        return None
    try:
        at = parsedate_to_datetime(date)
        at = (at.astimezone(UTC) if at.tzinfo else at).replace(tzinfo=None, microsecond=0)
    except (ValueError, TypeError, OverflowError, IndexError):
        raise RowError("unparsable date", scrub(date)) from None
    if not 1970 <= at.year <= 2200:
        raise RowError("unparsable date", scrub(date))
    return at


def body_of(mail: Message) -> tuple[str, int]:
    """Text of an email, from its plain parts if they have any, else from HTML; and its number of attachments."""
    plain: list[str] = []
    html: list[str] = []
    attachments = 0
    for part in mail.walk():
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if kind not in ("text/plain", "text/html") or part.get_content_disposition() == "attachment":
            attachments += 1
        else:
            (plain if kind == "text/plain" else html).append(content_of(part))
    text = "\n".join(plain)
    return text if text.strip() else "\n".join(map(plain_text, html)), attachments


def content_of(part: Message) -> str:
    """Text of a part; bytes that do not decode are replaced."""
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return _decoded(content, part.get_content_charset())
    except (ValueError, TypeError, AttributeError):  # the charset itself is malformed
        return _decoded(content, None)


def _decoded(content: bytes, charset: str | None) -> str:
    for name in (charset or "utf-8", "utf-8"):
        try:
            return content.decode(name)
        except (LookupError, ValueError):  # unknown charset, not a text encoding, or bytes that it does not have
            continue
    return content.decode("cp1252" if charset in (None, "us-ascii", "iso-8859-1") else "utf-8", "replace")


def _header(mail: Message, name: str) -> str:
    """Text of a header on one line; empty if there is none."""
    raw = next((value for key, value in mail.raw_items() if key.lower() == name.lower()), "")
    return " ".join(decoded(_text(raw)).split())


def _text(raw: Any) -> str:
    """Decode a raw header: bytes above ASCII, which the standard forbids, are read as UTF-8, else as cp1252."""
    content = str(raw).encode("utf-8", "surrogateescape")
    return _decoded(content, None)


def decoded(text: str) -> str:
    """Decode the encoded words ("=?utf-8?Q?...?=") of a header."""
    try:
        joined = "".join(
            piece if isinstance(piece, str) else _decoded(piece, charset or "raw_unicode_escape")
            for piece, charset in decode_header(text)
        )
        return joined or text
    except (HeaderParseError, ValueError):
        return text


def _clean_text(text: str) -> str | None:
    """Scrub personal data from a text and replace lone surrogates; None if it is blank."""
    return scrub(text.encode("utf-8", "replace").decode()).strip() or None
