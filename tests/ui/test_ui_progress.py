"""Progress with time left, and jobs that stop."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from avdemo.ui import progress
from avdemo.ui.progress import Jobs, plain_progress, time_left


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("fraction", "elapsed_s", "words"),
    [
        (0.5, 0.1, ""),  # too early to tell
        (0.0, 10.0, ""),  # nothing done yet
        (1.0, 10.0, ""),  # done
        (0.5, 10.0, "about 10 s left"),
        (0.25, 10.0, "about 30 s left"),
        (0.1, 60.0, "about 9 min left"),
        (0.99, 10.0, "almost done"),
    ],
)
def test_time_left(fraction, elapsed_s, words):
    assert time_left(fraction, elapsed_s) == words


def test_plain_progress_tells_what_is_done_and_how_long():
    clock, seen = Clock(), []
    tell = plain_progress(lambda fraction, desc: seen.append((fraction, desc)), clock)
    tell(0.0, "Reading the video")
    clock.now += 3
    tell(0.25, "Listening")
    assert seen == [(0.0, "Reading the video"), (0.25, "Listening, about 9 s left")]


def test_the_page_is_not_flooded_but_hears_the_end_and_every_new_text():
    clock, seen = Clock(), []
    tell = plain_progress(lambda fraction, desc: seen.append((fraction, desc)), clock)
    for step in range(1000):
        clock.now += 0.001
        tell(step / 1000, "Listening")
    tell(0.99, "Writing")
    tell(2.0, "Writing")
    assert 5 <= len(seen) <= 15
    assert seen[-2][1].startswith("Writing")
    assert seen[-1][0] == 1.0  # clipped


def test_a_job_is_stopped_by_its_own_session_only():
    jobs = Jobs()
    with jobs.running("a") as cancelled:
        assert not cancelled()
        assert jobs.stop("b") is False
        assert not cancelled()
        assert jobs.stop("a") is True
        assert cancelled()
    assert jobs.stop("a") is False  # over


def test_a_newer_job_of_the_session_stops_the_older():
    jobs = Jobs()
    with jobs.running("a") as older, jobs.running("a") as newer:
        assert older()
        assert not newer()
    assert jobs.stop("a") is False


def test_the_older_jobs_end_leaves_the_newer_one_reachable():
    jobs = Jobs()
    older = jobs.running("a")
    older.__enter__()
    with jobs.running("a") as newer:
        older.__exit__(None, None, None)
        assert jobs.stop("a") is True
        assert newer()


def test_a_job_can_be_stopped_while_it_waits_in_the_queue():
    jobs = Jobs()
    jobs.announce("a")
    assert jobs.stop("a") is True
    with jobs.running("a") as cancelled:
        assert cancelled()
    with jobs.running("a") as cancelled:  # the next one is a new one
        assert not cancelled()
    jobs.announce("a")
    assert jobs.stop("a")
    jobs.announce("a")  # asked for anew
    with jobs.running("a") as cancelled:
        assert not cancelled()


def test_announcements_are_not_kept_for_ever(monkeypatch):
    monkeypatch.setattr(progress, "MAX_ANNOUNCED", 3)
    jobs = Jobs()
    for session in "abcde":
        jobs.announce(session)
    assert [jobs.stop(session) for session in "abcde"] == [False, False, True, True, True]


def test_a_session_is_busy_from_the_announcement_to_the_end():
    jobs = Jobs()
    jobs.announce("one")
    assert jobs.busy("one") and not jobs.busy("other")
    with jobs.running("one"):
        assert jobs.busy("one")
    assert not jobs.busy("one")


def test_jobs_from_many_threads():
    jobs = Jobs()

    def one(number):
        with jobs.running(str(number)) as cancelled:
            jobs.stop(str(number))
            return cancelled()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(200)))
