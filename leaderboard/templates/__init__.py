"""The page's template, its style and its script."""
