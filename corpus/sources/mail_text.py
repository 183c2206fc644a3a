"""The text of an HTML email as its reader sees it: lines where blocks end, pictures by their descriptions.

Parsed by lxml: Python's own parser takes quadratic time on tags that do not end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

HIDDEN = ("style", "script", "head", "title", "template")
BLOCKS = frozenset(
    ("p", "div", "br", "tr", "table", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "section", "center")
)
SPACES = re.compile(r"[^\S\n]+")
LINES = re.compile(r" ?\n[ \n]*")
FILLING = re.compile("[\u034f\u00ad\u200b-\u200d\u2060\ufeff]+")  # what senders pad the preview line with


def plain_text(html: str) -> str:
    """HTML reduced to its text."""
    text = FILLING.sub("", "".join(_shown(html)))
    return LINES.sub("\n", SPACES.sub(" ", text)).strip()


def _shown(html: str) -> Iterator[str]:
    """The texts that are shown, in order, with line ends around blocks."""
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(html.replace("\0", " ").encode("utf-8", "replace"), parser)
    except etree.LxmlError:  # nothing in it
        return
    if root is None:
        return
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        edge = "\n" if element.tag in BLOCKS else ""
        if event == "end":
            yield edge + _flat(element.tail)
        elif element.tag in HIDDEN:
            walk.skip_subtree()
        else:
            yield edge + (f" {element.get('alt') or ''} " if element.tag == "img" else _flat(element.text))


def _flat(text: str | None) -> str:
    return (text or "").replace("\n", " ")
