"""The texts of the simulated worlds: what moves behavior is named in them, among words that move nothing.

So texts differ from each other, as real ones do, and a model has to find out which of their words matter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpus.simulate import law as rules


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


PLACES = words("""
    Oslo Lima Porto Kyoto Nairobi Quito Turin Bergen Leeds Austin Perth Cork Basel Ghent Tampa Malmo Split Davos
    Cadiz Dover Essen Ghazni Hobart Izmir Jaipur Kazan Luxor Minsk Natal Osaka Pisa Rabat Sofia Tunis Utrecht
    Varna Wuhan Yerevan Zadar Bruges
""")
PEOPLE = words("""
    neighbours cousins bakers painters nurses pilots farmers twins rowers guides tailors divers judges skaters
    readers sailors smiths coaches drummers florists
""")
THINGS = words("""
    kettle ladder bench basket river garden balcony attic cellar bridge station market harbour orchard window
    carpet wagon tunnel island chimney drawer mirror hammock fountain stairway lantern meadow cabin rooftop
    corridor
""")
TIMES = ("on Monday", "last week", "at dawn", "after lunch", "all night", "in the rain", "once more", "by the sea")

NEUTRAL = {"place": PLACES, "town": PLACES, "people": PEOPLE, "friends": PEOPLE, "thing": THINGS, "time": TIMES}

PLAIN_TITLES = ("{tone} {occasion} {product} {thing} {place}",)
PLAIN_POSTS = ("{post} {place} {thing} {people}",)
PLAIN_SPEECH = ("look at the {shot}", "the {shot} again", "here the {shot}")
TITLES = (
    "{tone} {occasion} {product} with {people} in {place}",
    "{product} from {place}: a {tone} {occasion} by the {thing}",
    "{people} and their {product} {time}, {tone} {occasion} in {place}",
    "the {thing} of {place} | {tone} {occasion} {product}",
    "{occasion} in {place}: {tone} {product} and the {people}",
    "{tone} {product} {time} at the {thing}, {occasion} {place}",
)
POSTS = (
    "{post}, seen by {people} in {place} {time}. thanks to all {friends} from {town}",
    "{post} near the {thing} of {place}, and the {friends} of {town} came {time}",
    "from {place}: {post}, say the {people} and {friends} who left {town} {time}",
    "{post}. the {people} at the {thing} know it {time}, so do {friends} in {town}",
    "by the {thing} in {place}, {post}; {town} and its {friends} wait {time}",
)
SPEECH = (
    "look at the {shot} {time}",
    "the {shot} again, by the {thing}",
    "here the {people} have the {shot}",
    "{time} we found the {shot} near the {thing}",
    "now the {shot} from {place}",
    "that {shot} in front of the {people}",
)


def pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    """Draw an option uniformly."""
    return options[int(rng.integers(len(options)))]


def write(rng: np.random.Generator, wordings: Sequence[str], **named: str) -> str:
    """Draw a wording and its neutral words; `named` are the words that matter."""
    wording = pick(rng, wordings)
    neutral = {name: pick(rng, words) for name, words in NEUTRAL.items() if f"{{{name}}}" in wording}
    return wording.format(**neutral, **named)


def title_of(rng: np.random.Generator, tone: str, occasion: str, product: str, plain: bool) -> str:
    """A title that names tone, occasion and product; a plain one has few other words, and all in their places."""
    return write(rng, PLAIN_TITLES if plain else TITLES, tone=tone, occasion=occasion, product=product)


def post_of(rng: np.random.Generator, topic: str, style: str, plain: bool) -> str:
    """The text of a post."""
    return write(rng, PLAIN_POSTS if plain else POSTS, post=style.format(topic=topic))


def speech_of(rng: np.random.Generator, shot: str, plain: bool) -> str:
    """A sentence that names the shot."""
    return write(rng, PLAIN_SPEECH if plain else SPEECH, shot=shot)


def company_names(count: int) -> list[str]:
    """Made-up names of companies, all different."""
    heads = ("Alvo", "Brint", "Cerra", "Dovel", "Emmo", "Fanta", "Grell", "Hulo", "Istra", "Jando", "Kevi", "Lumo")
    tails = ("ra", "nix", "dale", "po", "sen", "tak", "vio", "mar", "lund", "fex")
    names = [head + tail for head in heads for tail in tails]
    return [names[i % len(names)] + ("" if i < len(names) else f" {i // len(names) + 1}") for i in range(count)]


def stock_titles(rng: np.random.Generator, plain: bool, count: int = 40) -> list[tuple[str, str, str, str]]:
    """Titles that many channels use: tone, occasion, product and the text."""
    titles = []
    for _ in range(count):
        tone, occasion, product = (pick(rng, tuple(of)) for of in (rules.TONES, rules.OCCASIONS, rules.NICHES))
        titles.append((tone, occasion, product, title_of(rng, tone, occasion, product, plain)))
    return titles
