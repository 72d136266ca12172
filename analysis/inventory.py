"""What a region has of a cluster: its makers, its links and its institutes, in figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..graph import regions as geo
from ..graph.chain import Codes
from ..graph.schema import STAGES
from .gaps import Gaps


def local_makers(gaps: Gaps) -> pd.DataFrame:
    """Enterprises that make products of the cluster in the region, largest first.

    Returns:
        Columns enterprise (id), name, place (region code of the plant with the largest output),
        labels (codes joined by ``;``), products (names, largest output first), output (CNY a year,
        of the cluster's products in the region), size_known.
    """
    economy, graph = gaps.scope.economy, gaps.scope.graph
    rows = _rows(gaps)
    rows = rows[geo.within(economy.region[rows], gaps.scope.region)]
    frame = pd.DataFrame(
        {
            "at": economy.enterprise[rows],
            "place": economy.region[rows],
            "product": graph.text("products", "name")[economy.product[rows]],
            "output": economy.output[rows],
        }
    ).sort_values("output", ascending=False, kind="stable")
    found = frame.groupby("at", sort=False).agg(
        place=("place", "first"),
        products=("product", lambda names: tuple(dict.fromkeys(names))),
        output=("output", "sum"),
    )
    at = found.index.to_numpy(dtype=np.int64)
    found.insert(0, "enterprise", graph.text("enterprises", "id")[at])
    found.insert(1, "name", graph.text("enterprises", "name")[at])
    found["labels"] = graph.text("enterprises", "labels")[at]
    found["size_known"] = ~economy.imputed[at]
    order = ["output", "enterprise"]
    return found.sort_values(order, ascending=[False, True]).reset_index(drop=True)


def chain_links(gaps: Gaps) -> pd.DataFrame:
    """The cluster's links from upstream to downstream, with what the region makes and lacks.

    A product counts in the link that stands for it in the table of gaps.

    Returns:
        Columns link (id), name, stage, products, made (numbers of products), acting (products with
        an action), makers (enterprises in the region), output, unmet (CNY a year).
    """
    scope, economy = gaps.scope, gaps.scope.economy
    rows = _rows(gaps)
    rows = rows[geo.within(economy.region[rows], scope.region)]
    link_of = np.full(economy.products, "", dtype=object)
    link_of[scope.products] = scope.chain["link"].to_numpy(dtype=object)
    makers = (
        pd.DataFrame({"link": link_of[economy.product[rows]], "e": economy.enterprise[rows]})
        .drop_duplicates()
        .groupby("link")
        .size()
    )
    table = gaps.table.assign(
        acting=[bool(a) for a in gaps.table["actions"]],
        unmet=gaps.table["demand"] * (1.0 - gaps.table["fulfilment"]),
    )
    summed = table.groupby("link").agg(
        products=("product", "size"),
        made=("made", "sum"),
        acting=("acting", "sum"),
        output=("output", "sum"),
        unmet=("unmet", "sum"),
    )
    links = scope.graph["links"].set_index("id").loc[summed.index, ["name", "stage", "position"]]
    whole = links.join(summed).assign(makers=makers.reindex(summed.index).fillna(0).astype(int))
    stages = {stage: at for at, stage in enumerate(STAGES)}
    whole["stage_at"] = whole["stage"].map(stages)
    whole = whole.rename_axis("link").reset_index().sort_values(["stage_at", "position", "link"])
    columns = ["link", "name", "stage", "products", "made", "acting", "makers", "output", "unmet"]
    return whole[columns].reset_index(drop=True)


def local_institutes(gaps: Gaps) -> pd.DataFrame:
    """Institutes in the region that research products of the cluster, the broadest first.

    Returns:
        Columns institute (id), name, place (region code), products (names).
    """
    graph = gaps.scope.graph
    research = graph["research"]
    research = research[research["product"].isin(set(gaps.table["product"]))]
    at = graph.position("institutes", research["institute"])
    near = geo.within(graph.text("institutes", "region")[at], gaps.scope.region)
    at, research = at[near], research[near]
    names = dict(zip(gaps.table["product"], gaps.table["name"], strict=True))
    frame = pd.DataFrame(
        {
            "institute": graph.text("institutes", "id")[at],
            "name": graph.text("institutes", "name")[at],
            "place": graph.text("institutes", "region")[at],
            "product": [names[p] for p in research["product"]],
        }
    )
    found = frame.groupby(["institute", "name", "place"], sort=False)["product"].agg(tuple)
    result = found.rename("products").reset_index()
    breadth = result["products"].map(len)
    return (
        result.assign(breadth=breadth)
        .sort_values(["breadth", "institute"], ascending=[False, True])
        .drop(columns="breadth")
        .reset_index(drop=True)
    )


def _rows(gaps: Gaps) -> Codes:
    """Positions of PRODUCES rows that make a product of the cluster."""
    economy = gaps.scope.economy
    ours = np.zeros(economy.products, dtype=bool)
    ours[gaps.scope.products] = True
    return np.flatnonzero(ours[economy.product] & (economy.output > 0))
