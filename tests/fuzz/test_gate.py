"""Any bytes anywhere in a request: a documented reply, never an exception, and no trace of what was refused."""

import hmac
import json
from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.venues.hashkey.gate import FORM, Reply, Request
from simulator.venues.hashkey.routes import TABLE, Route
from tests.documents import judge
from tests.wire import JSON, START_MS, Client, Site

SENSIBLE = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "2",
    "price": "40000",
    "timeInForce": "GTC",
    "stpMode": "EXPIRE_TAKER",
    "newClientOrderId": "new",
    "origClientOrderId": "open",
    "limit": "10",
    "startTime": str(START_MS - 1000),
    "endTime": str(START_MS + 1000),
    "coin": "USDT",
    "coinId": "USDT",
    "chainType": "Tron",
    "address": "Taddress",
    "interval": "1m",
    "instType": "SPOT",
    "scale": "1",
    "txid": "x",
    "deductionSwitch": "0",
}
"""Parameters with which most calls succeed; each is then left out, or something else."""
OF_FUTURES = {
    "symbol": "ETHUSDT-PERPETUAL",
    "side": "BUY_OPEN",
    "price": "2700",
    "priceType": "INPUT",
    "clientOrderId": "new",
    "stopPrice": "2750",
    "leverage": "5",
    "marginType": "ISOLATED",
    "amount": "1",
    "takeProfit": "2900",
    "stopLoss": "2600",
    "tpTriggerBy": "MARK_PRICE",
    "slTriggerBy": "CONTRACT_PRICE",
    "tpSize": "1",
    "slSize": "2",
}
"""What futures calls need otherwise."""
PARAMETERS = (
    *SENSIBLE,
    *OF_FUTURES,
    *("amount", "clientOrderId", "orderId", "ids", "fromOrderId", "fromId", "toId", "accountId", "subAccountId"),
    *("addressExt", "remark", "platform", "fromAccountId", "toAccountId", "accountType", "flowType", "symbols"),
    *("listenKey", "recvWindow", "timestamp"),
)

WORDS = (
    *("BTCUSDT", "ETHUSDT", "BTCUSDT-PERPETUAL", "BUY", "SELL", "LIMIT", "MARKET", "LIMIT_MAKER", "GTC", "IOC", "FOK"),
    *("EXPIRE_MAKER", "0.01", "50000", "60000", "100", "1", "0", "-1", "1e400", "NaN", "0." + "0" * 40 + "1", "9" * 30),
    *(
        "ETHUSDT-PERPETUAL",
        "SELL_CLOSE",
        "SELL_OPEN",
        "BUY_CLOSE",
        "STOP",
        "LONG",
        "SHORT",
        "CROSS",
        "2770",
        "2800",
        "10",
    ),
    *("1M", "ANY", "USDT", "BTC", "ERC20", "1,2,3", ",,", "[]", "open", "done"),
)

texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=30), st.integers().map(str))
# Lone surrogates are what undecodable bytes of a request line become.
wild = st.text(st.characters(), max_size=60)


def used() -> Site:
    """An exchange where something has happened, the same for every example."""
    site = Site()
    site.alice.order(newClientOrderId="open")
    site.alice.order(newClientOrderId="done", price="60000")
    site.trade("BTCUSDT", "60000", "0.5")
    site.alice.signed("POST", "/api/v1/userDataStream")
    site.mark("ETHUSDT-PERPETUAL", "2770", "2770")
    site.alice.contract_order(price="2780", clientOrderId="filled")
    site.alice.contract_order("SELL_CLOSE", "4", "2800", clientOrderId="closes")
    site.alice.contract_order(clientOrderId="rests")
    site.alice.contract_order(clientOrderId="waits", type="STOP", stopPrice="2790")
    return site


def sensible(row: Route) -> dict[str, str]:
    """Parameters with which a call may succeed."""
    return SENSIBLE | OF_FUTURES if "/futures/" in row.path else SENSIBLE


def check(site: Site, request: Request) -> Reply:
    """Ask; the reply is documented, and a refusal changed nothing."""
    before = site.digest()
    flows = site.desk.history.of("alice").flows
    kept = len(site.desk.listen_keys), len(flows)
    reply = site.gate.answer(request)
    judge(request.method, request.path, *reply)
    if reply.status != 200 or request.method == "GET":
        assert site.digest() == before
        assert (len(site.desk.listen_keys), len(flows)) == kept
    site.exchange.state.ledger.check()
    for listed in site.exchange.state.perpetuals.values():
        listed.check()
    return reply


requests = st.builds(
    Request,
    method=st.one_of(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), wild),
    path=st.one_of(st.sampled_from([row.path for row in TABLE]), wild),
    query=wild,
    body=st.binary(max_size=200),
    content_type=st.one_of(st.sampled_from([FORM, JSON, ""]), wild),
    api_key=st.one_of(st.none(), st.just("key-of-alice"), wild),
    broker=wild,
    remote=wild,
)
many = settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
fewer = settings(many, max_examples=100)


@many
@given(requests)
def test_any_request_gets_a_documented_reply(request: Request) -> None:
    check(used(), request)


def signed(client: Client, row: Route, query: str, body: bytes = b"", kind: str = FORM, broker: str = "") -> Request:
    covered = b"" if row.json_body or row.method == "GET" or kind == JSON else body
    query += "&signature=" + hmac.digest(client.secret.encode(), query.encode() + covered, "sha256").hex()
    return Request(row.method, row.path, query, body, kind, client.key, broker, "127.0.0.1")


rows = st.sampled_from(TABLE)


@many
@given(rows, wild, st.binary(max_size=100), st.sampled_from([FORM, JSON, ""]), wild)
def test_any_text_that_is_rightly_signed_gets_a_documented_reply(
    row: Route, text: str, body: bytes, kind: str, broker: str
) -> None:
    site = used()
    query = f"{quote(text, safe='&=+,', errors='replace')}&timestamp={START_MS}"
    check(site, signed(site.alice, row, query, body, kind, broker))


changes = st.dictionaries(st.sampled_from(PARAMETERS), texts, max_size=4)
left_out = st.sets(st.sampled_from(PARAMETERS), max_size=4)


@many
@given(rows, left_out, changes, wild)
def test_any_parameters_of_any_call_get_a_documented_reply(
    row: Route, without: set[str], changed: dict[str, str], broker: str
) -> None:
    site = used()
    params = {name: value for name, value in sensible(row).items() if name not in without}
    query = urlencode({"timestamp": str(START_MS)} | params | changed, errors="replace")
    check(site, signed(site.alice, row, query, broker=broker))


scalars = st.none() | st.booleans() | st.floats() | st.integers() | texts | wild
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(texts, scalars, max_size=2)
items = st.dictionaries(st.sampled_from(PARAMETERS) | wild, values, max_size=4)


@fewer
@given(st.sampled_from([row for row in TABLE if row.json_body]), st.lists(items, max_size=4), st.binary(max_size=9))
def test_any_batch_gets_a_documented_reply(row: Route, orders: list[dict[str, object]], noise: bytes) -> None:
    site = used()
    body = json.dumps([sensible(row) | one for one in orders]).encode()
    for sent in (body, noise, body[: len(noise)] + noise + body[len(noise) :]):
        check(site, signed(site.alice, row, f"timestamp={START_MS}", sent, JSON))
