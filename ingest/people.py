"""Columns with natural persons: never read further, only counted."""

import re

#: Matched against a header in lower case without blanks, brackets and underscores.
_PERSON = re.compile(
    r"法定代表人|法人代表|^法人$|法人姓名|负责人|联系人|联系方式|联系电话|电话|手机|传真|邮箱|电子邮件|"
    r"董事长|总经理|实际控制人姓名|股东姓名|身份证|微信|"
    r"^(legal(person|representative)|contact(person|name|s)?|phone|telephone|tel|mobile|fax|"
    r"e?-?mail(address)?|wechat|chairman|ceo)$"
)


def is_person(header: str) -> bool:
    """Whether a column of this header holds people's names or how to reach them.

    >>> is_person("法定代表人"), is_person("E-mail"), is_person("region")
    (True, True, False)
    """
    return bool(_PERSON.search(re.sub(r"[\s_()（）]", "", header).lower()))
