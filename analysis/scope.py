"""What a question is about: a region and a cluster, checked and resolved once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..graph import regions as geo
from ..graph.chain import ChainGraph, Codes
from ..graph.errors import NotFoundError
from ..graph.rules import Rules
from .economy import Economy


@dataclass(frozen=True)
class Scope:
    """A region and a cluster of a graph.

    Attributes:
        economy: The economy by the cluster's typical sizes.
        region: Region code.
        cluster: Cluster id.
        rules: Rules in force for the cluster.
        products: Positions of the cluster's products, by id, shape (C,).
        chain: One row per product of the cluster, in the same order: product, name, link (the one
            with the lowest position, then id), link_name, stage.
        links: Every (product, link) pair of the cluster: positions in ``products``, link ids.
    """

    economy: Economy
    region: str
    cluster: str
    rules: Rules
    products: Codes
    chain: pd.DataFrame
    links: tuple[Codes, Codes]

    @property
    def graph(self) -> ChainGraph:
        """The facts."""
        return self.economy.graph

    @cached_property
    def slots(self) -> Codes:
        """Place of every product of the graph in ``products``, -1 where not there, (products,)."""
        slot = np.full(self.economy.products, -1, dtype=np.int64)
        slot[self.products] = np.arange(len(self.products))
        return slot

    @classmethod
    def of(cls, graph: ChainGraph, region: str, cluster: str) -> Scope:
        """Resolve a question.

        Raises:
            NotFoundError: No such region or cluster.
        """
        if not geo.exists(region):
            raise NotFoundError(f"没有这个地区：{region}。")
        if cluster not in graph.index("clusters"):
            have = "、".join(graph.index("clusters")) or "（空）"
            raise NotFoundError(f"没有这个集群：{cluster}；现有：{have}。")
        rules = graph.rules(cluster)
        rows, names = graph.listed("products", "links")
        link = graph.position("links", pd.Series(names, dtype="str"))
        ours = graph.text("links", "cluster")[link] == cluster
        rows, link = rows[ours], link[ours]
        # Unknown positions come last.
        place = np.nan_to_num(graph.number("links", "position"), nan=np.inf)[link]
        pairs = pd.DataFrame({"row": rows, "link": link, "place": place})
        pairs["id"] = graph.text("links", "id")[link]
        first = pairs.sort_values(["row", "place", "id"]).drop_duplicates("row")
        products = first["row"].to_numpy(dtype=np.int64)
        slot = {int(row): at for at, row in enumerate(products)}
        chain = pd.DataFrame(
            {
                "product": graph.text("products", "id")[products],
                "name": graph.text("products", "name")[products],
                "link": first["id"].to_numpy(dtype=object),
                "link_name": graph.text("links", "name")[first["link"]],
                "stage": graph.text("links", "stage")[first["link"]],
            }
        )
        where = np.asarray([slot[int(r)] for r in rows], dtype=np.int64)
        return cls(
            Economy.of(graph, rules.sizes), region, cluster, rules, products, chain, (where, link)
        )
