"""Relatedness and complexity of cities x products: ours against PyPI ecomplexity.

    python tests/bench/relatedness.py [--peer-full]

Both compute RCA, density, ECI, PCI, COI and COG of the same seeded output and must agree. The peer
takes minutes at 340 x 5,000, so by default it runs at 340 x 1,000 and 340 x 2,000 and is scaled up
by its own exponent; ``--peer-full`` runs it at full size. Each run is a process of its own. Then
come our cost at three sizes a decade apart and the fitted exponents. The last line is JSON.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import time
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from chainatlas.analysis.space import Space, advantage, present

SEED = 20240520
CITIES, PRODUCTS = 340, 5000
SMALLER = (1000, 2000)
SIZES = (200, 2000, 20_000)
REPEATS = 3

Figures = dict[str, npt.NDArray[np.float64]]


def output(products: int) -> npt.NDArray[np.float64]:
    """Output of able cities and hard products; about a quarter of the cells are not empty."""
    rng = np.random.default_rng(SEED)
    ability, difficulty = rng.random((CITIES, 1)), rng.random((1, products))
    makes = rng.random((CITIES, products)) < 1 / (1 + np.exp(-8 * (ability - difficulty)))
    return np.where(makes, rng.lognormal(0, 1, (CITIES, products)), 0.0)


def ours(matrix: npt.NDArray[np.float64]) -> Figures:
    rca = advantage(matrix)
    space = Space(present(rca))
    own = space.own
    return {
        "rca": rca,
        "density": own.density,
        "cog": own.cog,
        "eci": own.eci,
        "pci": space.pci,
        "coi": own.coi,
    }


def peer(matrix: npt.NDArray[np.float64]) -> Figures:
    from ecomplexity import ecomplexity

    cities, products = matrix.shape
    frame = pd.DataFrame(
        {
            "t": 1,
            "l": np.repeat(np.arange(cities), products),
            "p": np.tile(np.arange(products), cities),
            "v": matrix.ravel(),
        }
    )
    columns = {"time": "t", "loc": "l", "prod": "p", "val": "v"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = ecomplexity(frame, columns, verbose=False, check_logsupermodularity=False)
    found = found.sort_values(["l", "p"])
    wide = {
        name: found[name].to_numpy(float).reshape(matrix.shape)
        for name in ("rca", "density", "cog", "eci", "pci", "coi")
    }
    return {**wide, "eci": wide["eci"][:, 0], "pci": wide["pci"][0], "coi": wide["coi"][:, 0]}


def stage(name: str, products: int) -> None:
    """One run in this process; prints seconds, peak memory and a digest of the figures."""
    matrix = output(products)
    seconds = []
    for _ in range(REPEATS if name == "ours" else 1):
        began = time.perf_counter()
        figures = ours(matrix) if name == "ours" else peer(matrix)
        seconds.append(time.perf_counter() - began)
    digest = {
        key: values.ravel()[:: max(1, values.size // 997)].tolist()
        for key, values in figures.items()
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"s": min(seconds), "mb": peak, "digest": digest}))


def run(name: str, products: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--stage", name, str(products)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(name, products, f"{found['s']:.3f} s", f"{found['mb']:.0f} MB", file=sys.stderr)
    return found


def compared(products: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ours and the peer's run at one size, which must agree to 1e-9."""
    mine, theirs = run("ours", products), run("peer", products)
    for name, values in mine["digest"].items():
        np.testing.assert_allclose(values, theirs["digest"][name], atol=1e-9, err_msg=name)
    return mine, theirs


def main(full: bool) -> None:
    if full:
        mine, theirs = compared(PRODUCTS)
        peer_s, how = theirs["s"], "at full size"
    else:
        (_, small), (_, large) = (compared(products) for products in SMALLER)
        power = math.log(large["s"] / small["s"]) / math.log(SMALLER[1] / SMALLER[0])
        mine = run("ours", PRODUCTS)
        peer_s = large["s"] * (PRODUCTS / SMALLER[1]) ** power
        how = f"scaled up from {SMALLER} products by its exponent {power:.2f}"
    growth = [run("ours", products) for products in SIZES]
    decades = np.log10(SIZES)
    powers = {
        key: np.polyfit(decades, np.log10([g[key] for g in growth]), 1)[0] for key in ("s", "mb")
    }
    result = [
        {
            "peer": f"ecomplexity 0.5.3, {how}",
            "ratio": float(f"{peer_s / mine['s']:.3g}"),
            "ours_s": round(mine["s"], 3),
            "peer_s": round(peer_s, 1),
            "ours_mb": round(mine["mb"], 1),
            "size": f"{CITIES} x {PRODUCTS}",
        },
        *(
            {
                "peer": f"none; exponents in products: time {powers['s']:.2f}, memory {powers['mb']:.2f}",
                "ratio": None,
                "ours_s": round(g["s"], 4),
                "peer_s": None,
                "ours_mb": round(g["mb"], 1),
                "size": f"{CITIES} x {products}",
            }
            for products, g in zip(SIZES, growth, strict=True)
        ),
    ]
    print(json.dumps(result))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stage"]:
        stage(sys.argv[2], int(sys.argv[3]))
    else:
        main("--peer-full" in sys.argv[1:])
