"""Ctrl-C and SIGTERM on the command lines."""

import signal

import pytest

from blender_vfi import cli_signals

pytestmark = pytest.mark.plain


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(cli_signals.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(cli_signals, "_latest_s", 0.0)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    cli_signals.end_on_signals()
    yield now
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_right_after_the_first_does_not_break_the_cancel(clock, second):
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    clock[0] += 0.2
    signal.raise_signal(second)


def test_a_later_signal_counts_again(clock):
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        clock[0] += 5.0


@pytest.mark.parametrize("before", [signal.SIG_IGN, signal.default_int_handler])
def test_a_call_without_a_window_is_interruptible_and_leaves_the_handler_as_it_was(
    monkeypatch, before
):
    monkeypatch.setattr(cli_signals, "_latest_s", -10.0)
    own = signal.signal(signal.SIGINT, before)
    try:
        with pytest.raises(KeyboardInterrupt), cli_signals.interruptible():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is before
    finally:
        signal.signal(signal.SIGINT, own)
