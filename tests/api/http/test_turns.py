"""Who waits comes before who prepares."""

from __future__ import annotations

import threading
import time

from chainatlas.api.http.turns import Turns

#: Far longer than anything here takes; a test that waits so long fails.
LONG_S = 10.0


def test_only_so_many_have_a_turn_and_a_part_of_one_takes_none() -> None:
    turns = Turns(2)
    lock, now, most = threading.Lock(), 0, 0
    met = threading.Barrier(2)  # two are inside together, or this breaks

    def work() -> None:
        nonlocal now, most
        with turns.one(), turns.one():
            with lock:
                now += 1
                most = max(most, now)
            met.wait(LONG_S)
            with lock:
                now -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    assert not met.broken
    assert most == 2
    assert not turns.wanted()


def test_who_prepares_takes_nobodys_turn() -> None:
    turns = Turns(1)
    inside, go = threading.Event(), threading.Event()

    def prepare() -> None:
        with turns.aside(), turns.one():
            inside.set()
            go.wait(LONG_S)

    thread = threading.Thread(target=prepare)
    thread.start()
    assert inside.wait(LONG_S)
    taken = threading.Event()

    def ask() -> None:
        with turns.one():
            taken.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert taken.wait(LONG_S), "it must not wait for the preparation"
    go.set()
    thread.join(LONG_S)
    asking.join(LONG_S)


def test_who_prepares_gives_way_while_a_turn_is_wanted_and_no_longer_than_asked() -> None:
    turns = Turns(1)
    inside, go = threading.Event(), threading.Event()

    def ask() -> None:
        with turns.one():
            inside.set()
            go.wait(LONG_S)

    asking = threading.Thread(target=ask)
    asking.start()
    assert inside.wait(LONG_S)
    assert turns.wanted()
    turns.give_way(0.01)  # comes back though the turn is still taken
    assert turns.wanted()
    threading.Timer(0.05, go.set).start()
    began = time.monotonic()
    turns.give_way(LONG_S)
    assert time.monotonic() - began < LONG_S
    assert not turns.wanted()
    asking.join(LONG_S)


def test_a_fault_gives_the_turn_back() -> None:
    turns = Turns(1)
    for _ in range(3):
        try:
            with turns.one():
                raise ValueError
        except ValueError:
            pass
    with turns.one():
        assert turns.wanted()
    assert not turns.wanted()
