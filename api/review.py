"""The review of enterprises that may be one: decisions, kept as data and put into the facts at once."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..graph.chain import PACK
from ..graph.errors import ChainAtlasError, NotFoundError
from ..graph.store import Store
from ..graph.work import Decision, Decisions, Verdict
from ..ingest.identity.keys import clashes, keyed
from ..ingest.identity.restate import settle

VERDICTS: Mapping[Verdict, str] = {"accept": "是同一家", "reject": "不是同一家"}


def decide(
    store: Store, decisions: Decisions, keep: str, other: str, verdict: Verdict, reason: str = ""
) -> int:
    """Record a decision, checked by :func:`check`, and make the facts follow it.

    Returns:
        The version of the facts afterwards.
    """
    decisions.add(keep, other, verdict, reason)
    return settle(store, keep, other, decisions.all())


def find(decisions: Decisions, keep: str, other: str) -> Decision:
    """The decision about a pair, whichever of the two is named first.

    Raises:
        NotFoundError: Nothing was decided about it.
    """
    former = {frozenset((d.keep, d.other)): d for d in decisions.all()}
    decision = former.get(frozenset((keep, other)))
    if decision is None:
        raise NotFoundError(f"没有关于 {keep} 与 {other} 的决定。")
    return decision


def take_back(store: Store, decisions: Decisions, keep: str, other: str) -> tuple[Decision, int]:
    """Take a decision back; the facts are then as without it.

    Returns:
        The decision, and the version of the facts afterwards.

    Raises:
        NotFoundError: Nothing was decided about this pair.
    """
    decision = find(decisions, keep, other)
    decisions.remove(keep, other)
    return decision, settle(store, decision.keep, decision.other, decisions.all())


def _check_known(store: Store, keep: str, other: str) -> pd.DataFrame:
    """What the store says of two ids; one that was merged away counts as known."""
    stated = store.view().stated("enterprises")
    former = stated.loc[stated["id"] == keep, "aliases"].dropna().str.split(";").explode()
    for name in (keep, other):
        if not (stated["id"] == name).any() and not (name == other and (former == name).any()):
            raise NotFoundError(f"没有这家企业：{name}。")
    return stated


def check(store: Store, keep: str, other: str, verdict: Verdict) -> None:
    """Refuse a decision that cannot be.

    Raises:
        NotFoundError: There is no such enterprise.
        ChainAtlasError: They are one already, or cannot be one.
    """
    stated = _check_known(store, keep, other)
    if verdict == "reject":
        return
    rows = {name: stated[stated["id"] == name] for name in (keep, other)}
    if keep == other or not len(rows[other]):
        raise ChainAtlasError(f"{keep} 与 {other} 已经是同一家企业。")
    if set(rows[keep][PACK]) & set(rows[other][PACK]):
        raise ChainAtlasError(f"{keep} 与 {other} 在同一个数据包里是两家企业，请先在来源中更正。")
    sides = keyed(rows[keep]), keyed(rows[other])
    if clashes(*sides, pd.DataFrame({"left": [0], "right": [0]})).any():
        raise ChainAtlasError(
            f"{keep} 与 {other} 的信用代码或证券代码互相矛盾，不能合并；请先在来源中更正。"
        )
