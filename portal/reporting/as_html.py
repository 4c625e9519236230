"""The report as one HTML file that needs nothing else: to keep, to send, to print."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment

from portal.forms import Form
from portal.rendering import make_environment
from portal.reporting.document import Report


def to_html(report: Report) -> str:
    """The whole report. Texts in it are escaped."""
    template = _environment().get_template("report/document.html")
    return template.render(report=report, form=Form())


@cache
def _environment() -> Environment:
    return make_environment()
