"""What if: the same answers before and after enterprises land, are lost or grow.

Everything else stays as it is: other enterprises do not react, recorded purchases of those who stay
are kept, and a new plant's purchases are not recorded. That is a comparison of states, no forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from ..graph import regions as geo
from ..graph.chain import Codes, Floats
from ..graph.errors import ChainAtlasError, NotFoundError
from .economy import Economy, sums
from .focus import focus, grown, with_plants, without
from .scope import Scope
from .situation import Difference, difference, situation

Size = Literal["median", "own"]
#: How large a landed plant is.
SIZES: Mapping[str, str] = MappingProxyType(
    {"median": "不超过国内同类工厂的中位产出", "own": "与该企业现有最大工厂相同"}
)


@dataclass(frozen=True)
class Land:
    """An enterprise builds plants in a region."""

    enterprise: str
    region: str


@dataclass(frozen=True)
class Lose:
    """An enterprise is gone: closed, moved away or cut off."""

    enterprise: str


@dataclass(frozen=True)
class Grow:
    """An enterprise's outputs are multiplied by a factor."""

    enterprise: str
    factor: float


Move = Land | Lose | Grow


@dataclass(frozen=True)
class Effect:
    """What one move did to the economy.

    Attributes:
        kind: land, lose or grow.
        enterprise: Id.
        name: Name.
        region: Where it landed, "" for other moves.
        factor: How much it grew, None for other moves.
        products: {product, name, before, after}: its output in China (CNY a year) of each product
            that changed.
    """

    kind: str
    enterprise: str
    name: str
    region: str
    factor: float | None
    products: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Simulation:
    """A simulation's answer.

    Attributes:
        effects: What each move did, in order.
        difference: Before and after.
        size: How large landed plants are.
    """

    effects: tuple[Effect, ...]
    difference: Difference
    size: Size


def simulate(scope: Scope, moves: Sequence[Move], size: Size = "median") -> Simulation:
    """Answers before and after some moves, made one after another in the order given.

    - Landing adds, in the region named, a plant for every product of the cluster that the
      enterprise makes anywhere. ``median``: of the size of the median domestic maker's output of
      that product, but no larger than the enterprise's own largest plant of it (which it is where nobody
      makes it in China). ``own``: of the size of its
      largest plant. Its other plants stay as they are.
    - Losing removes all its plants, everywhere, and its recorded sales and purchases.
    - Growing multiplies its outputs; recorded amounts stay.

    Example, worked by hand: Wuhan needs glass of 3e9 a year and makes none. Three domestic makers
    make 1e9, 2e9 and 3e9, one abroad 2e10. The one abroad lands: its plant makes the median, 2e9,
    and 补链 becomes 强链: fulfilment 2/3. With ``own`` it makes 2e10, and demand is met.

    Args:
        scope: Region and cluster.
        moves: What happens.
        size: How large landed plants are.

    Raises:
        NotFoundError: No such enterprise or region.
        ChainAtlasError: The enterprise makes no product of the cluster that it could land with, a
            factor is no number from 0 on, or nothing is to happen.
    """
    if not moves:
        raise ChainAtlasError("没有给出任何变化：请用 --land、--lose 或 --grow。")
    for move in moves:
        _check(scope, move)
    moved = scope.graph.position("enterprises", [move.enterprise for move in moves])
    small = focus(scope, moved)
    economy = small.economy
    effects = []
    for move in moves:
        changed = _apply(small, economy, move, size)
        effects.append(_effect(economy, changed, move))
        economy = changed
    before = situation(small)
    after = situation(replace(small, economy=economy))
    return Simulation(tuple(effects), difference(before, after), size)


def _check(scope: Scope, move: Move) -> None:
    graph = scope.graph
    if move.enterprise not in graph.index("enterprises"):
        raise NotFoundError(f"没有这家企业：{move.enterprise}。")
    if isinstance(move, Land) and not geo.exists(move.region):
        raise NotFoundError(f"没有这个地区：{move.region}。")
    if isinstance(move, Grow) and not (np.isfinite(move.factor) and move.factor >= 0):
        raise ChainAtlasError(f"增长倍数应为不小于 0 的数：{move.factor}。")


def _apply(scope: Scope, economy: Economy, move: Move, size: Size) -> Economy:
    (e,) = economy.graph.position("enterprises", [move.enterprise])
    if isinstance(move, Lose):
        return without(economy, np.asarray([e]))
    if isinstance(move, Grow):
        return grown(economy, int(e), move.factor)
    plants = _plants(scope, economy, int(e), size)
    if not plants.any():
        name = economy.graph.text("enterprises", "name")[e]
        raise ChainAtlasError(
            f"{name}（{move.enterprise}）没有生产集群 {scope.cluster} 的任何产品，无法模拟落地。"
        )
    return with_plants(economy, int(e), move.region, plants)


def _plants(scope: Scope, economy: Economy, e: int, size: Size) -> Floats:
    """Output by product of the plants an enterprise lands with, (products,)."""
    mine = (economy.enterprise == e) & (economy.output > 0)
    rows = np.flatnonzero(mine & np.isin(economy.product, scope.products))
    largest: Floats = np.zeros(economy.products)
    np.maximum.at(largest, economy.product[rows], economy.output[rows])
    return np.fmin(largest, economy.median_maker) if size == "median" else largest


def _effect(before: Economy, after: Economy, move: Move) -> Effect:
    graph = before.graph
    (e,) = graph.position("enterprises", [move.enterprise])
    old, new = _made(before, e), _made(after, e)
    changed: Codes = np.flatnonzero(old != new)
    ids, names = graph.text("products", "id"), graph.text("products", "name")
    return Effect(
        kind={Land: "land", Lose: "lose", Grow: "grow"}[type(move)],
        enterprise=move.enterprise,
        name=str(graph.text("enterprises", "name")[e]),
        region=move.region if isinstance(move, Land) else "",
        factor=move.factor if isinstance(move, Grow) else None,
        products=tuple(
            {
                "product": str(ids[p]),
                "name": str(names[p]),
                "before": float(old[p]),
                "after": float(new[p]),
            }
            for p in changed.tolist()
        ),
    )


def _made(economy: Economy, e: np.int64) -> Floats:
    mine = (economy.enterprise == e) & economy.domestic
    return sums(economy.product[mine], economy.output[mine], economy.products)
