"""Which address is asked first, and what is remembered of each."""

from app.xxl_job.executor.console_addresses import ConsoleAddresses
from app.xxl_job.executor.dialect import Dialect

URLS = ("http://a", "http://b", "http://c")


def order(addresses: ConsoleAddresses, urls: tuple[str, ...] = URLS) -> list[str]:
    return [address.url for address in addresses.in_order(urls)]


def test_the_configured_order_holds_until_one_has_accepted_something() -> None:
    addresses = ConsoleAddresses()
    assert order(addresses) == ["http://a", "http://b", "http://c"]
    addresses.prefer(addresses.in_order(URLS)[1])
    assert order(addresses) == ["http://b", "http://a", "http://c"]


def test_what_an_address_speaks_is_remembered_while_it_is_configured() -> None:
    addresses = ConsoleAddresses()
    addresses.in_order(URLS)[1].speaks(Dialect.V3_5)
    assert [one.dialect for one in addresses.in_order(("http://b", "http://d"))] == [Dialect.V3_5, None]
    assert [one.dialect for one in addresses.in_order(("http://d",))] == [None]
    assert [one.dialect for one in addresses.in_order(("http://b",))] == [None]


def test_an_address_that_is_listed_twice_is_asked_once() -> None:
    assert order(ConsoleAddresses(), ("http://a", "http://a")) == ["http://a"]
