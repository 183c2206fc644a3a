"""What is derived of messages, one file an annotator, laid over what the sources say."""
