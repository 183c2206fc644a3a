"""The tasks for plain lm-eval: `lm_eval --include_path $(cbc benchmark lm-eval-path) --tasks cbc_replay_future`."""
