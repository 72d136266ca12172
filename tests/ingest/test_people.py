"""Which headers are taken for columns with people."""

from __future__ import annotations

import pytest

from chainatlas.graph.schema import TABLES
from chainatlas.ingest.people import is_person


@pytest.mark.parametrize(
    "header",
    [
        "法定代表人",
        "法定代表人（负责人）",
        "法人代表",
        "法人",
        "法人姓名",
        "企业负责人",
        "联系人",
        "项目联系人",
        "联系方式",
        "联系电话",
        "电话",
        "固定电话",
        "手机",
        "手机号",
        "传真",
        "邮箱",
        "电子邮箱",
        "电子邮件",
        "董事长",
        "总经理",
        "身份证号",
        "微信号",
        "股东姓名",
        "legal_person",
        "Legal Representative",
        "legal_representative",
        "contact",
        "Contact Person",
        "contact_name",
        "phone",
        "Telephone",
        "tel",
        "Mobile",
        "fax",
        "email",
        "E-mail",
        "e-mail address",
        "WeChat",
        "CEO",
        "chairman",
        "联 系 人",
    ],
)
def test_person(header: str) -> None:
    assert is_person(header)


@pytest.mark.parametrize(
    "header",
    [
        "id",
        "name",
        "企业名称",
        "地址",
        "法人单位数",
        "员工数",
        "手",
        "telecom",
        "contacted_on",
        "ceos",
    ],
)
def test_no_person(header: str) -> None:
    assert not is_person(header)


def test_no_column_of_the_exchange_format_is_dropped() -> None:
    assert [c for table in TABLES.values() for c in table.names if is_person(c)] == []
