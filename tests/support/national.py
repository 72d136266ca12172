"""A made-up country of any size, for tests and benchmarks that need many rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from chainatlas.graph import TABLES, ChainGraph, regions
from chainatlas.graph.chain import typed


def national(
    rows: int, products: int, seed: int = 1, cities: int | None = None, clusters: int = 50
) -> ChainGraph:
    """A graph of about that many PRODUCES rows over that many products.

    Half of the revenues are unknown, one enterprise in twenty is foreign, inputs come from products
    of lower number, and few products have most of the makers.

    Args:
        rows: PRODUCES rows, of a quarter as many enterprises.
        products: Products, each of about five inputs, in links of the clusters.
        seed: What the draws start from.
        cities: Counties that plants stand in; all of the country where None.
        clusters: Clusters ``c0``, ``c1``, ... .
    """
    rng = np.random.default_rng(seed)
    count = max(rows // 4, 1)
    counties = np.array([c for c in regions.names() if regions.level(c) == "county"])
    counties = counties if cities is None else counties[:cities]
    product = np.array([f"p{i:05d}" for i in range(products)])
    enterprise = np.array([f"e{i:06d}" for i in range(count)])
    stages = ("upstream", "midstream", "downstream")
    made = rng.integers(1, max(products, 2), 5 * products) % products
    used = (rng.random(5 * products) ** 2 * made).astype(np.int64)
    share = np.where(rng.random(len(made)) < 0.5, rng.random(len(made)) * 0.15, np.nan)
    revenue = np.where(rng.random(count) < 0.5, rng.lognormal(19, 2, count), np.nan)
    foreign = rng.random(count) < 0.05
    label = rng.choice(["", "leading", "listed", "specialised"], count, p=[0.7, 0.05, 0.1, 0.15])
    sales = max(rows // 20, 1)
    frames = {
        "clusters": pd.DataFrame(
            {"id": [f"c{i}" for i in range(clusters)], "name": "集群", "region": "420100"}
        ),
        "links": pd.DataFrame(
            [
                (f"l{i}-{j}", f"c{i}", f"环节{j}", stage, float(j))
                for i in range(clusters)
                for j, stage in enumerate(stages)
            ],
            columns=["id", "cluster", "name", "stage", "position"],
        ),
        "products": pd.DataFrame(
            {
                "id": product,
                "name": product,
                "links": [f"l{i % clusters}-{i // clusters % 3}" for i in range(products)],
            }
        ),
        "inputs": pd.DataFrame(
            {
                "product": product[made],
                "input": product[used],
                "cost_share": share,
                "criticality": rng.random(len(made)).round(2),
            }
        )[made != used],
        "enterprises": pd.DataFrame(
            {
                "id": enterprise,
                "name": enterprise,
                "country": np.where(foreign, "JP", "CN"),
                "region": pd.Series(rng.choice(counties, count)).where(~foreign),
                "labels": pd.Series(label).where(label != ""),
                "revenue": revenue,
            }
        ),
        "produces": pd.DataFrame(
            {
                "enterprise": rng.choice(enterprise, rows),
                "product": product[(rng.random(rows) ** 1.5 * products).astype(np.int64)],
                "role": "maker",
            }
        ),
        "supplies": pd.DataFrame(
            {
                "supplier": rng.choice(enterprise, sales),
                "buyer": rng.choice(enterprise, sales),
                "product": pd.Series(rng.choice(product, sales)).where(rng.random(sales) < 0.8),
                "amount": np.where(rng.random(sales) < 0.8, rng.lognormal(16, 2, sales), np.nan),
            }
        ),
    }
    for name in ("inputs", "produces", "supplies"):
        ends = list(frames[name].columns[:2])
        frames[name] = frames[name].drop_duplicates(ends)
    return ChainGraph({n: typed(frame, TABLES[n]) for n, frame in frames.items()}, 1)
