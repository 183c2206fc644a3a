"""Charts drawn by matplotlib as SVG elements of the page: text stays text, colors follow the reader's mode.

Drawn without pyplot and with a fixed salt and no date, so that the same scores give the same bytes.
"""

from __future__ import annotations

import io
import re
import warnings
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib.figure import Figure

from leaderboard.palette import LIGHT, VARIABLES
from leaderboard.words import visible

NAMESPACE = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
SETTINGS = {
    "svg.hashsalt": "cbc",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # wider than most, so that the reader's own font fits where this one did
    "font.size": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": LIGHT["rule"],
    "axes.labelcolor": LIGHT["ink"],
    "xtick.color": LIGHT["muted"],
    "ytick.color": LIGHT["muted"],
    "text.color": LIGHT["ink"],
}


def drawn(figure: Figure) -> ElementTree.Element:
    """The figure as matplotlib writes it."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a script the font lacks: the browser has other fonts
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return ElementTree.fromstring(buffer.getvalue())


def replace_style(element: ElementTree.Element) -> None:
    """Turn a style, which the page's policy forbids, into attributes, and the light colors into variables."""
    for part in element.attrib.pop("style", "").split(";"):
        name, _, value = (text.strip() for text in part.partition(":"))
        if name and name != "font-family":
            element.set(name, VARIABLES.get(value, value))


def replace_ids(element: ElementTree.Element, prefix: str, used: set[str]) -> None:
    """Keep the ids that are referred to, under a prefix that no other chart of the page has."""
    key = element.attrib.pop("id", None)
    if key in used:
        element.set("id", f"{prefix}-{key}")
    link = element.attrib.pop(LINK, None)
    if link is not None:
        element.set("href", f"#{prefix}-{link.removeprefix('#')}")
    clip = element.get("clip-path")
    if clip is not None:
        element.set("clip-path", clip.replace("#", f"#{prefix}-"))


def references(root: ElementTree.Element) -> set[str]:
    """The ids that links and clip paths of a chart refer to."""
    clips = [re.findall(r"#([^)]+)", element.get("clip-path", "")) for element in root.iter()]
    links = [element.get(LINK, "").removeprefix("#") for element in root.iter()]
    return {*links, *(key for keys in clips for key in keys)}


def inline_svg(figure: Figure, alt: str, prefix: str) -> Markup:
    """The figure as an element of an HTML page, with a text for those who do not see it."""
    root = drawn(figure)
    used = references(root)
    root[:] = [child for child in root if child.tag == f"{NAMESPACE}g"]  # less metadata and a sheet of two rules, below
    for element in root.iter():
        element.tag = element.tag.removeprefix(NAMESPACE)
        replace_style(element)
        replace_ids(element, prefix, used)
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": visible(alt)}
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # ElementTree has escaped all text
