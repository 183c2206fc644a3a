"""One file a kind of message: its template, how a corpus fills it, and how its behavior is read back."""
