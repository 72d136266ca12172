"""Every node kind, edge kind and column, declared once.

Validation, the stores' table layout, the legend, the exports and the docs are derived from
:data:`TABLES` and :data:`EDGES`. To add a column or a kind, add it here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ValueType = Literal["id", "text", "adcode", "country", "date", "number", "enum"]
Choices = Mapping[str, str]

TIERS: Choices = MappingProxyType(
    {"key_cultivated": "重点培育", "provincial": "省级", "national": "国家级", "world": "世界级"}
)
STAGES: Choices = MappingProxyType({"upstream": "上游", "midstream": "中游", "downstream": "下游"})
LABELS: Choices = MappingProxyType(
    {
        "leading": "龙头（链主）",
        "champion": "单项冠军",
        "little_giant": "专精特新“小巨人”",
        "specialised": "专精特新",
        "high_tech": "高新技术企业",
        "listed": "上市公司",
    }
)
#: Typical yearly revenue (CNY) by label, used where revenue is unknown (design: Size).
TYPICAL_SIZES: Mapping[str, float] = MappingProxyType(
    {
        "leading": 5e9,
        "champion": 2e9,
        "little_giant": 4e8,
        "specialised": 1e8,
        "high_tech": 5e7,
        "listed": 1e9,
        "other": 2e7,
    }
)
ROLES: Choices = MappingProxyType({"maker": "生产", "seller": "销售"})
MATURITIES: Choices = MappingProxyType({"mass": "量产", "pilot": "中试", "research": "研发"})
INSTITUTE_KINDS: Choices = MappingProxyType(
    {"university": "高校", "institute": "科研院所", "platform": "创新平台"}
)
PROJECT_KINDS: Choices = MappingProxyType(
    {"leading": "核心龙头项目", "supporting": "配套及补链项目", "ecosystem": "产业生态项目"}
)
SURVEY_STATUSES: Choices = MappingProxyType({"complete": "摸排完整", "partial": "摸排不全"})

GENERAL_KNOWLEDGE = "general knowledge, unverified"
#: What an input costs in all, as a share of output, where its shares are not given.
INTERMEDIATE_SHARE = 0.6
#: Share of national output from which an enterprise counts as a national maker.
NATIONAL_MAKER_SHARE = 0.05
#: Comparisons with a threshold, and remainders, allow this much rounding.
EPSILON = 1e-12


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: Column name in packs, stores and JSON.
        zh: What a bureau reads.
        type: Value type; decides the cleaner and the storage (numbers are doubles, the rest text).
        key: Part of the table's key.
        required: May not be empty. Key columns are required unless ``optional``.
        optional: A key column that may be empty.
        many: A list cell, values separated by ``;``.
        ref: Table whose ``id`` the value must be.
        keep_row: A bad value of a list is quarantined alone and the row is kept.
        choices: Allowed codes with their Chinese names.
        default: Value in the graph where no pack states one. Facts keep the cell empty, so that
            one pack's silence never overrules another's word.
        low: Smallest number allowed.
        high: Largest number allowed.
        whole: Only whole numbers.
        unit: Unit of a number.
    """

    name: str
    zh: str
    type: ValueType = "text"
    key: bool = False
    required: bool = False
    optional: bool = False
    many: bool = False
    ref: str | None = None
    keep_row: bool = False
    choices: Choices | None = None
    default: str | None = None
    low: float | None = None
    high: float | None = None
    whole: bool = False
    unit: str = ""

    @property
    def mandatory(self) -> bool:
        """Whether the column may not be empty."""
        return self.required or (self.key and not self.optional)

    @property
    def numeric(self) -> bool:
        """Whether values are stored as doubles."""
        return self.type == "number"


#: Columns every fact may carry.
PROVENANCE: tuple[Column, ...] = (
    Column("source", "来源"),
    Column("as_of", "数据日期", "date"),
    Column("confidence", "置信度", "number", low=0, high=1),
    Column("method", "推断方法"),
)


@dataclass(frozen=True)
class Table:
    """One table of a pack: a node kind, an edge kind, or facts about both."""

    name: str
    zh: str
    own: tuple[Column, ...]
    required: bool = False
    #: Two reference columns that may not hold the same id.
    distinct: tuple[str, str] | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The table's own columns and the provenance every fact may carry."""
        return self.own + PROVENANCE

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the columns that identify a row."""
        return tuple(c.name for c in self.own if c.key)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(c.name for c in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: The table has no such column.
        """
        for candidate in self.columns:
            if candidate.name == name:
                return candidate
        raise KeyError(name)


def _id(zh: str) -> Column:
    return Column("id", zh, "id", key=True)


def _ref(name: str, table: str, zh: str, *, key: bool = True, optional: bool = False) -> Column:
    return Column(name, zh, "id", key=key, optional=optional, ref=table)


def _ratio(name: str, zh: str, default: str | None = None) -> Column:
    return Column(name, zh, "number", low=0, high=1, default=default)


def _money(name: str, zh: str) -> Column:
    return Column(name, zh, "number", low=0, unit="CNY")


#: Tables in loading order: a table refers only to itself and to tables before it.
TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            Table(
                "packs",
                "数据包",
                (
                    _id("名称"),
                    Column("title", "标题"),
                    Column("licence", "许可"),
                    Column("kind", "数据源"),
                ),
            ),
            Table(
                "clusters",
                "产业集群",
                (
                    _id("集群编码"),
                    Column("name", "集群名称", required=True),
                    Column("tier", "梯次", "enum", choices=TIERS),
                    Column("field", "领域"),
                    Column("region", "承载地", "adcode", required=True),
                    Column("recognised_on", "认定日期", "date"),
                ),
            ),
            Table(
                "links",
                "环节",
                (
                    _id("环节编码"),
                    Column("cluster", "集群", "id", required=True, ref="clusters"),
                    Column("name", "环节名称", required=True),
                    Column("stage", "链段", "enum", required=True, choices=STAGES),
                    Column("position", "次序", "number", whole=True),
                ),
            ),
            Table(
                "products",
                "产品",
                (
                    _id("产品编码"),
                    Column("name", "产品名称", required=True),
                    Column("aliases", "别名", many=True),
                    Column("links", "所属环节", "id", many=True, ref="links", keep_row=True),
                    Column("gb_code", "GB/T 4754 代码"),
                    Column("sei", "战新产业分类"),
                    _ratio("domestic_rate", "国产化率"),
                ),
                required=True,
            ),
            Table(
                "inputs",
                "投入关系",
                (
                    _ref("product", "products", "产品"),
                    _ref("input", "products", "投入品"),
                    _ratio("cost_share", "成本占比"),
                    _ratio("criticality", "关键度", default="0.5"),
                ),
                distinct=("product", "input"),
            ),
            Table(
                "enterprises",
                "企业",
                (
                    _id("企业编码"),
                    Column("name", "企业名称", required=True),
                    Column("aliases", "别名", many=True),
                    Column("stock_code", "股票代码"),
                    Column("country", "国别", "country", default="CN"),
                    Column("region", "所在地", "adcode"),
                    Column("address", "地址"),
                    Column("labels", "资质", "enum", many=True, choices=LABELS),
                    _money("revenue", "营业收入"),
                    _money("registered_capital", "注册资本"),
                    Column("employees", "员工数", "number", low=0, whole=True, unit="人"),
                    Column("founded_on", "成立日期", "date"),
                    Column("scope", "经营范围"),
                    Column("main_products", "主营产品"),
                    Column("industry", "所属行业"),
                ),
            ),
            Table(
                "produces",
                "生产关系",
                (
                    _ref("enterprise", "enterprises", "企业"),
                    _ref("product", "products", "产品"),
                    Column("region", "工厂所在地", "adcode", key=True, optional=True),
                    Column("role", "角色", "enum", choices=ROLES, default="maker"),
                    _ratio("share", "收入占比"),
                    Column("maturity", "成熟度", "enum", choices=MATURITIES, default="mass"),
                ),
            ),
            Table(
                "supplies",
                "供应关系",
                (
                    _ref("supplier", "enterprises", "供方"),
                    _ref("buyer", "enterprises", "需方"),
                    _ref("product", "products", "产品", optional=True),
                    _money("amount", "年金额"),
                ),
            ),
            Table(
                "institutes",
                "高校院所与平台",
                (
                    _id("机构编码"),
                    Column("name", "机构名称", required=True),
                    Column("kind", "类型", "enum", choices=INSTITUTE_KINDS),
                    Column("level", "层次"),
                    Column("region", "所在地", "adcode"),
                    Column("address", "地址"),
                ),
            ),
            Table(
                "research",
                "研究关系",
                (
                    _ref("institute", "institutes", "机构"),
                    _ref("product", "products", "产品"),
                    _ratio("strength", "强度"),
                ),
            ),
            Table(
                "partners",
                "产学研合作",
                (
                    _ref("institute", "institutes", "机构"),
                    _ref("enterprise", "enterprises", "企业"),
                    Column("topic", "主题", key=True, optional=True),
                ),
            ),
            Table(
                "holdings",
                "控股参股",
                (
                    _ref("parent", "enterprises", "母公司"),
                    _ref("child", "enterprises", "子公司"),
                    _ratio("stake", "持股比例"),
                ),
                distinct=("parent", "child"),
            ),
            Table(
                "projects",
                "项目",
                (
                    _id("项目编码"),
                    Column("name", "项目名称", required=True),
                    Column("kind", "类型", "enum", choices=PROJECT_KINDS),
                    _ref("owner", "enterprises", "业主", key=False),
                    _ref("product", "products", "产品", key=False),
                    Column("region", "所在地", "adcode"),
                    _money("investment", "投资额"),
                    Column("stage", "阶段"),
                ),
            ),
            Table(
                "surveys",
                "摸排情况",
                (
                    Column("region", "地区", "adcode", key=True),
                    _ref("product", "products", "产品"),
                    Column("status", "状态", "enum", required=True, choices=SURVEY_STATUSES),
                ),
            ),
            Table(
                "rules",
                "规则",
                (
                    Column("cluster", "集群", "id", key=True, optional=True, ref="clusters"),
                    Column("name", "规则", "id", key=True),
                    Column("value", "取值", "number", required=True, low=0),
                ),
            ),
        )
    }
)

#: What could not be used of a pack, and why. Versioned with the facts, but no fact itself.
REJECTS = Table(
    "rejects",
    "隔离区",
    (
        Column("file", "文件", key=True),
        Column("line", "行", "number", key=True),
        Column("column", "字段", key=True),
        Column("level", "级别"),
        Column("reason", "原因代码"),
        Column("message", "说明"),
        Column("raw", "原文"),
    ),
)

#: The tables that a pack holds as files of the same name.
PACK_TABLES: tuple[str, ...] = tuple(t for t in TABLES if t not in ("packs", "rules"))


@dataclass(frozen=True)
class NodeKind:
    """A node kind, the table it stands in, and its Chinese name."""

    name: str
    table: str | None
    zh: str


@dataclass(frozen=True)
class EdgeKind:
    """An edge kind, and the two columns of a table that hold its ends."""

    name: str
    zh: str
    table: str
    source: str
    target: str
    source_node: str
    target_node: str

    @property
    def inner(self) -> bool:
        """Whether both ends stand in tables; regions come from the GB/T 2260 table instead."""
        return all(NODES[n].table is not None for n in (self.source_node, self.target_node))


NODES: Mapping[str, NodeKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            NodeKind("Region", None, "地区"),
            NodeKind("Cluster", "clusters", "产业集群"),
            NodeKind("Link", "links", "环节"),
            NodeKind("Product", "products", "产品"),
            NodeKind("Enterprise", "enterprises", "企业"),
            NodeKind("Institute", "institutes", "高校院所与平台"),
            NodeKind("Project", "projects", "项目"),
        )
    }
)

EDGES: tuple[EdgeKind, ...] = (
    EdgeKind("PART_OF", "属于", "links", "id", "cluster", "Link", "Cluster"),
    EdgeKind("PART_OF", "属于", "products", "id", "links", "Product", "Link"),
    EdgeKind("INPUT_TO", "投入", "inputs", "input", "product", "Product", "Product"),
    EdgeKind("PRODUCES", "生产", "produces", "enterprise", "product", "Enterprise", "Product"),
    EdgeKind("SUPPLIES", "供应", "supplies", "supplier", "buyer", "Enterprise", "Enterprise"),
    EdgeKind("LOCATED_IN", "位于", "clusters", "id", "region", "Cluster", "Region"),
    EdgeKind("LOCATED_IN", "位于", "enterprises", "id", "region", "Enterprise", "Region"),
    EdgeKind("LOCATED_IN", "位于", "institutes", "id", "region", "Institute", "Region"),
    EdgeKind("LOCATED_IN", "位于", "projects", "id", "region", "Project", "Region"),
    EdgeKind("RESEARCHES", "研究", "research", "institute", "product", "Institute", "Product"),
    EdgeKind("PARTNERS", "合作", "partners", "institute", "enterprise", "Institute", "Enterprise"),
    EdgeKind("HOLDS", "控股", "holdings", "parent", "child", "Enterprise", "Enterprise"),
    EdgeKind("BUILDS", "建设", "projects", "id", "product", "Project", "Product"),
    EdgeKind("OWNS", "业主", "projects", "owner", "id", "Enterprise", "Project"),
)
