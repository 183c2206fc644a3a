"""Fetch from sites and APIs: recipe, frontier, quota ledger, retries. Writes raw payloads for corpus/sources."""
