"""Kill an ingest at random moments: the store must hold the old or the new version, whole.

    python tests/bench/kill.py [TIMES] [ROWS]

Two registers (of the same name, with other rows) are loaded in turn by processes that are killed with
SIGKILL after a random time. After each kill the store is opened and counted; at the end, and whenever
a load got through, the facts must be exactly those of one of the registers. Prints a JSON line.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chainatlas.graph import open_store

SEED = 7
REGISTRY = Path(__file__).with_name("registry.py")
COMMAND = (
    "import sys; from pathlib import Path; from chainatlas.graph import open_store;"
    "from chainatlas.ingest import load; from chainatlas.ingest.sources import open_source;"
    "print('ready', flush=True);"
    "load(open_store(sys.argv[1], create=True), [open_source(Path(sys.argv[2]))])"
)


def ids(db: Path) -> frozenset[str]:
    """Ids of the enterprises in the newest version; empty where there is no store yet."""
    if not db.exists():
        return frozenset()
    return frozenset(open_store(str(db), create=True).view().graph()["enterprises"]["id"])


def attempt(db: Path, register: Path, wait: float | None) -> tuple[bool, float]:
    """One load, killed after some seconds from its start; whether it got through, and its time."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(db), str(register)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    began = time.monotonic()
    try:
        process.wait(wait)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    process.stdout.close()
    return process.returncode == 0, time.monotonic() - began


def main(times: int, rows: int) -> dict[str, object]:
    """Kill that many loads; raises where the store is neither old nor new."""
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as place:
        db = Path(place) / "store.db"
        registers = []
        for seed in (1, 2):
            folder = Path(place) / str(seed)
            folder.mkdir()
            registers.append(folder / "register.csv")
            made = [
                sys.executable,
                str(REGISTRY),
                "--write",
                str(registers[-1]),
                str(rows),
                str(seed),
            ]
            subprocess.run(made, check=True)
        wholes = []
        longest = 0.0
        for register in registers:
            done, seconds = attempt(db, register, None)
            assert done
            longest = max(longest, seconds)
            wholes.append(ids(db))
        assert wholes[0] != wholes[1]
        state = wholes[1]
        killed = old = new = 0
        while killed < times:
            target = 0 if state == wholes[1] else 1
            done, _ = attempt(db, registers[target], rng.uniform(0, longest))
            found = ids(db)
            if found not in (state, wholes[target]) or (done and found != wholes[target]):
                raise SystemExit("the store is neither old nor new")
            killed += not done
            old += not done and found == state
            new += not done and found == wholes[target]
            state = found
        done, _ = attempt(db, registers[0], None)
        if not done or ids(db) != wholes[0]:
            raise SystemExit("the next ingest does not work")
    return {"killed": killed, "old": old, "new": new, "rows": rows, "load_s": round(longest, 2)}


if __name__ == "__main__":
    given = [int(a) for a in sys.argv[1:3]]
    print(json.dumps(main(*given, *[200, 5_000][len(given) :])))
