"""Everything that predicts: from chance to LCBM."""
