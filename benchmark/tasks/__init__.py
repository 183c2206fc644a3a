"""One file a task: instances, prompt, parsing of answers, metric, chance."""
