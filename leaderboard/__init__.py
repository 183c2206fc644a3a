"""Submissions and the pages that show them."""
