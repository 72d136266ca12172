"""Kill an ingest at random moments: the store must hold the old or the new version, whole.

    python tests/bench/kill.py [TIMES] [ROWS]

Two registers (of the same name, with other rows) are loaded in turn into a store that holds the
shipped pack, as ``chainatlas ingest`` does, by processes that are killed with SIGKILL after a random
time. After each kill the store is opened, and its facts, of every table, must be exactly those of one
of the registers; so must they be whenever a load got through, and at the end, where the next load of
the same file must change nothing. Prints a JSON line.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from hashlib import blake2b
from pathlib import Path

import numpy as np

from chainatlas.graph import open_store
from chainatlas.graph.facts import fingerprints

SEED = 7
PACK = Path(__file__).parents[2] / "data" / "hubei"
REGISTRY = Path(__file__).with_name("registry.py")
COMMAND = (
    "import sys; from pathlib import Path; from chainatlas.ingest.files import load_files;"
    "from chainatlas.ingest.linking.stage import text_products;"
    "from chainatlas.ingest.products import same_products;"
    "print('ready', flush=True);"
    "done = load_files(sys.argv[1], [Path(sys.argv[2])], stages=(same_products, text_products));"
    "print(done.changed)"
)


def state_of(db: Path) -> str:
    """A digest of all that the packs of the newest version say."""
    digest = blake2b(digest_size=16)
    for facts in open_store(str(db)).view().facts():
        for name, frame in (*facts.tables.items(), ("rejects", facts.rejects)):
            rows = np.sort(fingerprints(frame))
            digest.update(f"{facts.pack} {name} {len(rows)}".encode() + rows.tobytes())
    return digest.hexdigest()


def attempt(db: Path, register: Path, wait: float | None) -> tuple[str, float]:
    """One load, killed after some seconds from its start.

    Returns:
        "" where it was killed, else whether it changed the store (True, False), and its time.
    """
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
    said = process.stdout.read().decode().strip()
    process.stdout.close()
    return said if process.returncode == 0 else "", time.monotonic() - began


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
        assert attempt(db, PACK, None)[0] == "True"
        wholes = []
        longest = 0.0
        for register in registers:
            done, seconds = attempt(db, register, None)
            assert done == "True"
            longest = max(longest, seconds)
            wholes.append(state_of(db))
        assert wholes[0] != wholes[1]
        state = wholes[1]
        killed = old = new = 0
        while killed < times:
            target = 0 if state == wholes[1] else 1
            done, _ = attempt(db, registers[target], rng.uniform(0, longest))
            found = state_of(db)
            if found not in (state, wholes[target]) or (done and found != wholes[target]):
                raise SystemExit("the store is neither old nor new")
            killed += not done
            old += not done and found == state
            new += not done and found == wholes[target]
            state = found
        done, _ = attempt(db, registers[0], None)
        again, _ = attempt(db, registers[0], None)
        if not done or again != "False" or state_of(db) != wholes[0]:
            raise SystemExit("the next ingest does not work")
    return {"killed": killed, "old": old, "new": new, "rows": rows, "load_s": round(longest, 2)}


if __name__ == "__main__":
    given = [int(a) for a in sys.argv[1:3]]
    print(json.dumps(main(*given, *[200, 5_000][len(given) :])))
