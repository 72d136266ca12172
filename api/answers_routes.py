"""Ways to close gaps besides attraction as an answer; see :mod:`.answers`."""

from __future__ import annotations

import pandas as pd

from ..analysis.gaps import STATES, Gaps
from ..analysis.routes import PARTS, WAYS
from ..graph.chain import records
from ..viz.words import place_name
from .answers import Answer


def routes_answer(gaps: Gaps, routes: pd.DataFrame) -> Answer:
    """``routes``: who could close the gaps besides those to bring in.

    Args:
        gaps: The gaps.
        routes: See :func:`analysis.routes.routes_of`.
    """
    names = dict(zip(gaps.table["product"], gaps.table["name"], strict=True))
    primary = dict(zip(gaps.table["product"], gaps.table["primary"], strict=True))
    document = {
        "region": gaps.scope.region,
        "cluster": gaps.scope.cluster,
        "version": gaps.version,
        "weights": {
            way: {name: weight for name, (_, weight) in parts.items()}
            for way, parts in PARTS.items()
        },
        "routes": records(routes),
    }
    table = pd.DataFrame(
        {
            "缺口产品": routes["product"].map(names),
            "首要动作": routes["product"].map(primary).map(STATES),
            "路径": routes["route"].map(WAYS),
            "排名": routes["rank"],
            "名称": routes["name"],
            "所在地": [place_name(x) if x else "—" for x in routes["place"]],
            "得分": routes["score"],
            "依据": ["；".join(r["text"] for r in reasons) for reasons in routes["reasons"]],
            "产品编码": routes["product"],
            "编码": routes["id"],
        }
    )
    title = f"{place_name(gaps.scope.region)} 引进以外的路径"
    brief = ("缺口产品", "路径", "排名", "名称", "所在地", "得分")
    return Answer("routes", document, table, title, brief=brief)
