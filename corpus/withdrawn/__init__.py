"""The gate that keeps withdrawn messages out, and the blanking of raw files."""
