"""Releases of a corpus: written by split with their papers, compared with one another, fetched again by id."""
