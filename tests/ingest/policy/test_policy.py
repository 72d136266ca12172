"""The policy reader: torn lines, figures, and what four invented notices and the real one say."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

from chainatlas.graph import ReadError
from chainatlas.ingest.policy import KINDS, Policy, read_policy
from chainatlas.ingest.policy.figures import figures
from chainatlas.ingest.policy.text import paragraphs
from chainatlas.viz.fonts import font
from cli_tools import Cli

HERE = Path(__file__).parent
SCHEMA = HERE.parent.parent.parent / "docs" / "schemas" / "policy.schema.json"


def notice(name: str) -> Policy:
    return read_policy(HERE / "notices" / f"{name}.txt")


def told(policy: Policy, kind: str) -> set[tuple[str, str]]:
    return {(f.name, f.stated) for f in policy.findings if f.kind == kind}


def names(policy: Policy, kind: str) -> list[str]:
    return [f.name for f in policy.findings if f.kind == kind]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (
            "加快建设一批具有国际竞争力的先进制造\n业集群推动形成优势互补梯次发展的产\n业格局。",
            ["加快建设一批具有国际竞争力的先进制造业集群推动形成优势互补梯次发展的产业格局。"],
        ),
        ("明确配套项，补链项\n\n目，组织论证。", ["明确配套项，补链项目，组织论证。"]),
        ("梯次发展，战略性新兴产业\n\n兴产业发展。", ["梯次发展，战略性新兴产业发展。"]),
        ("甲，乙\n— 3 —\n丙。", ["甲，乙丙。"]),
        ("一、目标\n到2025年，甲。", ["一、目标", "到2025年，甲。"]),
        ("给予 1000 万元", ["给予1000万元"]),
        ("⽣物医药、绿⾊⻝品", ["生物医药、绿色食品"]),
        ("到２０２６年达到４０％", ["到2026年达到40%"]),
    ],
)
def test_lines_are_put_together(text: str, whole: list[str]) -> None:
    assert paragraphs(text) == whole


@pytest.mark.parametrize(
    ("text", "low", "high", "unit"),
    [
        ("5万亿元", 5e12, 5e12, "CNY"),
        ("1,000万元", 1e7, 1e7, "CNY"),
        ("2-3个", 2, 3, "个"),
        ("5—10家", 5, 10, "家"),
        ("300万元至1000万元", 3e6, 1e7, "CNY"),
        ("10万—20万元", 1e5, 2e5, "CNY"),
        ("10%-15%", 10, 15, "%"),
        ("1.2万人", 12000, 12000, "人"),
        ("百项", 100, 100, "项"),
        ("二十三家", 23, 23, "家"),
        ("5000万元支持", 5e7, 5e7, "CNY"),
        ("3亿美元", 3e8, 3e8, "USD"),
        ("一倍", 1, 1, "倍"),
    ],
)
def test_figures(text: str, low: float, high: float, unit: str) -> None:
    (found,) = figures(text)
    assert (found.low, found.high, found.unit) == (low, high, unit)


@pytest.mark.parametrize("text", ["“十四五”", "第一个", "2021年5月", "367号", "“51020”体系"])
def test_what_is_no_figure(text: str) -> None:
    assert figures(text) == []


def test_manufacturing_notice() -> None:
    found = notice("临江市制造业")
    assert found.number == "临政办发〔2023〕18号"
    assert found.title.startswith("临江市人民政府办公室关于印发临江市先进制造业集群")
    goals = {(f.name, f.stated, f.year, f.mode) for f in found.findings if f.kind == "goal"}
    assert goals == {
        ("全市规模以上工业增加值", "2200亿元", 2025, "达到"),
        ("全市规模以上工业增加值", "8%", 2025, "年均增长"),
        ("制造业增加值占地区生产总值比重", "38%", 2025, "达到"),
        ("高新技术企业", "1200家", 2025, "达到"),
        ("国家级专精特新“小巨人”企业", "60家", 2025, "达到"),
        ("国家级先进制造业集群", "2个", 2027, "新增"),
        ("省级先进制造业集群", "6个", 2027, "新增"),
        ("百亿元企业", "5家", 2027, "新增"),
        ("研发经费投入强度", "3.2%", 2027, "达到"),
        ("规模以上工业单位增加值能耗", "12%", 2027, "下降"),
        ("省级以上企业技术中心", "45家", None, "现有"),
        ("千亿级产业集群", "3个", None, "新增"),
        ("百亿级产业集群", "5个", None, "新增"),
        ("重点技改项目", "200项", None, "每年"),
        ("工业投资", "5000亿元", None, "达到"),
        ("产业链供需对接活动", "20场", None, "不低于"),
        ("高层次人才", "300名", None, "每年"),
    }
    money = {(f.stated, f.whom, f.mode) for f in found.findings if f.kind == "support"}
    assert money == {
        ("100万元", "新认定的国家级制造业单项冠军企业", "一次性"),
        ("200万元", "新认定的国家级企业技术中心", ""),
        ("50万元", "省级企业技术中心", ""),
        ("800万元", "企业实施的智能化改造项目", "按设备投资额的12%、最高"),
        ("10万元", "首次升规入统的工业企业", ""),
        ("300万元至1000万元", "入选的创业团队", ""),
    }
    assert names(found, "tier") == [
        "创新型中小企业",
        "专精特新中小企业",
        "专精特新‘小巨人’企业",
        "制造业单项冠军企业",
    ]
    assert set(names(found, "cluster")) == {
        *("新型显示", "工程机械", "绿色食品"),
        *("氢能装备", "生物医药", "工业软件", "特种纤维", "低空装备"),
    }
    assert told(found, "fund") == {("临江市先进制造业产业基金", "50亿元")}
    assert {"临江英才计划", "高层次人才"} == set(names(found, "talent"))
    assert [(f.name, f.code) for f in found.findings if f.kind == "project"] == [
        ("龙头引领项目", "leading"),
        ("强链补链项目", "supporting"),
        ("公共服务平台项目", "ecosystem"),
    ]


def test_medicine_notice() -> None:
    found = notice("青岚省生物医药")
    assert ("全省生物医药产业营业收入", "1500亿元") in told(found, "goal")
    assert ("临床研究中心", "3个") in told(found, "goal")
    assert told(found, "support") == {
        ("奖励", "500万元"),
        ("资助", "3000万元"),
        ("资助", "1亿元"),
        ("补贴", "200万元"),
        ("奖励", "5%"),
        ("补偿", "40%"),
    }
    assert set(names(found, "cluster")) >= {"青州市生物医药", "岚港市海洋生物"}
    assert names(found, "field") == ["创新药", "高端医疗器械", "现代中药"]
    assert told(found, "fund") == {
        ("青岚生物医药专项基金", "20亿元"),
        ("青岚天使投资引导基金", ""),
    }
    assert "青岚药谷领军人才工程" in names(found, "talent")


def test_attraction_notice() -> None:
    found = notice("沄水区招商")
    goals = {(f.name, f.stated, f.year, f.mode) for f in found.findings if f.kind == "goal"}
    assert {
        ("光伏储能产业产值", "300亿元", 2026, "达到"),
        ("光伏储能产业产值", "1.5倍", 2026, "增长"),
        ("储能电池产值", "40%", 2026, "达到"),
        ("本地配套率", "60%", None, "达到"),
        ("光伏储能企业", "86家", None, "现有"),
    } <= goals
    assert not [g for g in goals if g[1] in ("35%", "10亿元", "5亿元")]
    money = {(f.stated, f.whom) for f in found.findings if f.kind == "support"}
    assert {
        ("50万元", "年营业收入首次突破10亿元的企业"),
        ("200万元", "年营业收入首次突破50亿元的企业"),
        ("50%", "企业在区内租用标准厂房的"),
    } <= money


def test_low_altitude_notice() -> None:
    found = notice("云澜市低空经济")
    assert ("低空物流航线", "60条") in told(found, "goal")
    assert {f.stated for f in found.findings if f.kind == "support"} >= {
        *("5000万元", "1500万元", "500万元", "300万元", "20万元", "200万元")
    }
    assert told(found, "fund") == {
        ("云澜市科创母基金", ""),
        ("低空经济产业子基金", "15亿元"),
    }


@pytest.mark.shared
def test_the_real_notice(shared: Path) -> None:
    """All that the reader must find there, and that nothing else is taken for money or a goal."""
    found = read_policy(next((shared / "policy").glob("*.txt")))
    assert found.number == "鄂发改高技〔2021〕367号"
    goals = {
        (f.stated, f.low, f.high, f.unit, f.year, f.mode)
        for f in found.findings
        if f.kind == "goal"
    }
    assert goals == {
        ("一倍", 1, 1, "倍", 2025, "增长"),
        ("5万亿元", 5e12, 5e12, "CNY", 2025, "达到"),
        ("20%", 20, 20, "%", 2025, "达到"),
        ("4个", 4, 4, "个", None, "现有"),
        ("2-3个", 2, 3, "个", None, "新增"),
        ("5—10个", 5, 10, "个", None, "每年"),
        ("3个", 3, 3, "个", None, "新增"),
        ("百项", 100, 100, "项", None, "每年"),
    }
    clusters = [f for f in found.findings if f.kind == "cluster"]
    assert {(f.name, f.code) for f in clusters} == {
        ("光电信息", "world"),
        ("新能源和智能网联汽车", "world"),
        ("生物与生命健康", "world"),
    }
    tiers = [f.code for f in found.findings if f.kind == "tier"]
    assert tiers == ["key_cultivated", "provincial", "national", "world"]
    money = {(f.low, "国家级" in f.whom) for f in found.findings if f.kind == "support"}
    assert money == {(1e7, True), (2e6, False)}
    assert set(names(found, "fund")) == {"湖北高投省级股权投资引导基金", "长江产业基金"}
    assert {"金种子计划", "银种子计划", "科创板种子计划"} <= set(names(found, "plan"))
    assert {"战略性新兴产业人才开发路线图", "创新型研发团队"} <= set(names(found, "talent"))
    assert {f.code for f in found.findings if f.kind == "project"} == {
        *("leading", "supporting", "ecosystem")
    }
    whole = "".join(paragraphs((next((shared / "policy").glob("*.txt"))).read_text("utf-8")))
    assert all(f.sentence in whole for f in found.findings)


@given(
    st.text(alphabet="对给予到2025年达万亿元%、，。；“”—-3个集群基金计划项目人才\n", max_size=80)
)
def test_any_text_is_read(text: str) -> None:
    whole = "".join(paragraphs(text))
    for finding in read_policy(text).findings:
        assert finding.kind in KINDS
        assert finding.name
        assert finding.sentence in whole
        assert finding.low is None or finding.high is not None


def test_word_documents_read_like_text(tmp_path: Path) -> None:
    source = HERE / "notices" / "沄水区招商.txt"
    document = Document()
    for line in source.read_text("utf-8").splitlines():
        document.add_paragraph(line)
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text = "对新认定的实验室"
    table.rows[0].cells[1].text = "给予700万元奖励。"
    document.save(str(tmp_path / "notice.docx"))
    found = read_policy(tmp_path / "notice.docx")
    assert set(read_policy(source).findings) <= set(found.findings)
    assert ("奖励", "700万元") in told(found, "support")


def test_pdf_documents_read_like_text(tmp_path: Path) -> None:
    """Pages with lines of 30 characters, which part words, sentences and figures."""
    source = HERE / "notices" / "临江市制造业.txt"
    face = font().fontName
    page = canvas.Canvas(str(tmp_path / "notice.pdf"), pagesize=A4)
    y = 0.0
    for line in source.read_text("utf-8").splitlines():
        for start in range(0, len(line), 30):
            if y < 60:
                page.showPage()
                page.setFont(face, 14)
                y = 780.0
            page.drawString(60, y, line[start : start + 30])
            y -= 24
    page.save()
    expected, found = read_policy(source), read_policy(tmp_path / "notice.pdf")
    said = {(f.kind, f.name, f.stated) for f in expected.findings}
    assert len(said) > 10
    assert said == {(f.kind, f.name, f.stated) for f in found.findings}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for name, message in (
        ("a.doc", "不支持的文件类型"),
        ("a.docx", "不是有效的 Word 文档"),
        ("a.pdf", "不是有效的 PDF"),
        ("empty.txt", "没有文字"),
    ):
        (tmp_path / name).write_bytes(b"" if name == "empty.txt" else b"no such thing")
        with pytest.raises(ReadError, match=message):
            read_policy(tmp_path / name)
    with pytest.raises(ReadError, match="不存在"):
        read_policy(tmp_path / "missing.txt")


def test_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cli = Cli(capsys, tmp_path / "unused.db")
    path = HERE / "notices" / "临江市制造业.txt"
    answer = cli.bare("policy", path, "--format", "json").document()
    jsonschema.validate(answer, json.loads(SCHEMA.read_text("utf-8")))
    only = cli.bare("policy", path, "--kind", "fund", "--format", "csv").out
    assert "临江市先进制造业产业基金" in only
    assert "高新技术企业" not in only
    assert cli.bare("policy", path, "--kind", "nonsense").status == 2
    assert "不存在" in cli.bare("policy", tmp_path / "missing.txt").message
