"""Real answers compared with the schemas that OpenAPI has for them."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

Document = dict[str, Any]
"""The OpenAPI document."""

Answer = tuple[str, Any]
"""An operation's id, and the JSON that it answered."""


def operations(document: Document) -> dict[str, tuple[str, Any]]:
    """The operations by their id: the path, and what is said about it."""
    return {
        operation["operationId"]: (path, operation)
        for path, methods in document["paths"].items()
        for operation in methods.values()
    }


def schema_of(document: Document, operation_id: str) -> str:
    """The name of the schema of an operation's JSON answer."""
    _, operation = operations(document)[operation_id]
    content = success(operation)["application/json"]
    return str(content["schema"]["$ref"]).rpartition("/")[2]


def success(operation: Any) -> dict[str, Any]:
    """What an operation answers if it succeeds, by media type; nothing where it has nothing to say."""
    (response,) = (one for status, one in operation["responses"].items() if status.startswith("2"))
    return dict(response.get("content", {}))


def errors(document: Document, name: str, value: Any) -> list[str]:
    """What in a value does not fit a named schema, formats of dates and ids included."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return [f"{name}: {error.message}" for error in validator.iter_errors(value)]


def faults(document: Document, answers: list[Answer]) -> list[str]:
    """Where answers and schemas differ: errors, fields that only one of them has, nulls that never come."""
    found: list[str] = []
    seen: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for operation_id, value in answers:
        name = schema_of(document, operation_id)
        found += errors(document, name, value)
        for of, row in _objects(document, name, value):
            for field in row.keys() | document["components"]["schemas"][of]["properties"].keys():
                kinds = seen[of, field]
                kinds.add("missing" if field not in row else "null" if row[field] is None else "value")
    for (of, field), kinds in sorted(seen.items()):
        schema = document["components"]["schemas"][of]
        described = schema["properties"].get(field)
        if described is None:
            found.append(f"{of}.{field} is answered and not described")
        elif "missing" in kinds:
            found.append(f"{of}.{field} is described and not always answered")
        else:
            nullable = {"type": "null"} in described.get("anyOf", ())
            expected = {"value", "null"} if nullable else {"value"}
            found += [f"{of}.{field} is never a {kind}" for kind in sorted(expected - kinds)]
    return found


def _objects(document: Document, name: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of an answer with the names of their schemas: itself, and those of its lists."""
    yield name, value
    for field, described in document["components"]["schemas"][name]["properties"].items():
        row = described.get("items", {}).get("$ref", "").rpartition("/")[2]
        if row:
            for one in value.get(field, ()):
                yield from _objects(document, row, one)
