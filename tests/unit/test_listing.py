"""The shared listing: complete while rows come and go, and fetched no more often than needed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs_migration.dcs.errors import DcsMigrationError, TransportError
from dcs_migration.dcs.models import Page, TaskRow
from dcs_migration.life_cycles.listing import PAGE_SIZE, SharedListing
from tests.fakes import FakeClock

PATIENCE = 20.0  # seconds after which a test has failed


class Service:
    """A listing that can change between pages, and spells `count` in either way."""

    def __init__(self, size: int, *, count_is_page: bool = False, most: int = PAGE_SIZE) -> None:
        self.ids = [f"task-{number}" for number in range(size)]
        self.calls: list[tuple[int, int]] = []
        self.count_is_page = count_is_page
        self.most = most
        self.after: dict[int, Callable[[], None]] = {}  # number of the call: what happens behind it
        self.error: DcsMigrationError | None = None

    def page(self, offset: int, limit: int) -> Page:
        """ListMigrationTask."""
        self.calls.append((offset, limit))
        if self.error is not None:
            raise self.error
        rows = [TaskRow(id_) for id_ in self.ids[offset : offset + min(limit, self.most)]]
        page = Page(rows, len(rows) if self.count_is_page else len(self.ids))
        self.after.pop(len(self.calls), lambda: None)()
        return page

    def fetch(self) -> set[str]:
        """Return the ids that a fresh listing over this service shows."""
        return set(SharedListing(self.page, FakeClock()).get(max_age=0).rows)


COUNTS = pytest.mark.parametrize("count_is_page", [False, True], ids=["count of all", "count of the page"])


@COUNTS
@pytest.mark.parametrize("size", [0, 1, 19, 20, 21, 980, 999, 1000, 1001, 1960, 1980, 2000, 3333])
def test_every_row_is_listed_whatever_count_means(size: int, count_is_page: bool) -> None:
    """A listing of any length is complete, on either reading of `count`, in as few pages as possible."""
    service = Service(size, count_is_page=count_is_page)
    assert service.fetch() == set(service.ids)
    assert len(service.calls) <= size // 980 + 2
    assert {limit for _, limit in service.calls} == {1000}


@COUNTS
def test_up_to_999_rows_cost_one_call(count_is_page: bool) -> None:
    """The usual account is listed by one request."""
    service = Service(999, count_is_page=count_is_page)
    service.fetch()
    assert service.calls == [(0, 1000)]


@pytest.mark.parametrize("most", [1, 2, 10, 21, 100])
def test_a_service_with_smaller_pages_is_read_to_the_end(most: int) -> None:
    """Pages shorter than asked for are not the end while `count` says that there is more."""
    service = Service(150, most=most)
    assert service.fetch() == set(service.ids)


@COUNTS
@pytest.mark.parametrize("vanished", [1, 19, 20, 21, 50, 500, 999, 1000])
@pytest.mark.parametrize("size", [1010, 1500, 2500])
def test_rows_that_vanish_while_paging_hide_no_others(size: int, vanished: int, count_is_page: bool) -> None:
    """A batch of deletions between two pages moves rows to the front: none of them is passed over."""
    service = Service(size, count_is_page=count_is_page)

    def vanish() -> None:
        del service.ids[:vanished]

    service.after[1] = vanish
    assert service.fetch() >= set(service.ids)


@COUNTS
def test_rows_that_vanish_again_and_again_hide_no_others(count_is_page: bool) -> None:
    """Deletions behind every page, as another run's destroy makes them, hide nothing that stays."""
    service = Service(5000, count_is_page=count_is_page)

    def vanish() -> None:
        del service.ids[:50]
        service.after[len(service.calls) + 1] = vanish

    service.after[1] = vanish
    assert service.fetch() >= set(service.ids)


@COUNTS
def test_the_whole_account_may_be_emptied_while_paging(count_is_page: bool) -> None:
    """A listing that ends at nothing ends."""
    service = Service(2500, count_is_page=count_is_page)
    service.after[1] = service.ids.clear
    assert len(service.fetch()) == 1000


@COUNTS
@pytest.mark.parametrize("added", [1, 20, 21, 500, 979])
def test_rows_that_appear_while_paging_hide_no_others(added: int, count_is_page: bool) -> None:
    """New tasks at the front push rows back; all that were there are listed."""
    service = Service(2500, count_is_page=count_is_page)
    there = set(service.ids)

    def appear() -> None:
        service.ids[:0] = [f"new-{number}" for number in range(added)]

    service.after[1] = appear
    assert service.fetch() >= there


@settings(deadline=None)
@given(st.integers(0, 3500), st.integers(0, 2**32), st.booleans())
def test_random_deletions_hide_no_row_that_stays(size: int, seed: int, count_is_page: bool) -> None:
    """With any deletion behind any page, every row that was always there is listed."""
    chance = random.Random(seed)
    service = Service(size, count_is_page=count_is_page)

    def vanish() -> None:
        start = chance.randrange(len(service.ids) + 1)
        del service.ids[start : start + chance.choice([0, 1, 20, 50, 400])]
        if len(service.calls) < 8:
            service.after[len(service.calls) + 1] = vanish

    service.after[1] = vanish
    assert service.fetch() >= set(service.ids)


def test_a_service_that_ignores_the_offset_is_no_proof_of_absence() -> None:
    """Pages that repeat themselves while `count` promises more make no listing."""
    rows = [TaskRow(f"task-{number}") for number in range(1000)]
    listing = SharedListing(lambda offset, limit: Page(rows, 5000), FakeClock())
    with pytest.raises(TransportError, match="ListMigrationTask failed: the listing is incomplete"):
        listing.get(max_age=0)


class Endless:
    """A listing with endless pages; each has new rows and takes some time."""

    def __init__(self, clock: FakeClock, *, rows: int, seconds: float = 0.0, text: str = "") -> None:
        self.calls = 0
        self.clock = clock
        self.rows = rows
        self.seconds = seconds
        self.text = text

    def page(self, offset: int, limit: int) -> Page:
        """ListMigrationTask."""
        self.calls += 1
        self.clock.advance(self.seconds)
        ids = range(offset, offset + self.rows)
        return Page([TaskRow(f"task-{number}", error=self.text) for number in ids], 10**9)


@pytest.mark.parametrize(
    ("pages", "calls", "words"),
    [
        ({"rows": 1000}, 103, "100,960 tasks, which is more than"),
        ({"rows": 1000, "text": "x" * 28_000}, 4, "3,940 tasks, which is more than"),
        ({"rows": 1000, "seconds": 10.0}, 12, "11,780 tasks and 120 s, which is longer than"),
        ({"rows": 1, "seconds": 1.0}, 120, "120 tasks and 120 s, which is longer than"),
    ],
    ids=["rows", "text", "time", "tiny pages"],
)
def test_a_listing_without_end_is_given_up(pages: dict[str, Any], calls: int, words: str) -> None:
    """It ends in an error when it has brought, or taken, more than any account needs."""
    clock = FakeClock()
    service = Endless(clock, **pages)
    with pytest.raises(TransportError, match="the listing is incomplete: it still continues after") as caught:
        SharedListing(service.page, clock).get(max_age=0)
    assert words in str(caught.value)
    assert service.calls == calls


@pytest.mark.parametrize(("most", "calls"), [(10, 114), (20, 57), (100, 12), (500, 3)])
def test_a_service_with_smaller_pages_is_read_in_few_calls(most: int, calls: int) -> None:
    """Each page advances by nearly all that came, so that an account of 1,020 tasks needs few of them."""
    service = Service(1020, most=most)
    assert service.fetch() == set(service.ids)
    assert len(service.calls) <= calls


@pytest.mark.parametrize("most", [20, 100])
def test_a_service_with_smaller_pages_that_ignores_the_offset(most: int) -> None:
    """Its first page again and again doesn't prove absence, either."""
    rows = [TaskRow(f"task-{number}") for number in range(most)]
    with pytest.raises(TransportError, match="its pages don't continue"):
        SharedListing(lambda offset, limit: Page(rows, 5000), FakeClock()).get(max_age=0)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 400), st.sampled_from([2, 10, 20, 100]), st.integers(0, 2**32))
def test_random_deletions_hide_no_row_on_smaller_pages(size: int, most: int, seed: int) -> None:
    """The overlap shrinks with the pages, and still shows when rows have moved."""
    chance = random.Random(seed)
    service = Service(size, most=most)

    def vanish() -> None:
        start = chance.randrange(len(service.ids) + 1)
        del service.ids[start : start + chance.choice([0, 1, 5, 30])]
        if len(service.calls) < 8:
            service.after[len(service.calls) + 1] = vanish

    service.after[1] = vanish
    assert service.fetch() >= set(service.ids)


def test_a_count_that_promises_too_much_ends_nothing() -> None:
    """A short page that holds nothing new is the last, with any `count`."""
    rows = [TaskRow(f"task-{number}") for number in range(5)]
    listing = SharedListing(lambda offset, limit: Page(rows[offset:], 7), FakeClock())
    assert len(listing.get(max_age=0).rows) == 5


def test_the_latest_word_on_a_row_counts() -> None:
    """A row that is seen on two pages is kept as the second one shows it."""
    first = [TaskRow(f"task-{number}", status="MIGRATING") for number in range(1000)]
    second = [TaskRow("task-999", status="SUCCESS"), TaskRow("task-1000")]
    listing = SharedListing(lambda offset, limit: Page(second if offset else first, 1001), FakeClock())
    assert listing.get(max_age=0).rows["task-999"].status == "SUCCESS"


# Sharing --------------------------------------------------------------------------------------------------


def test_a_fresh_listing_is_shared_and_an_old_one_is_not() -> None:
    """Who can do with a listing of some age gets the one that is there."""
    service, clock = Service(3), FakeClock()
    listing = SharedListing(service.page, clock)
    first = listing.get(max_age=10)
    clock.advance(9)
    assert listing.get(max_age=10) is first
    clock.advance(2)
    assert listing.get(max_age=10) is not first
    assert len(service.calls) == 2


def test_no_age_at_all_means_a_new_listing() -> None:
    """Who needs the present gets it."""
    service = Service(3)
    listing = SharedListing(service.page, FakeClock())
    assert listing.get(max_age=0) is not listing.get(max_age=0)
    assert len(service.calls) == 2


def test_a_listing_from_before_a_write_does_not_serve_after_it() -> None:
    """`not_before` asks for a listing that shows a write, however young the last one is."""
    service, clock = Service(3), FakeClock()
    listing = SharedListing(service.page, clock)
    before = listing.get(max_age=1000)
    written = clock.monotonic()
    after = listing.get(max_age=1000, not_before=written)
    assert after is not before
    assert listing.get(max_age=1000, not_before=written) is after
    assert listing.get(max_age=1000) is after


def test_the_age_of_a_listing_counts_from_its_first_page() -> None:
    """A slow fetch is as old as what it read first."""
    service, clock = Service(1500), FakeClock()
    listing = SharedListing(service.page, clock)
    service.after[1] = lambda: clock.advance(30)
    listing.get(max_age=5)
    listing.get(max_age=5)
    assert [offset for offset, _ in service.calls] == [0, 980, 0, 980]


def test_threads_that_ask_together_share_one_fetch() -> None:
    """Eight threads wait for one request and get one listing."""
    service, clock = Service(3), FakeClock()
    started, release = threading.Event(), threading.Event()

    def page(offset: int, limit: int) -> Page:
        started.set()
        assert release.wait(PATIENCE)
        return service.page(offset, limit)

    listing = SharedListing(page, clock)
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(listing.get(max_age=10)), daemon=True) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    assert started.wait(PATIENCE)
    release.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(found) == 8
    assert len({id(one) for one in found}) == 1
    assert len(service.calls) == 1


def test_a_failed_fetch_is_not_remembered() -> None:
    """An error goes to who asked, and the next one asks the service again."""
    service = Service(3)
    listing = SharedListing(service.page, FakeClock())
    service.error = DcsMigrationError("not now")
    with pytest.raises(DcsMigrationError, match="not now"):
        listing.get(max_age=10)
    service.error = None
    assert len(listing.get(max_age=10).rows) == 3


def test_a_failed_fetch_leaves_the_last_good_listing() -> None:
    """Who can do with the older listing is not harmed by another's failure."""
    service, clock = Service(3), FakeClock()
    listing = SharedListing(service.page, clock)
    good = listing.get(max_age=10)
    service.error = DcsMigrationError("not now")
    with pytest.raises(DcsMigrationError, match="not now"):
        listing.get(max_age=0)
    assert listing.get(max_age=10) is good


def test_an_error_on_a_later_page_yields_no_listing() -> None:
    """Half a listing proves nothing and is never handed out."""
    service = Service(1500)
    listing = SharedListing(service.page, FakeClock())

    def fail() -> None:
        service.error = DcsMigrationError("lost")

    service.after[1] = fail
    with pytest.raises(DcsMigrationError, match="lost"):
        listing.get(max_age=10)
    service.error = None
    assert len(listing.get(max_age=10).rows) == 1500


def test_a_listing_that_is_fresh_enough_is_returned_during_another_fetch() -> None:
    """A refresh accepts a listing of ten seconds ago, while a delete fetches one that shows its write."""
    clock, service = FakeClock(), Service(3)
    listing = SharedListing(service.page, clock)
    first = listing.get(max_age=0)
    fetching, released = threading.Event(), threading.Event()

    def hang() -> None:
        fetching.set()
        assert released.wait(PATIENCE)

    service.after[2] = hang
    newer = threading.Thread(target=lambda: listing.get(max_age=0))
    newer.start()
    assert fetching.wait(PATIENCE)
    answers: list[object] = []
    reader = threading.Thread(target=lambda: answers.append(listing.get(max_age=10.0)), daemon=True)
    reader.start()
    reader.join(2.0)
    released.set()
    newer.join(PATIENCE)
    assert answers == [first]
