"""One email as rows, and nothing of who received it: pure functions, RowError where it is no mailing.

Messages are parsed by the lenient policy of Python's `email`: the strict ones raise on the broken heads that real
mailboxes hold. Links, addresses and phone numbers become placeholders as in comments (corpus/privacy/scrub.py): which
part of a link tells the receiver apart cannot be seen from outside. So do the receivers' names and addresses, wherever
they stand. The message's id is a digest, since senders write the receiver into Message-ID.
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
    """Rows of `message` and `communicator`, and of the annotation as `extra`. Raises RowError."""
    mail = message_from_bytes(content)
    sender, name = sender_of(mail)
    if not any(mail.get(header) for header in MAILING) and _header(mail, "Precedence").lower() not in ("bulk", "list"):
        raise RowError("not a mailing")
    if "@" in _header(mail, "List-Post"):
        raise RowError("a list that people discuss on")
    hide = hider(mail)
    text, attachments = body_of(mail)
    title, body = _told(hide(_header(mail, "Subject"))), _told(GREETING.sub(r"\1(name)", hide(text)))
    if title is None and body is None:
        raise RowError("no text")
    published_at, language = date_of(mail), _header(mail, "Content-Language").split(",")[0]
    told = _header(mail, "Message-ID") or f"{sender}\n{published_at}\n{title}\n{body}"
    message_id, communicator_id = global_id("email", digest(told)), global_id("email", sender)
    message = {
        "message_id": message_id,
        "communicator_id": communicator_id,
        "channel": "email",
        "kind": "email",
        "title": title,
        "body": body,
        "published_at": published_at,
        "language": language if LANGUAGE.fullmatch(language) else None,
        "campaign": hide(campaign_of(mail)) or None,
    }
    list_id = hide(_header(mail, "List-Id")) or None
    return {
        "message": message,
        "communicator": {"communicator_id": communicator_id, "channel": "email", "name": name},
        "extra": {"message_id": message_id, "list_id": list_id, "attachments": attachments},
    }


def digest(text: str) -> str:
    """What stands for a text that may tell the receiver: 32 hex digits of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def sender_of(mail: Message) -> tuple[str, str]:
    """Address and name of the sender; the address's domain where there is no name. Raises RowError."""
    named = [(name, address) for name, address in addresses(mail, "From") if ADDRESS.fullmatch(address)]
    if not named:
        raise RowError("no sender")
    name, address = named[0]
    if address in {one for _, one in receivers(mail)}:
        raise RowError("sent to its sender")
    return address, name if name and "@" not in name else address.rpartition("@")[2]


def receivers(mail: Message) -> list[tuple[str, str]]:
    """Names and addresses of those who received it."""
    return [one for header in RECEIVERS for one in addresses(mail, header)]


def addresses(mail: Message, header: str) -> list[tuple[str, str]]:
    """Names and addresses (in small letters) in all headers of a name; of a broken header the addresses alone."""
    raw = [_text(value) for name, value in mail.raw_items() if name.lower() == header.lower()]
    found = [*getaddresses(raw), *(("", one) for text in raw for one in ADDRESS.findall(text))]
    return [(decoded(name), address.strip().lower()) for name, address in found]


def hider(mail: Message) -> Callable[[str], str]:
    """A function that puts placeholders for the receivers' addresses and names in a text."""
    found = receivers(mail)
    known = {one for _, one in found if "@" in one}
    known |= {quote(one) for one in known} | {one.replace("@", "=") for one in known}
    boxes = {one.partition("@")[0] for one in known if re.search(r"[._\d]", one.partition("@")[0])}  # jane.doe, jane7
    names = {name for name, _ in found if len(name) >= 2 and "@" not in name}
    words = {word for name in names for word in re.findall(r"[^\W\d_]{2,}", name)}
    spelled = {form for word in words for form in (word, word.capitalize(), word.upper())}
    spelled |= {form for box in boxes for word in LETTERS.findall(box) for form in (word.capitalize(), word.upper())}
    whole, parts = _any(known, re.IGNORECASE), _any(names | spelled | boxes)

    def hide(text: str) -> str:
        text = whole.sub("(email)", text) if whole else text
        return parts.sub("(name)", text) if parts else text

    return hide


def _any(texts: set[str], flags: int = 0) -> re.Pattern[str] | None:
    """Any of the texts as whole words, the longest first."""
    found = "|".join(re.escape(one) for one in sorted(texts, key=lambda one: (-len(one), one)))
    return re.compile(rf"(?<!\w)(?:{found})(?!\w)", flags) if found else None


def campaign_of(mail: Message) -> str:
    """What ties emails of a campaign together; for Mailchimp as the mapping `mailchimp` names it; else the list."""
    given = next(filter(None, (_header(mail, name) for name in CAMPAIGNS)), "")
    ours = MAILCHIMP.fullmatch(given)
    return f"mailchimp:{ours[1]}" if ours else given or _header(mail, "List-Id")


def date_of(mail: Message) -> datetime | None:
    """When it was sent, UTC without a zone; None where it does not say. Raises RowError."""
    told = _header(mail, "Date")
    if not told:
        return None
    try:
        at = parsedate_to_datetime(told)
        at = (at.astimezone(UTC) if at.tzinfo else at).replace(tzinfo=None, microsecond=0)
    except (ValueError, TypeError, OverflowError, IndexError):
        raise RowError("unparsable date", scrub(told)) from None
    if not 1970 <= at.year <= 2200:
        raise RowError("unparsable date", scrub(told))
    return at


def body_of(mail: Message) -> tuple[str, int]:
    """The text of an email, of its plain part where that has any, else of its HTML; and the number of attachments."""
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
    """The text of a part; bytes that do not decode are replaced."""
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return _decoded(content, part.get_content_charset())
    except (ValueError, TypeError, AttributeError):  # a charset written so that it cannot be read
        return _decoded(content, None)


def _decoded(content: bytes, charset: str | None) -> str:
    for name in (charset or "utf-8", "utf-8"):
        try:
            return content.decode(name)
        except (LookupError, ValueError):  # unknown, no text encoding, or not in it
            continue
    return content.decode("cp1252" if charset in (None, "us-ascii", "iso-8859-1") else "utf-8", "replace")


def _header(mail: Message, name: str) -> str:
    """A header's text on one line, empty where there is none."""
    raw = next((value for key, value in mail.raw_items() if key.lower() == name.lower()), "")
    return " ".join(decoded(_text(raw)).split())


def _text(raw: Any) -> str:
    """A raw header, with bytes above ASCII, which the standard forbids, read as UTF-8 or else cp1252."""
    content = str(raw).encode("utf-8", "surrogateescape")
    return _decoded(content, None)


def decoded(text: str) -> str:
    """A header with its encoded words ("=?utf-8?Q?...?=") read."""
    try:
        read = "".join(
            piece if isinstance(piece, str) else _decoded(piece, charset or "raw_unicode_escape")
            for piece, charset in decode_header(text)
        )
        return read or text
    except (HeaderParseError, ValueError):
        return text


def _told(text: str) -> str | None:
    """Text as the corpus keeps it: scrubbed of personal data, without half characters; None where it is blank."""
    return scrub(text.encode("utf-8", "replace").decode()).strip() or None
