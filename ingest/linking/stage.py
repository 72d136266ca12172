"""Who makes what, from the texts of a source: a stage of loading."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ...graph.chain import ChainGraph, typed
from ...graph.schema import TABLES
from ...graph.store import Facts
from .linker import MAKES, PRODUCTS, SCOPE, SELLS, Linker, strongest

#: Text columns of enterprises, and what kind of text they hold.
_FIELDS = {"main_products": PRODUCTS, "scope": SCOPE}
_ROLES = {MAKES: "maker", SELLS: "seller"}


def text_products(facts: Facts, graph: ChainGraph) -> Facts:
    """Facts with PRODUCES rows for enterprises of which nobody states what they make.

    Only products that stand in a link of a chain are looked for. What a text says is inferred: each
    row carries its confidence and, as ``method``, the words it rests on.

    Args:
        facts: What a source states.
        graph: What the others state.
    """
    enterprises = facts.tables.get("enterprises")
    products = graph["products"]
    products = products[products["links"].notna()]
    if enterprises is None or not len(products):
        return facts
    given = facts.tables.get("produces", typed(pd.DataFrame(), TABLES["produces"]))
    stated = {*given["enterprise"], *graph["produces"]["enterprise"]}
    columns = ["id", "region", "industry", "source", "as_of", *_FIELDS]
    silent = enterprises.loc[~enterprises["id"].isin(stated), columns]
    parts = [
        pd.DataFrame(
            {
                "enterprise": silent["id"],
                "field": field,
                "text": silent[column],
                "industry": silent["industry"],
            }
        ).dropna(subset=["text"])
        for column, field in _FIELDS.items()
    ]
    texts = pd.concat(parts, ignore_index=True)
    if not len(texts):
        return facts
    links = strongest(Linker(products).link(texts))
    links = links[links["role"].isin(_ROLES)]
    said = silent.set_index("id").loc[links["enterprise"], ["region", "source", "as_of"]]
    found = pd.DataFrame(
        {
            "enterprise": links["enterprise"].to_numpy(),
            "product": links["product"].to_numpy(),
            "region": said["region"].to_numpy(),
            "role": links["role"].map(_ROLES).to_numpy(),
            "source": said["source"].to_numpy(),
            "as_of": said["as_of"].to_numpy(),
            "confidence": links["confidence"].to_numpy(),
            "method": ("文本识别：" + links["matched"]).to_numpy(),
        }
    )
    table = TABLES["produces"]
    whole = typed(pd.concat([given, found], ignore_index=True), table)
    whole = whole.drop_duplicates(list(table.key), ignore_index=True)
    return replace(facts, tables={**facts.tables, "produces": whole})
