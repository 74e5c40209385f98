"""How the pages' sentences become Chinese: finds every msgid in our sources, keeps the .po file, compiles it.

`python -m meadow.web.messages` brings the .po file up to date.  Everything is done by Babel, so no gettext programs
are needed; compiled files are made at start and are not kept in the repository.
"""

import os
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

HERE = Path(__file__).resolve().parent
LOCALE = HERE / "locale"
_KEYWORDS = {
    "_": None, "_text": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None,
    "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip


def compile_stale() -> None:
    """Compiles each .po file whose compiled form is of another time; where the checkout is read-only, elsewhere."""
    for source in LOCALE.glob("*/LC_MESSAGES/django.po"):
        target = source.with_suffix(".mo")
        if not os.access(source.parent, os.W_OK) and not target.exists():
            elsewhere = settings.MEADOW.data / "locale"
            target = elsewhere / target.relative_to(LOCALE)
            target.parent.mkdir(parents=True, exist_ok=True)
            if elsewhere not in settings.LOCALE_PATHS:
                settings.LOCALE_PATHS.insert(0, elsewhere)
        if not target.exists() or target.stat().st_mtime_ns != source.stat().st_mtime_ns:
            _compile(source, target)


def msgids() -> Catalog:
    """Every sentence that our templates and Python files ask a translation for."""
    found = Catalog(charset="utf-8")
    for path in sorted([*HERE.rglob("*.py"), *HERE.rglob("*.html"), *HERE.rglob("*.txt")]):
        for line, message, _comments, context in _sentences(path):
            place = (str(path.relative_to(HERE)), line)
            found.add(message, locations=[place], context=context or None)
    return found


def kept(language: str = "zh_Hans") -> Catalog:
    """The translations as they are written down."""
    with (LOCALE / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def update(language: str = "zh_Hans") -> int:
    """Adds new msgids to the .po file and drops those that no source names; returns how many lack a translation."""
    path = LOCALE / language / "LC_MESSAGES" / "django.po"
    known = kept(language) if path.exists() else Catalog(locale=language, charset="utf-8")
    fresh = Catalog(locale=language, project="Meadow", charset="utf-8", fuzzy=False, header_comment="")
    missing = 0
    for message in msgids():
        if not message.id:
            continue
        before = known.get(message.id, context=message.context)
        text = before.string if before else ""
        missing += not (all(text) if isinstance(text, tuple | list) else text)
        fresh.add(message.id, text or "", locations=message.locations, context=message.context)
    buffer = BytesIO()
    write_po(buffer, fresh, sort_output=True, width=110, include_lineno=False, omit_header=False)
    lines = buffer.getvalue().decode().splitlines(keepends=True)
    # Dates and tool versions in the header would make a difference of every run.
    path.write_text("".join(line for line in lines if not line.startswith(_NOISE)), encoding="utf-8")
    return missing


_NOISE = ('"POT-Creation', '"PO-Revision', '"Generated-By', '"Last-Translator', '"Language-Team', '"Report-Msgid')


def _sentences(path: Path) -> Iterator[tuple[int, str | tuple[str, ...], list[str], str | None]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # Django turns a template into calls with everything else blanked out; indents would confuse the tokenizer.
        text = "\n".join(line.strip() for line in templatize(text).splitlines())
    yield from extract("python", BytesIO(text.encode()), keywords=_KEYWORDS)


def _compile(source: Path, target: Path) -> None:
    # The compiled file takes the source's time: one that was made while the source was being written is made again.
    made_of = source.stat().st_mtime_ns
    with source.open("rb") as file:
        catalog = read_po(file, locale=source.parts[-3])
    # Several processes may start at once: each writes its own file, and the last rename wins with the same bytes.
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".tmp", delete=False) as made:
        write_mo(made, catalog)
    Path(made.name).chmod(0o644)
    os.utime(made.name, ns=(made_of, made_of))
    if source.stat().st_mtime_ns != made_of:
        # It changed meanwhile; whoever reads the newer one must not be overtaken by this.
        os.unlink(made.name)
        _compile(source, target)
    else:
        os.replace(made.name, target)


if __name__ == "__main__":
    count = update()
    raise SystemExit(f"{count} sentences lack a translation" if count else 0)
