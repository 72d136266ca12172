"""The cascade of one shock after another as a queue of the firms it reaches, compiled by numba.

What falls never rises again within a cascade, so each step hands on only what was lost anew, and a
need's loss is a running sum. The cost of a shock is that of the links it reaches, whatever the size
of the network. See :mod:`.esri` for the equations; the functions here are plain Python until
:func:`compiled` compiles them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..graph.chain import Codes, Floats
from ..graph.schema import EPSILON

#: Below this share of its market's first output, what is left is summed anew: what remains of a
#: sum after taking nearly all of it away is rounding.
_RECOUNT = 0.01
#: A loss this close to all is all: what rounding leaves of a giant would outweigh small rivals.
NEARLY_ALL = 1.0 - EPSILON
#: Losses are handed on once they sum to this much. The shares of a need, and those of an output,
#: sum to at most 1, so that nothing is ever wrong by more than this per step.
_WORTH_TELLING = 1e-13


@cache
def compiled() -> Any:
    """:func:`cascades`, compiled; kept on disk where that is possible."""
    import numba  # an extra, and slow to import

    try:
        return numba.njit(nogil=True, cache=True)(cascades)
    except RuntimeError:  # no folder to keep it in can be written to
        return numba.njit(nogil=True)(cascades)


def cascades(
    product: Codes,
    output: Floats,
    market: Floats,
    members: Codes,
    first: Codes,
    buyer: Codes,
    out_start: Codes,
    out_need: Codes,
    out_share: Floats,
    in_start: Codes,
    in_firm: Codes,
    in_share: Floats,
    nodes: Codes,
    start: Codes,
    part: Floats,
    tolerance: float,
    result: Floats,
) -> None:
    """Write the loss of each shock into ``result``, shape (shocks, kinds of weight).

    Args:
        product: Product of each firm, (n,).
        output: Output of each firm, (n,).
        market: Output by product.
        members: Firms ordered by product, and
        first: where each product's begin in them.
        buyer: Buyer of each need.
        out_start: Links from a firm to needs, CSR,
        out_need: the needs,
        out_share: the share of the need that the firm supplies.
        in_start: Links from a buyer to its suppliers, CSR,
        in_firm: the suppliers,
        in_share: the share of the supplier's output that the buyer takes.
        nodes: Firms that stop, shock after shock, and
        start: where each shock begins in them.
        part: Weight of each firm, summing to 1 or 0, (kinds, n).
        tolerance: Largest fall in a step that ends a cascade.
        result: Where losses are written.
    """
    n = len(product)
    down, up = np.zeros(n), np.zeros(n)  # lost of production so far
    new_down, new_up = np.zeros(n), np.zeros(n)  # lost after the step under way
    order_loss, need_loss = np.zeros(n), np.zeros(len(buyer))
    sent_down, sent_up = np.zeros(n), np.zeros(n)  # what neighbours have been told
    left = market.copy()
    changed_market = np.zeros(len(market), np.bool_)
    markets = np.empty(len(market), np.int64)
    hurt_down, hurt_up = np.empty(n, np.int64), np.empty(n, np.int64)
    is_down, is_up = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for shock in range(len(start) - 1):
        downs = ups = count = 0
        for at in range(start[shock], start[shock + 1]):
            firm = nodes[at]
            down[firm] = up[firm] = new_down[firm] = new_up[firm] = 1.0
            hurt_down[downs] = hurt_up[ups] = firm
            is_down[firm] = is_up[firm] = True
            downs += 1
            ups += 1
            kind = product[firm]
            left[kind] -= output[firm]
            if not changed_market[kind]:
                changed_market[kind] = True
                markets[count] = kind
                count += 1
        while True:
            # Markets that lost something: what they still make, exactly where little is left.
            for at in range(count):
                kind = markets[at]
                if left[kind] < _RECOUNT * market[kind]:
                    left[kind] = 0.0
                    for j in range(first[kind], first[kind + 1]):
                        left[kind] += output[members[j]] * (1.0 - down[members[j]])
            # Downstream: whoever lost production, or stands in such a market, tells its buyers.
            reached = downs
            for at in range(downs):
                firm = hurt_down[at]
                kind = product[firm]
                if not changed_market[kind]:
                    continue
                sigma = 1.0
                if left[kind] > output[firm]:
                    sigma = output[firm] / left[kind]
                more = sigma * down[firm] - sent_down[firm]
                if more < _WORTH_TELLING:
                    continue
                sent_down[firm] += more
                for link in range(out_start[firm], out_start[firm + 1]):
                    need = out_need[link]
                    need_loss[need] += more * out_share[link]
                    other = buyer[need]
                    if need_loss[need] > new_down[other]:
                        new_down[other] = need_loss[need]
                        if not is_down[other]:
                            is_down[other] = True
                            hurt_down[reached] = other
                            reached += 1
            for at in range(count):
                changed_market[markets[at]] = False
            count = 0
            # Upstream: whoever lost production orders less.
            reached_up = ups
            for at in range(ups):
                firm = hurt_up[at]
                more = up[firm] - sent_up[firm]
                if more < _WORTH_TELLING:
                    continue
                sent_up[firm] = up[firm]
                for link in range(in_start[firm], in_start[firm + 1]):
                    other = in_firm[link]
                    order_loss[other] += more * in_share[link]
                    if order_loss[other] > new_up[other]:
                        new_up[other] = order_loss[other]
                        if not is_up[other]:
                            is_up[other] = True
                            hurt_up[reached_up] = other
                            reached_up += 1
            # The step is taken everywhere at once.
            downs, ups = reached, reached_up
            fall = 0.0
            for at in range(downs):
                firm = hurt_down[at]
                if new_down[firm] > NEARLY_ALL:
                    new_down[firm] = 1.0
                lost = new_down[firm] - down[firm]
                if lost > 0.0:
                    fall = max(fall, lost)
                    down[firm] = new_down[firm]
                    kind = product[firm]
                    left[kind] -= output[firm] * lost
                    if not changed_market[kind]:
                        changed_market[kind] = True
                        markets[count] = kind
                        count += 1
            for at in range(ups):
                firm = hurt_up[at]
                if new_up[firm] > NEARLY_ALL:
                    new_up[firm] = 1.0
                lost = new_up[firm] - up[firm]
                if lost > 0.0:
                    fall = max(fall, lost)
                    up[firm] = new_up[firm]
            if fall <= tolerance:
                break
        for at in range(downs):
            firm = hurt_down[at]
            lost = max(down[firm], up[firm])
            for kind in range(len(part)):
                result[shock, kind] += part[kind, firm] * lost
        for at in range(ups):
            firm = hurt_up[at]
            if not is_down[firm]:
                for kind in range(len(part)):
                    result[shock, kind] += part[kind, firm] * up[firm]
        # Leave everything as it was, touching no more than was touched.
        for at in range(count):
            changed_market[markets[at]] = False
        for at in range(downs):
            firm = hurt_down[at]
            left[product[firm]] = market[product[firm]]
            for link in range(out_start[firm], out_start[firm + 1]):
                need_loss[out_need[link]] = 0.0
            down[firm] = new_down[firm] = sent_down[firm] = 0.0
            is_down[firm] = False
        for at in range(ups):
            firm = hurt_up[at]
            for link in range(in_start[firm], in_start[firm + 1]):
                order_loss[in_firm[link]] = 0.0
            up[firm] = new_up[firm] = sent_up[firm] = 0.0
            is_up[firm] = False
