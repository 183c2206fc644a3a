"""Sources, one per file: they parse payloads into rows, without network."""
