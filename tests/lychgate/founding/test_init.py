"""`lychgate init`: questions answered well and badly, what is written, what is never touched."""

from __future__ import annotations

import asyncio
import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from blocklists import sources
from evidence.notices import notify
from evidence.notices.delivering import Told, deliver
from evidence.store import EvidenceStore
from lychgate.cli import app
from lychgate.commands import init as module
from lychgate.commands import options
from lychgate.config import load
from lychgate.founding import answers as read
from lychgate.founding import surroundings
from lychgate.founding.dhcp import lines, routers
from lychgate.founding.surroundings import Attached, attached, listen_addresses
from lychgate.listing import Listing
from lychgate.notice_settings import notice_settings
from lychgate.office import Office
from policy.commands.command import Refused
from tests.evidence.notices.servers import Post
from tests.lychgate.running import free_port

HERE = [
    Attached(ip_network("192.168.7.0/24"), "192.168.7.2", "eth0"),
    Attached(ip_network("2001:db8:7::/64"), "2001:db8:7::2", "eth0"),
]
GIVEN = ["--yes", "--organisation", "Northshire Skills", "--listen", "127.0.0.1:5300"]


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(surroundings, "attached", lambda: HERE)
    monkeypatch.setattr(options, "SYSTEM_FILE", tmp_path / "nowhere" / "lychgate.toml")
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, input: str = "", code: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments), input=input)
    assert done.exit_code == code, done.output
    return done.output


def test_with_options_alone_an_installation_that_can_be_served(tmp_path: Path) -> None:
    said = run("init", *GIVEN, "--term", "Spring 2027 = 2027-01-05 to 2027-03-26")
    configuration = load(tmp_path / "lychgate.toml")
    assert configuration.upstream.preset == "quad9"
    office = Office(configuration)
    raw = office.raw()
    assert raw["organisation"]["name"] == "Northshire Skills"
    assert list(raw["venues"]) == ["main-venue"]  # and not the one that ships
    assert raw["venues"]["main-venue"]["networks"] == ["192.168.7.0/24", "2001:db8:7::/64"]
    assert raw["terms"][0]["name"] == "Spring 2027"
    assert {source.id for source in Listing(configuration).enabled} == set(
        read.audiences()["adults"].lists
    )
    assert "192.168.7.2" in said and "lychgate dhcp" in said
    link = re.search(r"http://127\.0\.0\.1:8453/link/(\S{20,})", said)
    assert link
    checked = CliRunner().invoke(app, ["check-config"])
    assert checked.exit_code == 0, checked.output
    # The public network of the venue is answered, too.
    served = configuration.limits.served_networks
    assert ip_network("2001:db8:7::/64") in served and ip_network("10.0.0.0/8") in served


def test_questions_are_asked_again_until_an_answer_can_be_used(tmp_path: Path) -> None:
    typed = [
        "",  # an organisation without a name: asked again by the prompt itself
        "Northshire Skills",
        "North Street Hub",
        "10.20.0.0/33",
        "0.0.0.0/0",
        "10.20.5.7/16",  # an address in it is as good
        "children",
        "mixed",
        "quad8",
        "ncsc-pdns",
        "tls://dns.example",
        "cloudflare-security",
        "127.0.0.1:99999",
        "127.0.0.1:5300",
        "ut1:nonsense",
        "ut1:gambling blp:malware",
        "Spring = 2027-03-26 to 2027-01-05",
        "none",
        "mail.northshire.example",  # who sends?
        "mail.northshire.example lychgate@northshire.example",
        "the safeguarding lead",
        "dsl@northshire.example",
        "y",
    ]
    said = run("init", input="\n".join(typed) + "\n")
    for fault in (
        "'10.20.0.0/33' is not a network",
        "is the whole internet",
        "use one of adults, mixed, staff",
        "'quad8' is no resolver; use one of quad9",
        "the NCSC gives you the addresses",
        "'tls://dns.example' is no resolver",
        '"127.0.0.1:99999" is not an address to listen on',
        "'ut1:nonsense' is not a list",
        "ends before it begins",
        "'mail.northshire.example' is no mail server",
        "'the safeguarding lead' is no list of mail addresses",
    ):
        assert fault in said, fault
    assert "CC-BY-SA-4.0" in said  # the licences of the lists that are proposed
    notices = load(tmp_path / "lychgate.toml").notices
    assert (notices.mail.host, notices.mail.port) == ("mail.northshire.example", 587)
    assert [one.to for one in notices.recipients] == ["dsl@northshire.example"]
    raw = Office(load(tmp_path / "lychgate.toml")).raw()
    assert raw["venues"]["north-street-hub"]["networks"] == ["10.20.0.0/16"]
    assert raw["profiles"]["learners"]["youtube"] == "strict"
    assert raw["profiles"]["learners"]["actions"]["social-media"] == "block"


def test_all_faults_of_options_are_told_at_once(tmp_path: Path) -> None:
    said = run(
        *("init", "--yes", "--networks", "everywhere", "--for", "nobody", "--upstream", "x"),
        code=2,
    )
    assert [line.split(":")[0] for line in said.splitlines()] == [
        "--organisation",
        "--networks",
        "--for",
        "--upstream",
    ]
    assert not list(tmp_path.iterdir())


def test_what_would_be_written_is_shown_and_nothing_is_written(tmp_path: Path) -> None:
    said = run("init", *GIVEN, "--dry-run")
    assert "state_directory" in said and "Main venue: 192.168.7.0/24" in said
    assert "/link/" not in said and not list(tmp_path.iterdir())
    answers = "\n".join(["Northshire", "", "", "", "", "127.0.0.1:5300", "", "", "", "n"])
    assert "Nothing was written." in run("init", input=answers + "\n", code=2)
    assert not list(tmp_path.iterdir())
    CliRunner().invoke(app, ["init"], input="Northshire\n")  # whoever goes away in the middle
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("there", ["lychgate.toml", "var/state.db", "var/lists.toml"])
def test_nothing_is_ever_overwritten(tmp_path: Path, there: str) -> None:
    path = tmp_path / there
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    said = run("init", *GIVEN, code=2)
    assert there in said and "there already" in said
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [path] and path.read_text() == "mine"


def test_a_fault_in_the_middle_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise Refused("lychgate.toml: the disk is full")

    monkeypatch.setattr("lychgate.founding.writing._write", full)
    run("init", *GIVEN, code=2)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    monkeypatch.undo()
    monkeypatch.setattr(surroundings, "attached", lambda: HERE)
    monkeypatch.chdir(tmp_path)
    run("init", *GIVEN)


@pytest.mark.parametrize("audience", read.audiences().values(), ids=lambda one: one.word)
def test_lists_to_begin_with_exist_and_may_block(audience: read.Audience) -> None:
    known = sources.load()
    for word in audience.lists:
        source = known[word]
        assert source.trust == "block" and source.licence, word
        assert (source.typical_entries or 0) < 1_000_000, word  # a machine with 1 GB
    covered = {category for word in audience.lists for category in known[word].categories.values()}
    assert {"gambling", "adult", "malware", "scams"} <= covered


def test_each_kind_of_router_is_told_our_address() -> None:
    for word, router in routers().items():
        told = lines(router, ipv4="192.168.7.2", ipv6="fd00::2", network="192.168.7.0/24")
        assert any("192.168.7.2" in line for line in told), word
        assert not any("{" in line.replace("{ ", "") for line in told), word
        without = lines(router, ipv4="192.168.7.2", network="192.168.7.0/24")
        assert without and not any("fd00" in line for line in without), word
    assert set(routers()) >= set(
        "dnsmasq isc-dhcpd kea openwrt mikrotik unifi pfsense windows".split()
    )


def test_the_command_for_routers() -> None:
    said = run("dhcp", "mikrotik", "--address", "192.168.7.9")
    assert "dns-server=192.168.7.9" in said and "192.168.7.0/24" in said
    assert "use one of dnsmasq" in run("dhcp", "fritzbox", code=2)
    assert "is not an address" in run("dhcp", "--address", "nowhere", code=2)


def test_networks_are_those_of_real_interfaces(tmp_path: Path) -> None:
    (tmp_path / "route").write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0107A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "lo\t0000007F\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"
        "eth0\t0000007F\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"
        "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )
    (tmp_path / "if_inet6").write_text(
        "fe800000000000000000000000000001 02 40 20 80     eth0\n"
        "20010db8000700000000000000000002 02 40 00 80     eth0\n"
        "00000000000000000000000000000001 01 80 10 80       lo\n"
    )
    found = attached(tmp_path)
    assert [str(one.network) for one in found] == ["127.0.0.0/8", "2001:db8:7::/64"]
    assert found[0].address.startswith("127.")  # as the kernel would choose towards it
    assert attached(tmp_path / "nowhere") == []
    assert isinstance(attached(), list)


def test_it_listens_on_its_own_addresses_or_everywhere() -> None:
    networks = (ip_network("192.168.7.0/24"), ip_network("2001:db8:7::/64"))
    assert listen_addresses(networks, HERE, 53) == [
        "192.168.7.2:53",
        "[2001:db8:7::2]:53",
        "127.0.0.1:53",
    ]
    assert listen_addresses((ip_network("10.0.0.0/8"),), HERE, 53) == ["0.0.0.0:53"]


@given(st.text(max_size=60))
def test_no_answer_raises_anything_but_a_fault(text: str) -> None:
    readers = (
        read.read_name,
        read.read_networks,
        read.read_audience,
        read.read_upstreams,
        read.read_term,
        read.read_mail,
        read.read_told,
        lambda typed: read.read_lists(typed, ["a"]),
    )
    for reader in readers:
        try:
            reader(text)
        except ValueError as fault:
            assert (
                "; use " in str(fault) or "has addresses" in str(fault) or "`lychgate" in str(fault)
            )
    assert re.fullmatch(r"[a-z0-9-]{1,40}", read.slug(text))


def test_a_mail_server_and_its_sender() -> None:
    assert read.read_mail("mail.example.org a@example.org") == read.Mail(
        "mail.example.org", 587, "a@example.org"
    )
    assert read.read_mail("[2001:db8::1]:25 a@example.org") == read.Mail(
        "2001:db8::1", 25, "a@example.org"
    )
    assert read.read_mail("none") is None and module.TRIES_MAX > 3


@pytest.mark.parametrize(
    ("server", "security"),
    [
        ("mail.example.org", "starttls"),
        ("mail.example.org:465", "tls"),
        ("[2001:db8::1]:25", "starttls"),
        ("localhost:25", "none"),
        ("127.0.0.1:25", "none"),
        ("[::1]:25", "none"),
    ],
)
def test_the_way_to_the_mail_server_is_encrypted_but_on_this_machine(
    tmp_path: Path, server: str, security: str
) -> None:
    run("init", *GIVEN, "--mail", f"{server} lychgate@example.org", "--tell", "dsl@example.org")
    configuration = load(tmp_path / "lychgate.toml")
    assert configuration.notices.mail.security == security
    assert configuration.notices.mail.host == server.rpartition(":")[0].strip("[]") or server
    assert "check" in configuration.notices.recipients[0].about
    checked = CliRunner().invoke(app, ["check-config"])
    assert checked.exit_code == 0, checked.output


def test_what_it_wrote_of_mail_sends_a_notice(tmp_path: Path) -> None:
    """By a real mail server on this machine, which asks for no account."""
    post = Post()
    controller = Controller(post, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        server = f"127.0.0.1:{controller.port} lychgate@northshire.example"
        run("init", *GIVEN, "--mail", server, "--tell", "dsl@northshire.example, head@x.example")
        configuration = load(tmp_path / "lychgate.toml")
        settings = notice_settings(configuration.notices, tmp_path, "https://portal.example")

        async def send() -> Told:
            store = await EvidenceStore.open(configuration.telemetry_url, create=True)
            try:
                async with store.changing() as connection:
                    await notify(
                        connection, settings, 1_795_259_307.0,
                        kind="alert", severity="high", venue="main-venue", text="Extremism",
                        path="/alerts/id/1",
                    )  # fmt: skip
                titles = {"main-venue": "Main venue"}
                return await deliver(store, settings, titles, "Europe/London", 1_795_259_400.0)
            finally:
                await store.close()

        assert asyncio.run(asyncio.wait_for(send(), 60)) == Told(sent=2)
    finally:
        controller.stop()
    assert {mail["To"] for mail in post.mails} == {"dsl@northshire.example", "head@x.example"}
    assert {mail["From"] for mail in post.mails} == {"lychgate@northshire.example"}


def test_whoever_is_told_needs_a_server_and_a_server_needs_somebody_to_tell(tmp_path: Path) -> None:
    said = run("init", *GIVEN, "--tell", "dsl@example.org", code=2)
    assert "give --mail" in said and not list(tmp_path.iterdir())
    said = run("init", *GIVEN, "--mail", "mail.example.org lychgate@example.org")
    assert "Nobody is told of alerts yet" in said


def test_root_writes_where_a_package_has_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path / "etc" / "lychgate" / "lychgate.toml"
    monkeypatch.setattr(options, "SYSTEM_FILE", system)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert options.new_file() == Path("lychgate.toml")  # nothing is installed
    system.parent.mkdir(parents=True)
    assert options.new_file() == system
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert options.new_file() == Path("lychgate.toml")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    run("init", *GIVEN, "--dry-run")
    Path("lychgate.toml").write_text("")  # whoever has settings here means these
    assert options.new_file() == Path("lychgate.toml")
    assert "settings are there already" in run("init", *GIVEN, code=2)
