"""Keep withdrawn messages out of a corpus, and blank their records in raw files."""
