"""JSON Schemas of the types that code is written with: what OpenAPI and AsyncAPI documents are made of.

Every object that names its members is closed (``additionalProperties`` false), so a member that a document does
not know is an error for whoever checks against it. What may hold more is typed as a plain ``dict``.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin

import msgspec

Schema: TypeAlias = dict[str, Any]

REF: Final = "#/components/schemas/{name}"


class Schemas:
    """The schemas of some types: ``of`` gives one's, mostly a reference into ``components``."""

    def __init__(self, wanted: Iterable[Any]) -> None:
        parts = [part for one in wanted for part in alternatives(one)]
        made, named = msgspec.json.schema_components(parts, ref_template=REF)
        self.components: dict[str, Schema] = {name: closed(schema) for name, schema in sorted(named.items())}
        self._of = [(part, closed(schema)) for part, schema in zip(parts, made, strict=True)]

    def of(self, wanted: Any) -> Schema:
        """The schema of a type that was among the wanted ones."""
        found = [next(schema for known, schema in self._of if known == part) for part in alternatives(wanted)]
        return dict(found[0]) if len(found) == 1 else {"anyOf": found}


def alternatives(kind: Any) -> tuple[Any, ...]:
    """The parts of a union, which msgspec does not describe when they are structs without tags."""
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def closed(schema: Any) -> Any:
    """The same, with every object that names its members closed; decimals are texts or JSON's own numbers."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if isinstance(schema, tuple):
        return list(schema)
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {**schema, "type": ["string", "number"]}
    inner = {name: closed(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        inner.setdefault("additionalProperties", False)
    return inner


def one_line(text: str | None) -> str:
    """A docstring's first paragraph as a sentence for a document."""
    return " ".join((text or "").partition("\n\n")[0].split()).replace("``", "`")


def described(of: object) -> str:
    """A whole docstring as a text for a document."""
    return " ".join((of.__doc__ or "").split())


Digits: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[0-9]+$")]
"""A whole number as a text: ids, milliseconds."""
Number: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
"""A decimal number as a text."""
