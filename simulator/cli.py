"""The command line: one function per command; people read the text, scripts read ``--json``.

Exit status: 0 fine, 1 a check or the run failed, 2 misuse. A command imports only what it needs, so that
``--help`` costs little more than Python itself.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from simulator import __version__
from simulator.config import BadSetting, Settings, Source, build, gather, known

FINE, FAILED, MISUSE = 0, 1, 2
RECORD_SETTINGS = frozenset(
    (
        "symbols",
        "seed",
        "upstream_rest",
        "upstream_ws",
        "stale_after",
        "rotate_mb",
        "rotate_minutes",
        "run_seconds",
        "json",
    )
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = _parser()
    own, child = _parted(sys.argv[1:] if argv is None else argv)
    args = parser.parse_args(own, argparse.Namespace(child=child))
    command: Callable[[argparse.Namespace], int] = args.command
    try:
        return command(args)
    except BadSetting as error:
        return _say(MISUSE, f"{error}")
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return FINE


def _parted(argv: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Our arguments, and after ``exec ... --`` somebody else's, which argparse must not read."""
    if argv[:1] == ["exec"] and "--" in argv:
        cut = argv.index("--")
        return argv[:cut], argv[cut + 1 :]
    return argv, ()


def _say(status: int, line: str) -> int:
    print(f"hashkey-sim: {line}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hashkey-sim",
        description="A local exchange that poses as HashKey Global: paper trading, test double, replay.",
        epilog="hashkey-sim COMMAND --help tells a command's flags.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"hashkey-simulator {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, command: Callable[[argparse.Namespace], int], meaning: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=meaning, description=meaning.capitalize() + ".", allow_abbrev=False)
        one.set_defaults(command=command)
        return one

    _add_settings(add("serve", _serve, "run the exchange until stopped"))
    _add_settings(add("demo", _demo, "run the exchange and a small bot that trades on it for a few seconds"))

    recording = add("record", _record, "record the venue's live public messages")
    recording.add_argument("--out", required=True, type=Path, metavar="PATH", help="the recording to write (.hkrec)")
    _add_settings(recording, RECORD_SETTINGS)

    executing = add("exec", _exec, "run a program unchanged, with HashKey's host names leading to the simulator")
    executing.usage = "hashkey-sim exec [flags of serve | --server URL] -- COMMAND ..."
    executing.add_argument("--server", default="", metavar="URL", help="a simulator that runs already")
    executing.add_argument(
        "--private-hosts",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="give the program a hosts file of its own where Linux allows it (there sudo and the like do not work)",
    )
    _add_settings(executing)

    _add_settings(add("hosts", _hosts, "print what leads programs here that exec cannot lead: hosts file, authority"))

    importing = add("import", _import, "turn recorded market data (neutral JSON lines) into a recording")
    importing.add_argument("files", nargs="+", type=Path, metavar="FILE", help="neutral files, .jsonl or .jsonl.gz")
    importing.add_argument("--out", required=True, type=Path, metavar="PATH", help="the recording to write (.hkrec)")
    importing.add_argument("--map", nargs="+", action="extend", default=[], metavar="FROM=TO", help="rename a symbol")
    for edge in ("from", "to"):
        words = f"{edge} this receive time on" if edge == "from" else "up to this receive time"
        importing.add_argument(f"--{edge}", type=int, metavar="MS", help=f"only {words}, in milliseconds since 1970")
    importing.add_argument("--level", type=int, choices=range(1, 23), metavar="1..22", help="how hard to pack")
    importing.add_argument("--json", action="store_true", help="print the result as JSON")

    inspecting = add("inspect", _inspect, "tell what a recording or a state folder holds")
    inspecting.add_argument("path", type=Path, metavar="PATH", help="a recording (.hkrec), or a state folder")
    inspecting.add_argument(
        "--gap", type=float, default=5.0, metavar="SECONDS", help="how long a silence must be to be told (default 5)"
    )
    inspecting.add_argument("--json", action="store_true", help="print it as JSON")

    verifying = add("verify", _verify, "replay the journal of a state folder and compare what it does")
    verifying.add_argument("state", type=Path, metavar="STATE", help="a state folder (serve --state)")
    verifying.add_argument("--json", action="store_true", help="print the verdict as JSON")

    _add_keys(add("keys", _keys, "make, list and revoke the API keys of a running exchange"))
    _add_settings(add("config", _config, "list every setting, its value and where it came from"))
    return parser


def _add_settings(parser: argparse.ArgumentParser, only: Collection[str] = ()) -> None:
    """Flags of the settings, of all or of some."""
    parser.add_argument("--config", type=Path, default=None, metavar="FILE", help="settings in TOML")
    groups: dict[str, Any] = {}
    for one in known():
        if only and one.name not in only:
            continue
        group = groups.get(one.section) or groups.setdefault(one.section, parser.add_argument_group(one.section))
        options: dict[str, Any] = {"dest": one.name, "default": None, "help": one.meaning}
        if isinstance(one.default, bool):
            options["action"] = argparse.BooleanOptionalAction
        else:
            options["metavar"] = one.metavar
            if one.name in ("account", "vip", "latency"):
                options["action"] = "append"
        group.add_argument(one.flag, **options)


def _add_keys(parser: argparse.ArgumentParser) -> None:
    deeds = parser.add_subparsers(title="what to do", metavar="create|list|revoke", dest="deed", required=True)
    making = deeds.add_parser("create", help="make a key; its secret is shown once", allow_abbrev=False)
    making.add_argument("--account", required=True, metavar="NAME", help="whose key it is")
    making.add_argument("--note", default="", metavar="TEXT", help="what it is for")
    making.add_argument("--permissions", default="read,trade", metavar="read[,trade]", help="what it may do")
    making.add_argument("--ip", default="", metavar="IP,...", help="addresses it may be used from; none: all")
    listing = deeds.add_parser("list", help="list the keys, without their secrets", allow_abbrev=False)
    revoking = deeds.add_parser("revoke", help="refuse a key from now on", allow_abbrev=False)
    revoking.add_argument("key", metavar="KEY", help="the API key (not the secret)")
    for one in (making, listing, revoking):
        one.add_argument("--server", default="http://127.0.0.1:8765", metavar="URL", help="the exchange's address")
        one.add_argument("--control-token", default="", metavar="TOKEN", help="its control token, where it needs one")
        one.add_argument("--json", action="store_true", help="print the answer as JSON")


def _gathered(args: argparse.Namespace) -> dict[str, Source]:
    return gather(args.config, os.environ, vars(args))


def _settings(args: argparse.Namespace) -> Settings:
    return build(_gathered(args))


def _log(level: str) -> None:
    """Our own log as loud as told; libraries speak up only when something is wrong."""
    import logging

    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("simulator").setLevel(level.upper())


def _serve(args: argparse.Namespace) -> int:
    from simulator.app import serve
    from simulator.assembly.parts import CannotServe

    settings = _settings(args)
    _log(settings.run.log)
    try:
        serve(settings)
    except CannotServe as error:
        return _say(error.status, str(error))
    return FINE


def _record(args: argparse.Namespace) -> int:
    from simulator.record import record
    from simulator.replay.recorder import CannotRecord

    settings = _settings(args)
    try:
        result = record(settings, args.out)
    except CannotRecord as error:
        return _say(MISUSE, str(error))
    print(result.to_json() if settings.run.json else result.to_text())
    return _say(FAILED, result.failure) if result.failure else FINE


def _demo(args: argparse.Namespace) -> int:
    from simulator.assembly.parts import CannotServe
    from simulator.demo import demo

    settings = _settings(args)
    _log(settings.run.log)
    try:
        return FINE if demo(settings) else FAILED
    except CannotServe as error:
        return _say(error.status, str(error))


def _exec(args: argparse.Namespace) -> int:
    from simulator.assembly.parts import CannotServe
    from simulator.detour.running import execute

    if not args.child:
        return _say(MISUSE, "exec needs a command: hashkey-sim exec [flags] -- COMMAND ...")
    values = _gathered(args)
    if values["port"].origin == "default":
        values["port"] = Source(0, "exec")
    try:
        return execute(build(values), args.child, args.server, private_hosts=args.private_hosts)
    except CannotServe as error:
        return _say(error.status, str(error))


def _hosts(args: argparse.Namespace) -> int:
    from simulator.assembly.parts import CannotServe
    from simulator.detour.advice import advice

    try:
        told = advice(_settings(args))
    except CannotServe as error:
        return _say(error.status, str(error))
    print(told.to_json() if args.json else told.to_text())
    return FINE


def _import(args: argparse.Namespace) -> int:
    from simulator.replay.format import BadRecording
    from simulator.replay.importer import LEVEL, import_files

    symbol_map = {}
    for pair in args.map:
        source, found, target = pair.partition("=")
        if not (found and source and target):
            return _say(MISUSE, f"--map needs FROM=TO, not {pair!r}")
        symbol_map[source] = target
    for file in args.files:
        if not file.is_file():
            return _say(MISUSE, f"there is no file {file}")
    try:
        summary = import_files(
            args.files,
            args.out,
            symbol_map=symbol_map,
            progress=_Progress(),
            from_ms=vars(args)["from"] or 0,
            to_ms=args.to,
            level=args.level or LEVEL,
        )
    except BadRecording as error:
        return _say(FAILED, str(error))
    except OSError as error:
        return _say(FAILED, f"cannot write {args.out}: {error.strerror}")
    print(summary.to_json() if args.json else summary.to_text())
    return FINE


class _Progress:
    """A line on the terminal that tells how far it has come; nothing where nobody looks."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        if self._shown:
            share = 100 * done // max(1, total)
            end = "\n" if done >= total else ""
            print(f"\rimporting {share:3d} %", end=end, file=sys.stderr, flush=True)


def _inspect(args: argparse.Namespace) -> int:
    from simulator.replay.format import BadRecording
    from simulator.replay.inspect import summarize

    if args.path.is_dir():
        return _inspect_state(args)
    if not args.path.is_file():
        return _say(MISUSE, f"there is no file {args.path}")
    if not 0 < args.gap < 1e9:
        return _say(MISUSE, f"--gap needs a number of seconds, not {args.gap}")
    try:
        summary = summarize(args.path, round(args.gap * 1e9))
    except BadRecording as error:
        return _say(FAILED, str(error))
    print(summary.to_json() if args.json else summary.to_text())
    return FINE


def _inspect_state(args: argparse.Namespace) -> int:
    from simulator.storage.folder import BadState
    from simulator.storage.holding import holding

    try:
        held = holding(args.path)
    except BadState as error:
        return _say(FAILED, str(error))
    print(held.to_json() if args.json else held.to_text())
    return FINE


def _verify(args: argparse.Namespace) -> int:
    from simulator.storage.folder import BadState
    from simulator.storage.verifying import verify

    if not args.state.is_dir():
        return _say(MISUSE, f"there is no folder {args.state}")
    try:
        verdict = verify(args.state)
    except BadState as error:
        return _say(FAILED, str(error))
    print(verdict.to_json() if args.json else verdict.to_text())
    return FINE if verdict.ok else FAILED


def _keys(args: argparse.Namespace) -> int:
    from simulator.remote import Refused, call

    def ask(method: str, **asked: object) -> Any:
        return call(args.server, method, "keys", args.control_token, **asked)

    try:
        if args.deed == "create":
            permissions, ips = (text.split(",") if text else [] for text in (args.permissions, args.ip))
            told = ask("POST", account=args.account, note=args.note, permissions=permissions, ips=ips)
            words = f"key {told['api_key']}  secret {told['api_secret']}  (the secret is not shown again)"
        elif args.deed == "list":
            told = ask("GET")
            words = "\n".join(_key_line(one) for one in told) or "there are no keys"
        else:
            told = ask("DELETE", api_key=args.key)
            words = f"{args.key} is refused from now on"
    except Refused as error:
        return _say(FAILED, str(error))
    if args.json:
        import json

        words = json.dumps(told)
    print(words)
    return FINE


def _key_line(one: dict[str, Any]) -> str:
    where = ",".join(one["ips"]) or "anywhere"
    return f"{one['api_key']}  {one['account']:<12} {','.join(one['permissions']):<11} {where:<20} {one['note']}"


def _config(args: argparse.Namespace) -> int:
    values = _gathered(args)
    if args.json:
        import json

        shown = {name: {"value": _shown(name, one.value), "from": one.origin} for name, one in values.items()}
        print(json.dumps(shown, indent=2, default=list))
        return FINE
    section = ""
    for one in known():
        if one.section != section:
            section = one.section
            print(f"[{section}]")
        value = values[one.name]
        words = value.value if not isinstance(value.value, tuple) else " ".join(value.value)
        print(f"  {one.name:<23} {_shown(one.name, words)!s:<20} {value.origin:<30} {one.meaning}")
    return FINE


def _shown(name: str, value: Any) -> Any:
    """A value as it may be shown: a secret is not."""
    return "(hidden)" if name in ("api_secret", "control_token") and value else value
