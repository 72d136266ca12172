"""Where facts come from: how well they are sourced, and who says what about an enterprise."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from ..graph.chain import PACK, ChainGraph, newest_first
from ..graph.schema import GENERAL_KNOWLEDGE, PROVENANCE, TABLES

#: Quality of a source, best first.
QUALITIES: Mapping[str, str] = MappingProxyType(
    {"documented": "有文件出处", "general": "一般性知识，未经核实", "none": "没有出处"}
)


def source_quality(graph: ChainGraph) -> pd.DataFrame:
    """Facts by table and quality of source.

    Returns:
        Columns table, facts, one per quality (counts), with_date (facts that have ``as_of``) and
        confidence (mean of the stated ones, NaN where none is); the last row, table "", is the sum.
    """
    rows = []
    for name in TABLES:
        frame = graph[name]
        if name in ("packs", "rules") or not len(frame):
            continue
        source = graph.text(name, "source")
        general = source == GENERAL_KNOWLEDGE
        rows.append(
            {
                "table": name,
                "facts": len(frame),
                "documented": int(((source != "") & ~general).sum()),
                "general": int(general.sum()),
                "none": int((source == "").sum()),
                "with_date": int((graph.text(name, "as_of") != "").sum()),
                "confidence": frame["confidence"].mean(),
                "stated": int(frame["confidence"].notna().sum()),
            }
        )
    columns = ["table", "facts", *QUALITIES, "with_date", "confidence"]
    if not rows:
        return pd.DataFrame({c: pd.Series(dtype="object") for c in columns})
    table = pd.DataFrame(rows)
    whole = table.drop(columns=["table", "confidence"]).sum().to_dict()
    weighted = float(np.nansum(table["confidence"] * table["stated"]))
    mean = weighted / whole["stated"] if whole["stated"] else np.nan
    total = pd.DataFrame([{"table": "", **whole, "confidence": mean}])
    return pd.concat([table, total], ignore_index=True)[columns]


def who_says(stated: pd.DataFrame, number: str, name: str = "enterprises") -> pd.DataFrame:
    """Every field of a node with what each pack says of it.

    Args:
        stated: What every pack says in the node's table, not merged, see
            :meth:`graph.store.View.stated`.
        number: Id of the node.
        name: Its table.

    Returns:
        Columns field, value, pack, as_of, source, confidence, method and used: whether the graph has
        this value. Of a
        list it has all values, of other fields that of the newest fact that states one. In order of
        the declaration, newest first; what no pack states is left out.
    """
    table = TABLES[name]
    rows = newest_first(stated[stated["id"] == number], ["id"])
    found = []
    about = {c.name for c in PROVENANCE}
    for column in table.columns:
        if column.name in about or column.key:
            continue
        said = rows[rows[column.name].notna()]
        found.append(
            pd.DataFrame(
                {
                    "field": column.name,
                    "value": said[column.name].astype(object),
                    PACK: said[PACK],
                    "as_of": said["as_of"],
                    "source": said["source"],
                    "confidence": said["confidence"],
                    "method": said["method"],
                    "used": [column.many or n == 0 for n in range(len(said))],
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def facts_about(
    stated: Mapping[str, pd.DataFrame], number: str, to: str = "enterprises"
) -> list[tuple[str, pd.DataFrame]]:
    """Facts of other tables that refer to a node, by table, not merged.

    Args:
        stated: What every pack says, by table.
        number: Id of the node.
        to: Its table.
    """
    found = []
    for name, table in TABLES.items():
        columns = [c for c in table.columns if c.ref == to]
        if columns:
            frame = stated[name]
            named = pd.Series(False, index=frame.index)
            for column in columns:
                cells = frame[column.name]
                if column.many:
                    cells = ";" + cells.fillna("") + ";"
                    named |= cells.str.contains(f";{number};", regex=False).fillna(False)
                else:
                    named |= (cells == number).fillna(False)
            rows = newest_first(frame[named], list(table.key))
            if len(rows):
                found.append((name, rows[[*table.names, PACK]].reset_index(drop=True)))
    return found
