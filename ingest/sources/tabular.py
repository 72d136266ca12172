"""Files into tables of the schema, as a description says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from ...graph.errors import ReadError
from ...graph.schema import TABLES
from ..addresses import combine, locate
from ..quarantine import ROW, VALUE
from ..readers import RawTable, no_faults
from .describe import HELPERS, Field, FileSpec
from .headers import PLACES, columns_of, recognise
from .values import CLEANERS, Context

#: What an id is made of, best first, where the description does not say.
_ID_PARTS = ("credit_code", "stock_code", "name")


@dataclass(frozen=True)
class Shaped:
    """A table of the schema made of a file, and what the user should know of it."""

    table: RawTable
    notices: tuple[str, ...]


def shape(raw: RawTable, spec: FileSpec, as_of: str) -> Shaped:
    """A file's table as a table of the schema, the file's own cells beside it.

    Args:
        raw: As read.
        spec: Its description.
        as_of: Date of the facts, for rates of exchange.

    Raises:
        ReadError: A column that the description needs is missing.
    """
    fields, notices = (_recognised if spec.synonyms else _described)(raw, spec)
    table = TABLES[spec.table]
    cells: dict[str, pd.Series] = {}
    headers: dict[str, str] = {}
    faults = [no_faults()]
    for name, how in fields.items():
        headers[name] = (how.columns or (how.address,))[0]
        context = Context(how.unit, as_of)
        if how.clean == "region":
            cells[name], apart = _region(raw, how)
            if apart:
                notices.append(f"{raw.file}：{apart} 行的地区与注册地址不在同一城市，以地址为准。")
            continue
        given = _joined(raw, how)
        outcome = CLEANERS[how.clean](given, context)
        cells[name] = outcome.cells
        needed = name in HELPERS or table.column(name).mandatory
        faults.append(_faults(name, given, outcome.reasons, ROW if needed else VALUE))
    if spec.synonyms:
        parts = [part for part in _ID_PARTS if part in cells]
        cells["id"] = cells[parts[0]]
        for part in parts[1:]:
            cells["id"] = cells["id"].where(cells["id"] != "", cells[part])
        headers["id"] = headers[parts[0]]
    frame = pd.DataFrame(
        {n: c for n, c in cells.items() if n not in HELPERS}, index=raw.frame.index
    )
    shaped = replace(
        raw,
        frame=frame,
        original=raw.frame,
        headers=headers,
        faults=pd.concat(faults, ignore_index=True),
        lenient=True,
    )
    return Shaped(shaped, tuple(notices))


def _described(raw: RawTable, spec: FileSpec) -> tuple[Mapping[str, Field], list[str]]:
    needed = {c for how in spec.columns.values() for c in (*how.columns, how.address) if c}
    if missing := sorted(needed - set(raw.frame.columns)):
        raise ReadError(f"{raw.file}：缺少列 {'、'.join(missing)}。")
    return spec.columns, []


def _recognised(raw: RawTable, spec: FileSpec) -> tuple[Mapping[str, Field], list[str]]:
    """The description's fields with the columns that the headers name."""
    chosen, spare = columns_of(list(raw.frame.columns))
    if "name" not in chosen:
        raise ReadError(f"{raw.file}：没有“企业名称”一类的列，无法作为企业名单读取。")
    fields: dict[str, Field] = {}
    for name, how in spec.columns.items():
        if name == "region":
            columns = tuple(chosen[place][0] for place in PLACES if place in chosen)
            address = chosen.get("address", ("", ""))[0]
            if columns or address:
                fields[name] = replace(how, columns=columns, address=address)
        elif name in chosen:
            column, unit = chosen[name]
            fields[name] = replace(how, columns=(column,), unit=unit or how.unit)
    strange = [c for c in raw.frame.columns if recognise(c) is None]
    notices = []
    if spare:
        notices.append(f"{raw.file}：同一内容有多列，未使用 {'、'.join(spare)}。")
    if strange:
        notices.append(f"{raw.file}：忽略了不认识的列 {'、'.join(strange)}。")
    for name, how in fields.items():
        if how.clean == "money" and not columns_unit(how.columns[0]):
            zh = TABLES[spec.table].column(name).zh
            notices.append(f"{raw.file}：{zh}列没有写明单位，未带单位的数按{how.unit}计。")
    return fields, notices


def columns_unit(label: str) -> str:
    """The unit a header states, "" if none."""
    found = recognise(label)
    return found.unit if found else ""


def _joined(raw: RawTable, how: Field) -> pd.Series:
    """The cells of a field's columns; of several the filled ones, separated by ``；``."""
    if not how.columns:
        return pd.Series(how.value, index=raw.frame.index, dtype="str")
    cells = raw.frame[how.columns[0]]
    for column in how.columns[1:]:
        more = raw.frame[column]
        both = (cells != "") & (more != "")
        cells = (cells + "；" + more).where(both, cells + more)
    return cells


def _region(raw: RawTable, how: Field) -> tuple[pd.Series, int]:
    """Region codes, and how many rows' columns and address name different cities."""
    blank = pd.Series("", index=raw.frame.index, dtype="str")
    place = blank
    for column in how.columns:
        place = place + CLEANERS["text"](raw.frame[column], Context()).cells
    if not how.address:
        return locate(place), 0
    codes, apart = combine(place, CLEANERS["text"](raw.frame[how.address], Context()).cells)
    return codes, int(apart.sum())


def _faults(column: str, given: pd.Series, reasons: pd.Series, level: str) -> pd.DataFrame:
    bad = (reasons != "").to_numpy(dtype=bool)
    return pd.DataFrame(
        {
            "at": bad.nonzero()[0],
            "column": column,
            "level": level,
            "reason": reasons[bad].to_numpy(dtype=object),
            "value": given[bad].to_numpy(dtype=object),
        }
    )
