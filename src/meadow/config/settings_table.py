"""How docs/operate.md learns its table of settings: from the typed class itself, sentence by sentence."""

import re
from dataclasses import fields
from pathlib import Path

from meadow.config import settings

_FIELD = re.compile(r"((?:    #: .*\n)+)    (\w+): (\w+) = (.+)\n")


def table() -> str:
    """The settings as a Markdown table: environment variable, default, what it does."""
    source = Path(settings.__file__).read_text(encoding="utf-8")
    found = {name: (kind, default, _sentence(says)) for says, name, kind, default in _FIELD.findall(source)}
    rows = ["| variable | default | what it sets |", "| --- | --- | --- |"]
    for field in fields(settings.Settings):
        _, default, says = found[field.name]
        variable = "DATABASE_URL" if field.name == "database_url" else f"MEADOW_{field.name.upper()}"
        shown = {'""': "empty", 'CHECKOUT / ".data"': "`.data` in the checkout"}.get(
            default, f"`{default.strip(chr(34))}`"
        )
        rows.append(f"| `{variable}` | {shown} | {says} |")
    return "\n".join(rows)


def _sentence(says: str) -> str:
    return " ".join(line.strip().removeprefix("#:").strip() for line in says.splitlines())
