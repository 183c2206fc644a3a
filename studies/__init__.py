"""Studies: programs over corpus, benchmark, baselines and leaderboard; each writes docs/results/NAME.md."""
