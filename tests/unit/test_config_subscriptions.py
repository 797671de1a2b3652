"""`on_change` listeners."""

import threading

from support.settings import build_desk, settled

ONE, TWO = "orders: {limit: 1}\n", "orders: {limit: 2}\n"


async def test_listeners_hear_new_and_old_after_the_commit() -> None:
    desk = build_desk(ONE)
    await desk.live.start()
    heard: list[object] = []

    @desk.listeners.on_change("orders.limit")
    async def changed(new: int, old: int) -> None:
        heard.append((new, old, desk.live.state.snapshot.revision))

    await desk.apply(TWO)
    await settled(desk)
    await desk.live.close()
    assert heard == [(2, 1, 2)]


async def test_a_listener_of_a_section_hears_what_changes_below_it_and_nothing_else() -> None:
    desk = build_desk(ONE)
    await desk.live.start()
    heard: list[str] = []
    desk.listeners.on_change("orders")(lambda new, old: heard.append("orders"))
    desk.listeners.on_change("server")(lambda new, old: heard.append("server"))
    await desk.apply(TWO)
    await settled(desk)
    await desk.live.close()
    assert heard == ["orders"]


async def test_a_plain_function_runs_off_the_loop() -> None:
    desk = build_desk(ONE)
    await desk.live.start()
    threads: list[str] = []
    desk.listeners.on_change("orders.limit")(lambda new, old: threads.append(threading.current_thread().name))
    await desk.apply(TWO)
    await settled(desk)
    await desk.live.close()
    assert threads != [threading.main_thread().name]
    assert len(threads) == 1


async def test_a_failing_listener_is_reported_and_the_next_one_runs() -> None:
    desk = build_desk(ONE)
    await desk.live.start()
    heard: list[int] = []

    @desk.listeners.on_change("orders.limit")
    def broken(new: int, old: int) -> None:
        raise RuntimeError("broken")

    desk.listeners.on_change("orders.limit")(lambda new, old: heard.append(new))
    await desk.apply(TWO)
    await settled(desk)
    await desk.live.close()
    assert heard == [2]
    assert [(what.split()[1], error) for what, error in desk.observer.failures] == [("orders.limit", "RuntimeError")]


async def test_a_removed_listener_hears_nothing() -> None:
    desk = build_desk(ONE)
    await desk.live.start()
    heard: list[int] = []

    def changed(new: int, old: int) -> None:
        heard.append(new)

    desk.listeners.on_change("orders.limit")(changed)
    desk.listeners.remove(changed)
    await desk.apply(TWO)
    await settled(desk)
    await desk.live.close()
    assert heard == []
