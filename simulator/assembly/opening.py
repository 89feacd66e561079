"""Who trades: accounts, their first money, fees and keys, as the settings tell or a state folder has them."""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from simulator.config import BadSetting, Settings
from simulator.core.commands import Deposit, OpenAccount
from simulator.core.units import NotANumber, OffGrid, money, rate
from simulator.ready import Access
from simulator.runtime.runner import Runner
from simulator.venues.hashkey.accounts import FUTURES_SUFFIX, futures_of, user_of
from simulator.venues.hashkey.desk import Desk
from simulator.venues.hashkey.fees import Fees, Fixed
from simulator.venues.hashkey.signing import ApiKey, KeyRing

DEFAULT_ACCOUNTS: Final = ("default:USDT=100000,BTC=2,ETH=20", "default/futures:USDT=100000")


def fees_of(settings: Settings) -> Fees:
    """What the settings say of fees."""
    told = settings.accounts
    levels = [(name, int(level)) for name, _, level in (text.rpartition("=") for text in told.vip)]
    fixed = [
        None if not text else rate(text)
        for text in (told.maker_fee, told.taker_fee, told.futures_maker_fee, told.futures_taker_fee)
    ]
    everybody = dict(levels).pop("", 0)
    return Fees({name: level for name, level in levels if name}, everybody, Fixed(*fixed[:2]), Fixed(*fixed[2:]))


def open_accounts(settings: Settings, runner: Runner, desk: Desk) -> list[Access]:
    """The accounts of the settings, and those that are there already, which keep what they have.

    Without any in the settings: those that are there, or the default one.
    """
    before = {user_of(name): None for name in desk.state.customers}
    funds = [_funds(text) for text in settings.accounts.account or (() if before else DEFAULT_ACCOUNTS)]
    users = {user_of(name): None for name, _ in funds} | before
    for name in desk.fees.level_of:
        if name not in users:
            raise BadSetting(f"vip: there is no account {name}; there are {', '.join(users)}")
    for user in users:
        if user not in before:
            runner.do(OpenAccount(user, *desk.fees.spot(user)))
            runner.do(OpenAccount(futures_of(user), *desk.fees.futures(user)))
    for name, assets in funds:
        for asset, amount in assets.items():
            if amount and user_of(name) not in before:
                runner.do(Deposit(name, asset, amount))
    return [_access(settings, user, desk.keys, first=not place) for place, user in enumerate(users)]


def _access(settings: Settings, user: str, keys: KeyRing, *, first: bool) -> Access:
    """The key that a user is told of: that of the settings (for the first of them), else one he has, else a new one."""
    told, has = settings.accounts, next((one for one in keys if one.account == user and one.may_trade), None)
    key, secret = (told.api_key, told.api_secret) if first else ("", "")
    if has is None or (key or has.key, secret or has.secret) != (has.key, has.secret):
        key = key or _made_up(settings, f"key of {user}")
        has = ApiKey(key, secret or _made_up(settings, f"secret of {user}"), user)
        keys.add(has)
    return Access(user, has.key, has.secret)


def _made_up(settings: Settings, what: str) -> str:
    """A key or secret; it follows from the first account's secret, where that is given: equal settings, equal keys."""
    first = settings.accounts.api_secret
    if not first:
        return secrets.token_hex(16)
    return hmac.new(first.encode(), f"{settings.market.seed} {what}".encode(), "sha256").hexdigest()[:32]


def _funds(text: str) -> tuple[str, dict[str, int]]:
    """An account and its money of a text such as ``bob:USDT=1000,BTC=1``."""
    name, _, rest = text.partition(":")
    user, _, wallet = name.partition("/")
    plain = user.replace("-", "").replace("_", "")
    if not (plain.isascii() and plain.isalnum()) or name not in (user, user + FUTURES_SUFFIX) or (wallet and not user):
        raise BadSetting(f"account needs NAME:ASSET=QTY,... or NAME/futures:ASSET=QTY,...; not {text!r}")
    assets: dict[str, int] = {}
    for part in rest.split(",") if rest else ():
        asset, found, qty = part.partition("=")
        try:
            assets[asset] = money(qty)
        except (NotANumber, OffGrid):
            assets[asset] = -1
        if not (found and asset.isascii() and asset.isalnum()) or assets[asset] < 0:
            raise BadSetting(f"account {name}: {part!r} is not ASSET=QTY")
    return name, assets
