"""Products that a source knows by name alone, and the store by an id."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ..graph.chain import ChainGraph, split_list, typed
from ..graph.schema import REJECTS, TABLES
from ..graph.store import Facts
from .quarantine import Quarantine, raw_facts


def same_products(facts: Facts, graph: ChainGraph) -> Facts:
    """Facts with the ids of products that other packs state under exactly the same name or alias.

    Names that stand for several products are left alone. Two names of one product become one fact
    per key: shares add up, of the rest the first counts; the other rows are in quarantine, as is a
    product that would be its own input. The product keeps the name it has in the store.

    Args:
        facts: What a source states.
        graph: What the others state.
    """
    if "products" not in facts.tables:
        return facts
    products = facts.tables["products"]
    names: dict[str, str] = dict(zip(products["id"], products["name"], strict=True))
    known = _ids_by_name(graph)
    new_id = {i: known[name] for i, name in names.items() if name in known}
    if not new_id:
        return facts
    quarantine = Quarantine()
    tables = {
        name: _renamed(frame, name, new_id, quarantine) for name, frame in facts.tables.items()
    }
    called = dict(zip(graph["products"]["id"], graph["products"]["name"], strict=True))
    renamed = tables["products"]["id"].isin(set(new_id.values()))
    names_now = tables["products"]["id"].map(called)
    tables["products"] = tables["products"].assign(
        name=tables["products"]["name"].mask(renamed, names_now).astype("str")
    )
    rejects = pd.concat([facts.rejects, quarantine.table()[list(facts.rejects.columns)]])
    return replace(facts, tables=tables, rejects=typed(rejects.reset_index(drop=True), REJECTS))


def _ids_by_name(graph: ChainGraph) -> dict[str, str]:
    """Products by every name that only one of them bears."""
    products = graph["products"]
    found: dict[str, set[str]] = {}
    for i, name, aliases in zip(
        products["id"].tolist(),
        products["name"].tolist(),
        products["aliases"].fillna("").tolist(),
        strict=True,
    ):
        for each in (name, *split_list(aliases)):
            found.setdefault(each, set()).add(i)
    return {name: ids.pop() for name, ids in found.items() if len(ids) == 1}


def _renamed(
    frame: pd.DataFrame, name: str, new_id: dict[str, str], quarantine: Quarantine
) -> pd.DataFrame:
    """A table with other ids in its references to products, one row per key.

    Rows that merge into others or refer to themselves go to quarantine as the table's, on line 0,
    because a stage knows no files; the load puts the file's name in.
    """
    table = TABLES[name]
    columns = [c.name for c in table.columns if c.ref == "products" and not c.many]
    columns += ["id"] if name == "products" else []
    touched = pd.Series(False, index=frame.index)
    changed = frame.copy()
    for column in columns:
        here = frame[column].isin(new_id)
        changed[column] = frame[column].where(~here, frame[column].map(new_id)).astype("str")
        touched |= here
    if not touched.any():
        return frame
    loops = pd.Series(False, index=frame.index)
    if table.distinct is not None:
        one, other = table.distinct
        loops = touched & (changed[one] == changed[other])
    key = list(table.key)
    kept = changed[~loops]
    twice = kept.duplicated(key).reindex(frame.index, fill_value=False)
    for bad, reason in ((loops, "self_reference"), (twice, "same_product")):
        count = int(bad.sum())
        quarantine.add(
            name,
            np.zeros(count, dtype=np.int64),
            [columns[0]] * count,
            [reason] * count,
            raw_facts(frame[bad]),
        )
    if "share" in changed:
        total = kept.groupby(key, dropna=False)["share"].transform("sum", min_count=1)
        changed["share"] = total.clip(upper=1).reindex(frame.index)
    return typed(changed[~(loops | twice)].reset_index(drop=True), table)
