"""Where payloads become rows: one file a source, parsing only, no network."""
