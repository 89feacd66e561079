"""Listen keys through the gate: hashkey-rest.md 7, Hummingbot 5.3, real shapes 7 and 12.5."""

from simulator.core.units import NANOS_PER_MILLI
from simulator.venues.hashkey.gate import FORM
from tests.wire import Client, Site

STREAM = "/api/v1/userDataStream"
HOUR = 3_600_000


def test_hummingbot_renews_its_key_unsigned_and_without_an_api_key(site: Site, alice: Client) -> None:
    reply = alice.signed("POST", STREAM).json
    assert list(reply) == ["listenKey"]
    for _ in range(4):
        site.wait(HOUR // 2)
        renewed = alice.send("PUT", STREAM, f"listenKey={reply['listenKey']}", content_type=FORM)
        assert renewed == (200, b"{}")
    assert site.desk.listen_keys.account_of(reply["listenKey"], site.runner.now()) == "alice"


def test_ccxt_renews_its_key_signed_in_the_body_exactly_after_an_hour(site: Site, alice: Client) -> None:
    key = alice.form("POST", STREAM).json["listenKey"]
    for _ in range(2):
        site.wait(HOUR)
        assert alice.form("PUT", STREAM, listenKey=key) == (200, b"{}")


def test_a_deleted_key_is_unknown(site: Site, alice: Client) -> None:
    key = alice.signed("POST", STREAM).json["listenKey"]
    assert alice.form("DELETE", STREAM, listenKey=key) == (200, b"{}")
    assert site.desk.listen_keys.account_of(key, site.now_ms() * NANOS_PER_MILLI) is None
    assert alice.signed("PUT", STREAM, listenKey=key).refusal == (400, "-1130", "Illegal parameter listenKey")


def test_a_key_that_ran_out_is_unknown(site: Site, alice: Client) -> None:
    key = alice.signed("POST", STREAM).json["listenKey"]
    site.wait(HOUR + HOUR // 30)
    assert alice.send("PUT", STREAM, f"listenKey={key}").code == "-1130"


def test_who_signs_can_renew_and_delete_his_own_keys_only(site: Site, alice: Client, bob: Client) -> None:
    key = alice.signed("POST", STREAM).json["listenKey"]
    assert bob.signed("PUT", STREAM, listenKey=key).code == "-1130"
    assert bob.signed("DELETE", STREAM, listenKey=key).code == "-1130"
    assert site.desk.listen_keys.account_of(key, site.runner.now()) == "alice"


def test_a_key_is_named_in_the_request(alice: Client) -> None:
    for method in ("PUT", "DELETE"):
        refused = alice.send(method, STREAM)
        assert refused.refusal == (400, "0001", "Required field listenKey missing or invalid")


def test_a_new_key_needs_a_signature_and_a_wrong_one_is_never_accepted(alice: Client) -> None:
    assert alice.send("POST", STREAM).code == "-1002"
    key = alice.signed("POST", STREAM).json["listenKey"]
    wrong = alice.send("PUT", STREAM, f"listenKey={key}&timestamp={alice.now()}&signature=x", key=alice.key)
    assert wrong.code == "0002"


def test_spot_and_perpetual_connectors_each_have_their_key(site: Site, alice: Client) -> None:
    first, second = (alice.signed("POST", STREAM).json["listenKey"] for _ in range(2))
    assert first != second
    assert alice.send("PUT", STREAM, f"listenKey={first}").status == 200
