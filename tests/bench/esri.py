"""ESRI of all firms: the compiled queue against whole-network cascades in SciPy.

    python tests/bench/esri.py [FIRMS LINKS] [--sample N] [--table]

The peer does what published scripts do: for one firm after another it multiplies the whole network
by the vector of losses until nothing falls by more than 0.01. Both get the same seeded network
(product by firm, heavy-tailed outputs and degrees, essential inputs) and must agree to 1e-10. The
peer is timed on a sample of firms and extrapolated, and so are we with ``--sample``; the label says
so. ``--table`` measures three sizes a decade apart and fits the exponent of the cost.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import scipy
from scipy import sparse

from chainatlas.analysis.esri import Network, esri
from chainatlas.graph.chain import Floats

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
from growth import report

SEED = 20220508
TOLERANCE = 0.01
#: Firms that the peer is timed on.
PEER_SAMPLE = 60
#: Products that firms make: as many as there are four-digit classes in a statistical register.
PRODUCTS = 600


def synthetic(firms: int, links: int) -> Network:
    """A network with heavy tails: few firms sell to very many, most to a handful.

    Ends of links are drawn in proportion to a Pareto fitness (tail exponent 1.5 on either side);
    amounts are lognormal; half of the pairs of products are essential to each other; a third of
    the output goes to final demand.
    """
    rng = np.random.default_rng(SEED)
    product = rng.integers(0, min(PRODUCTS, max(firms // 10, 1)), firms)

    def ends() -> np.ndarray:
        fitness = rng.pareto(1.5, firms) + 1.0
        return rng.choice(firms, links, p=fitness / fitness.sum())

    source, target = ends(), ends()
    weight = np.exp(rng.normal(0.0, 2.0, links))
    other = source != target
    source, target, weight = source[other], target[other], weight[other]
    essential = (product[source] * 7919 + product[target] * 104729) % 2 == 0
    sold = np.bincount(source, weight, minlength=firms)
    output = 1.5 * sold + np.where(sold > 0, 0.0, np.exp(rng.normal(0.0, 2.0, firms)))
    return Network.of(product, source, target, weight, essential, output)


def peer(network: Network, firms: np.ndarray) -> Floats:
    """One firm after another, over the whole network."""
    n = len(network)
    kinds = int(network.product.max()) + 1
    rows = np.arange(n)
    market = sparse.csr_array((network.output, (network.product, rows)), shape=(kinds, n))
    pair = network.target * kinds + network.product[network.source]
    essential = np.isin(pair, np.unique(pair[network.essential]))
    group = np.where(essential, pair, -1 - network.target)
    _, need = np.unique(group, return_inverse=True)
    needs = int(need.max()) + 1
    whole = np.bincount(need, network.weight, minlength=needs)
    bought = np.bincount(network.target, network.weight, minlength=n)
    base = np.where(essential, whole[need], bought[network.target])
    inputs = sparse.csr_array((network.weight / base, (need, network.source)), shape=(needs, n))
    buyer = np.zeros(needs, dtype=np.int64)
    buyer[need] = network.target
    orders = sparse.csr_array(
        (network.weight / network.output[network.source], (network.source, network.target)),
        shape=(n, n),
    )
    result = np.zeros(len(firms))
    for at, firm in enumerate(firms):
        down, up = np.zeros(n), np.zeros(n)
        down[firm] = up[firm] = 1.0
        while True:
            left = np.asarray(market @ (1.0 - down))[network.product]
            with np.errstate(invalid="ignore", divide="ignore"):
                sigma = np.where(left > 0, np.minimum(1.0, network.output / left), 1.0)
            next_down = np.zeros(n)
            np.maximum.at(next_down, buyer, np.asarray(inputs @ (sigma * down)))
            next_down = np.minimum(next_down, 1.0)
            next_up = np.minimum(np.asarray(orders @ up), 1.0)
            next_down[firm] = next_up[firm] = 1.0
            fall = max((next_down - down).max(), (next_up - up).max())
            down, up = next_down, next_up
            if fall <= TOLERANCE:
                break
        result[at] = network.output @ np.maximum(down, up) / network.output.sum()
    return result


def measure(firms: int, links: int, sample: int | None) -> dict[str, object]:
    """Time ours and the peer's on one network."""
    network = synthetic(firms, links)
    _ = network.plan
    tiny = synthetic(20, 40)
    began = time.perf_counter()
    esri(tiny, engine="numba")
    compiled = time.perf_counter() - began
    rng = np.random.default_rng(SEED)
    chosen = np.arange(firms) if sample is None else rng.choice(firms, sample, replace=False)
    began, worked = time.perf_counter(), time.process_time()
    ours = esri(network, [np.array([i]) for i in chosen], tolerance=TOLERANCE, engine="numba")
    ours_s = (time.perf_counter() - began) * firms / len(chosen)
    cpu = (time.process_time() - worked) * firms / len(chosen)
    mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    few = rng.choice(len(chosen), min(PEER_SAMPLE, len(chosen)), replace=False)
    began = time.perf_counter()
    theirs = peer(network, chosen[few])
    peer_s = (time.perf_counter() - began) * firms / len(few)
    apart = float(np.abs(ours[few] - theirs).max())
    if not apart <= 1e-10:
        raise SystemExit(f"the two differ by {apart}")
    how = "all firms" if sample is None else f"{sample} firms, extrapolated"
    print(
        f"compile or load {compiled:.2f} s; CPU {cpu:.3g} s; mean ESRI {ours.mean():.4g}",
        file=sys.stderr,
    )
    return {
        "peer": f"SciPy {scipy.__version__}, firm by firm ({len(few)} firms, extrapolated)",
        "ratio": float(f"{peer_s / ours_s:.3g}"),
        "ours_s": float(f"{ours_s:.3g}"),
        "peer_s": float(f"{peer_s:.3g}"),
        "ours_mb": round(mb, 1),
        "size": f"{firms} firms, {links} links ({how})",
    }


def main() -> None:
    """Measure one size, or three."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("size", nargs="*", type=int, default=[10_000, 47_000])
    options.add_argument("--sample", type=int)
    options.add_argument("--table", action="store_true")
    given = options.parse_args()
    if not given.table:
        firms, links = given.size
        print(json.dumps([measure(firms, links, given.sample)], ensure_ascii=False))
        return
    sizes = [
        (1_000, 4_700, None),
        (10_000, 47_000, None),
        (100_000, 470_000, given.sample or 2_000),
    ]
    rows = [measure(*size) for size in sizes]
    report([size[0] for size in sizes], rows, "firms")


if __name__ == "__main__":
    main()
