"""What a version of the API promises, in words, and what would break it.

`python -m tests.support.api_promise > tests/serving/api_promise.json` writes down what is new.
"""

import json
import sys
from typing import Any

from serving.app import build_app
from tests.support.described_answers import Document, operations, success
from tickettape.settings import Settings

Words = dict[str, str]
"""What a field, a parameter or an answer may be, by its name: words with " | " between them."""


def promise(document: Document) -> dict[str, Any]:
    """The version, its operations by path and id with parameters and answers, and its schemas with their fields."""
    found = {}
    for name, (path, operation) in sorted(operations(document).items()):
        bodies = operation.get("requestBody", {}).get("content", {})
        found[f"{name} {path}"] = {
            "parameters": {
                one["name"]: _words(one["schema"], one["required"]) for one in operation.get("parameters", ())
            },
            "answers": {kind: _words(content["schema"]) for kind, content in success(operation).items()},
            **({"body": {kind: _words(content["schema"]) for kind, content in bodies.items()}} if bodies else {}),
        }
    schemas = {
        name: {field: _words(of) for field, of in schema["properties"].items()}
        for name, schema in sorted(document["components"]["schemas"].items())
    }
    return {"version": document["info"]["version"], "operations": found, "schemas": schemas}


def breaks(promised: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What was promised and is gone, and what no client had to expect: a null, a required parameter."""
    found = []
    for name, old in promised["operations"].items():
        new = now["operations"].get(name, {"parameters": {}, "answers": {}})
        found += _changed(name, old["answers"], new["answers"])
        found += _changed(name, old["parameters"], new["parameters"])
        found += _changed(name, old.get("body", {}), new.get("body", {}))
        added = new["parameters"].keys() - old["parameters"].keys()
        found += [f"{name}: {one} is required" for one in added if "required" in new["parameters"][one].split(" | ")]
    for name, fields in promised["schemas"].items():
        found += _changed(name, fields, now["schemas"].get(name, {}))
    return found


def _changed(name: str, old: Words, new: Words) -> list[str]:
    found = []
    for key, words in old.items():
        before, after = set(words.split(" | ")), set(new.get(key, "").split(" | "))
        found += [f"{name}: {key} is no longer {one}" for one in sorted(before - after - {"required", "null"})]
        found += [f"{name}: {key} is now {one}" for one in sorted((after - before) & {"required", "null"})]
    return found


def _words(schema: dict[str, Any], required: bool = False) -> str:
    default = [f"default {schema['default']!r}"] if "default" in schema else []
    return " | ".join([*_types(schema), *default, *(["required"] if required else [])])


def _types(schema: dict[str, Any]) -> list[str]:
    if "$ref" in schema:
        return [str(schema["$ref"]).rpartition("/")[2]]
    if "anyOf" in schema:
        return [one for option in schema["anyOf"] for one in _types(option)]
    if "items" in schema:
        return [f"list of {one}" for one in _types(schema["items"])]
    if "const" in schema:
        return [repr(schema["const"])]
    if "enum" in schema:
        return [repr(value) for value in schema["enum"]]
    return [" ".join(filter(None, (schema.get("type", "anything"), schema.get("format"))))]


if __name__ == "__main__":
    json.dump(promise(build_app(Settings(), "").openapi()), sys.stdout, indent=1)
    sys.stdout.write("\n")
