"""Remove messages for good: plan, remove, and search for what is left."""
