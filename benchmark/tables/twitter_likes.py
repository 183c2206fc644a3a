"""Table "behavior simulation, posts": whether a post gets many or few likes for its account."""

from benchmark.tables.base import Table

TABLE = Table(
    name="twitter_likes",
    title="Behavior simulation: high or low likes of posts",
    tasks={"brand_separated": "tweet_likes_brand", "time_separated": "tweet_likes_time"},
    metrics=("accuracy",),
    note="The majority row is the training part's most frequent class; the paper does not say how it cut its classes.",
)
