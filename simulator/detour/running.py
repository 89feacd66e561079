"""``hashkey-sim exec``: a program and its children, for whom HashKey is the simulator, from its start to its end."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from simulator.app import Running, authority_of, calm_the_collector, running
from simulator.assembly.parts import CannotServe
from simulator.config import Settings
from simulator.detour.environment import surroundings
from simulator.detour.etc import private_etc
from simulator.detour.front import Upstream, front
from simulator.detour.hosts_file import NOT_FOUND
from simulator.detour.proxy import proxying
from simulator.lifetime import run
from simulator.server.tls import CERTIFICATE

_PATIENCE_SECONDS: Final = 5.0
"""For a program that was told to end, before it is killed."""
_KILLED: Final = 128
_PASSED_ON: Final = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGINT", "SIGQUIT")
_FROM_THE_KEYBOARD: Final = ("SIGINT", "SIGQUIT")


def execute(settings: Settings, command: Sequence[str], server: str, *, private_hosts: bool) -> int:
    """Run a command; gives its exit status, as a shell would. CannotServe, BadSetting.

    ``server``: URL of a simulator that runs already; empty: one of the settings' own, for as long as the command runs.
    """
    if shutil.which(command[0]) is None:
        raise CannotServe(f"there is no command {command[0]}", NOT_FOUND)
    status: int = run(_execute(settings, command, server, private_hosts=private_hosts))
    return status


async def _execute(settings: Settings, command: Sequence[str], server: str, *, private_hosts: bool) -> int:
    async with AsyncExitStack() as stack:
        sim: Running | None = None
        told = dict(os.environ)
        signer = stack.enter_context(authority_of(settings))
        if server:
            upstream = await _running_already(settings, server)
        else:
            own = replace(settings, server=replace(settings.server, tls=False))
            sim = await stack.enter_async_context(running(own))
            calm_the_collector()
            upstream = Upstream.of(sim.ready.rest, None)
            first = sim.ready.accounts[0]
            told |= {"HASHKEY_SIM_API_KEY": first.api_key, "HASHKEY_SIM_API_SECRET": first.api_secret}
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hashkey-sim-exec-")))
        door = await stack.enter_async_context(front(upstream, signer.context()))
        proxy = await stack.enter_async_context(proxying(door, urllib.request.getproxies_environment()))
        variables = surroundings(told, door, proxy, signer.certificate, folder)
        _introduce(settings, sim, server)
        if private_hosts and sys.platform == "linux":
            command = _enclosed(command, private_etc(door.address, folder / "etc"))
        return await _until_over(command, variables, sim, settings.run.run_seconds or None)


def _kept_authority(settings: Settings) -> Path | None:
    folder = settings.server.tls_dir
    return Path(folder).expanduser() / CERTIFICATE if folder else None


async def _running_already(settings: Settings, server: str) -> Upstream:
    upstream = Upstream.of(server, _kept_authority(settings))
    try:
        stream = await upstream.connect()
    except OSError as error:
        raise CannotServe(f"no simulator answers at {server}: {error}") from None
    stream.writer.close()
    return upstream


def _introduce(settings: Settings, sim: Running | None, server: str) -> None:
    """Once everything stands. Standard error may be kept as a log, so the secret is not in it."""
    if sim is None:
        _say(f"HashKey's names lead to {server}")
    elif settings.run.json:
        print(sim.ready.to_json(), file=sys.stderr, flush=True)
    else:
        _say(f"HashKey's names lead to {sim.ready.rest}; its key is in HASHKEY_SIM_API_KEY and HASHKEY_SIM_API_SECRET")


def _say(line: str) -> None:
    """To standard error: standard output is the program's."""
    print(f"hashkey-sim: {line}", file=sys.stderr, flush=True)


def _enclosed(command: Sequence[str], etc: Path) -> list[str]:
    script = Path(__file__).with_name("hosts_file.py")
    return [sys.executable, "-I", "-S", str(script), str(etc), *command]


async def _until_over(
    command: Sequence[str], variables: Mapping[str, str], sim: Running | None, seconds: float | None
) -> int:
    """Until the program has ended by itself, in time, or because a bug ended the exchange, which is raised."""
    passing_on = PassingOn()
    process = await asyncio.create_subprocess_exec(*command, env=variables)
    passing_on.to(process)
    ended = asyncio.create_task(process.wait())
    playing = set() if sim is None else {sim.playing}
    try:
        await asyncio.wait({ended, *playing}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not ended.done():
            with suppress(ProcessLookupError):
                process.terminate()
            await asyncio.wait({ended}, timeout=_PATIENCE_SECONDS)
        if not ended.done():
            with suppress(ProcessLookupError):
                process.kill()
        status = await ended
    for one in playing:
        if one.done():
            one.result()
    return status if status >= 0 else _KILLED - status


class PassingOn:
    """What we are told from now on, the program is told as soon as it is there.

    But what the keyboard tells us, the terminal has told the program itself.
    """

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._before: list[str] = []
        if sys.platform != "win32":
            for name in _PASSED_ON:
                asyncio.get_running_loop().add_signal_handler(getattr(signal, name), self._heard, name)

    def to(self, process: asyncio.subprocess.Process) -> None:
        """The program has started."""
        self._process = process
        for name in self._before:
            self._heard(name)

    def _heard(self, name: str) -> None:
        if self._process is None:
            self._before.append(name)
        elif not (name in _FROM_THE_KEYBOARD and _in_the_foreground()):
            with suppress(ProcessLookupError):
                self._process.send_signal(getattr(signal, name))


def _in_the_foreground() -> bool:
    """Whether a terminal sends its signals to us and, being in one group, to the program."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
