"""Kinds of answers, one file a kind: how it is read and judged, its legal range, and what a random one is."""
