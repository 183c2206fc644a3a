"""The tasks, one file for each kind: instances, prompts, kind of answer, metrics, references."""
