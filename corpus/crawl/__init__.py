"""Fetching: recipe, frontier, quota ledger, retries. Writes raw payloads, never tables (corpus/sources reads those)."""
