"""Search of the overview: products, enterprises, institutes and regions by part of their name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...graph import regions as geo
from ...graph.chain import ChainGraph
from ..http.access import Caller

#: Hits of each kind that are shown.
MOST = 12
#: Tables that are searched.
_TABLES = ("products", "enterprises", "institutes")


@dataclass(frozen=True)
class Hit:
    """Something whose name holds the text searched for."""

    kind: str
    id: str
    name: str
    note: str
    cluster: str = ""


def finds(graph: ChainGraph, wanted: str, region: str, caller: Caller) -> dict[str, list[Hit]]:
    """Hits by kind; shorter names come first, as they match more of themselves.

    Args:
        graph: The facts.
        wanted: Part of a name or alias, any case; or an id.
        region: The region of the page.
        caller: Who searches; regions outside their scope are left out.
    """
    text = wanted.lower()
    found = {table: _search(graph, table, text) for table in _TABLES}
    regions = [
        Hit("regions", code, geo.full_name(code), code)
        for code, name in geo.names().items()
        if (text in name or text == code) and caller.may_see(code)
    ]
    return {"regions": regions[:MOST], **found}


def find_enterprises(graph: ChainGraph, wanted: str) -> list[Hit]:
    """Enterprises whose name, alias or id matches; none for an empty text."""
    text = wanted.strip().lower()
    return _search(graph, "enterprises", text) if text else []


def _search(graph: ChainGraph, table: str, text: str) -> list[Hit]:
    ids, names = graph.text(table, "id"), graph.text(table, "name")
    lowered = np.strings.lower(names)
    hit = (np.strings.find(lowered, text) >= 0) | (np.strings.lower(ids) == text)
    if table != "institutes":
        hit |= np.strings.find(np.strings.lower(graph.text(table, "aliases")), text) >= 0
    rows = np.flatnonzero(hit)
    order = np.lexsort((ids[rows], np.strings.str_len(names[rows])))[:MOST]
    return [_hit(graph, table, int(row)) for row in rows[order]]


def _hit(graph: ChainGraph, table: str, row: int) -> Hit:
    key, name = str(graph.text(table, "id")[row]), str(graph.text(table, "name")[row])
    if table == "products":
        links = graph.text("products", "links")[row].split(";")
        clusters = dict(zip(graph["links"]["id"], graph["links"]["cluster"], strict=True))
        cluster = next((clusters[x] for x in links if x in clusters), "")
        return Hit(table, key, name, "", cluster)
    return Hit(table, key, name, str(graph.text(table, "region")[row]))
