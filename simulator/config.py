"""Every setting in one tree: its default, its place, its meaning, and where its value came from.

A value comes from, in rising order of precedence: the default, a TOML file (``[section] name = value``),
an environment variable (``HASHKEY_SIM_NAME``), a flag (``--name``). The three spellings are made from the
field; names are unique over all sections. Help texts and the README's table are made from here too.
"""

from __future__ import annotations

import difflib
import ipaddress
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, NamedTuple

PREFIX: Final = "HASHKEY_SIM_"


class BadSetting(ValueError):
    """A setting that cannot be used, in one line for the person who made it."""


def text(value: object) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise BadSetting(f"needs a text, not {value!r}")
    return value


def switch(value: object) -> bool:
    """Yes or no."""
    known = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    answer = value if isinstance(value, bool) else known.get(str(value).lower())
    if answer is None:
        raise BadSetting(f"needs true or false, not {value!r}")
    return answer


def whole(value: object) -> int:
    """A whole number, not negative."""
    digits = str(value)
    if isinstance(value, bool) or not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise BadSetting(f"needs a whole number, not {value!r}")
    return int(digits)


def port(value: object) -> int:
    """A TCP port; 0 asks the system for a free one."""
    number = whole(value)
    if number > 65_535:
        raise BadSetting(f"needs a port from 0 to 65535, not {value!r}")
    return number


def seconds(value: object) -> float:
    """A duration in seconds."""
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if isinstance(value, bool) or not 0 < number < 1e9:
        raise BadSetting(f"needs a number of seconds, not {value!r}")
    return number


def url(*schemes: str) -> Callable[[object], str]:
    """A URL of one of these schemes."""

    def read(value: object) -> str:
        words = str(value).rstrip("/")
        scheme, found, rest = words.partition("://")
        if not (found and scheme in schemes and rest) or any(one.isspace() for one in words):
            raise BadSetting(
                f"needs a URL that begins with {' or '.join(f'{one}://' for one in schemes)}, not {value!r}"
            )
        return words

    return read


def speed(value: object) -> str:
    """A speed: a positive decimal number, or ``max``."""
    words = str(value)
    if words == "max":
        return words
    digits = words.replace(".", "", 1)
    plain = digits.isascii() and digits.isdigit() and len(digits) < 10
    if isinstance(value, bool) or not (plain and digits.strip("0")):
        raise BadSetting(f"needs a number such as 0.5, 1 or 60, or max; not {value!r}")
    return words


def rate(value: object) -> str:
    """A fee rate, a decimal fraction; negative is a rebate."""
    words = str(value)
    digits = words.removeprefix("-").replace(".", "", 1)
    if isinstance(value, bool) or not (digits.isascii() and digits.isdigit() and len(words) < 12):
        raise BadSetting(f"needs a decimal fraction such as 0.0012, not {value!r}")
    return words


def rate_or_none(value: object) -> str:
    """A fee rate; empty: none is given."""
    return "" if value == "" else rate(value)


def levels(value: object) -> tuple[str, ...]:
    """VIP levels 0 to 9: one for everybody, or NAME=LEVEL, as many as wanted."""
    items = value if isinstance(value, list | tuple) else [value]
    told = [part.strip() for item in items for part in str(item).replace(";", ",").split(",") if part.strip()]
    for one in told:
        name, named, level = one.rpartition("=")
        if bool(name) is not bool(named) or not (len(level) == 1 and level.isascii() and level.isdigit()):
            raise BadSetting(f"needs a level from 0 to 9 or NAME=LEVEL, not {one!r}")
    return tuple(told)


def one_of(*words: str) -> Callable[[object], str]:
    """One of these words."""

    def read(value: object) -> str:
        if value not in words:
            raise BadSetting(f"needs one of {', '.join(words)}; not {value!r}")
        return str(value)

    return read


def names(value: object) -> tuple[str, ...]:
    """Names, separated by commas or as a list."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise BadSetting(f"needs names separated by commas, not {value!r}")
    return tuple(item.strip() for item in items if item.strip())


def texts(value: object) -> tuple[str, ...]:
    """Texts: a list, or one text (in the environment separated by semicolons)."""
    items = value.split(";") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise BadSetting(f"needs a list of texts, not {value!r}")
    return tuple(item.strip() for item in items if item.strip())


def setting(
    default: Any, read: Callable[[object], Any], meaning: str, *, flag: str = "", metavar: str = "", choices: str = ""
) -> Any:
    """A field with all that is to be known about it."""
    return field(
        default=default,
        metadata={"read": read, "meaning": meaning, "flag": flag, "metavar": metavar, "choices": choices},
    )


@dataclass(frozen=True)
class Market:
    """The outside market behind the exchange."""

    replay: str = setting("", text, "recording to play; empty: the bundled session of 2024-08-08", metavar="PATH")
    live: bool = setting(False, switch, "mirror the venue as it is now instead of a recording")
    empty: bool = setting(False, switch, "no outside market: only orders of the exchange's own accounts")
    symbols: tuple[str, ...] = setting(
        (), names, "symbols to trade, separated by commas; empty: all there are", metavar="A,B"
    )
    speed: str = setting("1", speed, "speed of the replay: 0.1, 1, 60, or max", metavar="N|max")
    loop: bool = setting(True, switch, "start the recording again at its end")
    clock: str = setting(
        "wall",
        one_of("wall", "recorded"),
        "wall: recorded times are moved to now; recorded: the exchange lives in the recording's time",
        metavar="wall|recorded",
    )
    paused: bool = setting(False, switch, "start with the clock standing; POST /_sim/clock moves it")
    seed: int = setting(
        1, whole, "seed of what is left to chance: listen keys, latencies, waits before reconnecting", metavar="N"
    )
    queue: tuple[str, ...] = setting(
        (),
        names,
        "queue models: a name for all symbols, SYMBOL=NAME for one; empty: pessimistic",
        metavar="NAME,SYMBOL=NAME",
    )
    residual: tuple[str, ...] = setting(
        (),
        names,
        "residual models: a name for all symbols, SYMBOL=NAME for one; empty: difference",
        metavar="NAME,SYMBOL=NAME",
    )


@dataclass(frozen=True)
class Upstream:
    """The venue that a live mirror follows; another simulator will do."""

    upstream_rest: str = setting(
        "https://api-glb.hashkey.com", url("http", "https"), "with --live: base of the venue's REST API", metavar="URL"
    )
    upstream_ws: str = setting(
        "wss://stream-glb.hashkey.com", url("ws", "wss"), "with --live: base of the venue's sockets", metavar="URL"
    )
    stale_after: float = setting(
        5.0,
        seconds,
        "with --live: seconds of silence, or without a good book, after which nothing fills from the mirror",
        metavar="SECONDS",
    )


@dataclass(frozen=True)
class Recording:
    """What is kept of a live market. With rotation the files are NAME-0001.hkrec, NAME-0002.hkrec, ..."""

    record: str = setting("", text, "with --live: record what is heard into this file; empty: nothing", metavar="PATH")
    rotate_mb: int = setting(
        0, whole, "begin another file of a recording after so many megabytes; 0: never", metavar="MB"
    )
    rotate_minutes: int = setting(
        0, whole, "begin another file of a recording after so many minutes; 0: never", metavar="N"
    )


@dataclass(frozen=True)
class Server:
    """Where the exchange listens."""

    host: str = setting("127.0.0.1", text, "address to listen on; only loopback is safe", metavar="ADDRESS")
    port: int = setting(8765, port, "port to listen on; 0 asks the system for a free one", metavar="N")
    tls: bool = setting(False, switch, "speak TLS only, with a certificate for all of HashKey's names and this machine")
    tls_dir: str = setting(
        "", text, "folder that keeps the certificate authority; empty: one for this run only", metavar="DIR"
    )
    control_token: str = setting(
        "", text, "token of the control API; empty: none on loopback, made up on any other address", metavar="TOKEN"
    )

    @property
    def needs_token(self) -> bool:
        """Whether the control API asks for a token."""
        return bool(self.control_token) or not is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Accounts:
    """Who trades."""

    account: tuple[str, ...] = setting(
        (),
        texts,
        "an account and its money, repeatable: NAME:ASSET=QTY,... (NAME/futures:... for the futures wallet); "
        "none given: default with 100000 USDT, 2 BTC, 20 ETH and 100000 USDT in futures",
        metavar="NAME:ASSET=QTY,...",
    )
    api_key: str = setting("", text, "API key of the first account; empty: made up", metavar="KEY")
    api_secret: str = setting("", text, "API secret of the first account; empty: made up", metavar="SECRET")
    vip: tuple[str, ...] = setting(
        (),
        levels,
        "VIP level from 0 to 9, by which fees are paid, repeatable: N for everybody, NAME=N for one user; "
        "none given: 0, which is 0.0012 on spot, and on futures 0.00025 for makers and 0.0006 for takers",
        metavar="N|NAME=N,...",
    )
    maker_fee: str = setting(
        "",
        rate_or_none,
        "maker fee of every spot account, whatever its VIP level; negative is a rebate; empty: the level's",
        metavar="RATE",
    )
    taker_fee: str = setting(
        "", rate_or_none, "taker fee of every spot account, whatever its VIP level; empty: the level's", metavar="RATE"
    )
    futures_maker_fee: str = setting(
        "",
        rate_or_none,
        "maker fee of every futures account, whatever its VIP level; negative is a rebate; empty: the level's",
        metavar="RATE",
    )
    futures_taker_fee: str = setting(
        "",
        rate_or_none,
        "taker fee of every futures account, whatever its VIP level; empty: the level's",
        metavar="RATE",
    )


@dataclass(frozen=True)
class Venue:
    """HashKey's behaviour where it is optional or uncertain."""

    rate_limits: bool = setting(False, switch, "refuse requests beyond the venue's rate limits (429, then 418)")
    timestamps: bool = setting(
        True, switch, "refuse requests stamped outside of their window (-1021); no: for a clock that is moved by hand"
    )
    idle_close: bool = setting(True, switch, "close idle public sockets as the venue does (v1 after 60 s, v2 31 s)")
    latency: tuple[str, ...] = setting(
        (),
        texts,
        "how long things take on their way, repeatable: [ACCOUNT/]LEG=MODEL; LEG is request, response, market or "
        "private; MODEL is milliseconds, uniform:MIN:MAX, exponential:MEAN, lognormal:MEDIAN:SIGMA or file:PATH",
        metavar="LEG=MODEL",
    )
    faults: str = setting(
        "", text, "scenario of faults, TOML or JSON (see Faults); empty: nothing goes wrong", metavar="FILE"
    )
    forced_outcomes: bool = setting(
        False, switch, "let a client order id that begins with sim- ask for its order's own fate (see Forced outcomes)"
    )
    cancel_status: str = setting(
        "CANCELED",
        one_of("CANCELED", "NEW"),
        "status in the reply of a successful cancel; NEW was recorded in 2024",
        metavar="CANCELED|NEW",
    )
    answer_finished_cancel: bool = setting(
        False, switch, "answer the cancel of a finished order with the order, not with an error"
    )


@dataclass(frozen=True)
class Run:
    """One run of the program."""

    state: str = setting(
        "",
        text,
        "folder that keeps everything: journal, accounts, API keys; a restart goes on from it; empty: nothing is kept",
        metavar="DIR",
    )
    bracket: bool = setting(
        False,
        switch,
        "run the same commands by a pessimistic, a neutral and an optimistic queue model too, and tell the interval",
    )
    run_seconds: float = setting(0.0, seconds, "stop by itself after so many seconds", flag="--for", metavar="SECONDS")
    log: str = setting(
        "warning",
        one_of("warning", "info", "debug"),
        "how much the log says on standard error; debug has a line per fill with its reason",
        metavar="warning|info|debug",
    )
    json: bool = setting(False, switch, "print for scripts: one ready line of JSON")


@dataclass(frozen=True)
class Settings:
    """The whole tree."""

    market: Market = field(default_factory=Market)
    upstream: Upstream = field(default_factory=Upstream)
    recording: Recording = field(default_factory=Recording)
    server: Server = field(default_factory=Server)
    accounts: Accounts = field(default_factory=Accounts)
    venue: Venue = field(default_factory=Venue)
    run: Run = field(default_factory=Run)


SECTIONS: Final[dict[str, type]] = {
    "market": Market,
    "upstream": Upstream,
    "recording": Recording,
    "server": Server,
    "accounts": Accounts,
    "venue": Venue,
    "run": Run,
}


class Known(NamedTuple):
    """One setting: where it lives, how it is read, and how it is spelt."""

    section: str
    name: str
    default: Any
    read: Callable[[object], Any]
    meaning: str
    flag: str
    metavar: str

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PREFIX + self.name.upper()


def known() -> Iterator[Known]:
    """Every setting, in order."""
    for section, kind in SECTIONS.items():
        for one in fields(kind):
            extra = one.metadata
            flag = extra["flag"] or "--" + one.name.replace("_", "-")
            yield Known(section, one.name, one.default, extra["read"], extra["meaning"], flag, extra["metavar"])


SECRETS: Final = ("api_key", "api_secret", "control_token")
"""Settings that are neither logged nor written down with the others."""


def told(settings: Settings) -> dict[str, dict[str, Any]]:
    """All settings by section and name, without the secrets."""
    return {
        section: {name: value for name, value in body.items() if name not in SECRETS}
        for section, body in asdict(settings).items()
    }


class Source(NamedTuple):
    """A value and where it came from."""

    value: Any
    origin: str


def gather(file: Path | None, environment: Mapping[str, str], flags: Mapping[str, object]) -> dict[str, Source]:
    """The value of every setting by its name; BadSetting names the place of what is wrong."""
    told = {} if file is None else _from_file(file)
    _check_names(environment)
    values: dict[str, Source] = {}
    for one in known():
        values[one.name] = Source(one.default, "default")
        offers = (
            (told.get((one.section, one.name)), f"file {file}"),
            (environment.get(one.variable), f"variable {one.variable}"),
            (flags.get(one.name), f"flag {one.flag}"),
        )
        for value, origin in offers:
            if value is not None:
                values[one.name] = Source(_read(one, value, origin), origin)
    return values


def build(values: Mapping[str, Source]) -> Settings:
    """The tree."""
    return Settings(
        **{
            section: kind(**{one.name: values[one.name].value for one in fields(kind)})
            for section, kind in SECTIONS.items()
        }
    )


def _read(one: Known, value: object, origin: str) -> Any:
    try:
        return one.read(value)
    except BadSetting as error:
        raise BadSetting(f"{origin}: {one.name} {error}") from None
    except ValueError:
        # Python writes no number of thousands of digits as a text; TOML can say one in hexadecimal.
        raise BadSetting(f"{origin}: {one.name} is a number that is too long") from None


def _from_file(file: Path) -> dict[tuple[str, str], object]:
    try:
        tree = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise BadSetting(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        # No UTF-8, no TOML, or a number of thousands of digits.
        raise BadSetting(f"{file} is no TOML: {error}") from None
    except RecursionError:
        raise BadSetting(f"{file} is no TOML that could be read: it is nested too deeply") from None
    told: dict[tuple[str, str], object] = {}
    for section, body in tree.items():
        if section not in SECTIONS or not isinstance(body, dict):
            raise BadSetting(f"{file}: there is no section [{_shown(section)}]{nearest(section, SECTIONS)}")
        there = [one.name for one in known() if one.section == section]
        for name, value in body.items():
            if name not in there:
                raise BadSetting(f"{file}: [{section}] has no setting {_shown(name)}{nearest(name, there)}")
            told[section, name] = value
    return told


def _check_names(environment: Mapping[str, str]) -> None:
    there = [one.variable for one in known()]
    for name in environment:
        # HASHKEY_SIM_TEST_... and HASHKEY_SIM_PYTHON... are the test suite's own.
        if name.startswith(PREFIX) and name not in there and not name.startswith((PREFIX + "TEST", PREFIX + "PYTHON")):
            raise BadSetting(f"there is no setting for the variable {_shown(name)}{nearest(name, there)}")


def _shown(name: str) -> str:
    """As it was written, if that stays in its line."""
    return name if name.isprintable() else repr(name)


def nearest(name: str, there: Iterable[str]) -> str:
    """What somebody who wrote ``name`` may have meant, as the end of a sentence."""
    close = difflib.get_close_matches(name, list(there), 1, 0.5)
    return f"; did you mean {close[0]}?" if close else ""
