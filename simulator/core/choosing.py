"""Which models a market fills by. A choice is a command, so a journal alone repeats a run, and a fork can differ."""

from __future__ import annotations

from simulator.core.commands import ChooseModels
from simulator.core.events import Event, ModelsChosen
from simulator.core.mirror.queue_position import UnknownModel, queue_model
from simulator.core.mirror.residual import UnknownResidual, residual_model
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.units import Nanos


def check_choose(state: State, command: ChooseModels) -> RejectReason | None:
    """The market must exist, and so must what is chosen."""
    if command.symbol not in state.markets:
        return RejectReason.UNKNOWN_SYMBOL
    try:
        if command.queue:
            queue_model(command.queue)
        if command.residual:
            residual_model(command.residual)
    except (UnknownModel, UnknownResidual):
        return RejectReason.UNKNOWN_MODEL
    return None


def choose(state: State, now: Nanos, command: ChooseModels) -> list[Event]:
    """From now on; places in queues and what was taken stay as they are until the market moves them."""
    market = state.markets[command.symbol]
    if command.queue:
        market.model = queue_model(command.queue)
    if command.residual:
        market.mirror.follow(residual_model(command.residual))
    return [ModelsChosen(command.symbol, market.model.name, market.mirror.residual.name)]
