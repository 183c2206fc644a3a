"""Detect e-mail addresses, @mentions and links in free text. Each pattern is bounded, so that no text takes long.

The text is normalized first: full-width characters are ASCII, zero-width characters removed (`corpus.privacy.scrub`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# \w leaves out the vowel signs of scripts from Devanagari to Myanmar, and the points of Hebrew and Arabic.
LETTER = r"\w\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0971-\u109f"
# Only in scripts with spaces between words does a letter before an item make it part of another word.
APART = r"(?<![a-zA-Z0-9_\u00c0-\u024f\u0370-\u052f])"
LINK = re.compile(rf"(?i){APART}(?:h(?:tt|xx)ps?\s?:\s?//\s?|www\.)[^\s<>\"]+")
# A domain without a scheme: any domain with a path; alone only with endings that are no words of a language.
NAKED = re.compile(
    rf"(?i){APART}(?<![@.-])(?:[a-z0-9][a-z0-9-]{{0,62}}\.){{1,4}}(?:[a-z]{{2,18}}(?::\d+)?[/?#](?=\w)[^\s<>\"]*"
    r"|(?:com|org|net|io|edu|gov|biz|xyz|de|co\.uk)(?![\w@-]|\.\w))"
)
EMAIL = re.compile(rf"(?<![{LETTER}.+'%-])[{LETTER}.+'%-]++@[{LETTER}-]{{1,63}}(?:\.[{LETTER}-]{{1,63}}){{1,8}}")
DOT = (
    r"(?:\.|\s{0,2}[\[({<]\s?(?:dot|d0t|punkt|punto|point|ponto|\.)\s?[\])}>]\s{0,2}|\s{1,2}(?:dot|punkt|punto)\s{1,2})"
)
AT = r"(?:\s{0,2}[\[({<]\s?(?:at|@|arroba|ät)\s?[\])}>]\s{0,2}|\s@\s|@|(?-i:\sAT\s))"
DOMAIN = rf"[\w-]{{1,63}}(?:{DOT}[\w-]{{1,63}}){{0,3}}{DOT}[a-zA-Z]{{2,18}}(?!\w)"
BRACKETED = re.compile(rf"(?i)(?<![\w.+-])[\w.+-]++{AT}{DOMAIN}")
SPELLED_AT = re.compile(r"(?i)\s(?:at|arroba)\s.{0,200}?(?:dot|punkt|punto|\w\.\w)")
SPELLED = re.compile(
    rf"(?i)(?<![\w.])(?P<name>[\w.+-]{{1,64}}(?:\s(?:dot|underscore|dash)\s[\w+-]{{1,64}}){{0,3}})"
    rf"\s{{1,2}}(?:at|arroba)\s{{1,2}}{DOMAIN}"
)
# "find us at brand dot com" is no address, "write to info at brand dot com" is one.
CUE = re.compile(
    r"(?i)\b(?:e-?mails?|mails?|gmail|write|contact|correo|inbox|address|reach|message|send)\b[^.!?\n]{0,40}$|\bto\s$"
)
ROLE = re.compile(
    r"(?i)(?:info|contact|sales|support|hello|hi|press|office|admin|team|jobs|careers|booking|mail|help)"
    r"|.*(?:[\d._+]|\s(?:dot|underscore|dash)\s).*"
)
NO_NAME = re.compile(
    r"(?i)(?:us|me|him|her|it|them|you|look|looking|shop|online|more|out|find|here|live|now|today|stores?|website|up|"
    r"site|page|visit|available|is|are|only|order|free|back|address)"
)
MENTION = re.compile(rf"{APART}(?<!@)@(?=[\d.·_-]*[^\W\d_])[{LETTER}.·-]{{0,63}}[{LETTER}]")
NO_MENTION = re.compile(r"(?i)@\d{1,4}(?:[.:]\d+)?(?:am|pm|h|hrs?|x|k|m|fps|p|hz|ghz|mhz|kg|lbs?|st|nd|rd|th|uhr|usd)")
WEB = rf"(?:\bh(?:tt|xx)ps?\s?:\s?//\s?|{APART}(?<![@./-]))(?:(?:www|m|mobile|web|[a-z]{{2}})\.)?"
NAME = r"[^\s/?#<>\"(),;]{1,64}"
NO_PERSON = "(?:p|reel|reels|tv|explore|stories|hashtag|search|home|i|intent|share|sharer|events|groups|watch|pages|"
NO_PERSON += "marketplace|gaming|help|policies|about|login|signup|photo|hashtags|legal|privacy|tos|terms|directory)"
PROFILE = re.compile(
    rf"(?i){WEB}(?:(?:x|twitter|instagram|facebook|fb|threads|snapchat|pinterest|github|twitch|patreon|onlyfans|"
    rf"ko-fi|buymeacoffee|cash|venmo|paypal|vk)\.(?:com|me|net|app|tv)/(?!{NO_PERSON}(?:[/?#\s]|$)){NAME}"
    rf"|linkedin\.com/(?:in|pub)/{NAME}|(?:tiktok|medium|youtube|threads)\.(?:com|net)/@{NAME}"
    rf"|youtube\.com/(?:user|channel|c)/{NAME}|(?:t|telegram|wa|m|fb|instagr|paypal)\.(?:me|am)/{NAME}"
    rf"|api\.whatsapp\.com/send{NAME}|reddit\.com/u(?:ser)?/{NAME}|bsky\.app/profile/{NAME}|linktr\.ee/{NAME}"
    r")[^\s<>\"]*|\b(?:(?:tel|callto|sms):\+?\d[\d().-]{2,64}|(?:skype|sip):[\w.@-]{3,64})|\bt\.me/[^\s]+"
)
NETWORK = re.compile(r"(?i)\.(?:com|me|net|app|tv|am|ee)/|\b(?:tel|skype|sip|callto|sms):")
TAIL = ".,;:!?'\")]}»”’…"


def find_links(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each link, without the punctuation that ends the sentence."""
    for pattern in (LINK, NAKED):
        yield from _trimmed(text, pattern)


def find_profiles(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each link to a person: pages and numbers at networks and messengers."""
    if NETWORK.search(text):
        yield from _trimmed(text, PROFILE)


def _trimmed(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text):
        yield match.start(), match.start() + max(1, len(match[0].rstrip(TAIL)))


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each e-mail address, also of obfuscated ones ("jo at mail dot example")."""
    for pattern in (EMAIL, BRACKETED):
        yield from (match.span() for match in pattern.finditer(text))
    place = 0 if SPELLED_AT.search(text) else len(text)
    while match := SPELLED.search(text, place):
        name = match["name"]
        cued = CUE.search(text[max(0, match.start() - 60) : match.start()]) and not NO_NAME.fullmatch(name)
        is_address = cued or ROLE.fullmatch(name)
        if is_address:
            yield match.span()
        place = match.end() if is_address else match.end("name")


def find_mentions(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each @name, in any script; times, rates and prices after an @ are none."""
    for match in MENTION.finditer(text):
        if not NO_MENTION.fullmatch(match[0]):
            yield match.span()
