"""Convert matplotlib's charts to SVG elements of the page: text stays text, colors follow the reader's mode.

Charts are drawn without pyplot, with a fixed salt and without a date, so that the same scores give the same bytes.
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
    "font.family": "DejaVu Sans",  # wider than most, so that the reader's own font fits too
    "font.size": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": LIGHT["rule"],
    "axes.labelcolor": LIGHT["ink"],
    "xtick.color": LIGHT["muted"],
    "ytick.color": LIGHT["muted"],
    "text.color": LIGHT["ink"],
}


def svg_of(figure: Figure) -> ElementTree.Element:
    """The SVG that matplotlib writes for a figure."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a script the font lacks: the browser has other fonts
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return ElementTree.fromstring(buffer.getvalue())


def replace_style(element: ElementTree.Element) -> None:
    """Replace a style, which the page's policy forbids, by attributes, and the light colors by variables."""
    for part in element.attrib.pop("style", "").split(";"):
        name, _, value = (text.strip() for text in part.partition(":"))
        if name and name != "font-family":
            element.set(name, VARIABLES.get(value, value))


def replace_ids(element: ElementTree.Element, prefix: str, used: set[str]) -> None:
    """Keep the referenced ids, with a prefix that no other chart of the page has."""
    key = element.attrib.pop("id", None)
    if key in used:
        element.set("id", f"{prefix}-{key}")
    link = element.attrib.pop(LINK, None)
    if link is not None:
        element.set("href", f"#{prefix}-{link.removeprefix('#')}")
    clip = element.get("clip-path")
    if clip is not None:
        element.set("clip-path", clip.replace("#", f"#{prefix}-"))


def referenced_ids(root: ElementTree.Element) -> set[str]:
    """The ids that links and clip paths of a chart refer to."""
    clips = [re.findall(r"#([^)]+)", element.get("clip-path", "")) for element in root.iter()]
    links = [element.get(LINK, "").removeprefix("#") for element in root.iter()]
    return {*links, *(key for keys in clips for key in keys)}


def inline_svg(figure: Figure, alt: str, prefix: str) -> Markup:
    """Convert a figure to an element of an HTML page, with a text for readers who cannot see it."""
    root = svg_of(figure)
    used = referenced_ids(root)
    root[:] = [
        child for child in root if child.tag == f"{NAMESPACE}g"
    ]  # drops the metadata and the style sheet, whose two rules follow
    for element in root.iter():
        element.tag = element.tag.removeprefix(NAMESPACE)
        replace_style(element)
        replace_ids(element, prefix, used)
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": visible(alt)}
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # ElementTree has escaped all text
