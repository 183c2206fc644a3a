"""The page's colors, each by name for a light and a dark screen; tables and charts take them as CSS variables."""

from __future__ import annotations

COLORS: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#14171c"),
    "tint": ("#f6f8fa", "#1b2027"),
    "faint": ("#eceff3", "#262c35"),
    "rule": ("#c9d0d9", "#3d4652"),
    "ink": ("#1b1f24", "#e6e9ee"),
    "muted": ("#56606c", "#a8b2be"),
    "lm": ("#0b5cad", "#7ab8ff"),
    "linear": ("#6b5d00", "#d6c25a"),
    "boosted": ("#a6460b", "#f2a36b"),
    "submitted": ("#7a2ea0", "#d39bf0"),
    "oracle": ("#1a7340", "#6fd39a"),
    "below": ("#a11d2b", "#ff939b"),
    "mark": ("#7a4b00", "#f0c36a"),
    "gain": ("#dcf3e4", "#10301f"),
    "loss": ("#fce4e6", "#431a20"),
    "top": ("#e3eefb", "#16304c"),
    "focus": ("#9a5b00", "#ffc145"),
    "second": ("#c2410c", "#ff9a5c"),
    "fourth": ("#0f766e", "#4fd1c0"),
}
LIGHT = {name: light for name, (light, _) in COLORS.items()}
VARIABLES = {light: f"var(--{name})" for name, light in LIGHT.items()}


def css() -> str:
    """CSS variables of both modes; print is always light."""
    light, dark = (" ".join(f"--{name}: {pair[mode]};" for name, pair in COLORS.items()) for mode in (0, 1))
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
    )
