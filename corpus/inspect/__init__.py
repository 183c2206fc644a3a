"""What a corpus holds: status, validation, explanation, datasheet."""
