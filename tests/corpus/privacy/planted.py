"""A planted set: comments, speech and on-screen lines with personal data put in, and lines that only look like it.

Names, addresses and numbers come from Faker (24 locales) and from libphonenumber's example numbers of every country,
in the ways both write them; what Faker does not have (spelled-out addresses, speech, tricks with characters) is
written here, without a look at the detector's patterns. All are invented.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import phonenumbers
from faker import Faker

from tests.corpus.privacy.decoys import DECOYS

LOCALES = (
    "en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "es_MX", "it_IT", "pt_BR", "nl_NL", "pl_PL", "tr_TR", "sv_SE", "cs_CZ",
    "en_IN", "en_AU", "ja_JP", "ko_KR", "zh_CN", "ru_RU", "uk_UA", "ar_SA", "hi_IN", "id_ID", "he_IL",
)  # fmt: skip
COUNTRIES = (
    "US", "GB", "DE", "FR", "IN", "BR", "ES", "IT", "MX", "AU", "JP", "KR", "RU", "ID", "PH", "PK", "NG", "TR", "PL",
    "NL", "ZA", "SE",
)  # fmt: skip
DIGITS = ("零", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
HOSTS = (
    "gmail.com",
    "yahoo.co.uk",
    "mail.example.org",
    "brand-17.example",
    "web.de",
    "synthetic.io",
    "post.example.net",
)
COMMENT = (
    "great video, {} you should see this",
    "{} lol",
    "who else came here from {}",
    "hit me up {} if you still sell it",
    "I disagree with {} here",
    "contact me: {}",
    "first! {}",
    "RT .{} said it",
    "w/{} tonight",
    "please {} make part 2",
    "muy bueno {} gracias",
    "danke, {} !",
    "это {} круто",
    "これ{} すごい",
    "my story: ({}) thanks for reading",
    "write to {}, serious only",
    "{}\nsecond line",
)
SPEECH = (
    "so if you want to talk to me it's {} and I will answer",
    "you can also reach her, {}, any time",
    "okay {} thanks",
    "send it over to {} before Friday",
    "as always {} is where you get me",
)
SCREEN = (
    "{}",
    "BOOK NOW {}",
    "CONTACT: {}",
    "by {} for brand-17",
    "© brand-17 - {} - ad",
    "Directed by {}",
)
CALLS = (
    "call me {}",
    "my WhatsApp is {}",
    "text {} for a free quote",
    "tel. {}",
    "ring {} today",
    "{} is my number",
    "I lost my job, please help, {}",
    "{}",
    "serious buyers only {} thanks",
    "dm or {} anytime",
)


ADDRESSES = (
    "my email is {} thank you",
    "write me at {} if you want",
    "you can email us, that's {}, for details",
    "e-mail {}",
    "questions go to {} and we answer",
    "the address is {}",
)


@dataclass(frozen=True)
class Line:
    """A text of a level (comment, speech, screen) and the items planted in it as (start, end, kind)."""

    text: str
    level: str
    items: tuple[tuple[int, int, str], ...]
    label: str


class Planter:
    """Makes lines from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.fakers = [Faker(locale) for locale in LOCALES]
        for n, faker in enumerate(self.fakers):
            faker.seed_instance(seed * 1000 + n)

    def lines(self, each: int) -> Iterator[Line]:
        """`each` lines of every kind of item and of every kind of decoy."""
        for kind, make in ITEMS.items():
            for _ in range(each):
                yield self._planted(kind, make(self))
        for label, decoy in DECOYS.items():
            for _ in range(each):
                level = self.rng.choice(("comment", "speech", "screen")) if label != "product link" else "screen"
                yield Line(decoy(self), level, (), label)

    def _planted(self, label: str, item: str) -> Line:
        kind = label.split(",")[0]
        level = "speech" if "spoken" in label else self.rng.choice(("comment", "speech", "screen"))
        level = "comment" if kind == "link" else level
        among = {"comment": COMMENT, "speech": SPEECH, "screen": SCREEN}[level]
        if kind == "phone":
            among = CALLS
        elif label == "email, spoken":
            among = ADDRESSES
        template = self.rng.choice(among)
        start = template.index("{}")
        return Line(template.replace("{}", item), level, ((start, start + len(item), kind),), label)

    def faker(self) -> Faker:
        return self.rng.choice(self.fakers)

    def user(self) -> str:
        made = self.fakers[0].user_name() if self.rng.random() < 0.5 else self.rng.choice(self.fakers[:13]).user_name()
        return self.rng.choice((made, f"{made}_{self.rng.randint(1, 999)}", f"{made}.{self.rng.randint(70, 99)}"))

    def email(self) -> str:
        return self.rng.choice((self.faker().email(), self.faker().free_email(), f"{self.user()}@{self.host()}"))

    def host(self) -> str:
        return self.rng.choice(HOSTS)

    def split_email(self, at: str, dot: str) -> str:
        name = self.rng.choice((self.user(), self.user().split("_")[0]))
        return name + at + self.host().replace(".", dot)

    def hidden_email(self) -> str:
        at, dot = self.rng.choice(
            (
                (" [at] ", " [dot] "),
                ("(at)", "(dot)"),
                (" (at) ", "."),
                (" @ ", "."),
                ("[at]", "."),
                (" AT ", " DOT "),
                (" {at} ", " {dot} "),
                ("@", " (dot) "),
                (" (@) ", "."),
            )
        )
        return self.split_email(at, dot)

    def spoken_email(self) -> str:
        first, last = self.fakers[0].first_name(), self.fakers[0].last_name()
        name = self.rng.choice((first, f"{first} dot {last}", f"{first}{self.rng.randint(1, 99)}", "info"))
        return f"{name} at {self.host()}".replace(".", " dot ").lower()

    def tricked(self, text: str) -> str:
        """An @ as a full-width one, or zero-width characters inside."""
        where = self.rng.randrange(1, len(text))
        zero = self.rng.choice("\u200b\u200c\u200d\u2060\ufeff")
        return self.rng.choice((text.replace("@", "＠"), text[:where] + zero + text[where:], "".join(map(_wide, text))))

    def mention(self) -> str:
        return "@" + self.rng.choice(
            (self.user(), self.user(), self.fakers[0].first_name() + str(self.rng.randint(1, 99)))
        )

    def foreign_mention(self) -> str:
        names = [faker.first_name().replace(" ", "") for faker in self.fakers[15:]]
        return (
            "@" + self.rng.choice(names) + self.rng.choice(("", "_", "-")) + self.rng.choice(("tv", "2020", "x7", "ch"))
        )

    def profile(self) -> str:
        user = self.user()
        return self.rng.choice(
            (
                f"x.com/{user}",
                f"https://x.com/{user}/status/1712345678901234567",
                f"twitter.com/{user}",
                f"https://www.instagram.com/{user}/",
                f"instagram.com/{user}?igshid=abc",
                f"facebook.com/{user}",
                f"https://m.facebook.com/{user}",
                f"https://www.facebook.com/profile.php?id=10000{self.rng.randint(10**9, 10**10)}",
                f"linkedin.com/in/{user}",
                f"https://de.linkedin.com/in/{user}/",
                f"tiktok.com/@{user}",
                f"https://www.youtube.com/@{user}",
                f"youtube.com/user/{user}",
                f"https://t.me/{user}",
                f"https://www.youtube.com/channel/UC{self.rng.randrange(10**21):022d}",
                f"wa.me/49170{self.rng.randint(10**6, 10**7)}",
                f"https://www.reddit.com/user/{user}",
                f"https://bsky.app/profile/{user}.example",
                f"threads.net/@{user}",
                f"snapchat.com/add/{user}",
                f"https://linktr.ee/{user}",
                f"https://www.patreon.com/{user}",
                f"twitch.tv/{user}",
            )
        )

    def link(self) -> str:
        faker = self.fakers[0]
        word, host = faker.word(), faker.domain_name()
        return self.rng.choice(
            (
                faker.url(),
                faker.uri(),
                f"www.{host}",
                f"{host}/{word}",
                f"https://youtu.be/{faker.lexify('???????????')}",
                f"bit.ly/{faker.lexify('???????')}",
                f"http://{host}/{word}?a=1&b={word}#top",
                f"https://{host}:8080/{word}.html",
            )
        )

    def local_phone(self) -> str:
        return self.faker().phone_number()

    def example_phone(self) -> str:
        region = self.rng.choice(sorted(phonenumbers.SUPPORTED_REGIONS))
        kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
        number = phonenumbers.example_number_for_type(region, self.rng.choice(kinds))
        if number is None:
            return self.example_phone()
        forms = (phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.E164)
        text = phonenumbers.format_number(number, self.rng.choice(forms))
        return self.rng.choice((text, text.replace(" ", self.rng.choice("-. "))))

    def national_phone(self) -> str:
        region = self.rng.choice(COUNTRIES)
        number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        head = str(number.national_number)[:-4]
        number.national_number = int(head + f"{self.rng.randrange(10**4):04d}")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)

    def spoken_phone(self) -> str:
        digits = f"{self.rng.randint(2, 9)}{self.rng.randrange(10**9):09d}"
        words = [self.rng.choice(("zero", "oh")) if d == "0" else DIGITS[int(d)] for d in digits]
        return self.rng.choice((" ".join(words), " ".join(digits), f"{digits[:3]} {digits[3:6]} {digits[6:]}"))


def _wide(char: str) -> str:
    return chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char


ITEMS: dict[str, Callable[[Planter], str]] = {
    "email": Planter.email,
    "email, hidden from machines": Planter.hidden_email,
    "email, tricks with characters": lambda p: p.tricked(p.email()),
    "email, spoken": Planter.spoken_email,
    "mention": Planter.mention,
    "mention, other scripts": Planter.foreign_mention,
    "mention, tricks with characters": lambda p: p.tricked(p.mention()),
    "phone, international": Planter.example_phone,
    "phone, national": Planter.national_phone,
    "phone, as Faker writes it": Planter.local_phone,
    "phone, spoken": Planter.spoken_phone,
    "profile": Planter.profile,
    "link": Planter.link,
}
