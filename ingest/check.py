"""Checks a statement: values are cleaned, keys and references checked, what is wrong quarantined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from types import MappingProxyType

import numpy as np
import pandas as pd

from ..graph.chain import records, typed
from ..graph.errors import ReadError
from ..graph.rules import RULE_NAMES
from ..graph.schema import EPSILON, TABLES, Table
from ..graph.store import Facts
from . import cleaners
from .identity.identifier import Identifier
from .pack import Expectation, FileReport, PackReport, Progress, RawPack
from .quarantine import ROW, VALUE, Quarantine, raw_rows
from .readers import RawTable


class Known(Mapping[str, Set[str]]):
    """Ids of nodes by table, to which references may point: looked up when first asked for."""

    def __init__(self, look_up: Callable[[str], Set[str]] = lambda table: frozenset()) -> None:
        self._look_up = look_up
        self._ids: dict[str, set[str]] = {}

    def __getitem__(self, table: str) -> set[str]:
        if table not in self._ids:
            self._ids[table] = set(self._look_up(table))
        return self._ids[table]

    def __iter__(self) -> Iterator[str]:
        return iter(TABLES)

    def __len__(self) -> int:
        return len(TABLES)


def check_pack(
    raw: RawPack,
    known: Known | None = None,
    progress: Progress | None = None,
    identifier: Identifier | None = None,
    beside: Mapping[str, pd.DataFrame] = MappingProxyType({}),
) -> tuple[Facts, PackReport]:
    """Clean and check a statement.

    Args:
        raw: The pack as read.
        known: Ids of other packs' nodes, to which this pack may refer.
        progress: Told before each table.
        identifier: Gives enterprises the ids they go by in the store; None leaves their own.
        beside: What the pack states already, by table, where these are some of its rows only.

    Returns:
        The facts to load, and what became of each file.

    Raises:
        ReadError: A table falls short of what its source promises.
    """
    quarantine = Quarantine()
    others = known if known is not None else Known()
    own: dict[str, set[str]] = {}
    ids = Known(lambda name: others[name] | own.get(name, set()))
    own_words = {"id": raw.name, "title": raw.title, "licence": raw.licence, "kind": raw.source}
    head = pd.DataFrame([own_words])
    head = head.assign(**raw.defaults).replace("", np.nan)
    frames = {"packs": typed(head, TABLES["packs"])}
    reports = []
    for done, (name, table) in enumerate(TABLES.items()):
        if progress is not None:
            progress(table.zh, done, len(TABLES))
        if name not in raw.tables:
            continue
        before = len(quarantine)
        frame = _check_table(
            table, raw.tables[name], raw.defaults, ids, (beside, frames), quarantine, identifier
        )
        if name == "enterprises" and identifier is not None:
            frame = identifier.enterprises(frame)
        frames[name] = frame
        if "id" in frame:
            own[name] = set(frame["id"])
        _expect(raw.expected.get(name), frame, raw.tables[name].file)
        rows = len(raw.tables[name].frame) + len(raw.tables[name].ragged)
        added = len(quarantine) - before
        reports.append(
            FileReport(
                raw.tables[name].file,
                name,
                rows,
                len(frame),
                rows - len(frame),
                added - (rows - len(frame)),
            )
        )
    for helper in raw.helpers:
        before = len(quarantine)
        blank = pd.Series("", index=helper.frame.index, dtype=object)
        _report(helper, *_given_faults(helper, blank), quarantine)
        rows = len(helper.frame) + len(helper.ragged)
        added = len(quarantine) - before
        reports.append(FileReport(helper.file, "", rows, rows - added, added, 0))
    rejects = quarantine.table()
    people = sum(len(t.people_columns) for t in (*raw.tables.values(), *raw.helpers))
    report = PackReport(
        raw.name,
        raw.title,
        tuple(reports),
        people,
        raw.notices,
        raw.source,
        dict(Counter(rejects["reason"].tolist())),
    )
    return Facts(raw.name, frames, rejects), report


def _check_table(
    table: Table,
    raw: RawTable,
    defaults: Mapping[str, str],
    ids: Known,
    stated: Sequence[Mapping[str, pd.DataFrame]],
    quarantine: Quarantine,
    identifier: Identifier | None,
) -> pd.DataFrame:
    """The usable rows of one table; the rest goes to quarantine."""
    cells = raw.frame
    blank = pd.Series("", index=cells.index, dtype="str")
    fault, where, dropped = _given_faults(raw, pd.Series("", index=cells.index, dtype=object))
    data: dict[str, pd.Series] = {}

    def blame(mask: pd.Series, column: str, reason: str | pd.Series) -> None:
        fresh = mask & (fault == "")
        fault[fresh] = reason if isinstance(reason, str) else reason[fresh]
        where[fresh] = column

    for column in table.columns:
        given = cells.get(column.name, blank)
        if column.name in defaults:
            given = given.where(given != "", defaults[column.name])
        cleaned = cleaners.clean(given, column)
        if raw.lenient and not column.mandatory:
            bad = np.flatnonzero((cleaned.reasons != "").to_numpy())
            dropped += [
                (int(at), column.name, str(given.iloc[at]), str(cleaned.reasons.iloc[at]))
                for at in bad
            ]
        else:
            blame(cleaned.reasons != "", column.name, cleaned.reasons)
        dropped += [(at, column.name, value, why) for at, value, why in cleaned.dropped]
        data[column.name] = cleaned.values
    frame = pd.DataFrame(data, index=cells.index)
    for column in table.columns:
        if column.ref is None:
            continue
        if not frame[column.name].notna().any():
            continue
        target = ids[column.ref]
        if identifier is not None and column.ref == "enterprises":
            frame[column.name] = identifier.follow(frame[column.name])
        if column.many:
            frame[column.name], unknown = _known_items(frame[column.name], target)
            dropped += [(at, column.name, value, "unknown_reference") for at, value in unknown]
        else:
            values = frame[column.name]
            blame(values.notna() & ~values.isin(target), column.name, "unknown_reference")
    if table.distinct is not None:
        one, other = table.distinct
        blame(frame[one].notna() & (frame[one] == frame[other]), other, "self_reference")
    if table.name == "rules":
        blame(~frame["name"].isin(RULE_NAMES), "name", "unknown_rule")
    if table.name == "produces":
        for said in reversed(stated):
            if "enterprises" in said:
                home = said["enterprises"].set_index("id")["region"]
                where_from = frame["enterprise"].map(home).astype("str")
                frame["region"] = frame["region"].fillna(where_from).astype("str")
    good = fault == ""
    blame(
        good & frame[good].duplicated(list(table.key)).reindex(frame.index, fill_value=False),
        table.key[0],
        "duplicate_key",
    )
    if table.name == "inputs":
        given_share = (fault == "") & frame["cost_share"].notna()
        total = frame["cost_share"].where(given_share).groupby(frame["product"]).transform("sum")
        blame(given_share & (total > 1 + EPSILON), "cost_share", "cost_shares_over_1")
    _report(raw, fault, where, dropped, quarantine)
    return typed(frame[(fault == "").to_numpy()].reset_index(drop=True), table)


def _known_items(cells: pd.Series, target: Set[str]) -> tuple[pd.Series, list[tuple[int, str]]]:
    """List cells without unknown ids, and those ids with their row positions."""
    items = cells.reset_index(drop=True).dropna().str.split(";").explode()
    bad = items[~items.isin(target)]
    if not len(bad):
        return cells, []
    kept = items[items.isin(target)].groupby(level=0).agg(";".join)
    clean = kept.reindex(range(len(cells))).set_axis(cells.index).astype("str")
    return clean, list(zip(bad.index.tolist(), bad.tolist(), strict=True))


def _given_faults(
    raw: RawTable, blank: pd.Series
) -> tuple[pd.Series, pd.Series, list[tuple[int, str, str, str]]]:
    """What the source found already: reason and column of bad rows, and values left out."""
    fault, where = blank.copy(), blank.copy()
    whole = raw.faults[raw.faults["level"] == ROW].drop_duplicates("at")
    fault.iloc[whole["at"].to_numpy()] = whole["reason"].to_numpy(dtype=object)
    where.iloc[whole["at"].to_numpy()] = whole["column"].to_numpy(dtype=object)
    single = raw.faults[raw.faults["level"] == VALUE]
    dropped = single[["at", "column", "value", "reason"]].itertuples(index=False, name=None)
    return fault, where, list(dropped)


def _expect(expected: Expectation | None, frame: pd.DataFrame, file: str) -> None:
    if expected is None:
        return
    if len(frame) < expected.rows:
        raise ReadError(f"{file}：可用的行只有 {len(frame)}，少于该来源应有的 {expected.rows}。")
    for column, share in expected.fill.items():
        known = float(frame[column].notna().mean()) if len(frame) else 0.0
        if known < share:
            zh = next(
                (c.zh for t in TABLES.values() for c in t.columns if c.name == column), column
            )
            raise ReadError(
                f"{file}：{zh}只有 {known:.1%} 的行已知，少于该来源应有的 {share:.0%}。"
            )


def _report(
    raw: RawTable,
    fault: pd.Series,
    where: pd.Series,
    dropped: list[tuple[int, str, str, str]],
    quarantine: Quarantine,
) -> None:
    stood = raw.frame if raw.original is None else raw.original
    shown = raw.headers
    bad = np.flatnonzero((fault != "").to_numpy())
    rows = stood.iloc[bad]
    columns = [shown.get(column, column) for column in where.iloc[bad].tolist()]
    values = [row.get(column, "") for row, column in zip(records(rows), columns, strict=True)]
    quarantine.add(
        raw.file, raw.lines[bad], columns, fault.iloc[bad].tolist(), raw_rows(rows), values=values
    )
    kept = [d for d in dropped if fault.iloc[d[0]] == ""]
    at = np.asarray([d[0] for d in kept], dtype=np.int64)
    quarantine.add(
        raw.file,
        raw.lines[at],
        [shown.get(d[1], d[1]) for d in kept],
        [d[3] for d in kept],
        raw_rows(stood.iloc[at]),
        level=VALUE,
        values=[d[2] for d in kept],
    )
    quarantine.add(
        raw.file,
        np.asarray([line for line, _ in raw.ragged], dtype=np.int64),
        [""] * len(raw.ragged),
        ["wrong_columns"] * len(raw.ragged),
        [text for _, text in raw.ragged],
    )
