"""The leaderboard: submissions, their verification, and the page that compares runs."""
