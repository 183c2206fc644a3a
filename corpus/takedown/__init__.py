"""Take rows out for good: what to search for, where it is, and the proof that it is gone."""
