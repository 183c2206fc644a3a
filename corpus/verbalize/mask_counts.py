"""Hide counts of views, likes and followers in text from outside: a title that holds them would give the answer away.

Hidden is a number beside what it counts ("532 views", "登録者1000人"), a milestone ("Road to 4K"), and a large number
with nothing beside it: five digits or more, digits in groups, or any number with a magnitude ("1 million", "100万").
Money, measures, dates and rankings stay ("$1M", "10,000 km", "Top 10"), and so do vague words ("lakhs of people"),
unless what they number is counted ("millions of views").
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from corpus.verbalize.count_patterns import BEYOND_ASCII, GAP, SPACED_WORD, CountPatterns, count_patterns
from corpus.verbalize.plain_characters import plain_characters, styled_pattern

COUNT = "(count)"
COMBINING = r"[\x{300}-\x{36f}]"
CUTS = ("\ufdd0", "\ufdd1")  # no characters; `plain_characters` takes them out of texts


def mask_counts(text: pl.Expr) -> pl.Expr:
    """The text with `COUNT` for each count that it shows.

    In a text that shows one, digits and Latin letters of other styles become plain ones.
    """
    return text.map_batches(mask_series, return_dtype=pl.String, is_elementwise=True)


def mask_series(texts: pl.Series) -> pl.Series:
    """As `mask_counts`, of a series."""
    in_ascii = texts.str.len_bytes() == texts.str.len_chars()
    if in_ascii.all():
        return _masked(texts, count_patterns(ascii_only=True))
    beyond = _flags_where(~in_ascii, texts, BEYOND_ASCII)  # emojis and quotation marks are nothing to the patterns
    masked = _changed_where(~beyond, texts, lambda ascii_texts: _masked(ascii_texts, count_patterns(ascii_only=True)))
    masked = _changed_where(beyond, masked, _masked_beyond_ascii)
    again = ~in_ascii & (masked != texts)  # words that ran on into a count end now, and may be known
    return _changed_where(again, masked, mask_series)


def _masked_beyond_ascii(texts: pl.Series) -> pl.Series:
    plain = _changed_where(texts.str.contains(COMBINING), texts, lambda combined: combined.str.normalize("NFC"))
    styled = plain.str.contains(styled_pattern())
    plain = _changed_where(styled, plain, lambda unusual: unusual.str.replace_many(plain_characters()))
    masked = _masked(plain, count_patterns(ascii_only=False))
    return texts.zip_with(masked == plain, masked)


def _masked(texts: pl.Series, patterns: CountPatterns) -> pl.Series:
    """The texts with their counts masked; a costly pattern runs only where a cheaper one found that it may match."""
    in_words = texts.str.contains(patterns.maybe_in_words)
    rows = (in_words | texts.str.contains(patterns.maybe_in_digits)).arg_true()

    def masked(part: pl.Series) -> pl.Series:
        several = in_words.gather(rows) | part.str.contains(patterns.maybe_other)
        if not patterns.ascii_only:
            part = part.str.replace_all(SPACED_WORD, f"{GAP}${{0}}{GAP}")
        part = _changed_at((~several).arg_true(), part, lambda rest: rest.str.replace_all(patterns.in_digits, COUNT))
        part = _changed_at(several.arg_true(), part, lambda rest: _masked_around_kept(rest, patterns))
        return part if patterns.ascii_only else part.str.replace_all(GAP, "", literal=True)

    return _changed_at(rows, texts, masked)


def _masked_around_kept(plain: pl.Series, patterns: CountPatterns) -> pl.Series:
    """Texts with their counts masked, but for numbers that stay."""

    def counts_masked(around: pl.Series) -> pl.Series:
        around = around.str.replace_all(patterns.in_digits, COUNT)
        around = around.str.replace_all(patterns.beside_words, f"${{named}}${{milestone}}{COUNT}${{behind}}")
        return around.str.replace_all(patterns.in_words, COUNT)

    def words_kept(around: pl.Series) -> pl.Series:
        return _without(patterns.kept_in_words, CUTS[1], counts_masked, around)

    # First what surely counts: "GTA RP 1M views", although RP is a currency too.
    plain = plain.str.replace_all(patterns.large_of_counted, COUNT)
    return _without(patterns.kept_in_digits, CUTS[0], words_kept, plain)


def _without(pattern: str, cut: str, change: Callable[[pl.Series], pl.Series], texts: pl.Series) -> pl.Series:
    """The texts changed, but for what the pattern finds: it is cut out before, and put back."""
    kept = texts.str.extract_all(pattern).list.concat(pl.Series([[""]]))
    changed = change(texts.str.replace_all(pattern, cut)).str.split(cut)
    parts = pl.DataFrame({"row": pl.arange(0, len(texts), eager=True), "changed": changed, "kept": kept})
    joined = parts.explode("changed", "kept").group_by("row", maintain_order=True)
    return joined.agg(pl.concat_str("changed", "kept").str.join("")).get_column("changed")


def _flags_where(needed: pl.Series, texts: pl.Series, pattern: str) -> pl.Series:
    """Which of the texts contain the pattern; false where it is not needed to know."""
    rows = needed.arg_true()
    return pl.repeat(False, len(texts), eager=True).scatter(rows, texts.gather(rows).str.contains(pattern))


def _changed_where(needed: pl.Series, texts: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """The texts, with those changed that need it; the others are not looked at."""
    return _changed_at(needed.arg_true(), texts, change)


def _changed_at(rows: pl.Series, texts: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """The texts, with those in `rows` changed."""
    if len(rows) == len(texts):
        return change(texts)
    return texts.clone().scatter(rows, change(texts.gather(rows))) if len(rows) else texts  # it changes in place
