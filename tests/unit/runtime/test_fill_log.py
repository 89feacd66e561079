"""At debug level the log has a line per fill, with its reason."""

from __future__ import annotations

import logging

import pytest

from simulator.core.explaining import Explainer
from simulator.runtime.fill_log import FillLog
from tests.builders import SELL, book


@pytest.mark.parametrize(("level", "lines"), [(logging.DEBUG, 2), (logging.INFO, 0)])
def test_each_fill_is_a_line_where_somebody_reads_it(level: int, lines: int, caplog: pytest.LogCaptureFixture) -> None:
    market = book()
    maker = market.rest(SELL, 2, 100, by="bob")
    market.buy(1, 100)
    log = FillLog(Explainer(market.exchange.state, market.history))
    with caplog.at_level(level, "simulator"):
        log.on_events(market.now, market.events)
    assert len(caplog.messages) == lines
    if lines:
        assert caplog.messages[1] == (
            f"alice: order {market.placed().id} in XY filled 1 at 100: it took 1 from order {maker.id} of bob "
            "(queue pessimistic, residual difference)"
        )
