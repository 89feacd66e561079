"""What a program that is led to the simulator reads in /etc: a hosts file with HashKey's names, asked first."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from simulator.venues.hashkey.hosts import NAMES, is_hashkeys

_ETC: Final = Path("/etc")


def private_etc(address: str, folder: Path) -> Path:
    """Write the files into a folder, whose path is given back; without a hosts file here it stays empty."""
    folder.mkdir()
    for name, change in (("hosts", partial(hosts_with, address=address)), ("nsswitch.conf", files_first)):
        original = _ETC / name
        if original.is_file():
            # Bytes that are no UTF-8 may stand in comments; they stay what they are.
            changed = change(original.read_text("utf-8", "surrogateescape"))
            (folder / name).write_text(changed, "utf-8", "surrogateescape")
    return folder


def hosts_lines(address: str) -> list[str]:
    """The lines of a hosts file that lead HashKey's names to an address."""
    return [f"{address} {name}" for name in NAMES]


def hosts_with(text: str, address: str) -> str:
    """A hosts file's text with HashKey's names at that address, and nowhere else.

    The second form of the address is for those who ask for IPv6 only: they would ask a name server otherwise.
    """
    others = [line for line in text.splitlines() if not any(map(is_hashkeys, line.partition("#")[0].split()))]
    return "\n".join([*others, *hosts_lines(address), *hosts_lines(f"::ffff:{address}"), ""])


def files_first(text: str) -> str:
    r"""The C library's order of asking (nsswitch.conf) with the hosts file before anybody else.

    >>> files_first("hosts: resolve [!UNAVAIL=return] files dns\n")
    'hosts: files resolve [!UNAVAIL=return] dns\n'
    """
    lines = []
    for line in text.splitlines():
        database, _, services = line.partition(":")
        if database.strip() == "hosts":
            line = " ".join(["hosts: files", *(one for one in services.split() if one != "files")])  # noqa: PLW2901
        lines.append(line + "\n")
    return "".join(lines)
