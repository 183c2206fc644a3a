"""The full LCBM: vision tower, relations over all frames, Q-Former and language model (paper, section 6)."""
