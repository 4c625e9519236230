"""The pages for people."""

from __future__ import annotations

from collections.abc import Iterator

from lychgate.doctor import Finding, Patient
from lychgate.kinds import write_bind
from lychgate.probing import probe_http

LOOKS_FOR = "A portal that does not answer, or is reached by plain HTTP from elsewhere."


def check(patient: Patient) -> Iterator[Finding]:
    """Ask it as a browser would."""
    configuration = patient.configuration
    if configuration is None:
        return
    settings = configuration.portal
    problem = probe_http(settings.listen, "/healthz")
    if problem:
        yield Finding(
            "warning",
            f"the portal does not answer: {problem}",
            "filtering goes on; nobody can ask for a review, approve a site or see an alert",
            ("systemctl restart lychgate-portal && journalctl -u lychgate-portal -n 50",),
        )
    else:
        yield Finding("good", f"the portal answers on {write_bind(settings.listen)}")
    is_local = settings.listen.host.startswith(("127.", "::1"))
    if not is_local and not settings.public_url.startswith("https://"):
        yield Finding(
            "warning",
            "the portal is reached by plain HTTP from other machines",
            "whoever is on the network reads passwords and names",
            ('put a web server with HTTPS before it, and set portal.public_url = "https://..."',),
        )
