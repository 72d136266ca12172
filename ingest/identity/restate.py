"""A decision put into the facts a store holds, as the next ingest of the same files would."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ...graph.chain import PACK, SINCE
from ...graph.schema import TABLES
from ...graph.store import Facts, Store
from ...graph.work import Decision
from ..quarantine import Quarantine, raw_facts
from .identifier import with_alias
from .resolve import resolve

_TABLE = "enterprises"


def settle(store: Store, keep: str, other: str, decisions: Iterable[Decision]) -> int:
    """Make two ids one enterprise or two in the store, by the keys and the decisions in force.

    Every pack that named the enterprise ``other`` is resolved again, as if it were ingested now.
    What no longer fits beside another row of its pack goes to the pack's quarantine.

    Args:
        store: Where the facts are.
        keep: The id that stays where they are one.
        other: The other id.
        decisions: All decisions in force.

    Returns:
        The version of the facts afterwards; unchanged where nothing changed.
    """
    decided = tuple(decisions)
    with store.writer() as writer:
        view = store.view()
        before = {f.pack: f for f in view.facts()}
        apart = dict(before)
        first = view.stated(_TABLE)
        first = first[first["id"] == keep]
        named = _named_by(first, other)
        for pack in named:
            apart[pack] = renamed(apart[pack], keep, other, merged=False)
        settled = dict(apart)
        for pack, facts in apart.items():
            if other not in set(facts.tables[_TABLE]["id"]):
                continue
            known = pd.concat(
                [f.tables[_TABLE] for name, f in settled.items() if name != pack]
                or [facts.tables[_TABLE].iloc[:0]],
                ignore_index=True,
            )
            final = resolve(facts.tables[_TABLE], known, decided).ids[other]
            if final == keep:
                settled[pack] = renamed(facts, other, keep, merged=True)
        if not any(other in set(f.tables[_TABLE]["id"]) for f in settled.values()):
            settled = {p: renamed(f, other, keep, merged=True) for p, f in settled.items()}
        for pack, facts in settled.items():
            if facts is not before[pack]:
                writer.replace(facts)
        return writer.version


def _named_by(rows: pd.DataFrame, other: str) -> list[str]:
    """Packs whose own id for an enterprise was ``other``: it is an alias of theirs.

    Where all of them have the alias, the first of them gave the enterprise the id it has.
    """
    ordered = rows.sort_values(SINCE, kind="stable")
    listed = ordered["aliases"].fillna("").str.split(";").map(lambda values: other in values)
    packs = [str(pack) for pack in ordered.loc[listed.astype(bool), PACK]]
    return packs[1:] if len(packs) == len(ordered) else packs


def renamed(facts: Facts, old: str, new: str, *, merged: bool) -> Facts:
    """A statement with one enterprise id in the place of another.

    A merged enterprise has the old id as an alias; one that is apart again has its own id no more
    among its aliases.
    """
    quarantine = Quarantine()
    changed = False
    tables = {}
    for name, frame in facts.tables.items():
        table = TABLES[name]
        columns = [c.name for c in table.columns if c.ref == _TABLE]
        if name == _TABLE and old in set(frame["id"]):
            at = frame["id"] == old
            cells = frame.loc[at, "aliases"]
            cells = with_alias(cells, frame.loc[at, "id"]) if merged else _without(cells, new)
            frame = frame.assign(aliases=frame["aliases"].mask(at, cells))
            columns = ["id"]
        hit = frame[columns].isin([old]).any(axis=1) if columns else pd.Series(False, frame.index)
        if not hit.any():
            tables[name] = frame
            continue
        frame = frame.assign(**{c: frame[c].mask(frame[c] == old, new) for c in columns})
        loops = pd.Series(False, index=frame.index)
        if table.distinct is not None:
            loops = hit & (frame[table.distinct[0]] == frame[table.distinct[1]])
        twice = frame.duplicated(list(table.key)) & ~loops
        for bad, reason in ((loops, "self_reference"), (twice, "duplicate_key")):
            count = int(bad.sum())
            quarantine.add(
                f"{name}.csv",
                np.zeros(count, dtype=np.int64),
                [columns[0]] * count,
                [reason] * count,
                raw_facts(frame[bad]),
            )
        tables[name] = frame[~(loops | twice)].reset_index(drop=True)
        changed = True
    if not changed:
        return facts
    rejects = facts.rejects
    if len(quarantine):
        rejects = pd.concat([rejects, quarantine.table()[list(rejects.columns)]], ignore_index=True)
    return Facts(facts.pack, tables, rejects)


def _without(aliases: pd.Series, name: str) -> pd.Series:
    parts = aliases.fillna("").str.split(";")
    left = parts.map(lambda values: ";".join(v for v in values if v != name))
    return left.where(left != "").astype("str")
