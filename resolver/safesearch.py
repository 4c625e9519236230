"""Safe search by rewriting (need N11): the engine's name becomes an alias of its strict host.

Each engine documents the host; the answer is that alias and the strict host's own addresses,
fetched from the upstream. Pure: tables and one function. What this cannot reach (engines without a
strict host, stubs that validate DNSSEC themselves) stands in docs/limits.md.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from categoriser.names import from_text

_GOOGLE_SUFFIXES: Final = """
    com ad ae al am as at az ba be bf bg bi bj bs bt by ca cat cd cf cg ch ci cl cm cn cv cz de
    dj dk dm dz ee es fi fm fr ga ge gg gl gm gp gr gy hn hr ht hu ie im iq is it je jo kg ki kz
    la li lk lt lu lv md me mg mk ml mn ms mu mv mw ne nl no nr nu pl pn ps pt ro rs ru rw sc se
    sh si sk sm sn so sr st td tg tk tl tm tn to tt vg vu ws co.ao co.bw co.ck co.cr co.id co.il
    co.in co.jp co.ke co.kr co.ls co.ma co.mz co.nz co.th co.tz co.ug co.uk co.uz co.ve co.vi
    co.za co.zm co.zw com.af com.ag com.ai com.ar com.au com.bd com.bh com.bn com.bo com.br
    com.bz com.co com.cu com.cy com.do com.ec com.eg com.et com.fj com.gh com.gi com.gt com.hk
    com.jm com.kh com.kw com.lb com.lc com.ly com.mm com.mt com.mx com.my com.na com.nf com.ng
    com.ni com.np com.om com.pa com.pe com.pg com.ph com.pk com.pr com.py com.qa com.sa com.sb
    com.sg com.sl com.sv com.tj com.tr com.tw com.ua com.uy com.vc com.vn
""".split()
"""Google's supported domains (google.com/supported_domains)."""

_STRICT_HOSTS: Final = {
    **{f"www.google.{suffix}": "forcesafesearch.google.com" for suffix in _GOOGLE_SUFFIXES},
    "bing.com": "strict.bing.com",
    "www.bing.com": "strict.bing.com",
    "edgeservices.bing.com": "strict.bing.com",
    "duckduckgo.com": "safe.duckduckgo.com",
    "www.duckduckgo.com": "safe.duckduckgo.com",
    "start.duckduckgo.com": "safe.duckduckgo.com",
    "ecosia.org": "strict-safe-search.ecosia.org",
    "www.ecosia.org": "strict-safe-search.ecosia.org",
    "pixabay.com": "safesearch.pixabay.com",
    "search.brave.com": "forcesafe.search.brave.com",
    "yandex.com": "familysearch.yandex.ru",
    "www.yandex.com": "familysearch.yandex.ru",
    "yandex.ru": "familysearch.yandex.ru",
    "www.yandex.ru": "familysearch.yandex.ru",
    "ya.ru": "familysearch.yandex.ru",
}
_YOUTUBE_HOSTS: Final = (
    "www.youtube.com",
    "m.youtube.com",
    "youtubei.googleapis.com",
    "youtube.googleapis.com",
    "www.youtube-nocookie.com",
)
"""support.google.com/a/answer/6214622: the names that carry restricted mode."""

SEARCH: Final = {from_text(name): from_text(host) for name, host in _STRICT_HOSTS.items()}
YOUTUBE: Final = {
    "off": {},
    "moderate": dict.fromkeys(
        map(from_text, _YOUTUBE_HOSTS), from_text("restrictmoderate.youtube.com")
    ),
    "strict": dict.fromkeys(map(from_text, _YOUTUBE_HOSTS), from_text("restrict.youtube.com")),
}


@cache
def rewrites(safe_search: bool, youtube: str) -> Mapping[bytes, bytes]:
    """Name -> strict host, both in wire form, for a profile's settings: six tables, made once."""
    return {**(SEARCH if safe_search else {}), **YOUTUBE[youtube]}
