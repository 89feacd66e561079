"""The requests journal: what is kept of a request, and what never is."""

from __future__ import annotations

import json
from itertools import count
from urllib.parse import quote, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.venues.hashkey.gate import FORM, NOT_FOUND, Reply, Request
from simulator.venues.hashkey.request_log import LONGEST_BODY, Received, RequestLog, without_secrets
from simulator.venues.hashkey.signing import ApiKey, KeyRing

KEY = "abcdef0123456789"
SECRETS = ("5ec2e7" * 10, "ListenKeyOfSixtyFourLettersxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"[:64])
SIGNATURE, LISTEN_KEY = SECRETS


def log(most: int = 10) -> RequestLog:
    keys, times = KeyRing(), count(1)
    keys.add(ApiKey(KEY, "its secret", "bob"))
    return RequestLog(keys, lambda: next(times), lambda: 7, most)


def asked(query: str = "", body: bytes = b"", path: str = "/api/v1/spot/order", key: str | None = KEY) -> Request:
    return Request("POST", path, query, body, FORM, key, "", "127.0.0.1")


def kept(one: Received) -> str:
    return repr(msgspec.structs.asdict(one))


def test_a_request_is_told_with_its_answer() -> None:
    one = log().arrived(asked(f"symbol=BTCUSDT&side=BUY&signature={SIGNATURE}", b"side=SELL&type=LIMIT"))
    assert (one.now, one.wall, one.status, one.took, one.code) == (1, 7, None, None, "")
    one.answered(Reply(400, b'{"code":"-1141","msg":"Duplicate order"}'), 1500)
    assert (one.status, one.took, one.code) == (400, 1500, "-1141")
    # Each name counts where the query has it, as for the venue (HashKey REST 1.2).
    assert one.params == {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT"}
    assert (one.account, one.api_key) == ("bob", "abcdef...")


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(200, b'{"code":"-1"}'), ""),
        (Reply(400, b'{"code":-1121,"msg":"x"}'), "-1121"),
        (NOT_FOUND, ""),
        (Reply(502, b""), ""),
    ],
)
def test_the_code_is_that_of_an_error(reply: Reply, code: str) -> None:
    one = log().arrived(asked())
    one.answered(reply, 1)
    assert one.code == code


@pytest.mark.parametrize("name", ["signature", "Signature", "%73ignature", "listenKey", "LISTENKEY", "apiSecret"])
@pytest.mark.parametrize(
    "place", ["{secret}&a=1", "a=1&{secret}", "a=1&{secret}&b=2", "{secret}", "{secret}&signature=1"]
)
def test_what_lets_somebody_in_is_not_even_kept(name: str, place: str) -> None:
    text = place.format(secret=f"{name}={SIGNATURE}")
    for one in (log().arrived(asked(text)), log().arrived(asked(body=text.encode()))):
        assert SIGNATURE not in kept(one)
        assert one.params == {key: "1" for key in "a" if "a=1" in text} | {key: "2" for key in "b" if "b=2" in text}


def test_a_batch_is_told_as_it_was_but_for_secrets() -> None:
    orders = [{"symbol": "BTCUSDT", "clientOrderId": "signature-move"}]
    assert log().arrived(asked(body=json.dumps(orders).encode())).batch == orders
    secret = [{"symbol": "BTCUSDT", "listenKey": LISTEN_KEY}]
    one = log().arrived(asked(body=json.dumps(secret).encode()))
    assert LISTEN_KEY not in kept(one)
    assert one.batch == [{"symbol": "BTCUSDT"}]


@pytest.mark.parametrize("body", [b"[{]", b"[" * 10_000, b'[{"a":' * 3000, b'[{"signature":[]}]', b'["\\ud800"]'])
def test_a_batch_that_cannot_be_read_is_none(body: bytes) -> None:
    assert log().arrived(asked(body=body)).batch is None
    secret = log().arrived(asked(body=body + b'"listenKey"' + SIGNATURE.encode()))
    assert secret.batch is None and SIGNATURE not in kept(secret) and secret.params == {}


def test_a_listen_key_in_a_path_is_not_kept() -> None:
    one = log().arrived(asked(path=f"/wrong/{LISTEN_KEY}"))
    assert one.path == "/wrong/{listenKey}"


def test_only_the_newest_stay_and_of_a_long_body_its_beginning() -> None:
    many = log(most=3)
    for number in range(5):
        many.arrived(asked(f"n={number}"))
    assert [one.params["n"] for one in many] == ["2", "3", "4"]
    assert len(log().arrived(asked(body=b"x" * 10 * LONGEST_BODY)).body) == LONGEST_BODY
    assert (many.clear(), len(many)) == (3, 0)


def test_a_key_that_nobody_has_has_no_account() -> None:
    assert (log().arrived(asked(key="somebody's")).account, log().arrived(asked(key=None)).api_key) == ("", "")


WORDS = st.sampled_from(["a", "signature", "listenKey", "%6cistenKey", "sIgnature", "=", "&", "&&", "1", "%", "+", "é"])


@given(st.lists(WORDS).map("".join), st.sampled_from(["signature", "listenKey"]), st.lists(WORDS).map("".join))
def test_whatever_is_around_a_secret_it_is_not_kept(before: str, name: str, after: str) -> None:
    text = f"{before}&{name}={SIGNATURE}&{after}"
    assert SIGNATURE not in without_secrets(text)
    assert SIGNATURE not in kept(log().arrived(asked(text, text.encode())))


@given(st.dictionaries(st.text("abcß %&=", min_size=1), st.text()), st.binary())
def test_what_is_no_secret_is_told_as_it_was_sent(params: dict[str, str], body: bytes) -> None:
    one = log().arrived(asked(urlencode(params) + "&signature=" + quote(SIGNATURE)))
    assert one.params == params
    assert isinstance(log().arrived(asked(body=body)).params, dict)
