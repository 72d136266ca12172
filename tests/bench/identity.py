"""Who is who among two lists of enterprises, against comparing every name with every other.

    python tests/bench/identity.py [ROWS]

Two seeded lists of made-up enterprises share half of their companies; of those some are written in
another way (brackets, legal form, no place) and some misspelt by one letter. Ours says which are one by
their keys and lists what looks alike for review; the peer, rapidfuzz ``cdist`` with one thread, gives
all pairs of names whose similarity reaches the same bound. The last line also says which share of
the misspelt pairs each of them finds, and how many pairs it puts before a person or merges wrongly:
ours compares the distinctive part of names alone, where one letter of five or six makes another
name, so it finds few of these misspellings and hardly any pair that is none; the peer finds all of
them among twenty times as many pairs that are none.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np
import pandas as pd
import rapidfuzz
from rapidfuzz import fuzz
from rapidfuzz.process import cdist

from chainatlas.ingest.identity import resolve
from chainatlas.ingest.identity.near import SIMILAR_MIN

SEED = 20240601
_PLACES = ("武汉", "宜昌", "襄阳", "深圳", "苏州", "成都", "长沙", "合肥", "西安", "宁波")
_SYLLABLES = "华中信达恒盛泰安瑞丰嘉禾宏远博创新科益康德润兴隆天成金源立方智联海通明辉同和永顺"
_TRADES = ("机械", "电子科技", "生物医药", "新材料", "汽车零部件", "光电技术", "化工", "智能装备")
#: Rows of the known list whose names ``cdist`` takes at a time, to keep its matrix small.
_CHUNK = 1000


def lists(rows: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str], set[str]]:
    """Incoming and known enterprises, the true pairs, and the incoming ids that are misspelt."""
    rng = np.random.default_rng(SEED)
    letters = rng.choice(list(_SYLLABLES), (2 * rows, 4))
    core = np.char.add(
        np.char.add(letters[:, 0], letters[:, 1]), np.char.add(letters[:, 2], letters[:, 3])
    )
    place, trade = rng.choice(_PLACES, 2 * rows), rng.choice(_TRADES, 2 * rows)
    names = [f"{p}{c}{t}有限公司" for p, c, t in zip(place, core, trade, strict=True)]
    names = list(dict.fromkeys(names))
    both = rows // 2
    known = names[:rows]
    incoming = names[rows - both : 2 * rows - both]
    truth = {f"n{i}": f"k{rows - both + i}" for i in range(both)}
    wrong = set()
    for at in range(both):
        kind = rng.integers(0, 4)
        if kind == 1:
            incoming[at] = incoming[at].replace("有限公司", "有限责任公司")
        elif kind == 2:
            incoming[at] = incoming[at][:2] + "市" + incoming[at][2:]
        elif kind == 3:
            letter = rng.choice([c for c in _SYLLABLES if c != incoming[at][3]])
            incoming[at] = incoming[at][:3] + letter + incoming[at][4:]
            wrong.add(f"n{at}")
    return (
        pd.DataFrame({"id": [f"n{i}" for i in range(len(incoming))], "name": incoming}),
        pd.DataFrame({"id": [f"k{i}" for i in range(len(known))], "name": known}),
        truth,
        wrong,
    )


def ours(incoming: pd.DataFrame, known: pd.DataFrame) -> tuple[set[tuple[str, str]], int]:
    """Pairs merged or listed, and the number merged."""
    found = resolve(incoming, known)
    merged = found.ids[(found.how != "").to_numpy()]
    listed = found.review
    pairs = set(zip(merged.index, merged, strict=True))
    return pairs | set(zip(listed["other"], listed["keep"], strict=True)), len(pairs)


def peer(incoming: pd.DataFrame, known: pd.DataFrame) -> set[tuple[str, str]]:
    """All pairs of names that are similar enough."""
    pairs = set()
    left, right = incoming["id"].tolist(), known["id"].tolist()
    for start in range(0, len(known), _CHUNK):
        part = known["name"].iloc[start : start + _CHUNK].tolist()
        scores = cdist(
            incoming["name"].tolist(),
            part,
            scorer=fuzz.ratio,
            score_cutoff=SIMILAR_MIN,
            dtype=np.uint8,
            workers=1,
        )
        rows, columns = np.nonzero(scores)
        pairs |= {(left[r], right[start + c]) for r, c in zip(rows, columns, strict=True)}
    return pairs


def main(rows: int) -> None:
    """Both on the same lists, in this process."""
    incoming, known, truth, wrong = lists(rows)
    true = set(truth.items())
    misspelt = {pair for pair in true if pair[0] in wrong}
    resolve(incoming.head(100), known.head(100))
    began = time.perf_counter()
    found, merged = ours(incoming, known)
    ours_s = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    alike = peer(incoming, known)
    peer_s = time.perf_counter() - began
    for name, pairs in (("ours", found), ("peer", alike)):
        told = f"{len(pairs & true)} of {len(true)} true pairs, {len(pairs & misspelt)} of"
        told += f" {len(misspelt)} misspelt ones, {len(pairs - true)} others"
        print(f"{name}: {told}", file=sys.stderr)
    result = {
        "peer": f"rapidfuzz {rapidfuzz.__version__} cdist, all pairs, one thread",
        "ratio": float(f"{peer_s / ours_s:.3g}"),
        "ours_s": round(ours_s, 2),
        "peer_s": round(peer_s, 2),
        "ours_mb": round(memory),
        "size": f"{rows} x {rows} enterprises",
        "merged": merged,
        "ours_misspelt": round(len(found & misspelt) / len(misspelt), 3),
        "peer_misspelt": round(len(alike & misspelt) / len(misspelt), 3),
        "ours_others": len(found - true),
        "peer_others": len(alike - true),
    }
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20_000)
