"""Kinds of answers, one file for each: how it is read and judged, its legal range, and random answers."""
