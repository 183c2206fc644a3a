"""Content and behavior as text, and the text back to behavior."""
