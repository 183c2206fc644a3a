"""Reading and writing files, without knowledge of a corpus: atomic writes, hashes, archives, records, mailboxes."""
