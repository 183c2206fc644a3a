"""Files without a corpus: atomic writing, hashes, archives, delimited records, encodings, mailboxes."""
