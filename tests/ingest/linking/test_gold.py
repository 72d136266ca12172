"""Linking of real companies against judgements made by reading their texts.

``gold.csv`` says for each judged company which shipped products its main business and product types
of ``ashare_2020`` show it to make, sell or service. ``none`` stands for products whose names occur
though the company has nothing to do with them, or, without a product, for a company that none was
found for; ``unsure`` pairs count for neither side. The part ``tuned`` was looked at while the words
were chosen; ``held`` and ``fresh`` are plain random samples that were judged before any tuning on
them and looked at afterwards: ``docs/linking.md`` has what they measured unseen. ``later`` is one
more, and nothing was put right on it: its figures are those measured unseen. ``sei_links.csv``
and ``sei_rows.csv`` judge links of ChainKnowledgeGraph's company-product rows to the names of the
SEI classification of 2018.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from chainatlas.ingest.linking import MAKES, Linker, strongest

pytestmark = pytest.mark.shared
HERE = Path(__file__).parent
SHIPPED = HERE.parent.parent.parent / "data" / "hubei" / "products.csv"


@pytest.fixture(scope="module")
def judged(shared: Path) -> pd.DataFrame:
    """Judged and linked roles side by side, one row for each company and product."""
    companies = pd.read_csv(
        shared / "real" / "ashare_2020" / "cn_corp202012.csv", dtype="str", encoding="utf-8-sig"
    ).fillna("")
    texts = pd.concat(
        [
            pd.DataFrame(
                {
                    "enterprise": companies["stockid"],
                    "field": field,
                    "text": companies[column],
                    "industry": companies["industry"],
                }
            )
            for field, column in (("products", "producttype"), ("main_business", "mainbusiness"))
        ]
    )
    gold = pd.read_csv(HERE / "gold.csv", dtype="str", keep_default_na=False)
    links = strongest(Linker(pd.read_csv(SHIPPED, dtype="str")).link(texts))
    links = links.rename(columns={"enterprise": "code", "role": "linked"})
    links = links[links["code"].isin(gold["code"])]
    pairs = gold[gold["product"] != ""].merge(
        links[["code", "product", "linked"]], how="outer", on=["code", "product"]
    )
    pairs["half"] = pairs["code"].map(gold.drop_duplicates("code").set_index("code")["half"])
    return pairs.fillna({"role": "none", "linked": "none"})


def test_there_are_enough_judgements() -> None:
    gold = pd.read_csv(HERE / "gold.csv", dtype="str", keep_default_na=False)
    decided = gold[(gold["product"] != "") & (gold["role"] != "unsure")]
    assert len(decided) >= 1100
    assert gold.loc[gold["half"] == "held", "code"].nunique() == 240
    assert (decided["half"] == "held").sum() >= 38
    assert gold.loc[gold["half"] == "fresh", "code"].nunique() == 200
    assert (decided["half"] == "fresh").sum() >= 57
    assert gold.loc[gold["half"] == "later", "code"].nunique() == 200
    assert (decided["half"] == "later").sum() >= 31
    assert not gold.duplicated(["code", "product"]).any()
    assert set(decided["product"]) <= set(pd.read_csv(SHIPPED, dtype="str")["id"])


@pytest.mark.parametrize(
    ("half", "precision", "recall"),
    [("tuned", 0.95, 0.95), ("held", 0.95, 0.87), ("fresh", 0.95, 0.90), ("later", 0.88, 0.83)],
)
def test_makers_are_found(judged: pd.DataFrame, half: str, precision: float, recall: float) -> None:
    decided = judged[(judged["half"] == half) & (judged["role"] != "unsure")]
    right = ((decided["role"] == MAKES) & (decided["linked"] == MAKES)).sum()
    assert right / (decided["linked"] == MAKES).sum() >= precision
    assert right / (decided["role"] == MAKES).sum() >= recall


def test_sellers_are_not_taken_for_makers(judged: pd.DataFrame) -> None:
    sellers = judged[judged["role"] == "sells"]
    assert len(sellers) >= 10
    assert (sellers["linked"] == MAKES).mean() <= 0.1


@pytest.fixture(scope="module")
def sei(shared: Path) -> pd.DataFrame:
    """Links of company-product rows (by number) to SEI names."""
    real = shared / "real"
    mapped = pd.read_csv(real / "classifications" / "sei2018_map.csv", dtype="str").fillna("")
    mapped["name"] = mapped["products"].str.split("；")
    names = mapped.explode("name")
    names["name"] = names["name"].str.strip()
    names = names[names["name"] != ""].drop_duplicates("name")
    products = pd.DataFrame(
        {"id": names["name"], "name": names["name"], "gb_code": names["gbt_code"]}
    )
    rows = pd.read_json(real / "chainkg" / "company_product.json", lines=True)["product_name"]
    texts = pd.DataFrame(
        {"enterprise": rows.index.astype(str), "field": "products", "text": rows.astype(str)}
    )
    links = Linker(products).link(texts)
    return pd.DataFrame(
        {
            "row": links["enterprise"].astype(int),
            "product": [hashlib.sha256(p.encode()).hexdigest()[:12] for p in links["product"]],
        }
    ).drop_duplicates()


def test_links_to_sei_names_are_right(sei: pd.DataFrame) -> None:
    judgements = pd.read_csv(HERE / "sei_links.csv", dtype={"product": "str"})
    kept = judgements.merge(sei, on=["row", "product"])
    assert len(kept) >= 180
    assert kept["right"].mean() >= 0.85


def test_rows_covered_by_sei_names_are_found(sei: pd.DataFrame) -> None:
    rows = pd.read_csv(HERE / "sei_rows.csv")
    assert len(rows) == 300
    linked = rows["row"].isin(sei["row"])
    assert linked[rows["covered"] == 1].mean() >= 0.27
    assert linked[rows["covered"] == 0].mean() <= 0.01
    assert sei["row"].nunique() >= 1250
