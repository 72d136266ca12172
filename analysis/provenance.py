"""How well the facts are sourced: counted by table and by what their source is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from ..graph.chain import ChainGraph
from ..graph.schema import GENERAL_KNOWLEDGE, TABLES

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
