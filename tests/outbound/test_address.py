"""Which URLs and addresses are sent to, by tables (failure model S01-S08)."""

from collections.abc import Sequence
from threading import Event

import pytest

from service.outbound.address import (
    AddressRefused,
    Resolve,
    addresses,
    check_url,
    is_loopback,
    is_public,
    resolve,
)

PRIVATE = [
    # S02 S03
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255",
    "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255",
    "169.254.169.254", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255",
    # S04
    "::1", "::", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:10.0.0.1", "::127.0.0.1",
    "::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
    "2002:7f00:1::", "2002:a00:1::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1",
    "2001:20::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1", "fc00::1", "fdff::1", "fe80::1",
    "fe80::1%eth0", "2606:4700:4700::1111%1", "fec0::1", "ff02::1", "4000::1", "::ffff:0:7f00:1",
    # not addresses at all
    "", "localhost", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "①②⑦.0.0.1", "1.2.3.4.5",
    "8.8.8.8 ", "8.8.8.8/32",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
    "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.1", "192.88.98.1",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
    "2606:4700:4700::1111", "2400:3200::1", "2001:4860:4860::8888", "2003::1", "64:ff9b::808:808",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_passes(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_known(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["::ffff:127.0.0.1", "0.0.0.0", "localhost", "::", "10.0.0.1"])
def test_nothing_else_counts_as_this_machine(address: str) -> None:
    assert not is_loopback(address)


REFUSED_URLS = [
    # other schemes (S01)
    "http://hooks.example.com/", "ftp://hooks.example.com/", "file:///etc/passwd",
    "gopher://hooks.example.com/", "data:text/plain,x", "javascript:alert(1)",
    "unix:///var/run/docker.sock", "ws://hooks.example.com/", "wss://hooks.example.com/",
    "HTTPS://hooks.example.com/", "https:hooks.example.com", "//hooks.example.com/", "",
    "hooks.example.com",
    "https://user:pass@hooks.example.com/", "https://user@hooks.example.com/",
    "https://hooks.example.com:22/", "https://hooks.example.com:25/",
    "https://hooks.example.com:6379/", "https://hooks.example.com:5432/",
    "https://hooks.example.com:80/", "https://hooks.example.com:0/",
    "https://hooks.example.com:99999/", "https://hooks.example.com:-1/",
    "https://hooks.example.com:443x/", "https://hooks.example.com:/",
    "https://hooks.example.com./", "https://.example.com/", "https://hooks..example.com/",
    "https://-hooks.example.com/", "https://xn--e1awd7f.com/", "https://еxample.com/",
    "https://支付.example.com/", "https://①②⑦.0.0.1/", "https://hooks.example.com/a b",
    "https://hooks.example.com/\r\nX-Evil: 1", "https://hooks.example.com\\@evil.example/",
    "https://hooks.example.com/#@evil.example", "https://hooks.example.com#@evil.example/",
    "https://hooks.example.com/<script>", "https://hooks_x.example.com/",
    "https://hooks.example.com/" + "a" * 8192, "https://" + "a" * 64 + ".example.com/",
    "https:///path", "https://?x=1", "https://[::1", "https://[fe80::1%25eth0]/",
    # addresses, plain and in disguise
    "https://127.0.0.1/", "https://127.1/", "https://0x7f.1/", "https://0x7f000001/",
    "https://2130706433/", "https://0177.0.0.1/", "https://017700000001/", "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://1.2.3.4.5/",
    "https://example.0x10/", "https://localhost:443@evil.example/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED_URLS)
@pytest.mark.parametrize("loopback", [False, True], ids=["", "loopback allowed"])
def test_a_url_is_refused_when_it_is_configured(url: str, loopback: bool) -> None:
    if loopback and url in {"https://127.0.0.1/", "https://[::1]/"}:
        return
    with pytest.raises(ValueError, match=r"^[a-z]"):
        check_url(url, loopback=loopback)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com/in/pingpp?x=1&y=%20",
        "https://Hooks.Example.com:443/",
        "https://hooks.example.com:8443/",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/in",
    ],
)
def test_an_ordinary_url_passes(url: str) -> None:
    assert not check_url(url).here


def test_another_port_passes_when_it_is_listed() -> None:
    assert check_url("https://hooks.example.com:9000/", ports={9000}).url.endswith(":9000/")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/x", "http://localhost/", "https://[::1]:1/", "http://127.0.0.9/"]
)
def test_this_machine_needs_the_switch(url: str) -> None:
    assert check_url(url, loopback=True).here
    with pytest.raises(ValueError, match=r"."):
        check_url(url)


def test_the_switch_opens_nothing_but_this_machine() -> None:
    for url in ("http://hooks.example.com/", "http://10.0.0.1/", "http://8.8.8.8/"):
        with pytest.raises(ValueError, match=r"."):
            check_url(url, loopback=True)


def answering(*answers: str) -> Resolve:
    def ask(_host: str, _port: int) -> Sequence[str]:
        return answers

    return ask


def test_every_address_of_a_name_must_pass() -> None:
    public = ("8.8.8.8", "2606:4700:4700::1111")
    ask = answering(*public)
    assert addresses("hooks.example.com", 443, seconds=5, ask=ask) == list(public)


@pytest.mark.parametrize(
    "found",
    [("8.8.8.8", "10.0.0.1"), ("8.8.8.8", "::1"), ("127.0.0.1",), (), ("8.8.8.8",) * 1000],
    ids=["one private", "one of this machine", "private", "none", "a thousand"],
)
def test_one_bad_address_refuses_the_name(found: tuple[str, ...]) -> None:
    with pytest.raises(AddressRefused):
        addresses("hooks.example.com", 443, seconds=5, ask=answering(*found))


def test_this_machine_is_all_that_passes_when_it_is_meant() -> None:
    assert addresses("localhost", 1, seconds=5, here=True, ask=answering("::1")) == ["::1"]
    with pytest.raises(AddressRefused):
        addresses("localhost", 1, seconds=5, here=True, ask=answering("8.8.8.8"))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "017700000001",
        "①②⑦.0.0.1", "localhost", "0.0.0.0", "::1", "::ffff:127.0.0.1",
    ],
)  # fmt: skip
def test_what_the_system_takes_for_this_machine_is_refused_after_resolution(host: str) -> None:
    # nothing here leaves the machine: these are numbers, or in its own table of hosts
    with pytest.raises((AddressRefused, OSError)):
        addresses(host, 443, seconds=5, ask=resolve)


def test_a_name_that_is_not_found_is_an_error_of_the_system() -> None:
    def nobody(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(OSError, match="no such name"):
        addresses("hooks.example.com", 443, seconds=5, ask=nobody)


def test_a_resolver_that_hangs_is_not_waited_for() -> None:
    never = Event()

    def hang(_host: str, _port: int) -> list[str]:
        never.wait(5)
        return []

    with pytest.raises(TimeoutError):
        addresses("hooks.example.com", 443, seconds=0.05, ask=hang)
    never.set()
