"""`make dashboards`: write dashboards/*.json for Grafana from what the panels beside this say.

    python scripts/dashboards.py [FOLDER]

The same panels give the same octets: a test compares what is committed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BarGaugeDisplayMode, VizOrientation
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    GridPos,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from panels import Board, Panel
from panels_for_leaders import OVER_BLOCKING, SAFEGUARDING, VENUES
from panels_for_operators import LISTS, RESOLVER

FOLDER: Final = Path(__file__).parents[1] / "dashboards"
BOARDS: Final = (OVER_BLOCKING, SAFEGUARDING, VENUES, RESOLVER, LISTS)
SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
COLUMNS: Final = 24
_KINDS: Final[dict[str, Any]] = {
    "stat": stat.Panel,
    "lines": timeseries.Panel,
    "bars": bargauge.Panel,
    "table": table.Panel,
}
_NO_DATA: Final = "Nothing yet"
_GREEN, _AMBER, _RED = "green", "orange", "red"


def written(board: Board) -> str:
    """A dashboard as Grafana imports it."""
    built = (
        dashboard.Dashboard(board.title)
        .uid(f"lychgate-{board.name}")
        .description(board.description)
        .tags(["lychgate"])
        .readonly()
        .time(board.since, "now")
        .refresh("1m")
        .timezone("browser")
        .link(
            dashboard.DashboardLink("Lychgate")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["lychgate"])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Source").type("prometheus")
        )
    )
    for label in board.variables:
        built = built.with_variable(_variable(label))
    for number, (panel, place) in enumerate(_placed(board.panels), 1):
        built = built.with_panel(_panel(panel).id(number).grid_pos(place))
    return json.dumps(built.build(), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def _placed(panels: Sequence[Panel]) -> Iterator[tuple[Panel, GridPos]]:
    """Each with its place: from left to right, in a new row where it would not fit."""
    x = y = row_height = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        yield panel, GridPos(h=panel.height, w=panel.width, x=x, y=y)
        x += panel.width
        row_height = max(row_height, panel.height)


def _variable(label: str) -> Any:
    """Choose one or several values of a label; all, at first."""
    return (
        dashboard.QueryVariable(label)
        .label(label.capitalize())
        .datasource(SOURCE)
        .query(f"label_values(lychgate_queries_total, {label})")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(text="All", value="$__all", selected=True))
    )


def _panel(panel: Panel) -> Any:
    made = (
        _KINDS[panel.kind]()
        .title(panel.title)
        .description(panel.description)
        .datasource(SOURCE)
        .unit(panel.unit)
        .no_value(panel.empty or _NO_DATA)
        .thresholds(_thresholds(panel))
    )
    if panel.decimals is not None:
        made = made.decimals(panel.decimals)
    if panel.kind == "lines":
        made = made.min(0).fill_opacity(10)
    elif panel.kind == "bars":
        made = made.min(0).orientation(VizOrientation.HORIZONTAL).reduce_options(_last())
        made = made.display_mode(BarGaugeDisplayMode.BASIC)
    elif panel.kind == "stat":
        made = made.reduce_options(_last())
    for number, (query, legend) in enumerate(panel.queries):
        asked = prometheus.Dataquery().expr(query).legend_format(legend or "__auto")
        asked = asked.ref_id(chr(ord("A") + number))
        asked = asked.range() if panel.kind == "lines" else asked.instant()
        if panel.kind == "table":
            asked = asked.format(PromQueryFormat.TABLE)
        made = made.with_target(asked)
    return made


def _last() -> Any:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _thresholds(panel: Panel) -> Any:
    """Green, then amber and red from where the panel says; red below where less is worse."""
    steps = [Threshold(value=None, color=_GREEN)]
    if panel.amber is not None and panel.red is not None and panel.red < panel.amber:
        steps = [
            Threshold(value=None, color=_RED),
            Threshold(value=panel.red, color=_AMBER),
            Threshold(value=panel.amber, color=_GREEN),
        ]
    else:
        for value, color in ((panel.amber, _AMBER), (panel.red, _RED)):
            if value is not None:
                steps.append(Threshold(value=value, color=color))
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def main(folder: Path) -> None:
    """Write them all."""
    for board in BOARDS:
        (folder / f"{board.name}.json").write_text(written(board), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
