"""Who may know whom: imports point inwards (the README's tree is the map)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "simulator"
LAYERS = [
    {"core"},
    {"venues", "runtime"},
    {"server", "feeds", "storage", "replay"},
    {"config", "ready", "lifetime"},
    {"assembly"},
    {"control"},
    {"app"},
    {"demo", "detour", "record", "remote"},
    {"cli", "testing"},
    {"__main__"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
OUTSIDE_WORLD = {"asyncio", "aiohttp", "websockets", "sqlite3", "socket", "time", "random", "secrets", "logging", "os"}
HOMES = {
    "aiohttp": {"server"},
    "websockets": {"feeds", "demo"},
    "sqlite3": {"storage"},
    "zstandard": {"replay"},
    "trustme": {"server"},
    "cryptography": {"server"},
}
"""Replacing a library is a change in one folder; the demo is a client and may use a client's."""
CORE_ROOMS = {"matching", "mirror", "accounts"}


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_inwards(path: Path) -> None:
    here, *inner = path.relative_to(PACKAGE).with_suffix("").parts
    for name in imports_of(path):
        top, *rest = name.split(".")
        if here in ("core", "venues"):
            assert top not in OUTSIDE_WORLD, f"{here} must stay pure: {name}"
        if top in HOMES:
            assert here in HOMES[top], f"{top} lives in {HOMES[top]}"
        if top != "simulator" or not rest or rest[0] in (here, "__version__"):
            continue
        assert RANK[rest[0]] < RANK[here], f"{here} must not import {rest[0]}"
    if here == "core" and inner and inner[0] in CORE_ROOMS:
        for name in imports_of(path):
            other = name.removeprefix("simulator.core.").split(".")[0]
            assert other not in CORE_ROOMS - {inner[0]}, f"{inner[0]} and {other} meet in the exchange only"


def test_every_module_opens_with_what_it_is() -> None:
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        assert ast.get_docstring(tree), f"{path} does not say what it is"


def test_no_float_enters_the_core() -> None:
    for path in (PACKAGE / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path
            assert not (isinstance(node, ast.Name) and node.id == "float"), path
            assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), f"{path}: / makes floats"
