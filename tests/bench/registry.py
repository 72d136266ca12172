"""A synthetic company register of a million rows: from CSV to a committed store, again, and again changed.

    python tests/bench/registry.py [ROWS [SHARE]]
    python tests/bench/registry.py --write FILE ROWS [SEED [SHARE]]

Rows are seeded and made of public words: the divisions of the country, the usual wordings of
business scopes, product names of the shipped pack, invented names. Shares of provinces, lengths of
business scopes, empty cells and capital follow what registers and lists of listed companies show;
no row is anybody's. SHARE of the clauses of a scope (:data:`NAMED` by default) name two products of
the pack.

The store holds the shipped pack, and every text is searched for its products, as ``chainatlas
ingest`` does. Loading runs in processes of its own, so that the peak of memory is that of the load.
The peer reads the same file with pandas and writes it to a plain SQLite table, without cleaning,
regions, identity, products, quarantine or versions.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from chainatlas.graph import regions
from chainatlas.ingest.files import load_files
from chainatlas.ingest.linking.stage import text_products
from chainatlas.ingest.products import same_products

PACK = Path(__file__).parents[2] / "data" / "hubei"
SEED = 20240601
#: Share of clauses that name products of the pack: then a row gives 0.8 links to products. The texts
#: of listed companies (A-share list of 2020) give 0.29, and a register has more trade than they.
NAMED = 0.05
_SIGNS = np.asarray(list("0123456789ABCDEFGHJKLMNPQRTUWXY"))
#: Per mille of a register's rows by province, rounded; the rest is spread evenly.
_SHARES = {
    "44": 150,
    "32": 95,
    "37": 90,
    "33": 80,
    "41": 60,
    "51": 50,
    "31": 55,
    "13": 50,
    "42": 45,
}
_SHARES |= {
    "11": 45,
    "34": 40,
    "43": 40,
    "35": 40,
    "61": 30,
    "50": 25,
    "36": 25,
    "21": 25,
    "53": 20,
}
_VERBS = ("研发", "生产", "制造", "加工", "销售", "批发", "零售", "维修", "安装", "技术服务")
_SYLLABLES = "华中信达恒盛泰安瑞丰嘉禾宏远博创新科益康德润兴隆天成金源立方智联海通明辉同和永顺"
_STREETS = ("人民路", "建设大道", "科技路", "创业街", "工业大道", "解放路", "迎宾路", "光明街")
_FORMS = (
    "有限公司",
    "有限责任公司",
    "股份有限公司",
    "商贸有限公司",
    "科技有限公司",
    "个人独资企业",
)
#: Wordings that are frequent in business scopes.
_USUAL = tuple(
    """技术服务、技术开发、技术咨询、技术交流、技术转让、技术推广
货物进出口；技术进出口
信息咨询服务（不含许可类信息咨询服务）
企业管理咨询；社会经济咨询服务
市场营销策划；企业形象策划
会议及展览服务；组织文化艺术交流活动
广告设计、代理；广告制作；广告发布
建筑材料销售；轻质建筑材料销售
五金产品批发；五金产品零售
日用百货销售；日用品批发
服装服饰批发；服装服饰零售；鞋帽零售
针纺织品及原料销售；针纺织品销售
办公用品销售；文具用品零售
家用电器销售；家用电器安装服务
机械设备销售；机械设备租赁
机械零件、零部件加工
电子产品销售；通讯设备销售
计算机软硬件及辅助设备批发
信息系统集成服务；数据处理服务
互联网销售（除销售需要许可的商品）
食品销售（仅销售预包装食品）
餐饮服务；餐饮管理
新鲜水果零售；新鲜蔬菜零售
农副产品销售；食用农产品批发
粮食收购；谷物种植
畜禽收购；水产品批发
化妆品批发；化妆品零售
珠宝首饰零售；工艺美术品及收藏品零售
家具销售；家具零配件销售
木材加工；木材销售
金属材料销售；金属制品销售
金属结构制造；金属制品修理
橡胶制品销售；塑料制品制造
化工产品销售（不含许可类化工产品）
汽车零配件批发；汽车销售
机动车修理和维护；洗车服务
道路货物运输（不含危险货物）
国内货物运输代理；装卸搬运
普通货物仓储服务（不含危险化学品等需许可审批的项目）
物业管理；房屋租赁；住房租赁
房地产经纪；房地产咨询
建设工程施工；住宅室内装饰装修
园林绿化工程施工；城市绿化管理
土石方工程施工；对外承包工程
工程管理服务；工程技术服务
劳务服务（不含劳务派遣）；人力资源服务
专业保洁、清洗、消毒服务
家政服务；养老服务；托育服务
健康咨询服务（不含诊疗服务）
体育用品及器材零售；健身休闲活动
教育咨询服务（不含涉许可审批的教育培训活动）
摄影扩印服务；礼仪服务
旅游开发项目策划咨询；票务代理服务
酒店管理；住宿服务
图文设计制作；包装装潢印刷
出版物零售；玩具销售
母婴用品销售；宠物食品及用品零售
花卉种植；礼品花卉销售
再生资源回收（除生产性废旧金属）
环境保护专用设备销售；水污染治理
以自有资金从事投资活动；创业投资
财务咨询；税务服务
知识产权服务（专利代理服务除外）
国内贸易代理；销售代理
供应链管理服务；采购代理服务""".splitlines()
)
_TRADES = (
    "批发业",
    "零售业",
    "软件和信息技术服务业",
    "通用设备制造业",
    "化学原料和化学制品制造业",
    "建筑业",
)


def register(rows: int, seed: int = SEED, named: float = NAMED) -> pa.Table:
    """The register as a table of text with the headers of a company-data service."""
    rng = np.random.default_rng(seed)
    counties = np.asarray([c for c in regions.names() if regions.level(c) == "county"])
    weight = np.asarray([_SHARES.get(c[:2], 8.0) for c in counties.tolist()], dtype=np.float64)
    per_province = pd.Series(weight).groupby(pd.Series(counties).str[:2]).transform("size")
    weight = weight / per_province.to_numpy()
    where = rng.choice(len(counties), rows, p=weight / weight.sum())
    chains = [regions.ancestors(c) for c in counties.tolist()]
    province = _pick([regions.name(chain[-2]) for chain in chains], where)
    city = _pick([regions.name(chain[1]) if len(chain) == 4 else "" for chain in chains], where)
    county = _pick([regions.name(chain[0]) for chain in chains], where)
    number = pa.array(rng.integers(1, 900, rows)).cast("string")
    address = _join(province, city, county, _words(rng, _STREETS, rows), number, pa.scalar("号"))
    short = _pick([regions.name(chain[-3 if len(chain) > 3 else 0])[:2] for chain in chains], where)
    name = _join(
        short,
        *(_words(rng, tuple(_SYLLABLES), rows) for _ in range(3)),
        pa.array(np.char.mod("%d", np.arange(rows) % 9973)),
        _words(rng, _FORMS, rows),
    )
    capital = np.round(10 ** rng.normal(2.3, 0.8, rows), 0).astype(np.int64) + 1
    days = rng.integers(9000, 19800, rows).astype("datetime64[D]")
    return pa.table(
        {
            "企业名称": name,
            "统一社会信用代码": pa.array(_credit_codes(rng, counties[where])),
            "法定代表人": _words(rng, ("某甲", "某乙", "某丙"), rows),
            "注册资本": _join(pa.array(capital).cast("string"), pa.scalar("万人民币")),
            "成立日期": pa.array(days).cast("string"),
            "经营状态": _words(rng, ("存续", "在业", "注销"), rows),
            "所属省份": province,
            "所属城市": city,
            "所属区县": county,
            "企业类型": _words(rng, _FORMS, rows),
            "所属行业": _words(rng, _TRADES, rows),
            "参保人数": _words(rng, ("-", *map(str, range(1, 200))), rows),
            "注册地址": address,
            "经营范围": _scopes(rng, rows, named),
        }
    )


def _pick(words: list[str], at: np.ndarray) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(at.astype(np.int32)), pa.array(words)).cast(
        "string"
    )


def _words(rng: np.random.Generator, words: tuple[str, ...], rows: int) -> pa.Array:
    return _pick(list(words), rng.integers(0, len(words), rows))


def _join(*parts: pa.Array | pa.Scalar) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _scopes(rng: np.random.Generator, rows: int, named: float) -> pa.Array:
    """Clauses of usual wordings, or of verbs and products; 4 to 12 of them, as registers have."""
    products = tuple(pd.read_csv(PACK / "products.csv", usecols=["name"])["name"].tolist())
    many = tuple(
        "、".join(rng.choice(_VERBS, 2, replace=False)) + p + "、" + q
        for p, q in zip(products, rng.permutation(products), strict=True)
    )
    count = rng.integers(4, 13, rows)
    clauses = [
        pc.if_else(
            pa.array(rng.random(rows) < named), _words(rng, many, rows), _words(rng, _USUAL, rows)
        )
        for _ in range(12)
    ]
    none = pa.scalar(None, pa.string())
    kept = [pc.if_else(pa.array(count > i), clause, none) for i, clause in enumerate(clauses)]
    text = pc.binary_join_element_wise(*kept, "；", null_handling="skip")
    # Some scopes hold half-width commas, for which the file needs quotes.
    comma = pa.array(rng.random(rows) < 0.2)
    return pc.if_else(comma, pc.replace_substring(text, "、", ","), text)


def _credit_codes(rng: np.random.Generator, counties: np.ndarray) -> np.ndarray:
    rows = len(counties)
    values = rng.integers(0, 31, (rows, 17))
    values[:, 0], values[:, 1] = 9, 1
    values[:, 2:8] = np.asarray(counties, dtype="S6").view(np.uint8).reshape(rows, 6) - ord("0")
    check = (31 - (values * (3 ** np.arange(17) % 31)).sum(axis=1) % 31) % 31
    signs = _SIGNS[np.column_stack([values, check])]
    return np.ascontiguousarray(signs).view("<U18").ravel()


def write(path: Path, rows: int, seed: int = SEED, named: float = NAMED) -> None:
    """The register as a CSV file."""
    options = pa.csv.WriteOptions(quoting_style="needed")
    pa.csv.write_csv(register(rows, seed, named), str(path), options)


def ours(path: Path, db: Path) -> dict[str, object]:
    """One ingest in this process."""
    began, worked = time.perf_counter(), time.process_time()
    report = load_files(str(db), [path], stages=(same_products, text_products))
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    (pack,) = report.packs
    assert all(file.rows == file.loaded + file.quarantined for file in pack.files)
    products = sum(c.added for c in report.changes if c.table == "produces")
    return {"s": seconds, "cpu": cpu, "changed": report.changed, "products": products}


def peer(path: Path, db: Path) -> dict[str, object]:
    """The same file into a plain table."""
    began = time.perf_counter()
    frame = pd.read_csv(path, dtype=str)
    with closing(sqlite3.connect(db)) as connection:
        frame.to_sql("enterprises", connection, index=False, if_exists="replace")
        connection.commit()
    return {"s": time.perf_counter() - began}


def _peak_mb() -> float:
    """Peak of this process alone; ``getrusage`` counts that of the process that forked it too."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) / 1024 if match else float("nan")


def in_new_process(stage: str, path: Path, db: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--stage", stage, str(path), str(db)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(rows: int, named: float = NAMED) -> None:
    """First and second ingest, one with a change, and the peer."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "register.csv"
        write(path, rows, named=named)
        db = Path(place) / "store.db"
        in_new_process("ours", PACK, db)
        first = in_new_process("ours", path, db)
        again = in_new_process("ours", path, db)
        assert first["changed"]
        assert not again["changed"]
        # A register of the next day: one row less, so that all of it is read and compared again.
        cut = path.read_bytes().rstrip(b"\n")
        path.write_bytes(cut[: cut.rindex(b"\n") + 1])
        changed = in_new_process("ours", path, db)
        assert changed["changed"]
        plain = in_new_process("peer", path, Path(place) / "peer.db")
        megabytes = path.stat().st_size / 2**20
    size = f"{rows} rows, {megabytes:.0f} MB, {first['products']} links to products"
    results = [
        {
            "peer": f"pandas {pd.__version__} to_sql, no checks; ours: {label}",
            "ratio": float(f"{plain['s'] / found['s']:.3g}"),
            "ours_s": round(found["s"], 1),
            "peer_s": round(plain["s"], 1),
            "ours_mb": round(found["mb"]),
            "size": size,
            "ours_cpu_s": round(found["cpu"], 1),
        }
        for label, found in (
            ("first ingest", first),
            ("second ingest", again),
            ("ingest of the file with one row less", changed),
        )
    ]
    print(json.dumps(results, ensure_ascii=False))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stage"]:
        result = {"ours": ours, "peer": peer}[sys.argv[2]](Path(sys.argv[3]), Path(sys.argv[4]))
        result["mb"] = _peak_mb()
        print(json.dumps(result))
    elif sys.argv[1:2] == ["--write"]:
        write(
            Path(sys.argv[2]),
            int(sys.argv[3]),
            int(sys.argv[4]) if sys.argv[4:] else SEED,
            float(sys.argv[5]) if sys.argv[5:] else NAMED,
        )
    else:
        main(
            int(sys.argv[1]) if sys.argv[1:] else 1_000_000,
            float(sys.argv[2]) if sys.argv[2:] else NAMED,
        )
