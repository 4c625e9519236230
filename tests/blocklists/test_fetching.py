"""Fetching from a publisher on loopback who does everything that publishers must not do."""

from __future__ import annotations

import gzip
import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from blocklists.fetching import (
    DELAY_SECONDS_MAX,
    DELAY_SECONDS_MIN,
    RETRY_AFTER_SECONDS_MAX,
    Fetched,
    Fetcher,
    FetchFault,
    FetchSettings,
    delay_seconds,
    read_retry_after,
)
from tests.blocklists import serving
from tests.blocklists.serving import Certificates, ListServer, Page, Send

LIST = b"bet365.com\nwilliamhill.com\n" * 100
NEAR = FetchSettings(
    allowed_networks=(ip_network("127.0.0.0/8"),),
    http_allowed=True,
    seconds_max=10.0,
    octets_max=1_000_000,
)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[ListServer]:
    with ListServer() as running:
        yield running


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return serving.certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def secure(certificates: Certificates) -> Iterator[ListServer]:
    with ListServer(certificates) as running:
        yield running


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """Where a list is to go: alone in its folder, so that leftovers are seen."""
    folder = tmp_path / "version"
    folder.mkdir()
    return folder / "raw"


def loopback(host: str) -> Sequence[str]:
    return ["127.0.0.1"]


def fetch(server: ListServer, into: Path, page: Page, settings: FetchSettings = NEAR) -> Fetched:
    server["/list"] = page
    return Fetcher(settings).fetch(server.url("/list"), into)


def faulty(
    server: ListServer, into: Path, page: Page, settings: FetchSettings = NEAR
) -> FetchFault:
    """The fault of fetching `page`; nothing may be left behind."""
    with pytest.raises(FetchFault) as caught:
        fetch(server, into, page, settings)
    assert list(into.parent.iterdir()) == []
    return caught.value


def trusting(certificates: Certificates, **changes: object) -> FetchSettings:
    return replace(NEAR, ca_file=str(certificates.ca), **changes)  # type: ignore[arg-type]


# -- What comes


def test_a_list_comes_whole_with_its_checksum(server: ListServer, into: Path) -> None:
    date = "Sat, 21 Nov 2026 10:00:00 GMT"
    fetched = fetch(server, into, Page(LIST, etag='"1"', last_modified=date))
    assert into.read_bytes() == LIST
    assert fetched == Fetched(
        into, '"1"', date, hashlib.sha256(LIST).hexdigest(), len(LIST), server.url("/list")
    )
    assert [path.name for path in into.parent.iterdir()] == ["raw"]


def test_compressed_on_the_way_and_plain_on_disk(server: ListServer, into: Path) -> None:
    fetched = fetch(server, into, Page(LIST, gzip=True))
    assert server.asked[0].headers["accept-encoding"] == "gzip"
    assert into.read_bytes() == LIST
    assert fetched.sha256 == hashlib.sha256(LIST).hexdigest()


def test_compressed_in_several_members(server: ListServer, into: Path) -> None:
    body = b"".join(gzip.compress(LIST[start : start + 300]) for start in range(0, len(LIST), 300))
    fetch(server, into, Page(body, headers={"Content-Encoding": "gzip"}))
    assert into.read_bytes() == LIST


def test_an_archive_stays_as_it_is(server: ListServer, into: Path) -> None:
    body = gzip.compress(LIST)
    fetch(server, into, Page(body, content_type="application/gzip"))
    assert into.read_bytes() == body


@pytest.mark.parametrize("known", ["etag", "last_modified"])
def test_nothing_is_sent_again_that_has_not_changed(
    server: ListServer, into: Path, known: str
) -> None:
    value = {"etag": 'W/"1"', "last_modified": "Sat, 21 Nov 2026 10:00:00 GMT"}[known]
    server["/list"] = Page(LIST, **{known: value})  # type: ignore[arg-type]
    again = Fetcher(NEAR).fetch(server.url("/list"), into, **{known: value})  # type: ignore[arg-type]
    assert again.path is None
    assert getattr(again, known) == value
    assert not into.exists()
    server["/list"] = Page(LIST, **{known: value.replace("1", "2")})  # type: ignore[arg-type]
    changed = Fetcher(NEAR).fetch(server.url("/list"), into, **{known: value})  # type: ignore[arg-type]
    assert changed.path == into


@pytest.mark.parametrize("etag", ["\N{SNOWMAN}", '"' + "x" * 600 + '"', '"a\r\nX-Evil: 1"'])
def test_an_etag_that_cannot_be_sent_is_not_sent(server: ListServer, into: Path, etag: str) -> None:
    server["/list"] = Page(LIST)
    Fetcher(NEAR).fetch(server.url("/list"), into, etag=etag)
    assert "if-none-match" not in server.asked[0].headers


def test_progress_is_told_seldom_and_at_the_end(server: ListServer, into: Path) -> None:
    told: list[tuple[int, int | None]] = []
    server["/list"] = Page(b"casino.example\n" * 60_000)
    Fetcher(NEAR).fetch(
        server.url("/list"), into, progress=lambda octets, total: told.append((octets, total))
    )
    assert told[-1] == (900_000, 900_000)
    assert len(told) <= 5  # in pieces of 64 KB it would be 14


# -- What does not


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(404, False), (403, False), (410, False), (204, False), (206, False), (304, False)]
    + [(429, True), (503, True), (500, True), (502, True)],
)
def test_other_answers_say_whether_to_come_back(
    server: ListServer, into: Path, status: int, retryable: bool
) -> None:
    fault = faulty(server, into, Page(status=status))
    assert fault.retryable is retryable
    assert str(fault).startswith(f"{server.url('/list')}: answered {status} ")


def test_the_publisher_says_when(server: ListServer, into: Path) -> None:
    assert faulty(server, into, serving.failure(429, "120")).retry_after_seconds == 120.0
    assert faulty(server, into, serving.failure(503)).retry_after_seconds is None


@pytest.mark.parametrize("compressed", [False, True])
def test_a_list_that_never_ends(server: ListServer, into: Path, compressed: bool) -> None:
    def blocks(out: Send) -> None:
        """Gzip's empty blocks: nothing ever comes out of them."""
        out(gzip.compress(b"")[:10])
        while True:
            out(b"\x00\x00\x00\xff\xff" * 10_000)

    page = serving.endless()
    if compressed:
        page = Page(headers={"Content-Encoding": "gzip"}, send=blocks)
    fault = faulty(server, into, page)
    assert "longer than 1,000,000 octets" in str(fault)


def test_a_list_announced_too_long_is_not_begun(server: ListServer, into: Path) -> None:
    page = Page(headers={"Content-Length": "1000001"}, send=lambda out: out.wait(5.0))
    assert "longer than 1,000,000 octets" in str(faulty(server, into, page))


@pytest.mark.parametrize(
    "page",
    [serving.slow(), serving.slow_headers(), serving.silent()],
    ids=["body", "headers", "silence"],
)
def test_time_ends_whatever_drips(server: ListServer, into: Path, page: Page) -> None:
    fault = faulty(server, into, page, replace(NEAR, seconds_max=0.3))
    assert "not finished after 0.3 seconds" in str(fault)
    assert fault.retryable


def test_time_ends_inside_tls_too(
    secure: ListServer, certificates: Certificates, into: Path
) -> None:
    fault = faulty(secure, into, serving.slow(), trusting(certificates, seconds_max=0.5))
    assert "not finished after 0.5 seconds" in str(fault)


def test_a_body_that_breaks_off(server: ListServer, into: Path) -> None:
    fault = faulty(server, into, serving.truncated(LIST, len(LIST) + 1))
    assert "the transfer failed" in str(fault)
    assert fault.retryable


@pytest.mark.parametrize("lost", [1, 8, 30])
def test_compression_that_breaks_off(server: ListServer, into: Path, lost: int) -> None:
    page = Page(gzip.compress(LIST)[:-lost], headers={"Content-Encoding": "gzip"})
    assert "before its compression ends" in str(faulty(server, into, page))


def test_compression_that_is_damaged_or_unknown(server: ListServer, into: Path) -> None:
    page = Page(b"bet365.com\n", headers={"Content-Encoding": "gzip"})
    assert "damaged" in str(faulty(server, into, page))
    page = Page(b"bet365.com\n", headers={"Content-Encoding": "br"})
    assert "Content-Encoding 'br'" in str(faulty(server, into, page))


def test_a_bomb_is_seen_by_its_ratio_and_by_its_size(server: ListServer, into: Path) -> None:
    bomb = serving.bomb(20_000_000)
    patient = replace(NEAR, octets_max=100_000_000)
    assert "decompression bomb" in str(faulty(server, into, bomb, patient))
    small = replace(NEAR, octets_max=500_000)
    assert "longer than 500,000 octets" in str(faulty(server, into, bomb, small))


def test_what_was_there_stays_when_fetching_fails(server: ListServer, into: Path) -> None:
    into.write_bytes(b"good\n")
    (into.parent / ".raw.part").write_bytes(b"half of what a killed process fetched")
    with pytest.raises(FetchFault):
        fetch(server, into, serving.truncated(LIST, 10_000))
    assert [path.name for path in into.parent.iterdir()] == ["raw"]
    assert into.read_bytes() == b"good\n"


def test_nothing_is_left_when_somebody_presses_ctrl_c(server: ListServer, into: Path) -> None:
    def press(octets: int, total: int | None) -> None:
        raise KeyboardInterrupt

    server["/list"] = Page(LIST)
    with pytest.raises(KeyboardInterrupt):
        Fetcher(NEAR).fetch(server.url("/list"), into, progress=press)
    assert list(into.parent.iterdir()) == []


def test_a_folder_that_cannot_be_written(server: ListServer, into: Path) -> None:
    into.parent.rmdir()
    with pytest.raises(FetchFault, match="cannot be written") as caught:
        fetch(server, into, Page(LIST))
    assert caught.value.retryable


def test_a_server_that_is_away(into: Path) -> None:
    with ListServer() as gone:
        url = gone.url("/list")
    with pytest.raises(FetchFault, match="cannot connect") as caught:
        Fetcher(NEAR).fetch(url, into)
    assert caught.value.retryable


@pytest.mark.parametrize(
    "url",
    ["", "lists.example/x", "file:///etc/passwd", "ftp://lists.example/x", "https://", "http://h/"]
    + ["https:///x", "https://user:s3cret@lists.example/", "https://[::1/x", "https://h:99999/"]
    + ["//user:s3cret@lists.example/", "https://xn--a-\N{SNOWMAN}.example/", "https://h/\n?s3cret"],
)
def test_only_https_urls_are_asked(into: Path, url: str) -> None:
    def never(host: str) -> Sequence[str]:
        raise AssertionError(host)

    with pytest.raises(FetchFault) as caught:
        Fetcher(FetchSettings(), never).fetch(url, into)
    assert not caught.value.retryable
    assert "s3cret" not in str(caught.value)
    assert "http" in str(caught.value)


@given(some.one_of(some.text(), some.text().map("https://{}".format)))
def test_no_url_can_raise_anything_else(url: str) -> None:
    def nobody(host: str) -> Sequence[str]:
        raise OSError("nobody to ask")

    with pytest.raises(FetchFault):
        Fetcher(FetchSettings(), nobody).fetch(url, Path("never-written"))


def test_a_message_shows_neither_the_query_nor_control_characters(
    server: ListServer, into: Path
) -> None:
    with pytest.raises(FetchFault) as caught:
        Fetcher(NEAR).fetch(server.url("/a%0ab?key=s3cret"), into)
    assert str(caught.value).startswith(f"{server.url('/a%0ab')}: answered 404")
    assert "s3cret" not in str(caught.value)


# -- Redirects


def test_redirects_are_followed_so_far(server: ListServer, into: Path) -> None:
    for number in range(9):
        server[f"/{number}"] = serving.redirect(f"/{number + 1}", 301 + number % 2)
    server["/9"] = Page(LIST)
    assert Fetcher(NEAR).fetch(server.url("/4"), into).url == server.url("/9")
    with pytest.raises(FetchFault, match="redirected more than 5 times"):
        Fetcher(NEAR).fetch(server.url("/3"), into)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("", "without a usable Location"),
        ("file:///etc/passwd", "does not begin with https"),
        ("http://user:s3cret@lists.example/", "a login inside the URL"),
        ("http://[::1/", "location"),
        ("http://169.254.169.254/latest", "link-local"),
    ],
)
def test_redirects_to_nowhere_good(
    server: ListServer, into: Path, location: str, message: str
) -> None:
    fault = faulty(server, into, serving.redirect(location))
    assert message in str(fault)
    assert "s3cret" not in str(fault)


def test_https_never_falls_back(
    server: ListServer, secure: ListServer, certificates: Certificates, into: Path
) -> None:
    server["/plain"] = Page(LIST)
    fault = faulty(secure, into, serving.redirect(server.url("/plain")), trusting(certificates))
    assert "from https only to https" in str(fault)
    assert server.asked == []


# -- Addresses


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:127.0.0.1", "fe80::1", "nonsense"])
def test_names_that_lead_inside_are_refused(into: Path, address: str) -> None:
    with pytest.raises(FetchFault, match=f"lists.example: leads to {address}"):
        Fetcher(FetchSettings(), lambda host: [address]).fetch("https://lists.example/x", into)


def test_the_address_that_was_judged_is_the_one_that_is_used(
    server: ListServer, into: Path
) -> None:
    asked: list[str] = []

    def rebinding(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    server["/list"] = Page(LIST)
    Fetcher(NEAR, rebinding).fetch(server.url("/list", "lists.example"), into)
    assert asked == ["lists.example"]
    assert server.asked[0].headers["host"] == f"lists.example:{server.port}"


def test_several_addresses_are_tried_in_turn(server: ListServer, into: Path) -> None:
    server["/list"] = Page(LIST)
    addresses = ["10.0.0.1", "127.0.0.2", "127.0.0.1"]  # forbidden, nobody there, the server
    Fetcher(NEAR, lambda host: addresses).fetch(server.url("/list", "lists.example"), into)
    assert into.read_bytes() == LIST


def test_an_ipv6_address_is_connected_to(server: ListServer, into: Path) -> None:
    server["/list"] = Page(LIST)
    mapped = Fetcher(NEAR, lambda host: ["::ffff:127.0.0.1"])
    mapped.fetch(server.url("/list", "lists.example"), into)
    assert into.read_bytes() == LIST


def test_a_name_that_nobody_knows(into: Path) -> None:
    def unknown(host: str) -> Sequence[str]:
        raise OSError("127.0.0.1 port 53: no answer")

    with pytest.raises(FetchFault, match="lists.example: no address was found") as caught:
        Fetcher(NEAR, unknown).fetch("https://lists.example/x", into)
    assert caught.value.retryable


# -- Certificates


def test_certificates_are_checked_by_name(
    secure: ListServer, certificates: Certificates, into: Path
) -> None:
    secure["/list"] = Page(LIST)
    fetcher = Fetcher(trusting(certificates), loopback)
    fetcher.fetch(secure.url("/list", "lists.example"), into)
    assert into.read_bytes() == LIST
    with pytest.raises(FetchFault, match="not trusted.*not valid for 'third.example'") as caught:
        fetcher.fetch(secure.url("/list", "third.example"), into)
    assert not caught.value.retryable


def test_each_name_at_one_address_is_checked(
    secure: ListServer, certificates: Certificates, into: Path
) -> None:
    secure["/list"] = serving.redirect(secure.url("/x", "third.example"))
    with pytest.raises(FetchFault, match="not valid for 'third.example'"):
        Fetcher(trusting(certificates), loopback).fetch(secure.url("/list", "lists.example"), into)


def test_unknown_authorities_are_not_trusted(secure: ListServer, into: Path) -> None:
    fault = faulty(secure, into, Page(LIST))
    assert "not trusted" in str(fault)
    assert "ca_file" in str(fault)


def test_a_file_without_certificates(secure: ListServer, into: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    assert "empty.pem: No such file" in str(
        faulty(secure, into, Page(LIST), replace(NEAR, ca_file=str(empty)))
    )
    empty.write_text("nothing\n")
    assert "holds no certificate" in str(
        faulty(secure, into, Page(LIST), replace(NEAR, ca_file=str(empty)))
    )


# -- Credentials


@pytest.fixture
def credential(tmp_path: Path) -> Path:
    path = tmp_path / "credential"
    path.write_text("Authorization: Bearer s3cret\nX-Key: s3cret too\n")
    path.chmod(0o600)
    return path


def test_a_credential_goes_to_its_host_only(
    secure: ListServer,
    certificates: Certificates,
    into: Path,
    credential: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    secure["/list"] = serving.redirect("/same")
    secure["/same"] = serving.redirect(secure.url("/other", "other.example"))
    secure["/other"] = serving.redirect(secure.url("/back", "lists.example"))
    secure["/back"] = Page(LIST)
    Fetcher(trusting(certificates), loopback).fetch(
        secure.url("/list", "lists.example"), into, credential=str(credential)
    )
    sent = [asked.headers.get("authorization") for asked in secure.asked]
    assert sent == ["Bearer s3cret", "Bearer s3cret", None, None]
    assert secure.asked[0].headers["x-key"] == "s3cret too"
    assert "s3cret" not in caplog.text


def test_a_credential_never_goes_unencrypted(
    server: ListServer, into: Path, credential: Path
) -> None:
    server["/list"] = Page(LIST)
    with pytest.raises(FetchFault, match="over https only"):
        Fetcher(NEAR).fetch(server.url("/list"), into, credential=str(credential))
    assert server.asked == []


def test_a_credential_that_all_can_read_is_not_used(
    secure: ListServer, certificates: Certificates, into: Path, credential: Path
) -> None:
    credential.chmod(0o644)
    with pytest.raises(FetchFault, match="open to every user") as caught:
        Fetcher(trusting(certificates)).fetch(secure.url("/list"), into, credential=str(credential))
    assert not caught.value.retryable
    assert secure.asked == []


# -- Proxies


def never(host: str) -> Sequence[str]:
    raise AssertionError(f"{host} was looked up here, and not by the proxy")


def test_the_proxy_looks_names_up(server: ListServer, into: Path) -> None:
    server["/list"] = Page(LIST)
    fetcher = Fetcher(replace(NEAR, proxy=server.url("")), never)
    fetcher.fetch("http://lists.example/list", into)
    assert server.asked[0].target == "http://lists.example/list"
    assert into.read_bytes() == LIST


def test_certificates_are_checked_through_a_proxy(
    server: ListServer,
    secure: ListServer,
    certificates: Certificates,
    into: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", f"user:s3cret@127.0.0.1:{server.port}")
    server.tunnel = ("127.0.0.1", secure.port)
    secure["/list"] = Page(LIST)
    fetcher = Fetcher(trusting(certificates), never)
    fetcher.fetch("https://lists.example/list", into)
    assert server.asked[0].target == "lists.example:443"
    assert server.asked[0].headers["proxy-authorization"].startswith("Basic ")
    with pytest.raises(FetchFault, match="not valid for 'third.example'"):
        fetcher.fetch("https://third.example/list", into)


def test_time_ends_through_a_proxy(
    server: ListServer, secure: ListServer, certificates: Certificates, into: Path
) -> None:
    server.tunnel = ("127.0.0.1", secure.port)
    secure["/list"] = serving.slow_headers()
    settings = trusting(certificates, proxy=server.url(""), seconds_max=0.5)
    with pytest.raises(FetchFault, match=r"not finished after 0\.5 seconds"):
        Fetcher(settings, never).fetch("https://lists.example/list", into)


def test_a_proxy_that_refuses_or_is_away_is_named_without_its_login(
    server: ListServer, into: Path
) -> None:
    proxy = f"http://user:s3cret@127.0.0.1:{server.port}"
    with pytest.raises(FetchFault, match="through the proxy.*403") as caught:
        Fetcher(replace(NEAR, proxy=proxy)).fetch("https://lists.example/list", into)
    assert "s3cret" not in str(caught.value)
    for wrong in ("socks5://user:s3cret@proxy", "http://user:s3cret@[::1", "user:s3cret@proxy"):
        with pytest.raises(FetchFault, match="the proxy: its URL") as caught:
            Fetcher(replace(NEAR, proxy=wrong)).fetch("https://lists.example/list", into)
        assert "s3cret" not in str(caught.value)


def test_no_proxy_means_none(
    server: ListServer, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", ".example")
    server["/list"] = Page(LIST)
    Fetcher(NEAR, loopback).fetch(server.url("/list", "lists.example"), into)
    assert server.asked[0].target == "/list"


def test_a_proxy_is_not_asked_for_forbidden_addresses(server: ListServer, into: Path) -> None:
    fetcher = Fetcher(replace(NEAR, proxy=server.url("")))
    with pytest.raises(FetchFault, match="link-local"):
        fetcher.fetch("http://169.254.169.254/list", into)
    assert server.asked == []


# -- When to come again


@given(
    failures=some.integers(0, 10_000),
    interval=some.floats(1.0, 1e7),
    random=some.floats(0.0, 1.0),
)
def test_delays_are_bounded(failures: int, interval: float, random: float) -> None:
    delay = delay_seconds(failures, interval, random)
    if failures:
        assert DELAY_SECONDS_MIN / 2 <= delay <= DELAY_SECONDS_MAX
        assert delay <= max(interval, DELAY_SECONDS_MIN)
    else:
        assert 0.9 * interval <= delay <= 1.1 * interval * 1.000001
    assert delay_seconds(failures + 1, 1e7, random) >= delay_seconds(max(failures, 1), 1e7, random)


def test_delays_double_from_a_minute_and_differ_by_chance() -> None:
    day = 86_400.0
    assert [delay_seconds(failures, day, 1.0) for failures in (1, 2, 3)] == [60.0, 120.0, 240.0]
    assert delay_seconds(1, day, 0.0) == 30.0


def test_what_the_publisher_asks_for_is_a_minimum_within_reason() -> None:
    assert delay_seconds(1, 3600.0, 0.0, 500.0) == 500.0
    assert delay_seconds(9, 86_400.0, 1.0, 1.0) == 15_360.0
    assert delay_seconds(1, 3600.0, 0.0, 1e12) == RETRY_AFTER_SECONDS_MAX


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("Sat, 21 Nov 2026 10:01:00 GMT", 60.0),
        ("Sat, 21 Nov 2020 10:01:00 GMT", 0.0),
        ("9" * 500, RETRY_AFTER_SECONDS_MAX),
        ("", None),
        ("soon", None),
        ("-5", None),
    ],
)
def test_both_forms_of_retry_after(text: str, seconds: float | None) -> None:
    assert read_retry_after(text, 1_795_255_200.0) == seconds


@given(some.text())
def test_no_retry_after_can_raise(text: str) -> None:
    seconds = read_retry_after(text, 1_795_255_200.0)
    assert seconds is None or 0 <= seconds <= RETRY_AFTER_SECONDS_MAX
