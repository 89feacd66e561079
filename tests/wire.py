"""Requests as clients send them, signed and put straight into the gate, and one small exchange to send them to."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlencode

from simulator.core.candles import Tapes
from simulator.core.commands import Deposit, ListInstrument, OpenAccount, PrintTrade, ReplaceDepth, SetMarkPrice
from simulator.core.digest import digest
from simulator.core.exchange import Exchange
from simulator.core.history import History
from simulator.core.orders import Side
from simulator.core.perpetual_history import PerpetualHistory
from simulator.core.units import NANOS_PER_MILLI, Millis, money, price
from simulator.runtime.clock import ManualClock
from simulator.runtime.runner import Runner
from simulator.venues.hashkey.desk import Desk, Switches
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.fees import Fees
from simulator.venues.hashkey.funding import first_funding
from simulator.venues.hashkey.gate import FORM, Gate, Limits, Request
from simulator.venues.hashkey.listen_keys import ListenKeys
from simulator.venues.hashkey.signing import ApiKey, KeyRing
from tests.documents import judge

JSON = "application/json"
START_MS: Millis = 1_790_150_461_250
FUNDS = {"USDT": "100000", "BTC": "2", "ETH": "20"}
# The parameter names that each kind of client uses are Python's words too, so they are given as they are.
Params = dict[str, Any]


def sign(secret: str, text: str) -> str:
    """HMAC-SHA256 in hex, as every client computes it."""
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


class Answer(NamedTuple):
    """A reply, and what a client makes of it."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """The body of a success."""
        assert self.status == 200, (self.status, self.body)
        return json.loads(self.body)

    @property
    def refusal(self) -> tuple[int, str | int, str]:
        """Status, code and text of an error, which has nothing else in it."""
        assert self.status != 200, self.body
        error = json.loads(self.body)
        assert list(error) == ["code", "msg"], error
        return self.status, error["code"], error["msg"]

    @property
    def code(self) -> str | int:
        """The code of an error with the usual status."""
        status, code, _ = self.refusal
        assert status == 400, self
        return code


class Client:
    """Somebody with an API key. Signs like Hummingbot (all in the query, sorted) unless told otherwise."""

    def __init__(self, gate: Gate, key: str, secret: str, now: Callable[[], Millis]) -> None:
        self.gate = gate
        self.key = key
        self.secret = secret
        self.now = now
        self.broker = ""
        self.orders = 0

    def send(
        self,
        method: str,
        path: str,
        query: str = "",
        body: bytes = b"",
        content_type: str = "",
        *,
        key: str | None = None,
        remote: str = "127.0.0.1",
    ) -> Answer:
        """Any request at all; whatever is answered must stand in the OpenAPI document."""
        reply = self.gate.answer(Request(method, path, query, body, content_type, key, self.broker, remote))
        judge(method, path, *reply)
        return Answer(*reply)

    def get(self, path: str, **params: Any) -> Answer:
        """A public call."""
        return self.send("GET", path, urlencode(params))

    def signed(self, method: str, path: str, **params: Any) -> Answer:
        """Everything in the query, sorted, with an empty body (Hummingbot 3)."""
        params.setdefault("timestamp", self.now())
        query = urlencode(sorted((name, value) for name, value in params.items() if value is not None))
        return self.send(method, path, f"{query}&signature={sign(self.secret, query)}", content_type=FORM, key=self.key)

    def form(self, method: str, path: str, **params: Any) -> Answer:
        """Everything in a form body, in the order given, commas left raw (ccxt; errors and limits 3.2)."""
        text = urlencode({"timestamp": self.now()} | params).replace("%2C", ",")
        text += f"&signature={sign(self.secret, text)}"
        return self.send(method, path, "", text.encode(), FORM, key=self.key)

    def batch(self, path: str, orders: Sequence[Params] | bytes) -> Answer:
        """A JSON array that the signature does not cover (errors and limits 3.2)."""
        query = urlencode({"timestamp": self.now()})
        body = orders if isinstance(orders, bytes) else json.dumps(orders).encode()
        return self.send("POST", path, f"{query}&signature={sign(self.secret, query)}", body, JSON, key=self.key)

    def order(self, side: str = "BUY", quantity: str = "0.01", price: str = "50000", **more: Any) -> Answer:
        """A limit order that rests, unless told otherwise."""
        wanted = {"symbol": "BTCUSDT", "side": side, "type": "LIMIT", "quantity": quantity, "price": price}
        return self.signed("POST", "/api/v1/spot/order", **(wanted | more))

    def contract_order(self, side: str = "BUY_OPEN", quantity: str = "10", price: str = "2700", **more: Any) -> Answer:
        """A limit order for ETHUSDT-PERPETUAL that rests, unless told otherwise; ids are counted."""
        self.orders += 1
        wanted = {"symbol": "ETHUSDT-PERPETUAL", "side": side, "type": "LIMIT", "quantity": quantity, "price": price}
        wanted["clientOrderId"] = f"{self.key}-{self.orders}"
        return self.signed("POST", "/api/v1/futures/order", **(wanted | more))


class Site:
    """BTCUSDT and ETHUSDT, spot and perpetual, with mirrored books; alice and bob. Time stands still."""

    def __init__(
        self, limits: Limits | None = None, switches: Switches | None = None, fees: Fees | None = None
    ) -> None:
        self.exchange = Exchange()
        self.clock = ManualClock(START_MS * NANOS_PER_MILLI)
        self.runner = Runner(self.exchange, self.clock)
        history, tapes, perpetuals = History(self.exchange.state), Tapes(), PerpetualHistory(self.exchange.state)
        self.runner.subscribers += [history.on_events, tapes.on_events, perpetuals.on_events]
        catalogue = Catalogue.bundled()
        keys, listen_keys = KeyRing(), ListenKeys()
        self.desk = Desk(
            self.exchange.state,
            tapes,
            history,
            perpetuals,
            keys,
            listen_keys,
            catalogue,
            switches or Switches(),
            fees or Fees(),
        )
        self.gate = Gate(self.desk, limits, self.runner.catch_up, self.runner.act)
        for instrument in catalogue.instruments(["BTCUSDT", "ETHUSDT", "BTCUSDT-PERPETUAL", "ETHUSDT-PERPETUAL"]):
            self.runner.do(ListInstrument(instrument))
            if instrument.contract is not None:
                self.runner.do(first_funding(instrument.symbol, self.runner.now()))
        self.alice, self.bob = self.join("alice"), self.join("bob")
        self.depth("BTCUSDT", "59999.99x1 59990x2 58000x5", "60000x1 60010x2 62000x5")
        self.depth("ETHUSDT", "2770.63x10 2770x50", "2770.64x10 2771x50")
        self.depth("BTCUSDT-PERPETUAL", "59999.9x1000 59990x2000 58000x5000", "60000x1000 60010x2000 62000x5000")
        self.depth("ETHUSDT-PERPETUAL", "2770.63x10000 2770x50000", "2770.64x10000 2771x50000")

    def join(self, name: str) -> Client:
        """A user with money in the spot and the futures account, and an API key."""
        self.runner.do(OpenAccount(name, *self.desk.fees.spot(name)))
        self.runner.do(OpenAccount(f"{name}/futures", *self.desk.fees.futures(name)))
        for asset, amount in FUNDS.items():
            self.runner.do(Deposit(name, asset, money(amount)))
        self.runner.do(Deposit(f"{name}/futures", "USDT", money("100000")))
        return self.client(ApiKey(f"key-of-{name}", f"secret-of-{name}", name))

    def client(self, key: ApiKey) -> Client:
        """Who has this key."""
        self.desk.keys.add(key)
        return Client(self.gate, key.key, key.secret, self.now_ms)

    def now_ms(self) -> Millis:
        """The exchange's time."""
        return self.runner.now() // NANOS_PER_MILLI

    def wait(self, ms: Millis) -> None:
        """Let time go by."""
        self.clock.advance(ms * NANOS_PER_MILLI)

    def depth(self, symbol: str, bids: str, asks: str) -> None:
        """The outside market's book, of texts such as ``"100.5x2 100x1"``."""
        traded = self.exchange.state.markets[symbol].instrument
        levels = [
            tuple(
                (traded.price_grid.parse(price), traded.qty_grid.parse(size))
                for price, size in (level.split("x") for level in side.split())
            )
            for side in (bids, asks)
        ]
        self.runner.do(ReplaceDepth(symbol, self.runner.now(), levels[0], levels[1]))

    def trade(self, symbol: str, price: str, qty: str, side: Side = Side.SELL) -> None:
        """A trade of the outside market; ``side`` is its taker's."""
        traded = self.exchange.state.markets[symbol].instrument
        ticks, lots = traded.price_grid.parse(price), traded.qty_grid.parse(qty)
        self.runner.do(PrintTrade(symbol, self.runner.now(), ticks, lots, side))

    def mark(self, symbol: str, mark: str | None, index: str | None = None) -> None:
        """What the venue tells of a perpetual."""
        told = [None if text is None else price(text) for text in (mark, index)]
        self.runner.do(SetMarkPrice(symbol, self.runner.now(), *told))

    def digest(self) -> str:
        """The whole state in one hash."""
        return digest(self.exchange.state)
