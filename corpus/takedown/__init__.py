"""Taking rows out for good: what to look for, where it stands, and the proof that it is gone."""
