"""Giving a corpus away by split with its papers, fetching its content again, and telling two releases apart."""
