"""Who is asking: errors and limits 3 and 4."""

import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.venues.hashkey.errors import VenueError
from simulator.venues.hashkey.params import split
from simulator.venues.hashkey.signing import ApiKey, KeyRing, authenticate, is_signed
from tests.wire import sign

SECRET = "lH3ELTNiFxCQTmi9pPcWWikhsjO04Yoqw3euoHUuOLC3GYBW64ZqzQsiOEHXQS76"
NOW = 1_538_323_200_000
KEY = ApiKey("key", SECRET, "alice")


def knock(query: str = "", form: str = "", *, key: ApiKey = KEY, text: str | None = "key", remote: str = "") -> ApiKey:
    keys = KeyRing()
    keys.add(key)
    params = split(form) | split(query)
    return authenticate(keys, key_text=text, remote=remote, query=query, form=form, params=params, now=NOW)


def refusal(query: str = "", form: str = "", **more: Any) -> str:
    with pytest.raises(VenueError) as caught:
        knock(query, form, **more)
    return f"{caught.value.code} {caught.value.msg}"


def signed(query: str) -> str:
    return f"{query}&signature={sign(SECRET, query)}"


VECTOR_1 = (
    "symbol=ETHBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1538323200000"
)
VECTOR_2 = (
    "symbol=ETHBTC&side=BUY&type=LIMIT&timeInForce=GTC",
    "quantity=1&price=0.1&recvWindow=5000&timestamp=1538323200000",
)
VECTOR_1 = "&".join(VECTOR_2)
SIGNATURE_1 = "5f2750ad7589d1d40757a55342e621a44037dad23b5128cc70e18ec1d1c3f4c6"
SIGNATURE_2 = "885c9e3dd89ccd13408b25e6d54c2330703759d7494bea6dd5a3d1fd16ba3afa"


@pytest.mark.parametrize(
    ("query", "form"),
    [
        (f"{VECTOR_1}&signature={SIGNATURE_1}", ""),
        ("", f"{VECTOR_1}&signature={SIGNATURE_1}"),
        (f"{VECTOR_1}&signature={SIGNATURE_1.upper()}", ""),
        (f"signature={SIGNATURE_1}&{VECTOR_1}", ""),
        (VECTOR_1.replace("&side", f"&signature={SIGNATURE_1}&side"), ""),
        (VECTOR_2[0], f"{VECTOR_2[1]}&signature={SIGNATURE_2}"),
        (f"{VECTOR_2[0]}&signature={SIGNATURE_2}", VECTOR_2[1]),
    ],
    ids=["query", "body", "upper case", "first", "in the middle", "mixed", "mixed, signature in the query"],
)
def test_the_published_vectors_are_accepted(query: str, form: str) -> None:
    assert knock(query, form) is KEY


@pytest.mark.parametrize("change", [("quantity=1", "quantity=2"), ("ETHBTC", "ETHBTc"), ("f4c6", "f4c7")])
def test_a_changed_request_is_refused(change: tuple[str, str]) -> None:
    query = f"{VECTOR_1}&signature={SIGNATURE_1}".replace(*change)
    assert refusal(query) == "0002 Incorrect signature"


def test_an_and_between_query_and_body_is_not_signed() -> None:
    text = "&".join(VECTOR_2)
    assert refusal(VECTOR_2[0], f"{VECTOR_2[1]}&signature={sign(SECRET, text)}") == "0002 Incorrect signature"


@pytest.mark.parametrize(
    ("signed_text", "wire"),
    [
        ("newClientOrderId=a%3Ab&timestamp=1", "newClientOrderId=a:b&timestamp=1"),
        ("remark=a+b&timestamp=1", "remark=a%20b&timestamp=1"),
        ("remark=a%20b&timestamp=1", "remark=a+b&timestamp=1"),
        ("ids=1,2&timestamp=1", "ids=1%2C2&timestamp=1"),
        ("ids=1,2&timestamp=1", "ids=1,2&timestamp=1"),
        ("remark=%C3%A9&timestamp=1", "remark=é&timestamp=1"),
    ],
    ids=["colon unquoted", "plus as %20", "%20 as plus", "comma quoted", "comma as sent", "letters unquoted"],
)
def test_what_a_library_quoted_anew_is_still_signed(signed_text: str, wire: str) -> None:
    assert is_signed(KEY, f"{wire}&signature=x", "", sign(SECRET, signed_text))
    assert not is_signed(KEY, f"{wire}2&signature=x", "", sign(SECRET, signed_text))


def test_bytes_that_are_no_utf8_are_signed_as_they_were_sent() -> None:
    assert is_signed(KEY, "a=\udcff", "", KEY.sign(b"a=\xff"))
    assert not is_signed(KEY, "a=\ud800", "", KEY.sign(b"a="))


@pytest.mark.parametrize(
    ("query", "more", "expected"),
    [
        (signed(f"timestamp={NOW}"), {"text": None}, "-1002 Unauthorized operation"),
        (signed(f"timestamp={NOW}"), {"text": ""}, "-1002 Unauthorized operation"),
        (signed(f"timestamp={NOW}"), {"text": "other"}, "0102 Invalid APIKey"),
        ("signature=x", {}, "0001 Required field timestamp missing or invalid"),
        ("timestamp=&signature=x", {}, "0001 Required field timestamp missing or invalid"),
        ("timestamp=soon&signature=x", {}, "0001 Required field timestamp missing or invalid"),
        ("timestamp=1.5&signature=x", {}, "0001 Required field timestamp missing or invalid"),
        ("timestamp=-1&signature=x", {}, "0001 Required field timestamp missing or invalid"),
        ("timestamp=٣&signature=x", {}, "0001 Required field timestamp missing or invalid"),
        (f"timestamp={'9' * 5000}&signature=x", {}, "0001 Required field timestamp missing or invalid"),
        (f"timestamp={NOW}", {}, "0001 Required field signature missing or invalid"),
        (f"timestamp={NOW}&signature=", {}, "0001 Required field signature missing or invalid"),
        (f"timestamp={NOW}&signature=é", {}, "0002 Incorrect signature"),
        ("timestamp=1&signature=x", {}, "0002 Incorrect signature"),
        (signed(f"timestamp={NOW}&recvWindow=x"), {}, "-1130 Illegal parameter recvWindow"),
    ],
)
def test_each_check_has_its_refusal_in_the_documented_order(query: str, more: dict[str, Any], expected: str) -> None:
    assert refusal(query, **more) == expected


def test_an_expired_key_is_refused_from_its_very_millisecond() -> None:
    query = signed(f"timestamp={NOW}")
    assert knock(query, key=ApiKey("key", SECRET, "alice", expires=NOW + 1)).account == "alice"
    assert refusal(query, key=ApiKey("key", SECRET, "alice", expires=NOW)) == "0103 APIKey expired"


def test_a_key_with_addresses_works_from_those_only() -> None:
    query, key = signed(f"timestamp={NOW}"), ApiKey("key", SECRET, "alice", ips=frozenset({"10.0.0.7"}))
    assert knock(query, key=key, remote="10.0.0.7") is key
    assert refusal(query, key=key, remote="10.0.0.8") == "0202 Invalid IP"


@pytest.mark.parametrize(
    ("age", "window", "fine"),
    [
        (5000, None, True),
        (5001, None, False),
        (-999, None, True),
        (-1000, None, False),
        (10_000, 10_000, True),
        (10_001, 10_000, False),
        (60_000, 10**17, True),
        (60_001, 10**17, False),
        (0, 0, True),
        (1, 0, False),
    ],
)
def test_a_request_may_be_as_old_as_its_window_and_a_second_early(age: int, window: int | None, fine: bool) -> None:
    asked = "" if window is None else f"&recvWindow={window}"
    query = signed(f"timestamp={NOW - age}{asked}")
    if fine:
        assert knock(query) is KEY
    else:
        assert refusal(query) == "-1021 Timestamp for this request is outside of the recvWindow"


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(KEY)


def test_a_revoked_key_is_unknown() -> None:
    keys = KeyRing()
    keys.add(KEY)
    assert list(keys) == [KEY]
    keys.revoke("key")
    assert keys.get("key") is None


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.binary(max_size=300))
def test_a_signature_is_the_standard_librarys_hmac(secret: str, text: bytes) -> None:
    assert ApiKey("key", secret, "alice").sign(text) == hmac.digest(secret.encode(), text, "sha256").hex()
