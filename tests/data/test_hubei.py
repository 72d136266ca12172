"""The shipped Hubei pack: complete, consistent, plausible, and in line with public lists.

Each check names the rows that break it (up to ``SHOWN`` of them). A row that was looked at and is
right all the same stands in ``allowed.toml`` with the check, the key and the reason.
"""

from __future__ import annotations

import csv
import json
import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from chainatlas.analysis.economy import Economy
from chainatlas.analysis.gaps import find_gaps
from chainatlas.analysis.scope import Scope
from chainatlas.graph import open_store, regions
from chainatlas.graph.chain import ChainGraph, records
from chainatlas.graph.schema import GENERAL_KNOWLEDGE, PACK_TABLES, PROVENANCE, TABLES
from chainatlas.ingest import open_pack
from chainatlas.ingest.load import LoadReport, load
from chainatlas.ingest.people import is_person

Row = Mapping[str, str]
#: Key of a row that breaks a check, and what is wrong with it.
Offence = tuple[str, str]

FOLDER = Path(__file__).parents[2] / "data" / "hubei"
ALLOWED = Path(__file__).with_name("allowed.toml")
TODAY = date(2026, 11, 23)
#: How many offenders a failure lists.
SHOWN = 20

HUBEI = "420000"
CLUSTERS = ("biomed", "display", "equipment", "ic", "materials", "network", "nev")
#: The four clusters of Wuhan on the national list of 2019.
NATIONAL = ("biomed", "display", "ic", "network")

#: Revenue (CNY) from which an enterprise is taken to have several businesses.
CONGLOMERATE = 1e10
#: Most that an assumed (not stated) share may give one product of a conglomerate.
ASSUMED_MOST = 0.5
#: How far an enterprise of typical size may be ahead of a known leading or listed maker.
AHEAD_MOST = 2.0
#: How far an assumed share may put a conglomerate ahead of the next maker of a product, where its
#: revenue is split evenly over several products, and where the product is its only one.
AHEAD_SPLIT = 3.0
AHEAD_ALONE = 10.0
#: Revenue (CNY) by label beyond which the label is not credible.
SMALL_FIRM_LABELS = {"little_giant": 2e10, "specialised": 5e9}
LEADER_LEAST = 3e7
#: Labels that only Chinese authorities award.
CHINESE_LABELS = frozenset({"champion", "little_giant", "specialised", "high_tech"})
#: How far revenue may be from any of the years 2018 to 2020 before a unit error is suspected.
REVENUE_FACTOR = 15.0

A_SHARE = re.compile(r"(\d{6})\.(SH|SZ|BJ)")
A_SHARE_ID = re.compile(r"(SH|SZ|BJ)(\d{6})")
BOARDS = {"SH": ("6",), "SZ": ("0", "2", "3"), "BJ": ("4", "8", "92")}
TRADE = re.compile(r"销售|贸易|商贸|经销|批发|分销|流通|零售|配送|代理|物流|进出口|商业$|投资控股")
TRADE_NAME = re.compile(r"销售|贸易|商贸|经销|批发|进出口|流通|零售|连锁|电子商务|物流")
MAKING = re.compile(r"制造|生产|设计|研发|封装|加工|设备|装备|系统")
CONTACT = re.compile(
    r"联系人|联系方式|法定代表人|身份证号|邮箱[:：]"
    r"|(?i:(?:电话|手机|传真|微信|\btel|\bphone|\bfax)[号码.]*\s*[:：]?\s*[+(（]?\d)"
)


@dataclass(frozen=True)
class Pack:
    """The pack as it stands in its files, and as it is after loading."""

    raw: Mapping[str, list[dict[str, str]]]
    report: LoadReport
    rejects: list[dict[str, Any]]
    graph: ChainGraph
    economy: Economy

    def rows(self, table: str) -> list[dict[str, str]]:
        """Rows of a table as loaded, "" where empty."""
        graph = self.graph
        names = TABLES[table].names
        columns = [
            graph.number(table, n).tolist()
            if TABLES[table].column(n).numeric
            else graph.text(table, n).tolist()
            for n in names
        ]
        return [
            {n: "" if v != v else str(v) for n, v in zip(names, cells, strict=True)}
            for cells in zip(*columns, strict=True)
        ]

    @cached_property
    def enterprises(self) -> dict[str, dict[str, str]]:
        return {row["id"]: row for row in self.rows("enterprises")}

    @cached_property
    def products(self) -> dict[str, dict[str, str]]:
        return {row["id"]: row for row in self.rows("products")}

    @cached_property
    def produces(self) -> list[dict[str, str]]:
        return self.rows("produces")

    @cached_property
    def inputs(self) -> list[dict[str, str]]:
        return self.rows("inputs")

    @cached_property
    def stages(self) -> dict[str, tuple[str, str]]:
        """Cluster and stage of each link."""
        return {row["id"]: (row["cluster"], row["stage"]) for row in self.rows("links")}

    @cached_property
    def flow(self) -> nx.DiGraph[str]:
        """Products, with an edge from each input to what it goes into."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(self.products)
        graph.add_edges_from((row["input"], row["product"]) for row in self.inputs)
        return graph

    @cached_property
    def domestic_makers(self) -> dict[str, dict[str, float]]:
        """Domestic output (CNY a year) by product and enterprise."""
        found: dict[str, dict[str, float]] = defaultdict(dict)
        enterprise, product, output = self.economy.maker_outputs
        names = self.graph.text("enterprises", "id")
        products = self.graph.text("products", "id")
        for e, p, y in zip(enterprise.tolist(), product.tolist(), output.tolist(), strict=True):
            found[str(products[p])][str(names[e])] = y
        return found

    @cached_property
    def imputed(self) -> dict[str, bool]:
        ids = self.graph.text("enterprises", "id").tolist()
        return dict(zip(ids, self.economy.imputed.tolist(), strict=True))

    def label(self, enterprise: str) -> set[str]:
        return set(self.enterprises[enterprise]["labels"].split(";")) - {""}

    def called(self, enterprise: str) -> str:
        return f"{enterprise} {self.enterprises[enterprise]['name']}"

    def cluster_products(self, cluster: str) -> dict[str, set[str]]:
        """Products by link of a cluster; every link of the cluster has an entry."""
        found: dict[str, set[str]] = {k: set() for k, v in self.stages.items() if v[0] == cluster}
        for product, row in self.products.items():
            for link in row["links"].split(";"):
                if link in found:
                    found[link].add(product)
        return found


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    store = open_store(str(tmp_path_factory.mktemp("hubei") / "hubei.db"), create=True)
    try:
        report = load(store, [open_pack(FOLDER)])
        graph = store.view().graph()
        rejects = records(store.view().rejects())
    finally:
        store.close()
    raw = {}
    for name in PACK_TABLES:
        path = FOLDER / f"{name}.csv"
        if path.exists():
            with path.open(encoding="utf-8-sig", newline="") as stream:
                raw[name] = list(csv.DictReader(stream))
    return Pack(raw, report, rejects, graph, Economy.of(graph, graph.rules().sizes))


def allowed(check: str) -> set[str]:
    """Keys of rows that were reviewed and may break a check."""
    if not ALLOWED.exists():
        return set()
    entries = tomllib.loads(ALLOWED.read_text(encoding="utf-8")).get(check, {})
    return set(entries)


def none(check: str, offences: Iterable[Offence]) -> None:
    """Fail where a check has offenders that are not allowed, listing up to SHOWN of them."""
    known = allowed(check)
    rest = list(dict.fromkeys(o for o in offences if o[0] not in known))
    if rest:
        lines = [f"  {key}: {what}" for key, what in rest[:SHOWN]]
        more = [f"  ... and {len(rest) - SHOWN} more"] if len(rest) > SHOWN else []
        head = f"{check}: {len(rest)} violation(s)"
        pytest.fail("\n".join([head, *lines, *more]), pytrace=False)


def key_of(table: str, row: Row) -> str:
    return "/".join(row.get(k) or "-" for k in TABLES[table].key)


def plain(name: str) -> str:
    """A name without what writers vary: width, case, blanks, brackets, legal form."""
    text = unicodedata.normalize("NFKC", name).casefold()
    text = re.sub(r"[\s()\[\]{}【】〔〕《》·・,.、'\"“”‘’-]", "", text)
    return re.sub(r"(股份有限公司|有限责任公司|股份公司|有限公司)$", "", text)


def names_of(row: Row) -> set[str]:
    """The plain name and aliases of a row."""
    return {plain(n) for n in (row["name"], *row["aliases"].split(";")) if n}


def home(row: Row) -> str:
    return row["region"]


def businesses_of(row: Row) -> list[str]:
    """What an enterprise says it makes, item by item, without remarks in brackets."""
    described = re.sub(r"[(（][^)）]*[)）]", "", row["main_products"])
    return list(dict.fromkeys(b for b in re.split("[、;；,，]", described) if b))


def alike(business: str, words: str) -> bool:
    """Whether any two characters of a business stand together among the words."""
    text, others = business.casefold(), words.casefold()
    return len(text) < 2 or any(text[i : i + 2] in others for i in range(len(text) - 1))


def compatible(one: str, other: str) -> bool:
    """Whether one region contains the other: 420000, 420100 and 420111 agree, 420200 does not."""
    return regions.contains(one, other) or regions.contains(other, one)


def place(name: str) -> str:
    """A region's name without its rank."""
    return re.sub(
        r"(特别行政区|维吾尔自治区|壮族自治区|回族自治区|自治区|[^省]{1,12}族自治[州县]|省|市|县|区)$",
        "",
        name,
    )


# --- loading, codes and references -------------------------------------------------------------


def test_nothing_is_quarantined(pack: Pack) -> None:
    none(
        "quarantine",
        (
            (f"{r['file']}:{r['line']:.0f}", f"{r['column']} {r['reason']} {r['raw']}"[:200])
            for r in pack.rejects
        ),
    )
    assert pack.report.quarantined == 0


def test_no_person_columns_and_no_unknown_ones(pack: Pack) -> None:
    offences = [
        (f"{name}.{column}", "person column" if is_person(column) else "unknown column")
        for name, rows in pack.raw.items()
        for column in (rows[0] if rows else {})
        if is_person(column) or column not in TABLES[name].names
    ]
    none("columns", offences)
    assert sum(p.people_columns for p in pack.report.packs) == 0


@pytest.mark.parametrize("table", PACK_TABLES)
def test_every_table_ships(pack: Pack, table: str) -> None:
    assert pack.raw.get(table), f"{table}.csv is missing or empty"


@pytest.mark.parametrize("table", PACK_TABLES)
def test_keys_are_not_repeated(pack: Pack, table: str) -> None:
    seen: dict[str, int] = defaultdict(int)
    for row in pack.raw.get(table, []):
        seen[key_of(table, row)] += 1
    none("repeated_key", ((f"{table}/{k}", f"{n} rows") for k, n in seen.items() if n > 1))


@pytest.mark.parametrize("table", PACK_TABLES)
def test_references_and_choices(pack: Pack, table: str) -> None:
    ids = {name: {row["id"] for row in rows} for name, rows in pack.raw.items() if "id" in rows[0]}
    offences: list[Offence] = []
    for row in pack.raw.get(table, []):
        for column in TABLES[table].columns:
            cell = row.get(column.name) or ""
            for value in re.split("[;；]", cell) if column.many else [cell]:
                if not value:
                    continue
                wrong = ""
                if column.ref and value not in ids.get(column.ref, set()):
                    wrong = f"no such {column.ref}"
                elif column.choices and value not in column.choices:
                    wrong = "no such choice"
                elif column.type == "adcode" and not regions.exists(value):
                    wrong = "no such region"
                elif value != value.strip():
                    wrong = "blanks around the value"
                if wrong:
                    offences.append(
                        (f"{table}/{key_of(table, row)}", f"{column.name}={value}: {wrong}")
                    )
    none("reference", offences)


def test_a_share_ids_match_stock_codes(pack: Pack) -> None:
    offences: list[Offence] = []
    for key, row in pack.enterprises.items():
        code, id_ = A_SHARE.fullmatch(row["stock_code"]), A_SHARE_ID.fullmatch(key)
        if id_ and (not code or (code[2], code[1]) != (id_[1], id_[2])):
            offences.append((key, f"stock_code {row['stock_code'] or 'empty'}"))
        elif code and not id_:
            offences.append(
                (key, f"stock_code {row['stock_code']}: id should be {code[2]}{code[1]}")
            )
        elif id_ and not id_[2].startswith(BOARDS[id_[1]]):
            offences.append((key, f"{id_[2]} is not a code of the {id_[1]} exchange"))
        elif id_ and row["country"] != "CN":
            offences.append((key, f"A-share with country {row['country']}"))
        elif re.fullmatch(r"\d{6}", row["stock_code"]):
            offences.append((key, f"stock_code {row['stock_code']} without exchange"))
    none("a_share_id", offences)


def test_one_enterprise_per_stock_code(pack: Pack) -> None:
    holders: dict[str, list[str]] = defaultdict(list)
    for key, row in pack.enterprises.items():
        for code in filter(None, re.split("[;,/ ]", row["stock_code"])):
            holders[code].append(key)
    none(
        "stock_code_twice",
        ((c, "、".join(map(pack.called, k))) for c, k in holders.items() if len(k) > 1),
    )


def test_no_enterprise_stands_under_two_ids(pack: Pack) -> None:
    holders: dict[str, list[str]] = defaultdict(list)
    for key, row in pack.enterprises.items():
        holders[plain(row["name"])].append(key)
    none("name_twice", (("/".join(k), n) for n, k in holders.items() if len(k) > 1))


def test_no_alias_is_the_full_name_of_another_enterprise(pack: Pack) -> None:
    full = {plain(row["name"]): key for key, row in pack.enterprises.items()}
    offences = [
        (f"{key}/{other}", f"alias {alias} of {row['name']} is the name of {pack.called(other)}")
        for key, row in pack.enterprises.items()
        for alias in filter(None, row["aliases"].split(";"))
        if (other := full.get(plain(alias), key)) != key
    ]
    none("alias_is_name", offences)


def test_no_foreign_enterprise_shares_a_name_with_another(pack: Pack) -> None:
    """Abroad a shared alias means the same firm; a Chinese subsidiary may go by its group's name."""
    legal = re.compile(
        r"(?i)[ ,]*(corporation|incorporated|co\.? ?,? ?ltd|inc|ltd|plc|ag|株式会社)\.?$"
    )
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for key, row in pack.enterprises.items():
        if row["country"] == "CN":
            continue
        for name in (row["name"], *row["aliases"].split(";"), *re.split("[(（)）]", row["name"])):
            if len(plain(legal.sub("", name))) > 1:
                holders[row["country"], plain(legal.sub("", name))].add(key)
    shared_names: dict[str, set[str]] = defaultdict(set)
    for (_, name), keys in holders.items():
        if len(keys) > 1:
            shared_names["/".join(sorted(keys))].add(name)
    none("shared_alias", ((k, "、".join(sorted(v))) for k, v in sorted(shared_names.items())))


@pytest.mark.parametrize("table", ["products", "institutes", "projects", "links", "clusters"])
def test_no_other_name_stands_under_two_ids(pack: Pack, table: str) -> None:
    holders: dict[str, list[str]] = defaultdict(list)
    for row in pack.rows(table):
        scope = row["cluster"] + ":" if table == "links" else ""
        holders[scope + plain(row["name"])].append(row["id"])
    none(f"{table}_twice", (("/".join(k), n) for n, k in holders.items() if len(k) > 1))


# --- provenance and privacy ---------------------------------------------------------------------


@pytest.mark.parametrize("table", PACK_TABLES)
def test_every_row_has_source_date_and_honest_confidence(pack: Pack, table: str) -> None:
    defaults = tomllib.loads((FOLDER / "pack.toml").read_text(encoding="utf-8"))
    offences: list[Offence] = []
    for row in pack.raw.get(table, []):
        key = f"{table}/{key_of(table, row)}"
        source = row.get("source") or str(defaults.get("source", ""))
        as_of = row.get("as_of") or str(defaults.get("as_of", ""))
        confidence = row.get("confidence") or ""
        if not source.strip():
            offences.append((key, "no source"))
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", as_of) or date.fromisoformat(as_of) > TODAY:
                offences.append((key, f"as_of {as_of or 'empty'}"))
        except ValueError:
            offences.append((key, f"as_of {as_of}"))
        try:
            value = float(confidence) if confidence else float("nan")
        except ValueError:
            offences.append((key, f"confidence {confidence}"))
            continue
        if confidence and not 0 <= value <= 1:
            offences.append((key, f"confidence {confidence}"))
        if GENERAL_KNOWLEDGE in source and not value <= 0.6:
            offences.append((key, f"general knowledge with confidence {confidence or 'empty'}"))
    none("provenance", offences)


def is_resident_id(text: str) -> bool:
    """Whether 18 characters are a valid citizen identity number (date and check digit)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    digit = "10X98765432"[sum(int(c) * w for c, w in zip(text[:17], weights, strict=True)) % 11]
    return 1900 <= born.year <= TODAY.year and digit == text[17].upper()


def personal(text: str, *, number: bool) -> str:
    """What a cell holds of persons, "" where nothing."""
    if re.search(r"[\w.+-]+@[\w-]+\.[\w.]+", text):
        return "e-mail address"
    if any(
        is_resident_id(t) for t in re.findall(r"(?<![0-9A-Za-z])\d{17}[\dXx](?![0-9A-Za-z])", text)
    ):
        return "identity number"
    if CONTACT.search(text):
        return "contact"
    if not number and re.search(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)", text):
        return "mobile number"
    if re.search(r"(?<!\d)(?:0\d{2,3}[- )]\d{7,8}|[48]00-\d{3}-?\d{4})(?!\d)", text):
        return "telephone number"
    return ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("联系 a.b@c.com.cn", "e-mail address"),
        ("13812345678", "mobile number"),
        ("+86 138-1234-5678", "mobile number"),
        ("027-87654321", "telephone number"),
        ("11010519491231002X", "identity number"),
        ("电话:87654321", "contact"),
        ("91420100MA4KNDRY7R", ""),
        ("TechInsights 拆解: 手机屏幕约占整机成本20%", ""),
        ("2024-12-31", ""),
        ("华中光电, 2023年营收13.8亿元", ""),
    ],
)
def test_personal_data_is_recognised(text: str, found: str) -> None:
    assert personal(text, number=False) == found


@pytest.mark.parametrize("table", PACK_TABLES)
def test_no_cell_holds_personal_data(pack: Pack, table: str) -> None:
    numeric = {c.name for c in TABLES[table].columns if c.numeric}
    offences = [
        (f"{table}/{key_of(table, row)}/{name}", f"{what}: {cell[:60]}")
        for row in pack.raw.get(table, [])
        for name, cell in row.items()
        if (what := personal(cell or "", number=name in numeric))
    ]
    none("personal_data", offences)


# --- how much there is --------------------------------------------------------------------------


def count_links(pack: Pack) -> int:
    return sum(1 for cluster, stage in pack.stages.values() if cluster and stage)


def count_aliased(pack: Pack) -> int:
    return sum(1 for row in pack.products.values() if row["aliases"])


def count_criticality(pack: Pack) -> int:
    return sum(1 for row in pack.raw["inputs"] if row.get("criticality"))


def count_local(pack: Pack) -> int:
    return sum(1 for r in pack.enterprises.values() if home(r) and regions.contains(HUBEI, home(r)))


def count_elsewhere(pack: Pack) -> int:
    making = {row["enterprise"] for row in pack.produces if row["role"] == "maker"}
    return sum(
        1
        for key, r in pack.enterprises.items()
        if key in making and not (home(r) and regions.contains(HUBEI, home(r)))
    )


def count_research(pack: Pack) -> int:
    return len({row["institute"] for row in pack.rows("research")})


def rows_in(table: str) -> Callable[[Pack], int]:
    return lambda pack: len(pack.graph[table])


@pytest.mark.parametrize(
    ("what", "least", "count"),
    [
        ("links with stages", 60, count_links),
        ("products", 300, rows_in("products")),
        ("products with aliases", 300, count_aliased),
        ("inputs with a stated criticality", 600, count_criticality),
        ("enterprises of Hubei", 200, count_local),
        ("makers elsewhere", 350, count_elsewhere),
        ("institutes", 40, rows_in("institutes")),
        ("institutes with research", 40, count_research),
        ("supply relations", 60, rows_in("supplies")),
        ("partnerships", 30, rows_in("partners")),
        ("projects", 30, rows_in("projects")),
        ("holdings", 1, rows_in("holdings")),
        ("surveys", 1, rows_in("surveys")),
        ("rules", 1, rows_in("rules")),
    ],
)
def test_there_is_enough(pack: Pack, what: str, least: int, count: Callable[[Pack], int]) -> None:
    found = count(pack)
    assert found >= least, f"{what}: {found}, wanted at least {least}"


def test_seven_clusters_with_the_four_national_ones_of_wuhan(pack: Pack) -> None:
    rows = {row["id"]: row for row in pack.rows("clusters")}
    assert tuple(sorted(rows)) == CLUSTERS
    wrong = [c for c in NATIONAL if (rows[c]["tier"], rows[c]["region"]) != ("national", "420100")]
    assert not wrong, f"not national clusters of Wuhan: {wrong}"
    assert (FOLDER / "rules.toml").exists()


# --- chains -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_chain_has_all_stages_and_no_empty_link(pack: Pack, cluster: str) -> None:
    found = pack.cluster_products(cluster)
    stages = {pack.stages[link][1] for link in found}
    assert stages == {"upstream", "midstream", "downstream"}
    none("empty_link", ((link, "link without product") for link, p in found.items() if not p))


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_chain_is_one_piece(pack: Pack, cluster: str) -> None:
    """Over inputs within the cluster its links hang together; over all inputs its products do."""
    links = pack.cluster_products(cluster)
    ours = set().union(*links.values())
    within = max(nx.weakly_connected_components(pack.flow.subgraph(ours)), key=len)
    whole = max(nx.weakly_connected_components(pack.flow), key=len)
    offences = [
        (link, "no product of the link is connected with the rest of its chain")
        for link, products in links.items()
        if products and not products & within
    ]
    offences += [
        (
            f"{cluster}/{p}",
            f"{pack.products[p]['name']}: not connected with the rest of the products",
        )
        for p in sorted(ours - whole)
    ]
    none("separate_piece", offences)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_chain_runs_from_upstream_to_downstream(pack: Pack, cluster: str) -> None:
    """Over inputs, every upstream link leads to a downstream one and the other way round.

    A midstream link must be reached from upstream or lead downstream, and be next to both sides
    where it is not the end of the chain itself.
    """
    found = pack.cluster_products(cluster)
    by_stage: dict[str, set[str]] = defaultdict(set)
    for link, products in found.items():
        by_stage[pack.stages[link][1]] |= products

    def reached(start: set[str], graph: nx.DiGraph[str]) -> set[str]:
        return start.union(*(nx.descendants(graph, p) for p in start))

    above = reached(by_stage["downstream"], pack.flow.reverse(copy=False))
    below = reached(by_stage["upstream"], pack.flow)
    offences: list[Offence] = []
    for link, products in found.items():
        stage = pack.stages[link][1]
        if not products:
            continue
        if stage == "upstream" and not products & above:
            offences.append((link, "upstream link leads to no downstream product"))
        elif stage == "downstream" and not products & below:
            offences.append((link, "downstream link is reached from no upstream product"))
        elif stage == "midstream" and not products & (above | below):
            offences.append((link, "midstream link has neither side"))
    none("broken_chain", offences)


def test_products_take_part_in_the_chain(pack: Pack) -> None:
    """No product without a link, and none that is neither an input nor has inputs."""
    offences = [(k, f"{r['name']}: no link") for k, r in pack.products.items() if not r["links"]]
    offences += [
        (k, f"{pack.products[k]['name']}: neither input of anything nor with inputs")
        for k in nx.isolates(pack.flow)
    ]
    none("product_alone", offences)


def test_products_nobody_makes_are_true_chokepoints(pack: Pack) -> None:
    """Without a maker in China: made abroad, needed by something made here, hardly domestic."""
    economy = pack.economy
    needed = economy.coefficients @ economy.national
    rate = pack.graph.number("products", "domestic_rate")
    offences: list[Offence] = []
    for at, (key, row) in enumerate(pack.products.items()):
        if economy.national[at] > 0:
            continue
        if not economy.world[at] > 0:
            offences.append((key, f"{row['name']}: no maker anywhere"))
        elif not needed[at] > 0:
            offences.append(
                (key, f"{row['name']}: no maker in China, and nothing made there needs it")
            )
        elif rate[at] > 0.05:
            offences.append((key, f"{row['name']}: no maker in China but domestic rate {rate[at]}"))
    none("no_maker", offences)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_every_cluster_answers_with_each_kind_of_gap(pack: Pack, cluster: str) -> None:
    region = next(r["region"] for r in pack.rows("clusters") if r["id"] == cluster)
    table = find_gaps(Scope.of(pack.graph, region, cluster)).table
    found = {action for actions in table["actions"].tolist() for action in actions}
    missing = {"supplement", "strengthen", "fortify"} - found
    assert not missing, f"{cluster} in {region}: no product with {sorted(missing)}"


# --- makers, their labels and sizes -------------------------------------------------------------


def test_labels_fit_the_enterprise(pack: Pack) -> None:
    offences: list[Offence] = []
    for key, row in pack.enterprises.items():
        labels = pack.label(key)
        called = row["name"]
        revenue = float(row["revenue"]) if row["revenue"] else None
        coded = bool(row["stock_code"])
        if coded and "listed" not in labels:
            offences.append((key, f"{called}: stock_code {row['stock_code']}, not labelled listed"))
        if "listed" in labels and not coded and row["country"] == "CN":
            offences.append((key, f"{called}: labelled listed, no stock_code"))
        if row["country"] != "CN" and labels & CHINESE_LABELS:
            offences.append(
                (key, f"{called}: {sorted(labels & CHINESE_LABELS)} in {row['country']}")
            )
        if row["country"] != "CN" and row["region"]:
            offences.append(
                (key, f"{called}: country {row['country']} with region {row['region']}")
            )
        if revenue is not None:
            for label in labels & SMALL_FIRM_LABELS.keys():
                if revenue > SMALL_FIRM_LABELS[label]:
                    offences.append((key, f"{called}: {label} with revenue {revenue:.3g}"))
            if "leading" in labels and revenue < LEADER_LEAST:
                offences.append((key, f"{called}: leading with revenue {revenue:.3g}"))
        if row["founded_on"] > "2023-11-23" and labels & {"leading", "champion"}:
            offences.append(
                (key, f"{called}: {row['labels']} although founded {row['founded_on']}")
            )
    none("labels", offences)


def known_leaders(pack: Pack, makers: Mapping[str, float]) -> dict[str, float]:
    """Makers of known revenue that are labelled leading, champion or listed."""
    return {
        e: y
        for e, y in makers.items()
        if not pack.imputed[e] and pack.label(e) & {"leading", "champion", "listed"}
    }


def test_no_typical_size_is_far_ahead_of_a_known_leader(pack: Pack) -> None:
    """The top maker of a product is not a guess of more than twice the largest known leader."""
    offences: list[Offence] = []
    for product, makers in sorted(pack.domestic_makers.items()):
        known = known_leaders(pack, makers)
        top = max(makers, key=lambda e: (makers[e], e))
        if not known or not pack.imputed[top]:
            continue
        leader = max(known, key=lambda e: (known[e], e))
        if makers[top] > AHEAD_MOST * known[leader]:
            offences.append(
                (
                    f"{product}/{top}",
                    f"{pack.enterprises[top]['name']} [{pack.enterprises[top]['labels'] or '-'}] "
                    f"imputed {makers[top]:.3g} > {AHEAD_MOST:g} x {pack.called(leader)} "
                    f"{known[leader]:.3g}",
                )
            )
    none("guess_ahead", offences)


def test_no_start_up_outweighs_the_leader(pack: Pack) -> None:
    """Without known revenue, and neither leading, champion nor listed: below the known leader."""
    offences: list[Offence] = []
    for product, makers in sorted(pack.domestic_makers.items()):
        known = known_leaders(pack, makers)
        if not known:
            continue
        leader = max(known, key=lambda e: (known[e], e))
        for e, y in sorted(makers.items()):
            small = pack.imputed[e] and not pack.label(e) & {"leading", "champion", "listed"}
            if small and y > known[leader]:
                offences.append(
                    (
                        f"{product}/{e}",
                        f"{pack.enterprises[e]['name']} [{pack.enterprises[e]['labels'] or '-'}] "
                        f"imputed {y:.3g} > {pack.called(leader)} {known[leader]:.3g}",
                    )
                )
    none("start_up", offences)


def test_makers_before_mass_production_do_not_lead(pack: Pack) -> None:
    """Who only pilots or researches a product does not outweigh every mass maker of it."""
    mass: dict[str, float] = defaultdict(float)
    trial: dict[tuple[str, str], float] = defaultdict(float)
    making = {(r["enterprise"], r["product"]) for r in pack.produces if r["maturity"] == "mass"}
    for product, makers in pack.domestic_makers.items():
        for e, y in makers.items():
            if (e, product) in making:
                mass[product] = max(mass[product], y)
            else:
                trial[e, product] = y
    none(
        "pilot_leads",
        (
            (
                f"{product}/{e}",
                f"{pack.enterprises[e]['name']}: pilot {y:.3g} > mass {mass[product]:.3g}",
            )
            for (e, product), y in sorted(trial.items())
            if product in mass and y > mass[product]
        ),
    )


def test_no_conglomerate_puts_all_its_revenue_on_one_product(pack: Pack) -> None:
    """A firm of many businesses says what share a product has; nothing large is left to the rule.

    Broken, from a revenue of ``CONGLOMERATE``, by an assumed share that gives one product half of
    the revenue of a firm that names businesses without a product here, or several times what the next
    maker has; and by a stated share of (nearly) everything where the firm's own description names
    three or more businesses.
    """
    economy = pack.economy
    share = pack.graph.number("produces", "share")
    ids = pack.graph.text("enterprises", "id")
    products = pack.graph.text("products", "id")
    per: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for e, p, y in zip(
        economy.enterprise.tolist(), economy.product.tolist(), economy.output.tolist(), strict=True
    ):
        per[p][e] += y
    lines: dict[int, set[int]] = defaultdict(set)
    for e, p in zip(economy.enterprise.tolist(), economy.product.tolist(), strict=True):
        lines[e].add(p)
    offences: list[Offence] = []
    for row in np.flatnonzero(economy.output > 0).tolist():
        e, p, y = (
            int(economy.enterprise[row]),
            int(economy.product[row]),
            float(economy.output[row]),
        )
        size = float(economy.size[e])
        if economy.imputed[e] or size < CONGLOMERATE:
            continue
        key = str(ids[e])
        text = f"{pack.enterprises[key]['name']}: {y:.3g} of {size:.3g}"
        others = max((v for k, v in per[p].items() if k != e), default=0.0)
        businesses = businesses_of(pack.enterprises[key])
        words = "/".join(
            pack.products[str(products[q])][column]
            for q in lines[e]
            for column in ("name", "aliases")
        )
        unlisted = [b for b in businesses if not alike(b, words)]
        assumed = bool(np.isnan(share[row]))
        outsized = AHEAD_SPLIT if len(lines[e]) > 1 else AHEAD_ALONE
        if assumed and y >= ASSUMED_MOST * size and unlisted:
            why = f"{y / size:.0%} by an assumed share, but also: {'、'.join(unlisted)}"
        elif assumed and y > outsized * others > 0 and y > 1e9:
            why = f"assumed share, {y / others:.1f} times the next maker"
        elif not assumed and share[row] >= 0.95 and len(businesses) >= 3:
            why = f"all revenue on one of {len(businesses)} businesses"
        else:
            continue
        offences.append((f"{key}/{products[p]}", f"{text}, {why}"))
    none("conglomerate", offences)


def test_shares_of_an_enterprise_do_not_exceed_its_revenue(pack: Pack) -> None:
    total: dict[str, float] = defaultdict(float)
    for row in pack.produces:
        total[row["enterprise"]] += float(row["share"] or 0)
    none(
        "shares_over_1",
        ((k, f"{pack.enterprises[k]['name']}: {v:.4f}") for k, v in total.items() if v > 1 + 1e-9),
    )


def test_enterprises_have_something_to_do(pack: Pack) -> None:
    """Every enterprise makes, sells, supplies, buys, owns or is owned."""
    used: set[str] = set()
    for table, columns in (
        ("produces", ("enterprise",)),
        ("supplies", ("supplier", "buyer")),
        ("partners", ("enterprise",)),
        ("holdings", ("parent", "child")),
        ("projects", ("owner",)),
    ):
        used |= {row[c] for row in pack.rows(table) for c in columns}
    none(
        "unused_enterprise", ((k, r["name"]) for k, r in pack.enterprises.items() if k not in used)
    )


def test_distributors_are_sellers(pack: Pack) -> None:
    """Who by name or by all its businesses trades is no maker."""
    offences: list[Offence] = []
    for row in pack.produces:
        if row["role"] != "maker":
            continue
        who = pack.enterprises[row["enterprise"]]
        businesses = businesses_of(who)
        trades = bool(businesses) and all(
            TRADE.search(b) and not MAKING.search(b) for b in businesses
        )
        if trades or TRADE_NAME.search(who["name"]):
            offences.append(
                (f"{who['id']}/{row['product']}", f"{who['name']} ({who['main_products']})")
            )
    none("distributor", offences)


# --- places -------------------------------------------------------------------------------------


def test_domestic_enterprises_have_a_place(pack: Pack) -> None:
    none(
        "no_region",
        (
            (k, r["name"])
            for k, r in pack.enterprises.items()
            if r["country"] == "CN" and not r["region"]
        ),
    )


def test_addresses_lie_in_the_registered_region(pack: Pack) -> None:
    offences: list[Offence] = []
    for table in ("enterprises", "institutes"):
        for row in pack.rows(table):
            text = row["address"]
            if not text or not row["region"]:
                continue
            named = [
                code
                for code, name in regions.names().items()
                if regions.level(code) in ("province", "city")
                and len(name) > 2
                and (text.startswith(name) or f"省{name}" in text or f"自治区{name}" in text)
            ]
            wrong = [regions.name(c) for c in named if not compatible(c, row["region"])]
            if wrong:
                offences.append(
                    (row["id"], f"{text} but region {row['region']} {regions.name(row['region'])}")
                )
    none("address", offences)


def test_firms_named_after_a_place_of_hubei_are_there(pack: Pack) -> None:
    """A name that begins with a place of Hubei stands for a registration or a plant there."""
    places = {
        place(name): code
        for code, name in regions.names().items()
        if code.startswith("42") and len(place(name)) > 1 and regions.level(code) != "county"
    }
    plants: dict[str, set[str]] = defaultdict(set)
    for row in pack.produces:
        plants[row["enterprise"]].add(row["region"])
    offences = [
        (key, f"{row['name']} but region {row['region'] or '-'} {regions.name(row['region'])}")
        for key, row in pack.enterprises.items()
        for name, code in places.items()
        if row["name"].startswith(name)
        and not any(
            r and compatible(other, r)
            for r in (row["region"], *plants[key])
            for named, other in places.items()
            if named in row["name"]
        )
    ]
    none("place_in_name", offences)


def test_plants_stand_apart_from_the_registered_address(pack: Pack) -> None:
    """Plants elsewhere than the registered address are rows of their own, in Hubei too."""
    elsewhere, away = set(), set()
    for row in pack.produces:
        registered = pack.enterprises[row["enterprise"]]["region"]
        if row["region"] and registered and not compatible(row["region"], registered):
            elsewhere.add((row["enterprise"], row["product"], row["region"]))
            if regions.contains(HUBEI, row["region"]) and not regions.contains(HUBEI, registered):
                away.add(row["enterprise"])
    for holding in pack.rows("holdings"):
        parent, child = (pack.enterprises[holding[k]]["region"] for k in ("parent", "child"))
        if child and regions.contains(HUBEI, child) and not parent.startswith(HUBEI[:2]):
            away.add(holding["child"])
    assert len(elsewhere) >= 30, f"only {len(elsewhere)} plants outside the registered city"
    assert len(away) >= 20, f"only {len(away)} firms or subsidiaries from elsewhere in Hubei"


def test_plants_are_counted_once(pack: Pack) -> None:
    """A subsidiary's plant is not also a row of its parent."""
    rows: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in pack.produces:
        if row["role"] == "maker":
            rows[row["enterprise"], row["product"]].append(row)
    makes: dict[str, set[str]] = defaultdict(set)
    for e, product in rows:
        makes[e].add(product)
    offences: list[Offence] = []
    for holding in pack.rows("holdings"):
        parent, child = holding["parent"], holding["child"]
        if float(holding["stake"] or 1) < 0.5:
            continue
        for product in sorted(makes[parent] & makes[child]):
            for mine in rows[parent, product]:
                for theirs in rows[child, product]:
                    if (
                        mine["region"]
                        and theirs["region"]
                        and regions.level(mine["region"]) != "province"
                        and compatible(mine["region"], theirs["region"])
                    ):
                        offences.append(
                            (
                                f"{parent}/{child}/{product}",
                                f"{pack.enterprises[parent]['name']} and its subsidiary "
                                f"{pack.enterprises[child]['name']} both in {theirs['region']}",
                            )
                        )
    none("plant_twice", offences)


# --- agreement with public lists ----------------------------------------------------------------


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def a_shares(shared: Path) -> dict[str, dict[str, str]]:
    """A-share companies of 2020 by six-digit code."""
    rows = read_csv(shared / "real" / "ashare_2020" / "cn_corp202012.csv")
    return {row["stockid"].zfill(6): row for row in rows}


def code_of(row: Row) -> str:
    """The six digits of an A-share stock code, "" where there is none."""
    found = A_SHARE.fullmatch(row["stock_code"])
    return found[1] if found else ""


@pytest.mark.shared
def test_listed_names_agree_with_the_list(pack: Pack, a_shares: dict[str, dict[str, str]]) -> None:
    """The full name, or the former one among the aliases."""
    offences = [
        (
            key,
            f"{row['name']} ({row['aliases']}) but in the list {other['name']} ({other['sname']})",
        )
        for key, row in pack.enterprises.items()
        if (other := a_shares.get(code_of(row))) and plain(other["name"]) not in names_of(row)
    ]
    none("listed_name", offences)


@pytest.mark.shared
def test_listed_codes_agree_with_the_list(pack: Pack, a_shares: dict[str, dict[str, str]]) -> None:
    """Whoever bears the full name of a listed company has its stock code."""
    codes = {plain(row["name"]): code for code, row in a_shares.items()}
    offences = [
        (key, f"{row['name']}: stock_code {row['stock_code'] or 'empty'}, in the list {code}")
        for key, row in pack.enterprises.items()
        if row["country"] == "CN"
        and (code := codes.get(plain(row["name"])))
        and code_of(row) != code
    ]
    none("listed_code", offences)


@pytest.mark.shared
def test_listed_cities_agree_with_the_list(pack: Pack, a_shares: dict[str, dict[str, str]]) -> None:
    offences: list[Offence] = []
    for key, row in pack.enterprises.items():
        other = a_shares.get(code_of(row))
        if not other or not row["region"]:
            continue
        above = [place(regions.name(code)) for code in regions.ancestors(row["region"])[:-1]]
        above_full = [regions.name(code) for code in regions.ancestors(row["region"])[:-1]]
        province = place(above_full[-1])
        here = f"{row['name']}: region {row['region']} {'/'.join(reversed(above_full))}"
        city = place(other["city"])
        if place(other["prov"]) != province or (len(above) > 1 and city not in (*above, province)):
            offences.append((key, f"{here}, in the list {other['prov']} {other['city']}"))
    none("listed_city", offences)


@pytest.mark.shared
def test_listed_revenue_is_of_the_right_order(
    pack: Pack, a_shares: dict[str, dict[str, str]]
) -> None:
    """A wrong unit (万元 for 元) shows as a factor of thousands."""
    offences: list[Offence] = []
    for key, row in pack.enterprises.items():
        other = a_shares.get(code_of(row))
        if not other or not row["revenue"]:
            continue
        years = [float(other[f"revenue{y}"] or 0) for y in (18, 19, 20)]
        years = [v for v in years if v > 0]
        now = float(row["revenue"])
        if years and not min(years) / REVENUE_FACTOR <= now <= max(years) * REVENUE_FACTOR:
            offences.append(
                (
                    key,
                    f"{row['name']}: {now:.3g}, in 2018-2020 {min(years):.3g} to {max(years):.3g}",
                )
            )
    none("listed_revenue", offences)


@pytest.mark.shared
def test_universities_agree_with_the_lists(pack: Pack, shared: Path) -> None:
    folder = shared / "real" / "universities"
    official = {plain(r["name"]): r for r in read_csv(folder / "wolf71_cn_University.csv")}
    key_list = json.loads((folder / "magicdover_188_key_universities.json").read_text("utf-8"))
    key = {plain(r["name"]): r for r in key_list}
    offences: list[Offence] = []
    for row in pack.rows("institutes"):
        name = plain(row["name"])
        if row["kind"] == "university" and name not in official and name not in key:
            offences.append((row["id"], f"{row['name']}: not in the lists"))
        if name in official and row["kind"] != "university":
            offences.append((row["id"], f"{row['name']}: kind {row['kind'] or 'empty'}"))
        if not row["region"]:
            if name in official or name in key:
                offences.append((row["id"], f"{row['name']}: no region"))
            continue
        above = {place(regions.name(c)) for c in regions.ancestors(row["region"])}
        full = {regions.name(c) for c in regions.ancestors(row["region"])} | above
        places = [official[name]["location"]] if name in official else []
        if name in key:
            places.append(str(key[name]["province"]))
            if regions.level(row["region"]) != "province":
                places.append(str(key[name]["city"]))
        for wanted in places:
            if wanted and wanted not in full and place(wanted) not in above:
                offences.append(
                    (row["id"], f"{row['name']}: region {row['region']}, in the list {wanted}")
                )
    none("university", offences)


@pytest.mark.shared
@pytest.mark.parametrize("table", [t for t in PACK_TABLES if "region" in TABLES[t].names])
def test_divisions_of_hubei_agree_with_the_list(pack: Pack, shared: Path, table: str) -> None:
    """The list gives 421023 for 监利市, where 421088 is right."""
    listed = json.loads((shared / "real" / "hubei_divisions.json").read_text("utf-8"))
    names = {code: name for level in listed.values() for code, name in level}
    names["421088"] = names.pop("421023")
    offences: list[Offence] = []
    for row in pack.rows(table):
        code = row["region"]
        if code.startswith("42"):
            if code not in names:
                offences.append(
                    (f"{table}/{key_of(table, row)}", f"{code} is no division of Hubei")
                )
            elif regions.name(code) != names[code]:
                offences.append((code, f"{regions.name(code)}, in the list {names[code]}"))
    none("division", offences)


@pytest.mark.shared
def test_gb_codes_are_classes_of_the_standard(pack: Pack, shared: Path) -> None:
    """Four digits of a class; the letter before them, where given, is its section."""
    rows = read_csv(shared / "real" / "classifications" / "gbt4754_2017_flat.csv")
    section = {row["code"]: row["section"] for row in rows if row["level"] == "4"}
    assert len(section) == 1382
    offences: list[Offence] = []
    for key, row in pack.products.items():
        code = row["gb_code"]
        if not code:
            continue
        letter, digits = (code[0], code[1:]) if code[0].isalpha() else ("", code)
        if digits not in section:
            offences.append((key, f"{row['name']}: {code} is no class"))
        elif letter and letter != section[digits]:
            offences.append(
                (key, f"{row['name']}: {code}, the class is in section {section[digits]}")
            )
    none("gb_code", offences)


@pytest.mark.shared
def test_sei_paths_are_in_the_classification(pack: Pack, shared: Path) -> None:
    """Every part of a path, in this order, stands in one path of the classification."""
    rows = read_csv(shared / "real" / "classifications" / "sei2018_map.csv")
    paths = {tuple(plain(p) for p in row["sei_path"].split(">")) for row in rows}
    known = {
        part for path in paths for n in range(1, len(path) + 1) for part in combinations(path, n)
    }
    offences = [
        (key, f"{row['name']}: {row['sei']}")
        for key, row in pack.products.items()
        if row["sei"] and tuple(plain(p) for p in re.split("[>/]", row["sei"])) not in known
    ]
    none("sei", offences)


# --- exceptions ---------------------------------------------------------------------------------


def test_every_exception_has_a_reason() -> None:
    if not ALLOWED.exists():
        return
    checks = set(re.findall(r'none\(\s*f?"([a-z_0-9{}]+)"', Path(__file__).read_text("utf-8")))
    checks |= {f"{t}_twice" for t in ("products", "institutes", "projects", "links", "clusters")}
    for check, entries in tomllib.loads(ALLOWED.read_text(encoding="utf-8")).items():
        assert check in checks, f"no such check: {check}"
        for key, reason in entries.items():
            assert isinstance(reason, str), f"{check} {key}: no reason"
            assert len(reason) >= 10, f"{check} {key}: no reason"


def test_provenance_columns_are_what_the_checks_expect() -> None:
    assert [c.name for c in PROVENANCE] == ["source", "as_of", "confidence", "method"]
