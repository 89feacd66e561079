"""What the exchange says about itself once it accepts connections: one line for scripts, a few for people."""

from __future__ import annotations

import msgspec


class Access(msgspec.Struct, frozen=True):
    """One account and the key that trades for it."""

    name: str
    api_key: str
    api_secret: str


class Ready(msgspec.Struct, frozen=True, omit_defaults=True):
    """The ready line; ``{listenKey}`` in ``ws_private`` is to be replaced.

    ``control_token`` is there if needed, ``ca`` with TLS: the file of the authority that clients have to trust.
    """

    rest: str
    ws_public: str
    ws_public_v2: str
    ws_private: str
    control: str
    page: str
    symbols: list[str]
    accounts: list[Access]
    version: str
    control_token: str = ""
    ca: str = ""

    def to_json(self) -> str:
        """The line for scripts."""
        return msgspec.json.encode(self).decode()

    def to_text(self, market: str) -> str:
        """The lines for people; ``market`` says what is behind the exchange."""
        first = self.accounts[0]
        keys = "\n".join(f"  {one.name:<10} key {one.api_key}  secret {one.api_secret}" for one in self.accounts)
        token = f"\n  control    Authorization: Bearer {self.control_token}" if self.control_token else ""
        trust = f"\n  TLS        signed by {self.ca}, which clients have to trust" if self.ca else ""
        # ccxt gives it to requests, which takes a file as well as True.
        verify = f', "validateServerSsl": "{self.ca}"' if self.ca else ""
        return f"""\
hashkey-simulator {self.version} is serving {", ".join(self.symbols)}
  market     {market}
  REST       {self.rest}
  WebSocket  {self.ws_public}  {self.ws_private}
{keys}{token}{trust}

Try it with ccxt:

import ccxt
url = "{self.rest}"
exchange = ccxt.hashkey({{"apiKey": "{first.api_key}", "secret": "{first.api_secret}"{verify}}})
exchange.urls["api"] = {{"public": url, "private": url}}
print(exchange.create_order("{_pair(self.symbols)}", "market", "buy", 0.001)["id"])
print(exchange.fetch_balance()["total"])

Ctrl-C stops it."""


def _pair(symbols: list[str]) -> str:
    """The first symbol as ccxt spells it."""
    return symbols[0].removesuffix("USDT") + "/USDT" if symbols else "BTC/USDT"


def ready(host: str, port: int, symbols: list[str], accounts: list[Access], version: str, ca: str = "") -> Ready:
    """The addresses of an exchange that listens on ``host`` and ``port``; with TLS, ``ca`` is whom to trust."""
    # An address that means "all" is reached through loopback, and an IPv6 address needs brackets in a URL.
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    place = f"{name}:{port}"
    http, ws = ("https", "wss") if ca else ("http", "ws")
    return Ready(
        rest=f"{http}://{place}",
        ws_public=f"{ws}://{place}/quote/ws/v1",
        ws_public_v2=f"{ws}://{place}/quote/ws/v2",
        ws_private=f"{ws}://{place}/api/v1/ws/{{listenKey}}",
        control=f"{http}://{place}/_sim",
        page=f"{http}://{place}/_sim/page",
        symbols=symbols,
        accounts=accounts,
        version=version,
        ca=ca,
    )
