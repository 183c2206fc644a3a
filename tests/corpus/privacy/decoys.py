"""Lines that only look like personal data: prices, counts, dates, codes, scores, @ without a name, prose, links."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from faker import Faker


class Hand(Protocol):
    """What makes them: chance, and Faker in several locales."""

    rng: random.Random
    fakers: list[Faker]

    def faker(self) -> Faker: ...


def price(p: Hand) -> str:
    n = p.rng.randint(10**6, 10**10)
    dots = f"{n:,}".replace(",", ".")
    spaced = f"{n:,}".replace(",", " ")
    return p.rng.choice(
        (
            f"it cost ${n}",
            f"${n:,}.99 for that?",
            f"{dots} € is a lot",
            f"they paid {n} dollars",
            f"₹{n} only",
            f"budget of {n:,} USD",
            f"{spaced} EUR",
            f"worth {n / 100:.2f}",
            f"R$ {dots},00",
            f"{n:,} won",
        )
    )


def count(p: Hand) -> str:
    n = p.rng.randint(10**6, 10**10)
    return p.rng.choice(
        (
            f"{n} views already",
            f"{n:,} people can't be wrong",
            f"{n} likes",
            f"{n:,}".replace(",", " ") + " views",
            f"from {n // 1000} to {n} subscribers",
            f"{n / 3:.6f} seconds",
            "pi is 3.14159265358979",
            f"{n}% sure",
        )
    )


def date(p: Hand) -> str:
    faker, day = p.fakers[0], p.fakers[0].date_object()
    start = p.rng.randint(1900, 2000)
    return p.rng.choice(
        (
            f"filmed on {day:%Y-%m-%d}",
            f"since {day:%d.%m.%Y} every day",
            f"{day:%d/%m/%Y} never forget",
            f"{day:%m-%d-%Y}",
            f"{start}-{start + 12} were the years",
            f"{start} - {start + 5}, {start + 9}",
            f"at {faker.time()} it starts",
            f"{day:%Y%m%d}_final_v2.mp4",
            f"{day:%d.%m.%y} - {day:%d.%m.%Y}",
            f"{day:%Y-%m-%d} {faker.time()}",
        )
    )


def code(p: Hand) -> str:
    faker = p.fakers[0]
    n = p.rng.randint(10**7, 10**8)
    return p.rng.choice(
        (
            f"ISBN {faker.isbn13()}",
            f"ISBN-10: {faker.isbn10()}",
            f"order #{n}99",
            f"watch?v=dQ{n}X",
            "my RTX 4090 and i9-14900K",
            f"EAN {faker.ean13()}",
            f"IP {faker.ipv4()}",
            f"model WH-1000XM{n}",
            f"id {n}123",
            f"{faker.uuid4()}",
            f"version {faker.numerify('#.##.####.##')}",
            f"part no. {n}-22",
            "room 404, 1080p60, 4K 24/7, 365 days",
        )
    )


def score(p: Hand) -> str:
    a, b, c = p.rng.randint(0, 9), p.rng.randint(0, 9), p.rng.randint(10, 60)
    return p.rng.choice(
        (
            f"{a}-{b} at half time",
            f"6-4 3-6 7-6 {a}-{b}",
            f"skip to {c}:{c} or 1:{c}:{c}",
            f"see 2:35 3:41 4:{c} 5:{c} 6:{c}",
            "recipe: 200 g, 3 eggs, 1/2 cup, 180 °C",
            "one two three four five six seven eight nine ten",
            "ten nine eight seven six five four three two one",
            "1 2 3 4 5 6 7 8 9",
            "top 10: 1. a 2. b 3. c 4. d 5. e 6. f",
            f"{a}/10, {c}% better",
            f"won by {c} to {a}",
        )
    )


def at_sign(p: Hand) -> str:
    n = p.rng.randint(1, 12)
    return p.rng.choice(
        (
            f"live @ {n}pm",
            f"party @{n}pm tonight",
            "1080p @ 60 fps",
            "3 apples @ $2",
            "laughing @ this",
            f"@{n}:30 haha",
            "look at brand dot com now",
            "find us online at brand-17 dot example",
            f"meet at {n} dot dot dot",
            "good point at the end",
            "144p@30",
            f"I was at the store at {n}",
            "shop at brand-17 dot com today",
            "@ everyone who cares",
        )
    )


def prose(p: Hand) -> str:
    faker = p.faker()
    return p.rng.choice(
        (
            faker.sentence(),
            faker.sentence() + faker.sentence(),
            faker.text(120),
            "e.g. this, i.e. that... etc.No space",
            "What?!.Yes. U.S. vs U.K. a.k.a. Ph.D.",
            "node.js and asp.net are ok",
            f"{faker.sentence()} 😂😂 👨‍👩‍👧 {faker.word()}",
        )
    )


def product_link(p: Hand) -> str:
    faker = p.fakers[0]
    return p.rng.choice(
        (
            f"Buy now: https://www.brand-17.example/{faker.word()}?id={p.rng.randint(10, 10**6)}",
            "brand-17.com/shop",
            f"https://www.youtube.com/watch?v={faker.lexify('???????????')}",
            f"https://youtu.be/{faker.lexify('???????????')}",
            "Terms: www.brand-17.example/legal",
            "https://x.com/hashtag/newcar",
            "https://www.instagram.com/p/C0ffee12345/",
            "https://www.facebook.com/events/1234567890123",
            f"http://bit.ly/{faker.lexify('???????')}",
        )
    )


DECOYS: dict[str, Callable[[Hand], str]] = {
    "price": price,
    "count": count,
    "date": date,
    "code": code,
    "score": score,
    "at sign": at_sign,
    "prose": prose,
    "product link": product_link,
}
