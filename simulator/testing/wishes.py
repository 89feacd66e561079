"""What a test wishes, as the settings of an exchange: those of ``config.py`` by their names, and who trades."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from simulator.assembly.parts import bundled
from simulator.config import BadSetting, Settings, build, gather, known, nearest

SMALL: Final = bundled("small.hkrec")


def settings_of(wishes: Mapping[str, Any], *, by_hand: bool = False) -> Settings:
    """Settings that depend on nothing but the wishes: no file, no environment. BadSetting names what is wrong.

    A free port, and without a ``replay`` no outside market. ``replay`` may be True, for the small recording, or the
    name of another bundled one; ``accounts`` may be texts as for ``--account``, or {"alice": {"USDT": 1000}}.
    ``by_hand``: time stands, and so requests may be stamped with any.
    """
    told: dict[str, Any] = {"port": 0, "empty": "replay" not in wishes} | (
        {"paused": True, "timestamps": False} if by_hand else {}
    )
    told |= wishes
    if "accounts" in told:
        told["account"] = tuple(_account_texts(told.pop("accounts")))
    if "replay" in told:
        told["replay"] = _recording(told["replay"])
    names = [one.name for one in known()]
    for name in told:
        if name not in names:
            raise BadSetting(f"there is no setting {name}{nearest(name, [*names, 'accounts'])}")
    return build(gather(None, {}, told))


def _account_texts(accounts: Mapping[str, Mapping[str, object]] | Iterable[str]) -> Iterable[str]:
    if not isinstance(accounts, Mapping):
        return accounts
    return [f"{name}:{','.join(f'{asset}={qty}' for asset, qty in funds.items())}" for name, funds in accounts.items()]


def _recording(wish: object) -> str:
    if wish is True:
        return str(SMALL)
    path = Path(str(wish))
    return str(path if path.exists() else bundled(path.name))
