"""资源分布图: where a cluster's enterprises, institutes and projects are, and who supplies whom.

Tables of facts by place; :mod:`.resource_map` draws them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import sparse

from ..analysis.gaps import Gaps
from ..graph import regions as geo
from ..graph.chain import Texts, texts
from .chain_layout import ordered_links
from .words import place_name, short_name

#: Kinds of resources; their symbols stand in :data:`.style.SYMBOLS`.
KINDS = {
    "leading": "龙头与上市企业",
    "sme": "中小配套企业",
    "institute": "高校院所与平台",
    "project": "项目",
}
#: Column of the output.
OUTPUT = "产出（亿元/年）"
#: Inferred lines on a map: the strongest ones.
_STRONGEST = 12
#: Enterprises of a flow named in the table.
_NAMED = 4


def resources(gaps: Gaps) -> pd.DataFrame:
    """Everything of a cluster that has a place.

    Returns:
        Columns kind (of :data:`KINDS`), id, name, region (code), output (CNY a year; 0 for
        institutes and projects), note, product (id), labels (codes joined by ``;``).
    """
    economy, graph = gaps.scope.economy, gaps.scope.graph
    ours = np.zeros(economy.products, dtype=bool)
    ours[gaps.scope.products] = True
    rows = np.flatnonzero(ours[economy.product] & (economy.output > 0))
    enterprise = economy.enterprise[rows]
    labels = graph.text("enterprises", "labels")[enterprise]
    big = np.asarray([bool({"leading", "listed"} & set(x.split(";"))) for x in labels.tolist()])
    made = pd.DataFrame(
        {
            "kind": np.where(big, "leading", "sme") if len(rows) else np.zeros(0, dtype=str),
            "id": graph.text("enterprises", "id")[enterprise],
            "name": graph.text("enterprises", "name")[enterprise],
            "region": economy.region[rows],
            "output": economy.output[rows],
            "note": graph.text("products", "name")[economy.product[rows]],
            "product": graph.text("products", "id")[economy.product[rows]],
            "labels": labels,
        }
    )
    products = set(gaps.table["product"])
    research = graph["research"]
    studying = research[research["product"].isin(products)].merge(
        graph["institutes"][["id", "name", "region", "level"]], left_on="institute", right_on="id"
    )
    projects = graph["projects"]
    building = projects[projects["product"].isin(products)]
    parts = [made]
    for kind, frame, note in (
        ("institute", studying, "level"),
        ("project", building, "stage"),
    ):
        parts.append(
            pd.DataFrame(
                {
                    "kind": kind,
                    "id": frame["id"],
                    "name": frame["name"],
                    "region": texts(frame["region"]),
                    "output": 0.0,
                    "note": texts(frame[note]),
                    "product": texts(frame["product"]),
                    "labels": "",
                }
            ).drop_duplicates()
        )
    facts = pd.concat(parts, ignore_index=True)
    return _some(facts, texts(facts["region"]) != "")


def narrowed(facts: pd.DataFrame, gaps: Gaps, wanted: Mapping[str, str]) -> pd.DataFrame:
    """The facts that some filters let through.

    Args:
        facts: See :func:`resources`, or :func:`relations` where only products are told apart.
        gaps: The question.
        wanted: ``link`` and ``product`` (ids), ``label`` (code), ``kind`` (of :data:`KINDS`); a
            label lets only enterprises through.
    """
    keep = np.ones(len(facts), dtype=bool)
    if link := wanted.get("link"):
        positions, links = gaps.scope.links
        names = gaps.scope.graph.text("links", "id")[links]
        ours = gaps.scope.chain["product"].to_numpy(dtype=object)[positions[names == link]]
        keep &= facts["product"].isin(ours).to_numpy()
    if product := wanted.get("product"):
        keep &= (facts["product"] == product).to_numpy()
    if kind := wanted.get("kind"):
        keep &= (facts["kind"] == kind).to_numpy()
    if label := wanted.get("label"):
        keep &= np.asarray([label in x.split(";") for x in facts["labels"]], dtype=bool)
    return _some(facts, keep)


def inside(facts: pd.DataFrame, places: tuple[str, ...]) -> pd.DataFrame:
    """The facts within some places, with the column ``place`` saying in which."""
    place = placed(texts(facts["region"]), places)
    return _some(facts.assign(place=place), place != "")


def _some(facts: pd.DataFrame, mask: np.typing.NDArray[np.bool_]) -> pd.DataFrame:
    return facts.loc[mask].reset_index(drop=True)


def placed(codes: Texts, places: tuple[str, ...]) -> Texts:
    """The place each region code lies in, "" where in none; shape as given."""
    codes, inverse = np.unique(codes, return_inverse=True)
    place = np.full(len(codes), "", dtype="<U6")
    for code in places:
        place[geo.within(codes, code)] = code
    return place[inverse]


def place_table(facts: pd.DataFrame, places: tuple[str, ...]) -> pd.DataFrame:
    """Number of each kind and output by place.

    Args:
        facts: See :func:`inside`.
        places: Rows, in this order.

    Returns:
        Columns place (code), 地区, one count for each of :data:`KINDS`, output in 1e8 CNY a year.
    """
    table = pd.DataFrame({"place": list(places), "地区": [short_name(p) for p in places]})
    once = facts.drop_duplicates(["place", "kind", "id"])
    for kind, zh in KINDS.items():
        counted = once.loc[once["kind"] == kind, "place"].value_counts()
        table[f"{zh}数"] = table["place"].map(counted).fillna(0).astype(int)
    table[OUTPUT] = table["place"].map(facts.groupby("place")["output"].sum()).fillna(0.0) / 1e8
    return table


def county_table(facts: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """:func:`place_table` one level down, with a row for what is known only by place.

    Args:
        facts: See :func:`inside`, by the places above.
        tables: The table of the parts of each place, by place.

    Returns:
        Columns place, 所属 and those of :func:`place_table`.
    """
    parts = []
    for above, rows in tables.items():
        own = facts[facts["place"] == above]
        vague = own[placed(texts(own["region"]), tuple(rows["place"])) == ""]
        extra = place_table(vague, (above,)).assign(地区="（县区未注明）")
        parts.append(
            pd.concat([rows, extra] if len(vague) else [rows]).assign(所属=short_name(above))
        )
    columns = ["place", "所属", *place_table(facts.iloc[:0], ()).columns[1:]]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def relations(gaps: Gaps) -> pd.DataFrame:
    """Recorded supply relations of a cluster.

    A relation counts where its product is one of the cluster's or, if it names none, its buyer
    makes one.

    Returns:
        Columns source, target (codes of the regions where supplier and buyer sit, else of their
        country), amount (CNY a year), names.
    """
    graph, economy = gaps.scope.graph, gaps.scope.economy
    (edges,) = graph.edges("SUPPLIES")
    supplies = graph["supplies"].iloc[edges.rows]
    ours = np.isin(economy.product, gaps.scope.products) & (economy.output > 0)
    product = texts(supplies["product"])
    counted = np.isin(product, gaps.table["product"].to_numpy(dtype=object).astype(np.str_)) | (
        (product == "") & np.isin(edges.target, economy.enterprise[ours])
    )
    names, region = graph.text("enterprises", "name"), graph.text("enterprises", "region")
    home = np.where(region != "", region, graph.text("enterprises", "country"))
    source, target = edges.source[counted], edges.target[counted]
    return pd.DataFrame(
        {
            "source": home[source],
            "target": home[target],
            "amount": supplies["amount"].to_numpy()[counted],
            "product": product[counted],
            "names": [f"{names[s]} → {names[b]}" for s, b in zip(source, target, strict=True)],
        }
    )


def supply_flows(found: pd.DataFrame, places: tuple[str, ...]) -> pd.DataFrame:
    """Recorded supply between places, both ends by where the firms sit.

    Args:
        found: See :func:`relations`.
        places: Region codes; other ends are their province or country.

    Returns:
        Columns source, target, relations, amount (CNY a year, NaN where unknown of all), names;
        most relations first. Only what begins or ends in a place.
    """
    frame = found.assign(
        source=_end(texts(found["source"]), places), target=_end(texts(found["target"]), places)
    )
    frame = frame[frame["source"].isin(places) | frame["target"].isin(places)]
    result = frame.groupby(["source", "target"], as_index=False, sort=False).agg(
        relations=("names", "size"),
        amount=("amount", lambda x: x.sum(min_count=1)),
        names=("names", lambda x: "；".join(list(dict.fromkeys(x))[:_NAMED])),
    )
    order = ["relations", "source", "target"]
    return result.sort_values(order, ascending=[False, True, True], ignore_index=True)


def _end(codes: Texts, places: tuple[str, ...]) -> Texts:
    """The place a region code lies in; outside the places its province, or the country."""
    away = [geo.province(c) if geo.exists(c) else c for c in codes.tolist()]
    place = placed(codes, places)
    return np.where(place != "", place, np.asarray(away, dtype="<U6"))


def likely_flows(gaps: Gaps, places: tuple[str, ...]) -> pd.DataFrame:
    """Where supply between places would be possible: who makes an input of what others make.

    Returns:
        Columns source, target, pairs (of input and product of the cluster, the input made in the
        source and the product in the target); the strongest ones, within a place left out.
    """
    economy, products = gaps.scope.economy, gaps.scope.products
    made = np.isin(economy.product, products) & (economy.output > 0)
    slot = np.full(economy.products, -1, dtype=np.int64)
    slot[products] = np.arange(len(products))
    present = np.zeros((len(places), len(products)))
    for at, place in enumerate(places):
        rows = made & geo.within(economy.region, place)
        present[at, slot[economy.product[rows]]] = 1.0
    needs = sparse.csr_array(economy.coefficients)[products, :][:, products] > 0
    pairs = present @ (needs @ present.T)
    np.fill_diagonal(pairs, 0.0)
    source, target = np.nonzero(pairs)
    found = pd.DataFrame(
        {
            "source": [places[i] for i in source],
            "target": [places[i] for i in target],
            "pairs": pairs[source, target].astype(int),
        }
    )
    order = found.sort_values(["pairs", "source", "target"], ascending=[False, True, True])
    return order.head(_STRONGEST).reset_index(drop=True)


def flow_table(recorded: pd.DataFrame, likely: pd.DataFrame) -> pd.DataFrame:
    """Both kinds of flows for people."""
    parts = [
        pd.DataFrame(
            {
                "类型": kind,
                "供方所在地": [place_name(x) for x in frame["source"]],
                "需方所在地": [place_name(x) for x in frame["target"]],
                "关系数": frame[number],
                "已知金额（亿元/年）": frame["amount"] / 1e8 if "amount" in frame else np.nan,
                "企业（供方 → 需方）": frame.get("names", "—"),
            }
        )
        for kind, frame, number in (
            ("已知供应", recorded, "relations"),
            ("可能配套（按投入产出推定）", likely, "pairs"),
        )
        if len(frame)
    ]
    columns = [
        "类型",
        "供方所在地",
        "需方所在地",
        "关系数",
        "已知金额（亿元/年）",
        "企业（供方 → 需方）",
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def region_link_matrix(gaps: Gaps, places: tuple[str, ...]) -> pd.DataFrame:
    """Output (100 million CNY a year) of each link's products by place; places without are left out."""
    economy, scope = gaps.scope.economy, gaps.scope
    links = dict(zip(scope.chain["product"], scope.chain["link_name"], strict=True))
    ids = economy.graph.text("products", "id")
    rows = np.flatnonzero(np.isin(economy.product, scope.products) & (economy.output > 0))
    frame = pd.DataFrame(
        {
            "link": [links[p] for p in ids[economy.product[rows]].tolist()],
            "output": economy.output[rows] / 1e8,
        }
    )
    region = economy.region[rows]
    order = list(dict.fromkeys(link["name"] for link in ordered_links(gaps)))
    result = []
    for place in places:
        inside = frame[geo.within(region, place)]
        if len(inside):
            sums = inside.groupby("link")["output"].sum()
            result.append({"地区": short_name(place), **{k: sums.get(k, 0.0) for k in order}})
    return pd.DataFrame(result, columns=["地区", *order])


def listed(facts: pd.DataFrame) -> pd.DataFrame:
    """Every enterprise, institute and project once, by region, kind and output."""
    whole = facts.groupby(["kind", "id", "name", "region"], sort=False).agg(
        output=("output", "sum"),
        note=("note", lambda x: "、".join(dict.fromkeys(v for v in x if v))),
    )
    whole = whole.reset_index().sort_values(
        ["region", "kind", "output"], ascending=[True, True, False]
    )
    return pd.DataFrame(
        {
            "所在地": [place_name(r) for r in whole["region"]],
            "类别": whole["kind"].map(KINDS),
            "名称": whole["name"],
            "产品或说明": whole["note"],
            OUTPUT: whole["output"] / 1e8,
        }
    )
