"""The benchmark's tasks as lm-eval task files: `lm_eval --include_path benchmark/lm_eval --tasks cbc_replay_future`."""
