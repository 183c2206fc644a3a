"""What was said, by whom, and what it did to its receivers."""
