"""Generate a simulated world whose law of behavior is known."""
