"""Release a corpus by split with its documents, compare releases, and fetch their messages again by id."""
