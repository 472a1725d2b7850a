"""Saved mappings: TOML files that people write, or that a successful import saved under a name.

They are in `mappings/NAME.toml` of the home folder, as text that people can read, edit and share. Options on the
command line take precedence.
"""

import re
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tomlkit
from tomlkit.exceptions import TOMLKitError

from tickettape.imports.mapping import MappingError, known_columns
from tickettape.imports.times import check_format

KINDS = ("listings", "ranges")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True)
class SavedMapping:
    """How files of one kind are read; None if it is not set. Time formats are strptime's, `every` is in minutes."""

    kind: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    time_formats: tuple[str, ...] | None = None
    time_zone: str | None = None
    event_date_formats: tuple[str, ...] | None = None
    event_date_zone: str | None = None
    every: int | None = None
    partial: bool | None = None
    encoding: str | None = None

    @property
    def ranges(self) -> bool:
        """Whether the files hold price ranges. If the kind is not set, they hold listings."""
        return self.kind == "ranges"

    def overruled(self, by: "SavedMapping") -> "SavedMapping":
        """This mapping, with the values that another one sets in place of its own, column by column."""
        said = {one.name: value for one in fields(by) if (value := getattr(by, one.name)) is not None}
        return replace(self, **said | {"columns": self.columns | by.columns, "defaults": self.defaults | by.defaults})

    def checked(self) -> "SavedMapping":
        """This mapping, if it is valid. Raises MappingError if it is not."""
        if self.kind not in (None, *KINDS):
            raise MappingError(f"kind is {self.kind!r}, but must be {' or '.join(KINDS)}.")
        known = known_columns(ranges=self.ranges)
        if unknown := sorted({*self.columns, *self.defaults} - set(known)):
            what = "price ranges" if self.ranges else "listings"
            raise MappingError(
                f"{', '.join(unknown)}: not one of our columns for {what}, which are {', '.join(known)}."
            )
        return replace(
            self, time_formats=_formats(self.time_formats), event_date_formats=_formats(self.event_date_formats)
        )

    def zone(self, name: str) -> ZoneInfo | None:
        """The time zone that `time_zone` or `event_date_zone` names. Raises MappingError if it is unknown."""
        text = getattr(self, name)
        try:
            return ZoneInfo(text) if text else None
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise MappingError(f"{text!r} is not a time zone. Write UTC, or a name like America/New_York.") from None


def load_mapping(file_or_name: str, home: Path) -> SavedMapping:
    """A mapping from its file, or a saved one by its name. Raises MappingError if it cannot be read."""
    path = Path(file_or_name)
    if path.suffix.lower() != ".toml" and not path.is_file():
        path = _folder(home) / f"{file_or_name}.toml"
        if not _NAME.fullmatch(file_or_name) or not path.is_file():
            saved = ", ".join(sorted(one.stem for one in _folder(home).glob("*.toml"))) or "none yet"
            raise MappingError(
                f"There is no saved mapping {file_or_name!r} (saved: {saved}), and no such file. --save-mapping NAME "
                "saves the mapping of an import."
            )
    try:
        found = tomlkit.parse(path.read_text(encoding="utf-8")).unwrap()
    except OSError as error:
        raise MappingError(f"{path} cannot be read: {error.strerror}.") from error
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise MappingError(f"{path} is not valid TOML: {error}.") from error
    try:
        return _mapping(found).checked()
    except MappingError as error:
        raise MappingError(f"{path}: {error}") from None


def save_mapping(mapping: SavedMapping, name: str, home: Path, *, like: str | None = None) -> Path:
    """Save a mapping under a name, in place of an earlier one; returns its file.

    `like`: the file or name from which it was loaded. Its comments are kept.
    """
    check_name(name)
    path = _folder(home) / f"{name}.toml"
    document = tomlkit.document()
    if like is not None:
        source = Path(like) if Path(like).is_file() else _folder(home) / f"{like}.toml"
        document = tomlkit.parse(source.read_text(encoding="utf-8"))
    for one in fields(mapping):
        value = getattr(mapping, one.name)
        if value is None or value in ({}, ()):
            continue
        if isinstance(value, dict):
            table = document.setdefault(one.name, tomlkit.table())
            for key, text in value.items():
                if _text(table.get(key)) != text:
                    table[key] = text
        elif document.get(one.name) != (list(value) if isinstance(value, tuple) else value):
            document[one.name] = list(value) if isinstance(value, tuple) else value
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    return path


def check_name(name: str) -> None:
    """Raise MappingError if a mapping cannot be saved under this name."""
    if not _NAME.fullmatch(name):
        raise MappingError(f"{name!r} cannot be the name of a mapping. Use letters, digits, - and _.")


def _mapping(found: dict[str, Any]) -> SavedMapping:
    names = {one.name for one in fields(SavedMapping)}
    if unknown := sorted(set(found) - names):
        raise MappingError(f"{', '.join(unknown)}: not a known setting. A mapping can have {', '.join(sorted(names))}.")
    values: dict[str, Any] = {}
    for name, value in found.items():
        if name in ("columns", "defaults"):
            if not isinstance(value, dict):
                raise MappingError(f"{name} must be a table: [{name}], followed by lines OURS = ….")
            values[name] = {key: _text(one) for key, one in value.items()}
        elif name in ("time_formats", "event_date_formats"):
            values[name] = tuple(map(str, [value] if isinstance(value, str) else value))
        elif name == "every":
            if type(value) is not int or not 0 <= value <= 60:
                raise MappingError("every must be a number of minutes from 0 to 60.")
            values[name] = value
        elif name == "partial":
            if type(value) is not bool:
                raise MappingError("partial must be true or false.")
            values[name] = value
        else:
            values[name] = str(value)
    return SavedMapping(**values)


def _text(value: Any) -> str | None:
    """A column's name, or several joined with +; or a default, as a person types it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return "+".join(map(str, value))
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _formats(formats: tuple[str, ...] | None) -> tuple[str, ...] | None:
    try:
        return None if formats is None else tuple(map(check_format, formats))
    except ValueError as error:
        raise MappingError(
            f"This is not a time format: {error}. Write it as for strptime: %Y-%m-%d %H:%M:%S."
        ) from None


def _folder(home: Path) -> Path:
    return home / "mappings"
