"""A JSON value in the notation of real-response-shapes.md: ``symbol s, isMaker b, fee {fee s}``."""

from typing import Any


def shape(value: Any) -> str:
    """Members in their order with their types: s string, n number, b boolean; a list by its first element."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_inner(member)}" for name, member in value.items())
    return _inner(value)


def _inner(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{shape(value)}}}"
    if isinstance(value, list):
        return f"[{_inner(value[0])}]" if value else "[]"
    # bool first: in Python it is a number too.
    return {bool: "b", str: "s", int: "n"}[type(value)]
