"""The tokenizer of models trained from scratch: a byte-level BPE learned from the bench's own training text.

Every integer 0..100 is one token, with and without a space before it; a larger number is read digit by digit. First
words are learned, then phrases of whole words, so that a frequent phrase is one token; none crosses a number, a line or
a punctuation mark, so a value, an answer and a scene always begin at a token of their own. Any text decodes to itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

PAD, BOS, EOS = "<|pad|>", "<|bos|>", "<|eos|>"
SPECIAL = [PAD, BOS, EOS]

# Pieces that merges may not cross, tried in this order. Whole numbers to 100 stand alone; of a longer one, each digit.
NUMBER = r"(?: |(?<![0-9]))(?:100|[0-9]{1,2})(?![0-9])| ?[0-9]"
MARKS = r" ?[.,:;!?=|/()]+\n*|\n+"
WORD = r"(?: (?![0-9.,:;!?=|/()]))?[^ 0-9.,:;!?=|/()\n]+| "
WORDS = r"(?:(?! ?[0-9.,:;!?=|/()])[^\n])+"

SPACE = "Ġ"  # how byte-level BPE writes a space
LONGEST_WORD = 24  # bytes
SHARE_OF_WORDS = 0.75  # of what is learned, the rest is phrases (and more where the words run out)
DIGITS = re.compile(r" ?[0-9]+")
NOT_WORDS = re.compile("[0-9.,:;!?=|/()Ċ]")
PRIVATE = 0x10000  # phrases are learned on texts in which each token is one character from here on

Merge = tuple[str, str]


def number_merges() -> list[Merge]:
    """The merges that make each of 0..100 one token, bare and after a space."""
    bare = [(text[:-1], text[-1]) for text in map(str, range(10, 101))]
    return bare + [(SPACE, str(value)) for value in range(101)]


def train_tokenizer(texts: Iterable[str], vocab_size: int, phrase_words: int = 6) -> Any:
    """A fast tokenizer of at most `vocab_size` tokens, learned from texts (read twice) deterministically.

    A phrase is at most `phrase_words` words long; 1 learns no phrases.
    """
    from transformers import PreTrainedTokenizerFast

    numbers = number_merges()
    room = vocab_size - len(SPECIAL) - 256 - len(numbers)
    words = _word_merges(texts, int(room * SHARE_OF_WORDS) if phrase_words > 1 else room)
    phrases = _phrase_merges(texts, [*numbers, *words], room - len(words), phrase_words) if phrase_words > 1 else []
    tokenizer = _tokenizer([*numbers, *words, *phrases], f"{NUMBER}|{MARKS}|{WORDS}")
    tokenizer.add_special_tokens(SPECIAL)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        clean_up_tokenization_spaces=False,
        split_special_tokens=True,  # a text that spells a special token does not become one
    )


def _alphabet() -> list[str]:
    """The 256 bytes as byte-level BPE writes them."""
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def _tokenizer(merges: list[Merge], pieces: str) -> Any:
    """A byte-level tokenizer of these merges, which cuts texts into these pieces first."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    tokens = dict.fromkeys(chain(SPECIAL, _alphabet(), ("".join(pair) for pair in merges)))
    tokenizer = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges))
    split = pre_tokenizers.Split(Regex(pieces), behavior="isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _learn(tokenizer: Any, texts: Iterable[str], alphabet: list[str], size: int, longest: int) -> list[Merge]:
    """At most `size` merges learned from texts as the tokenizer cuts them."""
    from tokenizers import trainers

    if size <= 0:
        return []
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + size, initial_alphabet=alphabet, max_token_length=longest, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return [(left, right) for left, right in json.loads(tokenizer.to_str())["model"]["merges"]]


def _word_merges(texts: Iterable[str], size: int) -> list[Merge]:
    """Merges inside words and marks; numbers are cut out, their merges are given."""
    numberless = chain.from_iterable(DIGITS.split(text) for text in texts)
    return _learn(_tokenizer([], f"{MARKS}|{WORD}"), numberless, _alphabet(), size, LONGEST_WORD)


def _phrase_merges(texts: Iterable[str], merges: list[Merge], size: int, longest: int) -> list[Merge]:
    """Merges of whole words into phrases: BPE once more, over texts in which a word's token is one character."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = _tokenizer(merges, f"{NUMBER}|{MARKS}|{WORD}")
    names = {index: token for token, index in words.get_vocab().items()}
    letters = {index: "\n" if NOT_WORDS.search(token) else chr(PRIVATE + index) for index, token in names.items()}
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Split("\n", behavior="removed")
    alphabet = sorted(set(letters.values()) - {"\n"})
    found = _learn(learner, _spelled(words, texts, letters), alphabet, size, longest)

    def written(phrase: str) -> str:
        return "".join(names[ord(letter) - PRIVATE] for letter in phrase)

    return [(written(left), written(right)) for left, right in found]


def _spelled(words: Any, texts: Iterable[str], letters: dict[int, str]) -> Iterator[str]:
    """Each text with a letter for each of its tokens."""
    for text in texts:
        yield "".join(letters[index] for index in words.encode(text).ids)


def load_tokenizer(path: str | Path) -> Any:
    """The tokenizer of a model folder or hub name, with a padding token."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
