"""ESRI written down as the paper has it: plain loops over dense tables, no product code.

Diem et al. 2022, Scientific Reports 12:7719. Slow on purpose; every step recomputes everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Firms:
    """A network: products and outputs by firm, and links (supplier, buyer, amount, essential)."""

    product: Sequence[int]
    output: Sequence[float]
    links: Sequence[tuple[int, int, float, bool]]


def sigma(firms: Firms, h: Sequence[float], j: int) -> float:
    """How hard firm j is to replace: its share of what its market still makes."""
    left = 0.0
    for other, kind in enumerate(firms.product):
        if kind == firms.product[j]:
            left += firms.output[other] * h[other]
    return min(1.0, firms.output[j] / left) if left > 0 else 1.0


def nothing_below(level: float) -> float:
    """A level of production; what rounding leaves of nothing is nothing."""
    return 0.0 if level < 1e-12 else level


def downstream(firms: Firms, h: Sequence[float], psi: Sequence[float]) -> list[float]:
    """One step of the generalised Leontief function in every firm."""
    replace = [sigma(firms, h, j) for j in range(len(h))]
    result = []
    for i in range(len(h)):
        mine = [(j, w, vital) for j, buyer, w, vital in firms.links if buyer == i and w > 0]
        essential = {firms.product[j] for j, _, vital in mine if vital}
        level = psi[i]
        for kind in essential:
            bought = sum(w for j, w, _ in mine if firms.product[j] == kind)
            lost = 0.0
            for j, w, _ in mine:
                if firms.product[j] == kind:
                    lost += replace[j] * (1.0 - h[j]) * w / bought
            level = min(level, 1.0 - lost)
        everything = sum(w for _, w, _ in mine)
        lost = 0.0
        for j, w, _ in mine:
            if firms.product[j] not in essential:
                lost += replace[j] * (1.0 - h[j]) * w / everything
        result.append(nothing_below(min(level, 1.0 - lost)))
    return result


def upstream(firms: Firms, h: Sequence[float], psi: Sequence[float]) -> list[float]:
    """One step of falling orders in every firm."""
    result = []
    for j in range(len(h)):
        lost = 0.0
        for supplier, buyer, w, _ in firms.links:
            if supplier == j and w > 0:
                lost += w * (1.0 - h[buyer]) / firms.output[j]
        result.append(nothing_below(min(psi[j], 1.0 - lost)))
    return result


def esri(firms: Firms, shock: Sequence[int], tolerance: float) -> float | None:
    """Share of output lost where the firms of a shock stop; None where there is no output."""
    psi = [0.0 if i in shock else 1.0 for i in range(len(firms.product))]
    down, up = list(psi), list(psi)
    while True:
        next_down, next_up = downstream(firms, down, psi), upstream(firms, up, psi)
        falls = [a - b for a, b in zip(down + up, next_down + next_up, strict=True)]
        down, up = next_down, next_up
        if max(falls) <= tolerance:
            break
    whole = sum(firms.output)
    if whole == 0:
        return None
    loss = 0.0
    for i, output in enumerate(firms.output):
        loss += output * (1.0 - min(down[i], up[i]))
    return loss / whole
