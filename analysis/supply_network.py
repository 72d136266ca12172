"""The supply network of a chain: recorded links, and reconstructed ones where none are known.

A node is a *line*: all that one enterprise makes of one product, wherever its plants are. So every
node has one product, as the ESRI equations want it (:mod:`.esri`), and an enterprise that stops
stops all its lines.

**Recorded links** are SUPPLIES rows. The seller's line is that of the product named, or its largest
where none is; the purchase is shared out over the buyer's lines that need the product, in
proportion to need, or over all its lines by output. A row without amount counts with the buyer's
need for the product, shared among its recorded suppliers; where it has none, the row says too
little and is left out. Firms that make nothing on record get a line of their own.

**Reconstructed links** fill in the needs of which no supplier is recorded, product by product, by
the density-corrected gravity model (Cimini, Squartini, Garlaschelli and Gabrielli, Scientific
Reports 5, 15758, 2015; by product after Ialongo et al., Scientific Reports 12, 11847, 2022). Line i
with output s sells to line j with need d with probability ::

    p(i,j) = z s(i) d(j) / (1 + z s(i) d(j))

Given that it sells, it sells s(i) d(j) / p(i,j), scaled so that every need is met in full; a need
that drew nobody is met by one supplier drawn in proportion to output. z is such that a need has
``SUPPLIERS_PER_NEED`` suppliers on average, those included (all where there are no more). Who supplies whom is
drawn anew for each member of an ensemble.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..graph.chain import Codes, Floats
from ..graph.rules import Rules
from .economy import Economy, Mask, sums
from .esri import Network
from .sourcing import Needs

#: Suppliers per need of a buyer, on average: what the reconstruction assumes.
SUPPLIERS_PER_NEED = 2.0
#: Cells of one block of probabilities, and bins in which its density is fitted.
_BLOCK, _BINS = 2_000_000, 64


@dataclass(frozen=True)
class Lines:
    """The nodes, and what they need.

    Attributes:
        enterprise: Enterprise of each line, (n,).
        product: Product position, or the number of products where it is unknown, (n,).
        output: Its output (CNY a year), at home and abroad, (n,).
        domestic: The part of it made in China, (n,).
        need_line: Line of each need, (needs,).
        need_product: What it needs, (needs,).
        need: How much (CNY a year), (needs,).
        essential: Whether it cannot do without, (needs,).
    """

    enterprise: Codes
    product: Codes
    output: Floats
    domestic: Floats
    need_line: Codes
    need_product: Codes
    need: Floats
    essential: Mask

    @classmethod
    def of(cls, economy: Economy, rules: Rules, products: Mask) -> Lines:
        """The lines of an economy that make some products, (products,).

        Only domestic output creates needs: what foreign plants buy is not on record.
        """
        rows = np.flatnonzero((economy.output > 0) & products[economy.product])
        size = np.int64(max(economy.products, 1))
        pair, inverse = np.unique(
            economy.enterprise[rows] * size + economy.product[rows], return_inverse=True
        )
        output = sums(inverse, economy.output[rows], len(pair))
        home = np.where(economy.domestic[rows], economy.output[rows], 0.0)
        domestic = sums(inverse, home, len(pair))
        product = pair % size
        needs = Needs.of(economy, rules, products)
        lines = pd.DataFrame({"made": product, "line": np.arange(len(pair)), "home": domestic})
        wants = pd.DataFrame(
            {
                "made": needs.made,
                "used": needs.used,
                "cost": needs.cost,
                "essential": needs.essential,
            }
        )
        joined = lines[lines["home"] > 0].merge(wants, on="made")
        return cls(
            pair // size,
            product,
            output,
            domestic,
            joined["line"].to_numpy(np.int64),
            joined["used"].to_numpy(np.int64),
            (joined["home"] * joined["cost"]).to_numpy(np.float64),
            joined["essential"].to_numpy(bool),
        )


@dataclass(frozen=True)
class Links:
    """Links between lines: supplier, buyer, amount (CNY a year), essential; each (m,)."""

    source: Codes
    target: Codes
    amount: Floats
    essential: Mask


@dataclass(frozen=True)
class SupplyNetwork:
    """Lines with recorded links, and the needs that are left to a reconstruction.

    Attributes:
        lines: The lines, those of firms that make nothing on record last.
        recorded: Links from SUPPLIES.
        open: Whether no supplier of a need is recorded, (needs,).
        unused: SUPPLIES rows between enterprises of the chain that say too little.
    """

    lines: Lines
    recorded: Links
    open: Mask
    unused: int

    @property
    def coverage(self) -> float | None:
        """Share of all needs, by value, whose supplier is recorded; None where nothing is needed."""
        total = float(self.lines.need.sum())
        return float(self.lines.need[~self.open].sum()) / total if total > 0 else None

    def network(self, drawn: Links | None) -> Network:
        """Recorded links alone, or with drawn ones."""
        parts = [self.recorded] if drawn is None else [self.recorded, drawn]
        return Network.of(
            self.lines.product,
            np.concatenate([p.source for p in parts]),
            np.concatenate([p.target for p in parts]),
            np.concatenate([p.amount for p in parts]),
            np.concatenate([p.essential for p in parts]),
            self.lines.output,
        )


def supply_network(economy: Economy, rules: Rules, products: Mask) -> SupplyNetwork:
    """The supply network of those who make some products, (products,)."""
    lines = Lines.of(economy, rules, products)
    sales, unused = _sales(economy, lines, products)
    lines, seller = _with_lines(lines, sales["supplier"], sales["product"], economy.products)
    lines, shared = _shared_out(lines, sales.assign(seller=seller), economy)
    links = Links(
        shared["seller"].to_numpy(np.int64),
        shared["line"].to_numpy(np.int64),
        shared["amount"].to_numpy(np.float64),
        shared["essential"].to_numpy(bool),
    )
    size = np.int64(economy.products + 1)
    served = np.unique(
        sales["buyer"].to_numpy(np.int64) * size + sales["product"].to_numpy(np.int64)
    )
    asked = lines.enterprise[lines.need_line] * size + lines.need_product
    return SupplyNetwork(lines, links, ~np.isin(asked, served), unused)


def _sales(economy: Economy, lines: Lines, products: Mask) -> tuple[pd.DataFrame, int]:
    """SUPPLIES rows of the chain: supplier, buyer, product, amount; and how many say too little."""
    graph = economy.graph
    makers = np.unique(lines.enterprise)
    sales = pd.DataFrame(
        {
            "supplier": graph.located("supplies", "supplier"),
            "buyer": graph.located("supplies", "buyer"),
            "product": graph.located("supplies", "product"),
            "amount": graph.number("supplies", "amount"),
        }
    )
    # Without a product named, the seller's largest line of the chain.
    order = np.argsort(lines.output, kind="stable")
    largest = pd.Series(lines.product[order], index=lines.enterprise[order])
    largest = largest[~largest.index.duplicated(keep="last")]
    unnamed = sales["product"] < 0
    guessed = sales["supplier"].map(largest).fillna(economy.products).astype(np.int64)
    sales["product"] = sales["product"].where(~unnamed, guessed)
    known = sales["product"] < economy.products
    inside = np.zeros(economy.products + 1, dtype=bool)
    inside[:-1] = products
    ends = sales["supplier"].isin(makers) | sales["buyer"].isin(makers)
    sales = sales[ends & (~known | inside[sales["product"]])].reset_index(drop=True)
    wanted = pd.DataFrame(
        {
            "buyer": lines.enterprise[lines.need_line],
            "product": lines.need_product,
            "need": lines.need,
        }
    )
    wanted = wanted.groupby(["buyer", "product"])[["need"]].sum().reset_index()
    sales = sales.merge(wanted, on=["buyer", "product"], how="left")
    suppliers = sales.groupby(["buyer", "product"])["supplier"].transform("size")
    sales["amount"] = sales["amount"].fillna(sales["need"] / suppliers)
    usable = sales["amount"] > 0
    return sales[usable].reset_index(drop=True), int((~usable).sum())


def _with_lines(
    lines: Lines, enterprise: pd.Series, product: pd.Series, products: int
) -> tuple[Lines, Codes]:
    """Lines with those of the pairs that have none yet, and the line of each pair."""
    size = np.int64(products + 1)
    wanted = enterprise.to_numpy(np.int64) * size + product.to_numpy(np.int64)
    have = lines.enterprise * size + lines.product
    new = np.setdiff1d(wanted, have)
    every = np.concatenate([have, new])
    order = np.argsort(every)
    at = order[np.searchsorted(every[order], wanted)] if len(every) else np.zeros(0, np.int64)
    nothing = np.zeros(len(new))
    grown = Lines(
        np.concatenate([lines.enterprise, new // size]),
        np.concatenate([lines.product, new % size]),
        np.concatenate([lines.output, nothing]),
        np.concatenate([lines.domestic, nothing]),
        lines.need_line,
        lines.need_product,
        lines.need,
        lines.essential,
    )
    return grown, np.asarray(at, dtype=np.int64)


def _shared_out(lines: Lines, sales: pd.DataFrame, economy: Economy) -> tuple[Lines, pd.DataFrame]:
    """Purchases by buyer's line: by need, else by output, else a line of unknown product."""
    sales = sales.drop(columns="need").assign(sale=np.arange(len(sales)))
    by_need = pd.DataFrame(
        {
            "buyer": lines.enterprise[lines.need_line],
            "product": lines.need_product,
            "line": lines.need_line,
            "part": lines.need,
            "essential": lines.essential,
        }
    )
    first = sales.merge(by_need, on=["buyer", "product"])
    rest = sales[~sales["sale"].isin(first["sale"])]
    by_output = pd.DataFrame(
        {"buyer": lines.enterprise, "line": np.arange(len(lines.output)), "part": lines.output}
    )
    by_output = by_output[by_output["part"] > 0]
    second = rest.merge(by_output, on="buyer").assign(essential=False)
    last = rest[~rest["sale"].isin(second["sale"])]
    unknown = pd.Series(economy.products, index=last.index)
    lines, line = _with_lines(lines, last["buyer"], unknown, economy.products)
    third = last.assign(line=line, part=1.0, essential=False)
    shared = pd.concat([first, second, third], ignore_index=True)
    whole = shared.groupby("sale")["part"].transform("sum")
    shared["amount"] = shared["amount"] * shared["part"] / whole
    # A line does not supply itself.
    shared = shared[shared["line"] != shared["seller"]].reset_index(drop=True)
    return lines, shared.astype({"essential": bool})


@dataclass(frozen=True)
class _Market:
    """Makers and buyers of one product, and the density between them."""

    makers: Codes
    share: Floats
    needs: Codes
    scale: float
    all: bool


class Reconstruction:
    """Draws links for the open needs of a network.

    Args:
        network: Recorded links and open needs.
        suppliers: Suppliers per need, on average.
    """

    def __init__(self, network: SupplyNetwork, suppliers: float = SUPPLIERS_PER_NEED) -> None:
        self._lines = lines = network.lines
        self._markets: list[_Market] = []
        makes = np.flatnonzero(lines.output > 0)
        makes = makes[np.argsort(lines.product[makes], kind="stable")]
        needs = np.flatnonzero(network.open & (lines.need > 0))
        needs = needs[np.argsort(lines.need_product[needs], kind="stable")]
        products = np.unique(lines.need_product[needs])
        low, high = _bounds(lines.product[makes], products)
        start, end = _bounds(lines.need_product[needs], products)
        for i in range(len(products)):
            mine, wants = makes[low[i] : high[i]], needs[start[i] : end[i]]
            if len(mine):
                share = lines.output[mine] / lines.output[mine].sum()
                every = len(mine) <= suppliers
                want = lines.need[wants] / lines.need[wants].sum()
                scale = np.inf if every else _density(share, want, suppliers * len(wants))
                self._markets.append(_Market(mine, share, wants, scale, every))

    def __len__(self) -> int:
        return sum(len(market.needs) for market in self._markets)

    def draw(self, rng: np.random.Generator) -> Links:
        """One realisation."""
        parts = [part for market in self._markets for part in self._draw(market, rng)]
        source, need, amount = (
            np.concatenate([p[i] for p in parts]) if parts else np.zeros(0) for i in range(3)
        )
        need = need.astype(np.int64)
        target, source = self._lines.need_line[need], source.astype(np.int64)
        other = source != target
        return Links(
            source[other], target[other], amount[other], self._lines.essential[need][other]
        )

    def _draw(
        self, market: _Market, rng: np.random.Generator
    ) -> Sequence[tuple[Codes, Codes, Floats]]:
        wanted = self._lines.need[market.needs]
        total = wanted.sum()
        result = []
        step = max(1, _BLOCK // len(market.makers))
        for begin in range(0, len(market.needs), step):
            needs, want = market.needs[begin : begin + step], wanted[begin : begin + step]
            if market.all:
                chosen = np.ones((len(market.makers), len(needs)), dtype=bool)
                weight = np.broadcast_to(market.share[:, None], chosen.shape)
            else:
                pull = market.scale * market.share[:, None] * (want / total)
                chosen = rng.random(pull.shape) < pull / (1.0 + pull)
                # s d / p, up to what is the same for all suppliers of a need: 1 + z s d.
                weight = 1.0 + pull
                lonely = np.flatnonzero(~chosen.any(axis=0))
                one = rng.choice(len(market.share), len(lonely), p=market.share)
                chosen[one, lonely] = True
            maker, at = np.nonzero(chosen)
            drawn = weight[maker, at]
            whole = np.bincount(at, drawn, minlength=len(needs))
            result.append((market.makers[maker], needs[at], want[at] * drawn / whole[at]))
        return result


def _bounds(values: Codes, wanted: Codes) -> tuple[Codes, Codes]:
    return np.searchsorted(values, wanted), np.searchsorted(values, wanted, side="right")


def _density(share: Floats, want: Floats, links: float) -> float:
    """Z for which the expected number of links is the one wanted, by bisection on log z.

    Long lists are put into bins of alike size first; the density is an assumption anyway.
    """
    s, ns = _binned(share)
    d, nd = _binned(want)
    low, high = -50.0, 200.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        pull = np.exp(middle) * np.outer(s, d)
        drawn = ns @ (pull / (1.0 + pull))
        # Chance that a need draws nobody: the product of all 1 - p.
        lonely = np.exp(-(ns @ np.log1p(pull)))
        if float(nd @ (drawn + lonely)) < links:
            low = middle
        else:
            high = middle
    return float(np.exp(high))


def _binned(values: Floats) -> tuple[Floats, Floats]:
    """Means and sizes of at most 64 bins of alike values."""
    parts = np.array_split(np.sort(values), min(_BINS, len(values)))
    return np.array([p.mean() for p in parts]), np.array([float(len(p)) for p in parts])
