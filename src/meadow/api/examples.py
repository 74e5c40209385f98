"""What a document of a schema looks like: an example made of its fields' own examples."""

from typing import Any

_BY_TYPE: dict[str, Any] = {"integer": 1, "number": 1, "boolean": True, "string": "text", "null": None}
_BY_FORMAT = {"date-time": "2026-11-22T08:00:00.000000Z", "uri": "http://localhost:8000/"}


def example_of(schema: dict[str, Any], schemas: dict[str, Any], *, depth: int = 0) -> Any:
    """An example of a JSON schema; references are looked up in the components."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas, depth=depth + 1)
    for name in ("example", "const"):
        if name in schema:
            return schema[name]
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return example_of(schema[name][0], schemas, depth=depth)
    return _by_type(schema, schemas, depth)


def _by_type(schema: dict[str, Any], schemas: dict[str, Any], depth: int) -> Any:
    kind = schema.get("type", "object")
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas, depth=depth + 1)] if depth < 8 else []
    if kind == "object":
        return {
            name: example_of(member, schemas, depth=depth + 1) for name, member in schema.get("properties", {}).items()
        }
    if kind == "integer" and schema.get("minimum", 0) > 1:
        return schema["minimum"]
    return _BY_FORMAT.get(schema.get("format", "")) or _BY_TYPE[kind]
