"""Which fill models the settings choose for each symbol, as commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from simulator.config import BadSetting, Market, nearest
from simulator.core.commands import ChooseModels
from simulator.core.mirror.queue_position import MODELS as QUEUES
from simulator.core.mirror.queue_position import UnknownModel, queue_model
from simulator.core.mirror.residual import MODELS as RESIDUALS
from simulator.core.mirror.residual import UnknownResidual, residual_model


def choices(settings: Market, symbols: list[str]) -> list[ChooseModels]:
    """Each symbol's own choice, else the one for all, else what the exchange has by itself."""
    queues = _chosen("queue", settings.queue, symbols, queue_model, QUEUES)
    residuals = _chosen("residual", settings.residual, symbols, residual_model, RESIDUALS)
    return [ChooseModels(symbol, queues[symbol], residuals[symbol]) for symbol in symbols]


def _chosen(
    setting: str, words: tuple[str, ...], symbols: list[str], model: Callable[[str], object], there: Iterable[str]
) -> dict[str, str]:
    """Names by symbol of words such as ``pessimistic`` and ``BTCUSDT=none``."""
    for_all, own = "", {}
    for word in words:
        symbol, found, name = word.rpartition("=")
        if found and symbol not in symbols:
            raise BadSetting(f"{setting}: no symbol {symbol} is traded{nearest(symbol, symbols)}")
        try:
            model(name)
        except (UnknownModel, UnknownResidual) as error:
            raise BadSetting(f"{setting}: {error}{nearest(name, there)}") from None
        if found:
            own[symbol] = name
        else:
            for_all = name
    return {symbol: own.get(symbol, for_all) for symbol in symbols}
