"""Rendered clips: videos of a simulated world whose behavior follows from what is to be seen in them alone."""
