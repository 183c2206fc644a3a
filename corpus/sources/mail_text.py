"""Extract the visible text of an HTML email: a line per block, pictures by their descriptions.

It is parsed by lxml, since Python's own parser takes quadratic time on unclosed tags.
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
FILLING = re.compile("[\u034f\u00ad\u200b-\u200d\u2060\ufeff]+")  # characters with which senders pad the preview line


def plain_text(html: str) -> str:
    """Convert HTML to plain text."""
    text = FILLING.sub("", "".join(_visible_texts(html)))
    return LINES.sub("\n", SPACES.sub(" ", text)).strip()


def _visible_texts(html: str) -> Iterator[str]:
    """Yield the visible texts in order, with line ends around blocks."""
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(html.replace("\0", " ").encode("utf-8", "replace"), parser)
    except etree.LxmlError:  # an empty document
        return
    if root is None:
        return
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        edge = "\n" if element.tag in BLOCKS else ""
        if event == "end":
            yield edge + _flatten_lines(element.tail)
        elif element.tag in HIDDEN:
            walk.skip_subtree()
        else:
            yield edge + (f" {element.get('alt') or ''} " if element.tag == "img" else _flatten_lines(element.text))


def _flatten_lines(text: str | None) -> str:
    return (text or "").replace("\n", " ")
