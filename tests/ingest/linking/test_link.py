"""Linking as a whole: evidence, terms, context, odd input, and what must always hold."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainatlas.api.cli import main
from chainatlas.graph.errors import ReadError
from chainatlas.graph.store import open_store
from chainatlas.ingest import load, open_pack
from chainatlas.ingest.linking import COLUMNS, MAKES, Linker, link, propose, strongest
from chainatlas.ingest.linking import link as link_function
from chainatlas.ingest.linking.buffer import Buffer, normalise
from chainatlas.ingest.linking.tables import texts_of
from chainatlas.ingest.linking.words import table as word_table
from chainatlas.ingest.readers import read_csv
from making import MakePack

ROOT = Path(__file__).parent.parent.parent.parent
PRODUCTS = pd.DataFrame(
    {
        "id": ["tire", "pcb", "lcd", "oled", "seat-soc", "steel", "idc", "fpc"],
        "name": [
            "轮胎",
            "高端印制电路板（高多层板、HDI）",
            "液晶面板",
            "Micro OLED面板",
            "智能座舱芯片",
            "钢材",
            "数据中心服务",
            "柔性电路板",
        ],
        "aliases": [
            "子午线轮胎",
            "PCB;印制线路板",
            "",
            "硅基OLED",
            "座舱芯片",
            "",
            "IDC",
            "FPC;软板",
        ],
        "gb_code": ["C2911", "C3982", "C3974", "C3974", "C3973", "C3130", "I6550", "C3982"],
    }
)
LINKER = Linker(PRODUCTS)


def texts(*given: str, field: str = "main_business", industry: str = "") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "enterprise": [f"e{i}" for i in range(len(given))],
            "field": field,
            "text": list(given),
            "industry": industry,
        }
    )


def products_in(text: str, **more: str) -> list[str]:
    return sorted(set(LINKER.link(texts(text, **more))["product"]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("印制电路板的生产", ["pcb"]),
        ("印刷线路板的生产", ["pcb"]),
        ("ｐｃｂ 的生产", ["pcb"]),
        ("HDI的生产", ["pcb"]),
        ("ＭｉｃｒｏＯＬＥＤ面板的生产", ["oled"]),
        ("Micro  OLED 面板的生产", ["oled"]),
        ("智能座舱芯片的研发、销售", ["seat-soc"]),
        ("FPC的生产", ["fpc"]),
        ("APCB的生产", []),
        ("PCBA的生产", []),
        ("全钢子午线轮胎的生产", ["tire"]),
        ("轮胎（半钢）及液晶面板的生产", ["lcd", "tire"]),
    ],
)
def test_wordings_of_a_product(text: str, expected: list[str]) -> None:
    assert products_in(text) == expected


def test_the_longest_term_ending_at_a_place_counts() -> None:
    known = Linker(pd.DataFrame({"id": ["a", "b"], "name": ["智能座舱", "座舱芯片"]}))
    found = known.link(texts("智能座舱芯片的生产"))
    assert found[["product", "matched"]].to_numpy().tolist() == [["b", "座舱芯片"]]


def test_evidence_is_what_stands_in_the_text() -> None:
    text = "从事 液 晶　面板 的研发、生产"
    (row,) = LINKER.link(texts(text)).to_dict("records")
    assert row["matched"] == text[row["start"] : row["end"]] == "液 晶　面板"
    assert (row["product"], row["role"], row["field"]) == ("lcd", MAKES, "main_business")


def test_a_part_of_a_longer_name_is_no_product() -> None:
    assert products_in("轮胎模具、液晶面板检测设备、PCB铜箔的生产") == []


def test_other_industries_make_a_link_less_sure() -> None:
    same, other, unknown = (
        LINKER.link(texts("特种钢材的生产", industry=code), minimum=0)["confidence"].iloc[0]
        for code in ("C31", "C14", "")
    )
    assert other < same == unknown


def test_words_around_decide_what_an_acronym_means() -> None:
    known = Linker(
        pd.DataFrame({"id": ["tablet-laptop"], "name": ["笔记本电脑"], "aliases": ["PC"]})
    )
    assert len(known.link(texts("PC及电脑配件的生产")))
    assert not len(known.link(texts("PC构件的生产")))


def test_a_suppliers_list_of_uses_is_not_what_it_makes() -> None:
    known = Linker(pd.DataFrame({"id": ["commercial-vehicle"], "name": ["商用车"]}))
    assert not len(known.link(texts("商用车", field="products", industry="汽车配件")))
    assert len(known.link(texts("商用车", field="products", industry="汽车整车")))


def test_given_narrower_terms_mean_their_product() -> None:
    narrower = pd.DataFrame({"term": ["宽厚板", "无用"], "product": ["steel", "absent"]})
    found = link_function(texts("宽厚板的生产"), PRODUCTS, narrower)
    assert found["product"].tolist() == ["steel"]


def test_generic_names_are_never_linked() -> None:
    names = ["服务", "设备", "半成品", "平衡项目"]
    known = Linker(pd.DataFrame({"id": names, "name": names}))
    assert not len(known.link(texts("服务、设备、半成品、平衡项目", field="products")))


def test_compounds_of_a_chemical_are_others() -> None:
    known = Linker(pd.DataFrame({"id": ["eg"], "name": ["乙二醇"]}))
    assert not len(known.link(texts("聚乙二醇的生产")))
    assert len(known.link(texts("工业乙二醇的生产")))


@pytest.mark.parametrize(
    "odd",
    [
        "",
        " ",
        "\x00",
        "\n\n",
        "（（（",
        "））；，。",
        "😀轮胎",
        "的的的",
        "生产",
        "不含",
        "除外",
        "İ",
    ],
)
def test_odd_texts(odd: str) -> None:
    found = LINKER.link(texts(odd, "轮胎的生产", odd))
    assert found[found["enterprise"] == "e1"]["product"].tolist() == ["tire"]


def test_empty_tables_and_missing_cells() -> None:
    assert LINKER.link(texts()).columns.tolist() == list(COLUMNS)
    table = texts("轮胎的生产", "轮胎的生产")
    table.loc[0, "text"] = None
    assert LINKER.link(table)["enterprise"].tolist() == ["e1"]
    assert LINKER.link(table.drop(columns="industry"))["enterprise"].tolist() == ["e1"]
    assert len(link(table, PRODUCTS.iloc[:0])) == 0


def test_texts_in_chunks_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.concat([texts("轮胎、钢材", field="products"), texts("药品零售；轮胎的批发")] * 3)
    table["enterprise"] = ["a", "b", "c", "a", "b", "c"]
    whole = LINKER.link(table)
    monkeypatch.setattr("chainatlas.ingest.linking.linker.CHUNK", 5)
    pd.testing.assert_frame_equal(LINKER.link(table), whole)
    assert len(whole)


PIECES = st.sampled_from(
    [
        "轮胎", "ＰＣＢ", "pcb", "液晶面板", "Micro OLED面板", "钢材", "座舱芯片", "ＩＤＣ", "软板", "智能", "橡胶", "设备",
        "生产", "销售", "研发", "维修", "的", "、", "，", "；", "。", "和", "（", "）", "(", "不含", "除外", "为", "提供", "等",
        "业务", " ", "　", "\n", "：", "许可项目", "A", "1", "😀", "-",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=14).map("".join)


@given(st.lists(TEXTS, max_size=5))
def test_spans_always_hold_a_term_of_their_product(given: list[str]) -> None:
    found = LINKER.link(texts(*given), minimum=0)
    meant = {
        (term, PRODUCTS["id"].iloc[product])
        for at, term in enumerate(LINKER.names.terms)
        for product in LINKER.names.product[LINKER.names.first[at] : LINKER.names.first[at + 1]]
    }
    for row in found.to_dict("records"):
        stood = given[int(row["enterprise"][1:])][row["start"] : row["end"]]
        assert stood == row["matched"]
        assert (normalise(stood), row["product"]) in meant
        assert 0 <= row["confidence"] <= 1


@given(TEXTS, TEXTS)
def test_texts_of_others_change_nothing(one: str, other: str) -> None:
    alone = LINKER.link(texts(one), minimum=0)
    beside = LINKER.link(texts(one, other), minimum=0)
    pd.testing.assert_frame_equal(beside[beside["enterprise"] == "e0"], alone)


@given(TEXTS)
def test_an_unrelated_product_changes_no_link(text: str) -> None:
    more = pd.DataFrame(
        {"id": ["moon"], "name": ["月球车"], "aliases": ["嫦娥"], "gb_code": ["C3742"]}
    )
    wider = Linker(pd.concat([PRODUCTS, more], ignore_index=True))
    pd.testing.assert_frame_equal(
        wider.link(texts(text), minimum=0), LINKER.link(texts(text), minimum=0)
    )


@given(TEXTS)
def test_width_and_case_change_no_link(text: str) -> None:
    wide = text.translate({ord("p"): "Ｐ", ord("c"): "ｃ", ord("b"): "B", ord("("): "（"})
    columns = ["enterprise", "product", "role", "confidence", "start", "end"]
    pd.testing.assert_frame_equal(
        LINKER.link(texts(wide), minimum=0)[columns], LINKER.link(texts(text), minimum=0)[columns]
    )


@given(st.lists(st.text(max_size=20), max_size=6))
def test_buffers_keep_where_characters_came_from(given: list[str]) -> None:
    buffer = Buffer.of(given)
    origin = buffer.place - buffer.first[buffer.row]
    for at, char in enumerate(buffer.text):
        text = given[buffer.row[at]]
        if origin[at] < len(text):
            assert normalise(text[origin[at]]) == char
        else:
            assert char == "\n"
    assert buffer.text.count("\n") == len(given)


def test_strongest_keeps_one_link_for_each_product() -> None:
    links = LINKER.link(texts("轮胎的生产；轮胎的销售"))
    assert len(links) == 2
    assert strongest(links)["role"].tolist() == [MAKES]


def test_names_beside_known_ones_are_proposed() -> None:
    table = texts(
        "轮胎、橡胶密封圈", "钢材、橡胶密封圈、电缆桥架", "橡胶密封圈、从事研发", field="products"
    )
    found = propose(table, LINKER)
    assert found.to_dict("records") == [
        {"term": "橡胶密封圈", "count": 3, "enterprises": "e0;e1;e2"}
    ]


def test_shipped_words_name_products_once() -> None:
    shipped = pd.read_csv(ROOT / "data" / "hubei" / "products.csv", dtype="str")
    known = set(shipped["id"])
    for name in ("needs", "users"):
        assert {row["product"] for row in word_table(name)} <= known
    narrower = [(row["term"], row["product"]) for row in word_table("narrower")]
    assert len(set(narrower)) == len(narrower)
    terms = Linker(shipped).names.terms
    for row in word_table("needs"):
        assert row["term"] == normalise(row["term"])
    assert len(set(terms)) == len(terms)


# The command.


@pytest.fixture
def store(make_pack: MakePack, tmp_path: Path) -> Path:
    folder = make_pack(
        {"products.csv": "id,name,aliases,gb_code\ntire,轮胎,,C2911\nsteel,钢材,,C3130\n"}
    )
    path = tmp_path / "store.db"
    load(open_store(str(path), create=True), [open_pack(folder)])
    return path


def test_command_shows_links_of_a_table(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "名单.csv"
    file.write_text(
        "企业名称,股票代码,经营范围,所属行业\n甲公司,000001,轮胎的生产；销售钢材,C2911\n乙公司,,服装,\n",
        encoding="utf-8",
    )
    assert main(["link", str(file), "--db", str(store), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [(r["enterprise"], r["product"], r["role"], r["name"]) for r in document["links"]] == [
        ("000001", "tire", "makes", "轮胎"),
        ("000001", "steel", "sells", "钢材"),
    ]
    import jsonschema

    schema = json.loads((ROOT / "docs" / "schemas" / "link.schema.json").read_text("utf-8"))
    jsonschema.validate(document, schema)
    for form, ending in (("table", "txt"), ("csv", "csv"), ("xlsx", "xlsx")):
        out = tmp_path / f"links.{ending}"
        arguments = ["link", str(file), "--db", str(store), "--format", form, "--out", str(out)]
        assert main([*arguments, "--role", "sells"]) == 0
        assert out.stat().st_size
    assert "甲公司" in (tmp_path / "links.csv").read_text("utf-8-sig")
    assert "轮胎" not in (tmp_path / "links.csv").read_text("utf-8-sig")


def test_command_proposes_names(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "名单.csv"
    file.write_text("企业名称,主营产品\n甲,轮胎、橡胶密封圈\n乙,橡胶密封圈\n", encoding="utf-8")
    assert main(["link", str(file), "--propose", "--db", str(store), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["proposals"] == [
        {"term": "橡胶密封圈", "count": 2, "enterprises": ["甲", "乙"]}
    ]
    import jsonschema

    schema = json.loads((ROOT / "docs" / "schemas" / "proposals.schema.json").read_text("utf-8"))
    jsonschema.validate(document, schema)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "经营范围\n轮胎\n", "没有企业名称或代码"),
        ("a.csv", "企业名称\n甲\n", "没有可识别产品的文字列"),
        ("a.docx", "x", "只能读取"),
    ],
)
def test_command_says_what_is_missing(
    store: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: str,
    said: str,
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert main(["link", str(tmp_path / name), "--db", str(store)]) == 1
    assert said in capsys.readouterr().err


def test_companies_without_name_go_by_their_line(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("企业名称,经营范围\n,轮胎\n", encoding="utf-8")
    table, names = texts_of(read_csv(file, "a.csv"))
    assert table["enterprise"].tolist() == ["第 2 行"]
    assert len(names) == 1
    with pytest.raises(ReadError):
        texts_of(read_csv_of(tmp_path, "a,b\n1,2\n"))


def read_csv_of(folder: Path, content: str):  # type: ignore[no-untyped-def]
    (folder / "b.csv").write_text(content, encoding="utf-8")
    return read_csv(folder / "b.csv", "b.csv")
