"""Train the tokenizer of models from scratch: a byte-level BPE learned from the bench's own training text.

Every integer 0..100 is a single token, with and without a space before it; a larger number is split into pairs of
digits, and one or two decimals are a token with their point. Words are learned from the text. The wordings of templates
(a scene's head, a question) are a token each, so that texts are short and the content of a scene follows directly on
its number, and so are the numbers that are answers. No other token crosses a number, a line end or a punctuation mark,
so a value and an answer always begin a new token. Any text decodes to itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

PAD, BOS, EOS = "<|pad|>", "<|bos|>", "<|eos|>"
SPECIAL = [PAD, BOS, EOS]
SEEN = "<|seen|>"
"""The token in whose place stands what a model sees."""

# Pieces that merges may not cross, tried in this order: an integer to 100, else pairs of digits; decimals; marks;
# words.
NUMBER = r"(?: |(?<![0-9]))(?:100|[0-9]{1,2})(?![0-9])| ?[0-9]{1,2}|(?<=[0-9])\.[0-9]{1,2}(?![0-9])"
MARKS = r" ?[.,:;!?=|/()]+\n*|\n+"
WORD = r"(?: (?!scene [0-9]{1,3}:|[0-9.,:;!?=|/()]))?[^ 0-9.,:;!?=|/()\n]+| "

SPACE = "Ġ"  # a space in byte-level BPE
LONGEST_WORD = 24  # bytes
DIGITS = re.compile(r" ?[0-9]+")

Merge = tuple[str, str]


def number_merges() -> list[Merge]:
    """Merges that make each of 0..100, 00..09 and .0 to .99 a single token, integers also after a space."""
    whole = [*map(str, range(101)), *(f"0{digit}" for digit in range(10))]
    bare = [(text[:-1], text[-1]) for text in whole if len(text) > 1]
    tenths = [(".", str(digit)) for digit in range(10)]
    hundredths = [(".", f"{first}{second}") for first in range(10) for second in range(10)]
    return [*bare, *((SPACE, text) for text in whole), *tenths, *hundredths]


def train_tokenizer(
    texts: Iterable[str], vocab_size: int, frames: Sequence[str] = (), numbers: Sequence[str] = ()
) -> Any:
    """Train a fast tokenizer of at most `vocab_size` tokens, deterministically; each frame is a single token.

    `numbers` are a token each beside those.
    """
    from transformers import PreTrainedTokenizerFast

    digits = number_merges()
    word_merges = _word_merges(texts, vocab_size - len(SPECIAL) - 256 - len(digits) - len(set(frames)))
    wordings = sorted({*frames, *numbers}, key=lambda text: (-len(text), text))
    any_wording = f"{longest_of(wordings)}|" if wordings else ""
    tokenizer = _make_tokenizer([*digits, *word_merges], f"{any_wording}{NUMBER}|{MARKS}|{WORD}", wordings)
    tokenizer.add_special_tokens(SPECIAL)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        clean_up_tokenization_spaces=False,
        split_special_tokens=True,  # a text that spells a special token does not become one
    )


def longest_of(wordings: Sequence[str]) -> str:
    """A pattern that matches the longest of some wordings, which share their beginnings so that it fails early."""
    tails: dict[str, list[str]] = {}
    for wording in wordings:
        tails.setdefault(wording[:1], []).append(wording[1:])
    ends = tails.pop("", None) is not None
    branches = [re.escape(first) + longest_of(rests) for first, rests in sorted(tails.items())]
    if len(branches) + ends == 1:
        return "".join(branches)
    return f"(?:{'|'.join(branches)}){'?' if ends else ''}"


def _alphabet() -> list[str]:
    """The 256 bytes as byte-level BPE writes them."""
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def _make_tokenizer(merges: list[Merge], pieces: str, wordings: Sequence[str] = ()) -> Any:
    """Make a byte-level tokenizer of merges, which first splits texts into pieces; a piece that is a token stays whole.

    `wordings` are pieces and a token each, with no merges that lead to them.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    spelled = (to_bytes.pre_tokenize_str(wording)[0][0] for wording in wordings)
    tokens = dict.fromkeys(chain(SPECIAL, _alphabet(), ("".join(pair) for pair in merges), spelled))
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True))
    split = pre_tokenizers.Split(Regex(pieces), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _word_merges(texts: Iterable[str], size: int) -> list[Merge]:
    """Learn merges inside words and marks; numbers are left out, since their merges are fixed."""
    from tokenizers import trainers

    if size <= 0:
        return []
    tokenizer, alphabet = _make_tokenizer([], f"{MARKS}|{WORD}"), _alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + size, initial_alphabet=alphabet, max_token_length=LONGEST_WORD, show_progress=False
    )
    numberless = chain.from_iterable(DIGITS.split(text) for text in texts)
    tokenizer.train_from_iterator(numberless, trainer)
    return [(left, right) for left, right in json.loads(tokenizer.to_str())["model"]["merges"]]


def add_tokens(tokenizer: Any, texts: Sequence[str]) -> None:
    """Add texts to a tokenizer as a token each."""
    from tokenizers import AddedToken

    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in texts])


def add_seen(tokenizer: Any) -> None:
    """Add the token for what is seen, which no text becomes."""
    tokenizer.add_special_tokens({"additional_special_tokens": [SEEN]})
    tokenizer.split_special_tokens = True


def load_tokenizer(path: str | Path) -> Any:
    """Load the tokenizer of a model folder or hub name, with a padding token."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
