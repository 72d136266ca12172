"""What a notice calls by name: clusters, the ladder of tiers, fields, funds, plans, projects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...graph.schema import TIERS
from .figures import Figure, figures, number
from .findings import Finding
from .text import Sentence

_WORD = r"[一-鿿A-Za-z0-9（）()+·“”‘’]"
#: Verbs and other words a name does not reach across to the left.
_BREAK = re.compile(
    r".*(?:打造|形成|培育|建设|壮大|发展|聚焦|围绕|包括|即|推动|推进|支持|做强|做大|做优|重点|加快|依托|发挥|设立|组建|用好|"
    r"通过|鼓励|引导|利用|实施|组织|开展|统筹|整合|纳入|入选|落实|深化|建立|完善|谋划|争取|引进|明确|给予|申报|带动|促进|"
    r"共同|遴选出?|培养|每年|引育|选拔|一批|若干|各类|对|为|将|以|由|与|在|进一步|所属|把|向|按|从|及其?|和|探索|给|至少|加大|充分|积极|推荐)"
)
_TIER_OF = (
    ("key_cultivated", "重点培育|培育|种子|储备"),
    ("provincial", "省级|自治区级|全省"),
    ("national", "国家级|国家"),
    ("world", "世界级|世界|全球|国际"),
)
_LADDER = re.compile(
    rf"“?(?P<steps>{_WORD}{{2,24}}(?:\s*(?:[—–－]+|→|-+)\s*{_WORD}{{2,24}}){{2,}})”?"
)
_LISTED = re.compile(
    r"(?P<list>[^，。；：]*、[^，。；：]*?)(?:等)?(?P<count>\d+|[一两二三四五六七八九十]+)(?:个|条|大)"
    r"(?P<tier>世界级|国家级|省级|全国|千亿级|百亿级|万亿级|重点|特色|优势|先进|战略性)?(?:先进制造业|战略性新兴|战新|优势|特色|重点)*"
    r"(?P<what>产业集群|产业链|集群|产业基地)"
)
_CLUSTER = re.compile(rf"(?P<name>{_WORD}{{2,24}}?)(?:产业集群|制造业集群)")
#: A name says a trade; a cluster without one (战略性新兴, 国家级) is any cluster.
_TRADE = re.compile(
    "信息|光电|光|电子|电气|电力|电池|储能|氢|汽车|车|医药|药|医疗|健康|材料|装备|机器人|能源|芯|集成电路|半导体|软件|数据|"
    "人工智能|算力|食品|酒|茶|纺织|服装|化工|石化|磷|钢|铜|铝|冶金|航空|航天|无人机|低空|船|海洋|环保|农|生物|显示|存储|激光|"
    "陶瓷|家电|家居|机械|机床|轴承|玻璃|建材|建筑|物流|文旅|数字创意|网络|通信|北斗|空天|量子|稀土|造纸|皮革|玩具|五金|模具"
)
_BEFORE_CLUSTER = re.compile(r".*(?:级|个|的|新增|现有|条|[（）()“])")
_FIELDS = re.compile(
    r"(?P<list>[^，。；：]*?、[^，。；：]*?)等(?:(?:[\d一二三四五六七八九十]+)?(?:个|大)?(?:重点|主导|优势|关键|战略性新兴|新兴|支柱|特色))+"
    r"(?:产业)?(?:领域|产业(?!集群|链|基地|化|园)|方向|赛道)"
)
_FUND = re.compile(rf"(?P<name>{_WORD}{{2,40}}?基金)(?!管理|公司|会)")
_AFTER_SIZE = re.compile(r"^(?:以上|左右)?(?:规模)?的?")
_GENERIC_FUND = re.compile(
    r"(?:产业|股权|投资|引导|创业|风险|政府|母|子|专项|发展|省级|市级|国家级|社会|资本|各类|各级|天使|私募|公募|和|及|与|、|等|基金|的)*"
)
_BEFORE_FUND = re.compile(
    r".*(?:发挥|设立|组建|用好|通过|依托|支持|鼓励|进一步|整合|统筹|申请|各类|对接|撬动|运用|利用|联合|参股|吸引|推动|争取|"
    r"积极|加大|扩大|建立|筹建|新设|共建|国家|和|与|及|由|在|将|以|[“、])(?=..)"
)
_PLAN_ENDS = ("计划", "工程", "行动", "专项")
_QUOTED_PLANS = re.compile(
    r"(?P<list>(?:“[^”]{2,16}”[、和与及]?)+)(?P<what>[^，。；、“”]{0,6}?(?:计划|工程|行动|专项))"
)
_PLAN = re.compile(
    rf"(?P<name>{_WORD}{{2,24}}?(?:行动计划|研发计划|人才计划|英才计划|计划|专项行动|培育行动|(?<=[才器业新链育升])工程))(?!项?目?书|单列|经济|投资|内|任务|总)"
)
_PLAN_IN_QUOTES = re.compile(r"“(?P<name>[^”]{3,24}(?:计划|工程|行动))”")
_BEFORE_PLAN = re.compile(
    r".*(?:实施|组织|开展|推进|落实|深化|纳入|入选|启动|申报|依托|通过|支持|鼓励|按照|根据|关于|结合|列入|制定|出台|参与|对|"
    r"的|[一-十百千\d]+项|大力|深入|全面)(?=...)"
)
_GENERIC_PLAN = re.compile(
    r"(?:年度|工作|实施|建设|发展|推进|等|相关|支持|有关|三年|重点|重大|该|列入|纳入|的|和|及)*(?:计划|工程|行动|专项行动|行动计划)"
)
_TALENT = re.compile(
    r"(?P<name>[^，。；、：]{0,24}?(?:人才开发路线图|人才公寓|博士后科研(?:工作站|流动站)|院士专家?工作站|(?:研发|创新|人才)团队"
    r"|技能培训平台|联合培养机制|实践教学基地|领军人才|科技人才|技能人才|高层次人才|紧缺人才|职工队伍|企业家?队伍|实训基地"
    r"|现代产业学院|科技副总|首席科学家|卓越工程师)(?!工程|计划|行动))"
)
_TALENT_WORDS = re.compile("人才|英才|团队|博士|院士|工程师|技能|学者|工匠|专家")
_PROJECTS = re.compile(r"(?P<list>(?:[^，。；：、]{2,20}项目、)+[^，。；：、]{2,20}?项目)")
_KIND_OF = (
    ("leading", "龙头|链主|主导"),
    ("supporting", "配套|补链|强链|延链|固链|支撑"),
    ("ecosystem", "生态|平台|公共服务"),
)


def _code(text: str, table: tuple[tuple[str, str], ...]) -> str:
    return next((code for code, words in table if re.search(words, text)), "")


def _cut(name: str) -> str:
    """A name without the verbs and fillers before it."""
    found = _BREAK.match(name)
    return name[found.end() :].lstrip("的了、") if found and found.end() < len(name) - 1 else name


def _items(text: str, count: float | None = None) -> list[str]:
    """Items of a list; where a count is given, 和 and 与 part items too if that makes it right."""
    parts = [p for p in text.split("、") if p]
    if count is not None and len(parts) == count - 1:
        parts[-1:] = re.split("以及|[和与及]", parts[-1], maxsplit=1)
    first = _BREAK.match(parts[0])
    # A verb inside the first item only: 打造光电信息 -> 光电信息.
    if first and first.end() < len(parts[0]) - 1:
        parts[0] = parts[0][first.end() :]
    return [p.strip("“”的") for p in parts]


def tiers(sentence: Sentence) -> Iterator[Finding]:
    """Steps of a ladder, lowest first: 重点培育产业集群——省级产业集群——国家级产业集群."""
    for match in _LADDER.finditer(sentence.text):
        steps = [s.strip("“”()（） ") for s in re.split(r"\s*(?:[—–－]+|→|-+)\s*", match["steps"])]
        if any(re.fullmatch(r"[\d.]+\D{0,3}", s) for s in steps):
            continue
        steps[0] = _cut(steps[0]) if "“" not in match[0] else re.sub(r".*“", "", steps[0])
        steps[-1] = re.sub(r"(?:的)?(?:梯[次度队].*|”.*)$", "", steps[-1])
        for position, step in enumerate(steps, 1):
            code = _code(step, _TIER_OF)
            yield Finding(
                "tier",
                step,
                sentence.section,
                sentence.text,
                low=float(position),
                high=float(position),
                unit="级",
                stated=f"第{position}级",
                mode="由低到高",
                code=code if code in TIERS and "集群" in step else "",
            )


def clusters(sentence: Sentence) -> Iterator[Finding]:
    """Clusters by name: in a list before their number, or called …产业集群."""
    seen: set[str] = set()
    for match in _LISTED.finditer(sentence.text):
        if re.search(r"\d+个|集群", match["list"]):
            continue  # counts one after the other and no list of names
        for item in _items(match["list"], number(match["count"])):
            if 2 <= len(item) <= 24 and item not in seen:
                seen.add(item)
                code = _code(match["tier"] or "", _TIER_OF)
                yield Finding(
                    "cluster",
                    item,
                    sentence.section,
                    sentence.text,
                    mode=(match["tier"] or "") + match["what"],
                    code=code if match["what"] in ("产业集群", "集群") else "",
                )
    for match in _CLUSTER.finditer(sentence.text):
        name = _BEFORE_CLUSTER.sub("", _cut(match["name"]))
        if _TRADE.search(name) and name not in seen:
            seen.add(name)
            yield Finding("cluster", name, sentence.section, sentence.text, mode="产业集群")


def fields(sentence: Sentence) -> Iterator[Finding]:
    """Fields a notice puts first: …、…等重点领域."""
    seen: set[str] = set()
    for match in _FIELDS.finditer(sentence.text):
        for item in _items(match["list"]):
            if 2 <= len(item) <= 20 and item not in seen:
                seen.add(item)
                yield Finding("field", item, sentence.section, sentence.text)


def funds(sentence: Sentence) -> Iterator[Finding]:
    """Funds with a name of their own, and funds of a stated size."""
    text = sentence.text
    money = [f for f in figures(text) if f.unit in ("CNY", "USD")]
    for match in _FUND.finditer(text):
        name = _BEFORE_FUND.sub("", match["name"]).strip("“”")
        size = _size(text, match.start(), match.end(), name, money)
        if size is not None and size.end < match.end():
            name = _AFTER_SIZE.sub("", name[name.find(size.stated) + len(size.stated) :])
        if _GENERIC_FUND.fullmatch(name) and size is None:
            continue
        yield Finding(
            "fund",
            name,
            sentence.section,
            text,
            stated=size.stated if size else "",
            low=size.low if size else None,
            high=size.high if size else None,
            unit=size.unit if size else "",
        )


def _size(text: str, start: int, end: int, name: str, money: list[Figure]) -> Figure | None:
    """How large a fund is: 设立20亿元的…基金, or …基金，总规模50亿元."""
    for figure in money:
        inside = start <= figure.start and figure.end <= end and figure.stated in name
        behind = text[end : figure.start] if figure.start >= end else "-"
        if inside or re.fullmatch(
            r"[，（(]?(?:首期|总)?(?:目标)?规模(?:为|达到?|约|不低于)?", behind
        ):
            return figure
    return None


def plans(sentence: Sentence) -> Iterator[Finding]:
    """Plans, programmes and works by name; those about people are talent plans."""
    text = sentence.text
    found: dict[str, None] = {}
    for match in _QUOTED_PLANS.finditer(text):
        for item in re.findall("“([^”]+)”", match["list"]):
            found.setdefault(item if item.endswith(_PLAN_ENDS) else item + match["what"])
    for match in _PLAN_IN_QUOTES.finditer(text):
        found.setdefault(match["name"])
    for match in _PLAN.finditer(text):
        if "”" in match["name"] or text[match.start() - 1 : match.start()] == "”":
            continue  # part of one in quotes
        name = re.sub(r"^.*[“”]", "", _BEFORE_PLAN.sub("", match["name"]))
        if len(name) >= 4 and not _GENERIC_PLAN.fullmatch(name):
            found.setdefault(name)
    for name in found:
        talent = bool(_TALENT_WORDS.search(name))
        yield Finding("talent" if talent else "plan", name, sentence.section, text)


def talents(sentence: Sentence) -> Iterator[Finding]:
    """What a notice does about people, beside plans by name."""
    seen = set()
    for match in _TALENT.finditer(sentence.text):
        name = re.sub(r"^.*(?:的|共建|、)(?=..)", "", _cut(match["name"])).strip("“”")
        if len(name) >= 4 and name not in seen:
            seen.add(name)
            yield Finding("talent", name, sentence.section, sentence.text)


def projects(sentence: Sentence) -> Iterator[Finding]:
    """Kinds of projects: lists of …项目, and those of the schema wherever they stand."""
    seen = set()
    for match in _PROJECTS.finditer(sentence.text):
        items = match["list"].split("、")
        items[0] = _cut(items[0])
        items[0] = re.sub(r"^.*?(?:产业集群|集群|产业链)(?=.{2,}项目)", "", items[0])
        for item in items:
            if item not in seen:
                seen.add(item)
                yield Finding(
                    "project", item, sentence.section, sentence.text, code=_code(item, _KIND_OF)
                )
