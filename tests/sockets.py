"""The sockets without sockets: clients' words put straight into sessions, and what comes back."""

from __future__ import annotations

import gzip
import json
from typing import Any

from simulator.core.units import NANOS_PER_MILLI, Millis
from simulator.venues.hashkey.channels import Publisher
from simulator.venues.hashkey.documents.asyncapi import PRIVATE, PUBLIC_V1, PUBLIC_V2
from simulator.venues.hashkey.private import PrivateSession, PrivateStreams
from simulator.venues.hashkey.public_v1 import PublicV1
from simulator.venues.hashkey.public_v2 import PublicV2
from simulator.venues.hashkey.sockets import Frame, Session, StreamSwitches
from tests.documents import judge_frame
from tests.wire import Site

CHANNELS: dict[type, str] = {PublicV1: PUBLIC_V1, PublicV2: PUBLIC_V2, PrivateSession: PRIVATE}


class Ear:
    """An outlet that keeps what was sent."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def send(self, frame: Frame) -> None:
        self.frames.append(frame)

    def heard(self) -> list[Any]:
        """Everything since the last time, decoded."""
        frames, self.frames = self.frames, []
        return [json.loads(gzip.decompress(one.payload) if one.binary else one.payload) for one in frames]


class Talk:
    """One client's connection."""

    def __init__(self, ear: Ear, session: Session, hall: Hall) -> None:
        self.ear = ear
        self.session = session
        self.hall = hall

    def raw(self, data: str | bytes) -> list[Any]:
        """Say something; returns what was heard since the last time, the answer with it."""
        self.session.received(data, self.hall.site.runner.now())
        return self.heard()

    def say(self, **message: Any) -> list[Any]:
        """Say a JSON object."""
        return self.raw(json.dumps(message))

    def sub(self, topic: str, symbol: str = "BTCUSDT", **more: Any) -> list[Any]:
        """Subscribe on v1."""
        return self.say(symbol=symbol, topic=topic, event="sub", **more)

    def ask(self, topic: str, event: str = "sub", **params: Any) -> list[Any]:
        """Subscribe on v2."""
        return self.say(topic=topic, event=event, params={"symbol": "BTCUSDT"} | params)

    def heard(self) -> list[Any]:
        """Everything since the last time, each of it a message that the AsyncAPI document knows."""
        frames = self.ear.heard()
        for frame in frames:
            judge_frame(CHANNELS[type(self.session)], frame)
        return frames


class Hall:
    """A site with its streams, and everybody who listens. Time stands still until ``wait``."""

    def __init__(self, switches: StreamSwitches | None = None) -> None:
        self.site = Site()
        self.switches = switches or StreamSwitches()
        desk, runner = self.site.desk, self.site.runner
        self.publisher = Publisher(desk.state, desk.tapes, desk.perpetuals)
        self.streams = PrivateStreams(desk.state, desk.ids, desk.listen_keys.account_of, self.switches)
        runner.subscribers += [self.streams.on_events, self.publisher.on_events]
        runner.ticks += [self.publisher.tick, self.streams.tick]
        runner.catch_up()

    def v1(self) -> Talk:
        """A client of the first public socket."""
        ear = Ear()
        return Talk(ear, PublicV1(self.publisher, ear, self.switches, 0.0), self)

    def v2(self) -> Talk:
        """A client of the second one."""
        ear = Ear()
        return Talk(ear, PublicV2(self.publisher, ear, self.switches, 0.0), self)

    def private(self, account: str = "alice") -> Talk:
        """Somebody's private connection."""
        now = self.site.runner.now()
        ear = Ear()
        session = self.streams.open(self.site.desk.listen_keys.create(account, now), ear, now, 0.0)
        assert session is not None
        return Talk(ear, session, self)

    def wait(self, ms: Millis) -> None:
        """Let time go by, and everything that is due happen."""
        self.site.wait(ms)
        self.site.runner.catch_up()

    def until(self, ms: Millis) -> None:
        """Wait for the next multiple of so many milliseconds."""
        self.wait(ms - self.site.now_ms() % ms)

    @property
    def now(self) -> int:
        """Nanoseconds of the exchange."""
        return self.site.now_ms() * NANOS_PER_MILLI
