"""A pack whose every free text is a payload, for tests that none of it is ever taken for code."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

#: Text that would do something if a page, a template, a script or a spreadsheet took it for code.
PAYLOADS = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    '<a href="javascript:alert(1)">x</a>',
    '"><svg onload=alert(1)>',
    "{{7*7}}",
    "${alert(1)}",
    "=cmd|' /C calc'!A0",
)
EVERYTHING = " ".join(PAYLOADS)


def write_tables(folder: Path, tables: Mapping[str, Sequence[Sequence[str]]]) -> Path:
    """Write a pack; the first row of each table is its header."""
    folder.mkdir(parents=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)
    return folder


def hostile_pack(folder: Path) -> Path:
    """Write a pack into a folder; nothing of it may end in quarantine."""
    text = EVERYTHING
    products = [f"p{i}" for i in range(len(PAYLOADS) - 1)] + [PAYLOADS[0]]
    links = ("l1", "l2")
    makers = ("local", "near", "far", "abroad", PAYLOADS[3])
    homes = ("420111", "420500", "310115", "", "440300")
    tables: dict[str, list[list[str]]] = {
        "clusters": [
            ["id", "name", "field", "region", "source"],
            ["c", text, text, "420100", text],
        ],
        "links": [
            ["id", "cluster", "name", "stage", "position", "source"],
            ["l1", "c", text, "upstream", "1", text],
            ["l2", "c", f"二 {text}", "downstream", "2", text],
        ],
        "products": [
            ["id", "name", "aliases", "links", "sei", "domestic_rate", "source", "method"],
            *(
                [key, name, text, links[i % 2], text, "0.1", text, text]
                for i, (key, name) in enumerate(zip(products, PAYLOADS, strict=True))
            ),
        ],
        "inputs": [
            ["product", "input", "criticality", "source"],
            *(["p0", key, "1", text] for key in products[1:]),
        ],
        "enterprises": [
            [
                *("id", "name", "aliases", "stock_code", "country", "region", "address"),
                *("scope", "main_products", "source", "labels", "revenue"),
            ],
            *(
                [
                    *(key, f"{key} {text}", text, text, "JP" if key == "abroad" else "CN", home),
                    *([text] * 4),
                    *("listed" if key == "far" else "", "500000000"),
                ]
                for key, home in zip(makers, homes, strict=True)
            ),
        ],
        "produces": [
            ["enterprise", "product", "source"],
            ["local", "p0", text],
            *([maker, key, text] for maker in makers[1:] for key in products[1:]),
        ],
        "supplies": [
            ["supplier", "buyer", "product", "amount", "source"],
            ["far", "local", "p1", "1000000", text],
        ],
        "institutes": [
            ["id", "name", "kind", "level", "region", "address"],
            ["i1", text, "university", text, "420100", text],
        ],
        "research": [["institute", "product", "source"], ["i1", "p1", text], ["i1", "p0", text]],
        "partners": [
            ["institute", "enterprise", "topic", "source"],
            ["i1", "far", text, text],
            ["i1", "local", text, text],
        ],
        "holdings": [["parent", "child", "source"], ["far", "local", text]],
        "projects": [
            ["id", "name", "owner", "product", "region", "stage", "source"],
            ["j1", text, "far", "p1", "420100", text, text],
        ],
        "surveys": [["region", "product", "status", "source"], ["420100", "p1", "complete", text]],
    }
    pack = write_tables(folder / "pack", tables)
    quoted = json.dumps(text)
    (pack / "pack.toml").write_text(
        f'name = "hostile"\ntitle = {quoted}\nlicence = {quoted}\n', encoding="utf-8"
    )
    return pack
