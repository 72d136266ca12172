"""The real national graph: the shipped pack with the public data sets of the shared folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from chainatlas.api.cli import main
from chainatlas.graph import ChainGraph, open_store

ROOT = Path(__file__).parents[2]
#: What is loaded together, below ``real`` of the shared folder.
DATA_SETS = ("ashare_2020/cn_corp202012.csv", "chainkg")


def sources() -> list[Path]:
    """The shipped pack and the data sets; only the pack where the shared folder is absent."""
    real = Path(os.environ.get("CHAINATLAS_SHARED", ROOT.parent / "shared")) / "real"
    return [ROOT / "data" / "hubei", *(real / name for name in DATA_SETS if (real / name).exists())]


def country() -> ChainGraph:
    """The graph of all of them, loaded as a user loads them (some 20 s)."""
    with tempfile.TemporaryDirectory() as place:
        db = Path(place) / "country.db"
        answer = Path(place) / "answer.json"
        asked = ["ingest", *map(str, sources()), "--db", str(db), "--format", "json"]
        if main([*asked, "--out", str(answer)]) not in (0, 3):
            raise SystemExit("the national graph cannot be loaded")
        store = open_store(str(db))
        try:
            return store.view().graph()
        finally:
            store.close()
