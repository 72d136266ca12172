"""The grammar of 经营范围, of main-business sentences and of lists, by hand-written examples."""

from __future__ import annotations

import pandas as pd
import pytest

from chainatlas.ingest.linking import MAKES, SELLS, SERVICES, Linker, strongest

NAMES = [
    "轮胎",
    "钢材",
    "烧碱",
    "硫酸",
    "化肥",
    "农药",
    "变压器",
    "电线电缆",
    "轴承",
    "电动机",
    "水泵",
    "光纤",
    "光缆",
    "服装",
    "塑料制品",
    "中药饮片",
    "医用口罩",
    "工业机器人",
    "数控机床",
    "液压油缸",
    "集成电路封装测试",
    "数据中心服务",
    "碳酸锂",
    "锂电池隔膜",
    "显示模组",
    "汽车座椅",
    "挖掘机",
    "压缩机",
    "阀门",
    "齿轮箱",
    "电梯",
]

SCOPES = [
    ("轮胎的生产、销售。", {"轮胎": MAKES}),
    ("轮胎生产、销售", {"轮胎": MAKES}),
    ("生产、销售轮胎", {"轮胎": MAKES}),
    ("生产销售：轮胎、塑料制品", {"轮胎": MAKES, "塑料制品": MAKES}),
    ("生产经营轮胎；销售钢材", {"轮胎": MAKES, "钢材": SELLS}),
    ("轮胎销售；轮胎制造", {"轮胎": MAKES}),
    ("销售：钢材、化肥、农药（不含危险化学品）", {"钢材": SELLS, "化肥": SELLS, "农药": SELLS}),
    ("钢材、化肥、服装批发、零售", {"钢材": SELLS, "化肥": SELLS, "服装": SELLS}),
    ("批发零售钢材、服装", {"钢材": SELLS, "服装": SELLS}),
    ("钢材批发兼零售；变压器安装、维修", {"钢材": SELLS, "变压器": SERVICES}),
    ("电梯的安装、改造、维修", {"电梯": SERVICES}),
    ("电梯安装；电梯维修；电梯销售", {"电梯": SELLS}),
    ("变压器的设计、制造、安装和维修", {"变压器": MAKES}),
    ("挖掘机租赁；挖掘机维修", {"挖掘机": SERVICES}),
    ("研发、生产、加工：轴承；自营和代理各类商品的进出口业务", {"轴承": MAKES}),
    ("一般项目：轴承制造；轴承销售；货物进出口", {"轴承": MAKES}),
    ("许可项目：农药生产；一般项目：化肥销售", {"农药": MAKES, "化肥": SELLS}),
    (
        "许可项目：农药批发（依法须经批准的项目，经相关部门批准后方可开展经营活动）；一般项目：化肥制造",
        {"农药": SELLS, "化肥": MAKES},
    ),
    ("化肥（不含农药）销售", {"化肥": SELLS}),
    ("销售化肥，不含农药", {"化肥": SELLS}),
    ("化肥销售（农药除外）", {"化肥": SELLS}),
    ("除烧碱外的化工产品销售；硫酸生产", {"硫酸": MAKES}),
    ("化工产品（烧碱、硫酸除外）的生产；轮胎生产", {"轮胎": MAKES}),
    ("化工产品生产（不包括烧碱，硫酸）；化肥生产", {"化肥": MAKES}),
    ("不得从事农药生产；化肥生产", {"化肥": MAKES}),
    ("禁止经营农药；销售化肥", {"化肥": SELLS}),
    ("生产化肥、农药；从事轮胎的批发及进出口业务", {"化肥": MAKES, "农药": MAKES, "轮胎": SELLS}),
    ("从事轴承、齿轮箱的研发、生产、销售和售后服务", {"轴承": MAKES, "齿轮箱": MAKES}),
    (
        "轴承、齿轮箱、液压油缸的制造；光纤的销售",
        {"轴承": MAKES, "齿轮箱": MAKES, "液压油缸": MAKES, "光纤": SELLS},
    ),
    ("中药饮片（含毒性饮片）生产，医用口罩销售", {"中药饮片": MAKES, "医用口罩": SELLS}),
    ("中药饮片加工；医用口罩零售", {"中药饮片": MAKES, "医用口罩": SELLS}),
    ("塑料制品、服装加工、销售", {"塑料制品": MAKES, "服装": MAKES}),
    ("数据中心服务；软件开发", {"数据中心服务": MAKES}),
    ("集成电路封装测试服务", {"集成电路封装测试": MAKES}),
    ("光纤、光缆", {"光纤": SELLS, "光缆": SELLS}),
    ("生产光纤 光缆 电线电缆", {"光纤": MAKES, "光缆": MAKES, "电线电缆": MAKES}),
    ("轮胎模具的制造", {}),
    ("轮胎生产设备的销售", {}),
    ("非轮胎橡胶制品的生产", {}),
    ("变压器配件生产", {}),
    ("变压器及配件生产", {"变压器": MAKES}),
    ("变压器系列产品的生产", {"变压器": MAKES}),
    ("废轮胎回收；轮胎翻新", {"轮胎": SERVICES}),
    ("生产：１、轮胎；２、轴承", {"轮胎": MAKES, "轴承": MAKES}),
    ("【许可项目】农药生产", {"农药": MAKES}),
    (
        "生产：轮胎；轴承。销售：钢材；服装",
        {"轮胎": MAKES, "轴承": MAKES, "钢材": SELLS, "服装": SELLS},
    ),
]

SENTENCES = [
    ("从事轮胎的研发、生产和销售", {"轮胎": MAKES}),
    ("轮胎的研发、设计和销售", {"轮胎": MAKES}),
    ("轮胎、轴承的生产和销售以及钢材的贸易", {"轮胎": MAKES, "轴承": MAKES, "钢材": SELLS}),
    (
        "变压器的研发、生产和销售以及电线电缆、光缆的销售",
        {"变压器": MAKES, "电线电缆": SELLS, "光缆": SELLS},
    ),
    ("主要从事显示模组的研发,生产及销售", {"显示模组": MAKES}),
    ("生产,销售轮胎,轴承,阀门", {"轮胎": MAKES, "轴承": MAKES, "阀门": MAKES}),
    ("以碳酸锂为主的锂盐产品的生产", {"碳酸锂": MAKES}),
    ("烧碱、硫酸等化工产品的生产与销售", {"烧碱": MAKES, "硫酸": MAKES}),
    ("公司为轮胎、轴承等行业客户提供数控机床", {"数控机床": MAKES}),
    ("数控机床的生产，产品应用于轮胎、轴承的加工", {"数控机床": MAKES}),
    ("面向汽车座椅的工业机器人的研发、生产", {"工业机器人": MAKES}),
    ("工业机器人（本体）的研发、生产", {"工业机器人": MAKES}),
    (
        "液压油缸、阀门、压缩机等产品的研发和制造",
        {"液压油缸": MAKES, "阀门": MAKES, "压缩机": MAKES},
    ),
    (
        "轮胎业务和大宗钢材贸易以及轴承制造",
        {"轮胎": MAKES, "钢材": SELLS, "轴承": MAKES},
    ),
    ("轮胎的工艺研发和加工制造", {"轮胎": MAKES}),
    ("轮胎检测设备的研发、生产", {}),
    ("提供电梯维保服务", {"电梯": SERVICES}),
    ("轮胎产业化", {}),
    ("集轴承、齿轮箱的研发、生产、销售于一体", {"轴承": MAKES, "齿轮箱": MAKES}),
    ("主要产品有光纤、光缆", {"光纤": MAKES, "光缆": MAKES}),
    ("主导产品为轮胎、轴承等", {"轮胎": MAKES, "轴承": MAKES}),
    ("形成年产100万条轮胎产能", {"轮胎": MAKES}),
    ("拥有碳酸锂生产能力", {"碳酸锂": MAKES}),
    ("光纤、光缆供应商", {"光纤": MAKES, "光缆": MAKES}),
    ("以轴承为主要产品", {"轴承": MAKES}),
    ("轴承被广泛应用于电梯", {}),
    ("提供电梯维修服务于一体的解决方案", {"电梯": SERVICES}),
]

LISTS = [
    ("轮胎、轴承、租赁服务", {"轮胎": MAKES, "轴承": MAKES}),
    ("轮胎、贸易业务、电梯维修", {"轮胎": MAKES, "电梯": SERVICES}),
    ("轮胎类、轴承系列产品、其他", {"轮胎": MAKES, "轴承": MAKES}),
    ("航空轮胎（子午线）、工程轮胎", {"轮胎": MAKES}),
    ("钢材贸易、电动机、水泵", {"钢材": SELLS, "电动机": MAKES, "水泵": MAKES}),
    ("轮胎产品线、轴承产品体系", {"轮胎": MAKES, "轴承": MAKES}),
    ("轮胎/轴承", {"轮胎": MAKES, "轴承": MAKES}),
    ("轮胎用钢材", {"钢材": MAKES}),
    ("ＬＣＭ显示模组", {"显示模组": MAKES}),
]


SHARED_NAMES = [
    "刚性电路板",
    "挠性电路板",
    "汽车轴承",
    "兽药制剂",
    "三元前驱体",
    "全钢轮胎",
    "半钢轮胎",
    "磷酸铁锂电池",
    "磷酸铁锂",
    "储能电池",
    "光器件组件",
    "汽车模具",
    "触控模组",
    "中药制剂",
]

#: Items of lists and brackets and what they are when completed.
SHARED = [
    ("刚性、挠性电路板的研发、生产", {"刚性电路板", "挠性电路板"}),
    ("刚性、柔性、挠性电路板的研发、生产", {"刚性电路板", "挠性电路板"}),
    ("刚性和挠性电路板", {"刚性电路板", "挠性电路板"}),
    ("汽车、工程机械用轴承的生产", {"汽车轴承"}),
    ("从事农药、兽药原药、制剂的研发、生产", {"兽药制剂"}),
    ("三元正极材料及前驱体的生产", {"三元前驱体"}),
    ("轮胎（全钢、半钢）的生产", {"全钢轮胎", "半钢轮胎"}),
    ("轮胎（全钢）的生产", {"全钢轮胎"}),
    ("动力电池（三元、磷酸铁锂）的生产", {"磷酸铁锂电池"}),
    ("储能、动力电池的销售；磷酸铁锂的生产", {"储能电池", "磷酸铁锂"}),
    # Complete items keep to themselves.
    ("光器件、组件、模具", set()),
    ("模具的销售，不含刚性、挠性电路板", set()),
    ("中药、生物制剂的生产", set()),
    ("刚性；挠性电路板的生产", {"挠性电路板"}),
    ("刚性、电路板的生产", set()),
    # A note amid a phrase says what the head is for.
    ("3C（触控模组）智能制造装备的生产", set()),
    ("显示器件（触控模组）的生产", {"触控模组"}),
]


@pytest.mark.parametrize(("text", "expected"), SHARED)
def test_items_share_heads(text: str, expected: set[str]) -> None:
    known = Linker(pd.DataFrame({"id": SHARED_NAMES, "name": SHARED_NAMES}))
    table = pd.DataFrame({"enterprise": ["e"], "field": "main_business", "text": [text]})
    links = known.link(table)
    assert set(links["product"]) == expected
    for link in links.to_dict("records"):
        assert link["matched"] == text[link["start"] : link["end"]]


WHOLES = [
    ("工程机械、煤矿用油缸的研发、生产", set()),
    ("各类叉车、工程机械等工业车辆变速箱的生产", set()),
    ("工程机械、专用汽车的生产", {"construction-machinery"}),
    ("工程机械、商用车等产品及零部件的生产", {"construction-machinery", "commercial-vehicle"}),
    ("商用车、应用软件", {"commercial-vehicle"}),
]


@pytest.mark.parametrize(("text", "expected"), WHOLES)
def test_suppliers_of_wholes_do_not_make_them(text: str, expected: set[str]) -> None:
    known = Linker(
        pd.DataFrame(
            {
                "id": ["construction-machinery", "commercial-vehicle"],
                "name": ["工程机械", "商用车"],
            }
        )
    )
    table = pd.DataFrame({"enterprise": ["e"], "field": "main_business", "text": [text]})
    assert set(known.link(table)["product"]) == expected


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker(pd.DataFrame({"id": NAMES, "name": NAMES}))


def roles(linker: Linker, text: str, field: str) -> dict[str, str]:
    table = pd.DataFrame({"enterprise": ["e"], "field": [field], "text": [text]})
    links = strongest(linker.link(table))
    return dict(zip(links["product"], links["role"], strict=True))


@pytest.mark.parametrize(("text", "expected"), SCOPES)
def test_business_scopes(linker: Linker, text: str, expected: dict[str, str]) -> None:
    assert roles(linker, text, "scope") == expected


@pytest.mark.parametrize(("text", "expected"), SENTENCES)
def test_main_business_sentences(linker: Linker, text: str, expected: dict[str, str]) -> None:
    assert roles(linker, text, "main_business") == expected


@pytest.mark.parametrize(("text", "expected"), LISTS)
def test_product_lists(linker: Linker, text: str, expected: dict[str, str]) -> None:
    assert roles(linker, text, "products") == expected


def test_a_dealer_by_industry_sells_what_it_lists(linker: Linker) -> None:
    table = pd.DataFrame(
        {
            "enterprise": ["dealer", "maker"],
            "field": "products",
            "text": "中药饮片",
            "industry": ["F51", "C27"],
        }
    )
    assert linker.link(table)["role"].tolist() == [SELLS, MAKES]


def test_a_dealer_by_its_words_sells_what_it_lists(linker: Linker) -> None:
    table = pd.DataFrame(
        {
            "enterprise": ["dealer", "dealer", "maker", "maker"],
            "field": ["products", "main_business"] * 2,
            "text": ["中药饮片", "药品的批发和零售", "中药饮片", "药品的生产和批发"],
        }
    )
    links = linker.link(table)
    assert dict(zip(links["enterprise"], links["role"], strict=True)) == {
        "dealer": SELLS,
        "maker": MAKES,
    }


def test_clauses_do_not_reach_into_the_next_text(linker: Linker) -> None:
    table = pd.DataFrame(
        {
            "enterprise": ["a", "b", "c"],
            "field": "scope",
            "text": ["销售（含", "轮胎）生产", "、钢材"],
        }
    )
    links = linker.link(table)
    assert links[["enterprise", "product", "role"]].to_numpy().tolist() == [
        ["b", "轮胎", MAKES],
        ["c", "钢材", SELLS],
    ]
