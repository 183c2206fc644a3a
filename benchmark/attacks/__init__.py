"""Attacks on a bench: each tries to find test answers in its public part alone, in a way of its own."""
