"""A synthetic company register of a million rows: from CSV to a committed store, again, and again changed.

    python tests/bench/registry.py [ROWS]
    python tests/bench/registry.py --write FILE ROWS [SEED]

Rows are seeded and made of public words: the divisions of the country, product names of the shipped
pack, invented names. Shares of provinces, lengths of business scopes, empty cells and capital follow
what registers and lists of listed companies show; no row is anybody's. Loading runs in processes of
its own, so that the peak of memory is that of the load. The peer reads the same file with pandas and
writes it to a plain SQLite table, without cleaning, regions, quarantine or versions.
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

SEED = 20240601
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
_TRADES = (
    "批发业",
    "零售业",
    "软件和信息技术服务业",
    "通用设备制造业",
    "化学原料和化学制品制造业",
    "建筑业",
)


def register(rows: int, seed: int = SEED) -> pa.Table:
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
            "经营范围": _scopes(rng, rows),
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


def _scopes(rng: np.random.Generator, rows: int) -> pa.Array:
    """Clauses of verbs and products; 4 to 12 of them, as registers have."""
    table = Path(__file__).parents[2] / "data" / "hubei" / "products.csv"
    products = tuple(pd.read_csv(table, usecols=["name"])["name"].tolist())
    many = tuple(
        "、".join(rng.choice(_VERBS, 2, replace=False)) + p + "、" + q
        for p, q in zip(products, rng.permutation(products), strict=True)
    )
    count = rng.integers(4, 13, rows)
    clauses = [_words(rng, many, rows) for _ in range(12)]
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


def write(path: Path, rows: int, seed: int = SEED) -> None:
    """The register as a CSV file."""
    options = pa.csv.WriteOptions(quoting_style="needed")
    pa.csv.write_csv(register(rows, seed), str(path), options)


def ours(path: Path, db: Path) -> dict[str, object]:
    """One ingest in this process."""
    began, worked = time.perf_counter(), time.process_time()
    report = load_files(str(db), [path])
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    (pack,) = report.packs
    assert pack.files[0].rows == pack.files[0].loaded + pack.files[0].quarantined
    return {"s": seconds, "cpu": cpu, "changed": report.changed, "loaded": pack.files[0].loaded}


def peer(path: Path, db: Path) -> dict[str, object]:
    """The same file into a plain table."""
    began = time.perf_counter()
    frame = pd.read_csv(path, dtype=str)
    with closing(sqlite3.connect(db)) as connection:
        frame.to_sql("enterprises", connection, index=False, if_exists="replace")
        connection.commit()
    return {"s": time.perf_counter() - began, "loaded": len(frame)}


def _peak_mb() -> float:
    """Peak of this process alone; ``getrusage`` counts that of the process that forked it too."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) / 1024 if match else float("nan")


def in_new_process(stage: str, path: Path, db: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--stage", stage, str(path), str(db)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(rows: int) -> None:
    """First and second ingest, and the peer."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "register.csv"
        write(path, rows)
        size = f"{rows} rows, {path.stat().st_size / 2**20:.0f} MB"
        print(size, file=sys.stderr)
        db = Path(place) / "store.db"
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
        write(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]) if sys.argv[4:] else SEED)
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)
