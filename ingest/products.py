"""Products that a source knows by name alone, and the store by an id."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ..graph.chain import ChainGraph, split_list, typed
from ..graph.schema import TABLES
from ..graph.store import Facts


def same_products(facts: Facts, graph: ChainGraph) -> Facts:
    """Facts with the ids of products that other packs state under exactly the same name or alias.

    Names that stand for several products are left alone. Two names of one product become one fact
    per key: shares add up, of the rest the first counts. A product that would be its own input says
    nothing.

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
    return replace(
        facts, tables={name: _renamed(frame, name, new_id) for name, frame in facts.tables.items()}
    )


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


def _renamed(frame: pd.DataFrame, name: str, new_id: dict[str, str]) -> pd.DataFrame:
    """A table with other ids in its references to products, one row per key."""
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
    if table.distinct is not None:
        one, other = table.distinct
        changed = changed[changed[one] != changed[other]]
    key = list(table.key)
    if "share" in changed:
        total = changed.groupby(key, dropna=False)["share"].transform("sum", min_count=1)
        changed["share"] = total.clip(upper=1)
    return typed(changed.drop_duplicates(key).reset_index(drop=True), table)
