"""A hosts file that only one program and its children see, where Linux allows it; a script of its own.

``python hosts_file.py FOLDER COMMAND...`` puts each file of FOLDER over the one of that name in /etc, in a mount
namespace of its own, and becomes COMMAND. An ordinary user gets the right to do so from a user namespace, in which
it stays the same user; root needs none. Where neither is allowed (containers, hardened systems, not Linux) the
command runs without: the file is the last line of defence, not the first.

Root without the right to mount is not put into a user namespace: there it would lose what makes it root.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

NEW_MOUNTS, NEW_USER = 0x00020000, 0x10000000
BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000
NOT_EXECUTABLE, NOT_FOUND = 126, 127


def enclose(folder: Path) -> None:
    """Put the folder's files over those in /etc, for this process and its children; OSError."""
    libc = ctypes.CDLL(None, use_errno=True)

    def must(result: int) -> None:
        if result:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    user, group = os.geteuid(), os.getegid()
    must(libc.unshare(NEW_MOUNTS | (NEW_USER if user else 0)))
    if user:
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    must(libc.mount(b"none", b"/", None, RECURSIVE | PRIVATE, None))
    for file in folder.iterdir():
        must(libc.mount(os.fsencode(file), os.fsencode(Path("/etc") / file.name), None, BIND, None))


def become(command: list[str]) -> int:
    """Run the command in place of this process; the exit status that shells give if it cannot be run."""
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, and what is ignored stays so
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606
    except FileNotFoundError:
        status, why = NOT_FOUND, "there is no such command"
    except OSError as error:
        status, why = NOT_EXECUTABLE, error.strerror or ""
    print(f"hashkey-sim: cannot run {command[0]}: {why}", file=sys.stderr)
    return status


if __name__ == "__main__":
    with suppress(OSError, AttributeError):
        enclose(Path(sys.argv[1]))
    sys.exit(become(sys.argv[2:]))
