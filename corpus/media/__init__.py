"""Media files decoded once, in bounded memory; knows nothing of a corpus."""
