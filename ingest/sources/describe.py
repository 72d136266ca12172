"""Descriptions of sources: TOML files of ``data/sources``, or of the user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import Any

from ...graph.errors import ReadError
from ...graph.schema import TABLES
from ..pack import Expectation

#: Columns that only help to make an id and are not stored.
HELPERS = ("credit_code",)


@dataclass(frozen=True)
class Field:
    """How one column of the schema is made.

    Attributes:
        columns: Columns of the file; several are joined, or for an id tried in turn.
        clean: Name of a cleaner of :mod:`.values`; "" takes the cell as it stands.
        unit: Unit of money where neither header nor cell says one.
        value: The same value in every row.
        address: For regions: the column with an address.
    """

    columns: tuple[str, ...] = ()
    clean: str = ""
    unit: str = ""
    value: str = ""
    address: str = ""


@dataclass(frozen=True)
class FileSpec:
    """One file of a source and the table it states.

    Attributes:
        file: Name of the file in a folder; "" where the source is the file itself.
        table: Table of the schema; "" where the file only helps the source's function.
        columns: Fields by column of the schema.
        synonyms: Columns are recognised by ``data/sources/headers.csv`` instead.
        expect: What must hold of the loaded rows.
    """

    file: str = ""
    table: str = ""
    columns: Mapping[str, Field] = field(default_factory=dict)
    synonyms: bool = False
    expect: Expectation = field(default_factory=Expectation)


@dataclass(frozen=True)
class Source:
    """A source.

    Attributes:
        name: What ``--source`` takes.
        title: What a bureau reads.
        licence: On what terms its data may be used.
        source: Origin of its facts; "" takes the file's name.
        as_of: Date of its facts; "" takes a date in the file's name, if there is one.
        pack: Name of its statement; "" takes the file's name.
        suffixes: Endings of its file.
        headers: Columns by which its file is recognised.
        files: What it reads. A source with file names is a folder.
        function: ``module:function`` of this package that has the last word on its tables.
    """

    name: str
    title: str
    licence: str = ""
    source: str = ""
    as_of: str = ""
    pack: str = ""
    suffixes: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    files: tuple[FileSpec, ...] = ()
    function: str = ""

    @property
    def folder(self) -> bool:
        """Whether it is a folder of files."""
        return any(spec.file for spec in self.files)

    @property
    def synonyms(self) -> bool:
        """Whether its columns are recognised by their headers."""
        return any(spec.synonyms for spec in self.files)


@cache
def shipped() -> Mapping[str, Source]:
    """The sources that ship, by name."""
    found = {}
    for path in sorted(
        files("chainatlas").joinpath("data/sources").iterdir(), key=lambda p: p.name
    ):
        if path.name.endswith(".toml"):
            source = parse(path.read_text(encoding="utf-8"), path.name)
            found[source.name] = source
    return found


def by_name(name: str) -> Source:
    """The source of a name.

    Raises:
        ReadError: There is none.
    """
    if name not in shipped():
        raise ReadError(f"没有名为 {name} 的数据源，应为：{'、'.join(shipped())}。")
    return shipped()[name]


def parse(text: str, file: str) -> Source:
    """A description.

    Raises:
        ReadError: It is no TOML, or says something that is not known here.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ReadError(f"{file}：不是有效的 TOML（{error}）。") from error
    specs = tuple(_file_spec(part, file) for part in document.pop("files", []))
    source: Source = _made(Source, {**document, "files": specs}, file)
    return source


def _file_spec(part: dict[str, Any], file: str) -> FileSpec:
    table = part.get("table", "")
    if table and table not in TABLES:
        raise ReadError(f"{file}：没有名为 {table} 的表。")
    columns = {}
    for name, how in part.pop("columns", {}).items():
        if table and name not in (*TABLES[table].names, *HELPERS):
            raise ReadError(f"{file}：{table} 表没有 {name} 列。")
        columns[name] = _made(Field, {"columns": [how]} if isinstance(how, str) else how, file)
    expect = _made(Expectation, part.pop("expect", {}), file)
    spec: FileSpec = _made(FileSpec, {**part, "columns": columns, "expect": expect}, file)
    return spec


def _made(kind: Any, values: Mapping[str, Any], file: str) -> Any:
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(values) - known):
        raise ReadError(f"{file}：不认识的设置 {'、'.join(unknown)}。")
    try:
        return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    except TypeError as error:
        raise ReadError(f"{file}：缺少必要的设置（{error}）。") from error
