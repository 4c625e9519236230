"""Dashboards for leaders and safeguarding leads: nothing in them needs an engineer."""

from __future__ import annotations

from typing import Final

from panels import ASKED, BYPASS, HERE, QUERIES, Board, bars, both, lines, stat

OVER_BLOCKING: Final = Board(
    "over-blocking",
    "Lychgate: over-blocking review",
    "Does the filter stop what people come to learn? For leaders; nothing here needs an engineer.",
    ("venue", "profile", "category"),
    (
        stat(
            "Of all queries, blocked",
            f'sum(increase({QUERIES}{{{ASKED}, action="block"}}[$__range]))'
            f" / sum(increase({QUERIES}{{{HERE}}}[$__range]))",
            "Good: much the same from week to week. A jump means that a list or a rule changed, or "
            "that something happened in a room.",
            "percentunit",
            decimals=1,
        ),
        stat(
            "Blocked queries",
            f'sum(increase({QUERIES}{{{ASKED}, action="block"}}[$__range]))',
            "Good: steady. One page makes many queries, so that this says little by itself.",
            decimals=0,
        ),
        stat(
            "Warnings shown",
            f'sum(increase({QUERIES}{{{ASKED}, action="warn"}}[$__range])) or vector(0)',
            "Queries that were answered with a warning which a reader may pass. Good: used for "
            "doubtful categories instead of a block.",
            decimals=0,
        ),
        stat(
            "Different sites blocked in 30 days",
            'max(lychgate_distinct_blocked_sites{period="month"})',
            "Registered domains, each counted once. Good: steady; a jump is a new list entry.",
            decimals=0,
        ),
        stat(
            "Requests for review in 30 days",
            'max(lychgate_review_asked{period="month"})',
            "Sites that people asked to have looked at again. Good: some. None for a whole term "
            "means that people do not know how to ask.",
            decimals=0,
        ),
        stat(
            "Of those decided, blocked in error",
            'sum(lychgate_review_upheld{period="month", category=~"$category"})'
            ' / (sum(lychgate_review_judged{period="month", category=~"$category"}) > 0)',
            "Good: a fifth or less. Above a half the filter is too wide for your people.",
            "percentunit",
            decimals=0,
            amber=0.2,
            red=0.5,
            empty="None was decided",
        ),
        stat(
            "Requests that wait",
            "sum(lychgate_review_waiting)",
            "Good: below ten.",
            amber=10,
            red=30,
            decimals=0,
        ),
        stat(
            "The oldest has waited",
            "max(lychgate_review_oldest_seconds)",
            "Good: less than two working days. Somebody cannot work meanwhile.",
            "s",
            amber=86_400,
            red=172_800,
        ),
        stat(
            "Half are decided within",
            'max(lychgate_review_median_seconds{period="month"})',
            "Good: within a lesson at best, a working day at most.",
            "s",
            amber=28_800,
            red=172_800,
            empty="None was decided",
        ),
        stat(
            "Warnings somebody went past in 30 days",
            'max(lychgate_passes{period="month"})',
            "Good: most warnings are passed or left with thought. Where nearly all are passed, the "
            "category may be open.",
            decimals=0,
        ),
        stat(
            "Exceptions that hold now",
            "sum(lychgate_exceptions_active) or vector(0)",
            "Good: back to 0 in the evening. What is always open should be a rule.",
            decimals=0,
        ),
        stat(
            "Sites open behind a warning now",
            "sum(lychgate_passes_open) or vector(0)",
            "Warnings somebody went past whose minutes are not over. Good: a few while people "
            "work, 0 at night.",
            decimals=0,
        ),
        bars(
            "Worth a look: blocked sites",
            'topk(25, max by (site, category) (lychgate_review_candidate{category=~"$category"}))',
            "{{site}} ({{category}})",
            "Sites that many devices were turned away from, or that somebody asked for: the longer "
            "the bar, the likelier an error. Good: none that you would open.",
            decimals=0,
            height=12,
            empty="None, or turned off (metrics.candidates)",
        ),
        bars(
            "Blocked in error, by category",
            'sum by (category) (lychgate_review_upheld{period="month", category=~"$category"})'
            " / sum by (category) "
            '(lychgate_review_judged{period="month", category=~"$category"})',
            "{{category}}",
            "Of the requests that were decided in 30 days. Good: below a fifth each; of few "
            "requests it says little.",
            "percentunit",
            height=12,
            empty="None was decided",
        ),
        bars(
            "How long decisions take",
            "histogram_quantile(0.9, sum by (le) (lychgate_review_seconds_bucket)) >= 0",
            "nine of ten within",
            "From a request to its decision, of all that are on record. Good: below two working "
            "days.",
            "s",
            empty="None was decided",
        ),
        bars(
            "Exceptions granted in 30 days",
            'sum by (venue, role) (lychgate_exceptions_granted{period="month", venue=~"$venue|"})',
            "{{venue}} {{role}}",
            "Good: by those who teach, for single lessons. The same site again and again should be "
            "a rule.",
            decimals=0,
            empty="None was granted",
        ),
        bars(
            "What became of requests in 30 days",
            'sum by (kind, outcome) (lychgate_review_requests{period="month"})',
            "{{kind}}: {{outcome}}",
            "Requests to `open` a blocked site or to `close` one that opened. Good: none `lapsed`, "
            "which means that nobody answered in time.",
            decimals=0,
            empty="None was decided",
        ),
        both(
            "How exceptions of the last 30 days ended",
            "bars",
            (
                (
                    "sum by (venue, role) "
                    '(lychgate_exceptions_expired{period="month", venue=~"$venue|"})',
                    "{{venue}} {{role}}: by themselves",
                ),
                (
                    "sum by (venue, role) "
                    '(lychgate_exceptions_ended_early{period="month", venue=~"$venue|"})',
                    "{{venue}} {{role}}: revoked",
                ),
            ),
            "Good: nearly all by themselves, when the lesson was over.",
            decimals=0,
            empty="None has ended",
        ),
        bars(
            "Different sites blocked in 30 days, by category",
            "topk(15, max by (category) "
            '(lychgate_blocked_sites{period="month", category=~"$category"}))',
            "{{category}}",
            "Many queries for one site are one site here. Good: much the same from month to month.",
            decimals=0,
        ),
        bars(
            "Changes of the policy in 30 days",
            'topk(15, sum by (action) (lychgate_policy_changes{period="month"}))',
            "{{action}}",
            "Good: some, each with a reason in the audit log. None for a whole term: does anybody "
            "look after the filter?",
            decimals=0,
            empty="None was made",
        ),
        lines(
            "What was decided",
            f"sum by (action) (rate({QUERIES}{{{ASKED}}}[$__rate_interval]))",
            "{{action}}",
            "Good: `allow` far above the others, and the distance the same from day to day.",
            "reqps",
        ),
        lines(
            "Blocked by category",
            "topk(10, sum by (category) "
            f'(rate({QUERIES}{{{ASKED}, action="block"}}[$__rate_interval])))',
            "{{category}}",
            "Good: no category that people need for learning stands out. One that jumps has a new "
            "list entry: look at the candidates for review.",
            "reqps",
        ),
        bars(
            "Blocked by profile",
            f'sum by (profile) (increase({QUERIES}{{{ASKED}, action="block"}}[$__range]))',
            "{{profile}}",
            "Good: adults' profiles see few blocks; many there mean that the profile is too tight.",
            decimals=0,
        ),
        bars(
            "Blocked by category, all together",
            f'topk(15, sum by (category) (increase({QUERIES}{{{ASKED}, action="block"}}'
            "[$__range])))",
            "{{category}}",
            "Good: advertising, adult and gambling lead. Health, news or reference among the first "
            "is a reason to look at single sites.",
            decimals=0,
        ),
    ),
    "now-7d",
)

SAFEGUARDING: Final = Board(
    "safeguarding",
    "Lychgate: safeguarding overview",
    "Alerts, how soon somebody looks, and ways round the filter. No person and no device is here.",
    ("venue", "category"),
    (
        stat(
            "Alerts nobody has looked at",
            'sum(lychgate_alerts{state="new", venue=~"$venue"}) or vector(0)',
            "Good: 0 at the end of a working day.",
            amber=1,
            red=10,
        ),
        stat(
            "The oldest has waited",
            "max(lychgate_alert_waiting_seconds)",
            "Good: less than a working day.",
            "s",
            amber=14_400,
            red=28_800,
        ),
        stat(
            "Time until somebody looked, on the average",
            "sum(lychgate_alerts_acknowledged_seconds) / (sum(lychgate_alerts_acknowledged) > 0)",
            "Good: below a working day, and falling.",
            "s",
            amber=28_800,
            red=86_400,
            empty="Nobody has acknowledged one yet",
        ),
        stat(
            "Notices that were given up",
            'sum(lychgate_notices{state="failed"}) or vector(0)',
            "Good: 0. Otherwise people were not told: ask whoever runs the mail server.",
            amber=1,
            red=5,
        ),
        stat(
            "Tests of the filter that fail",
            'sum(lychgate_checks{outcome=~"fail|deviation", venue=~"$venue"})',
            "Of the newest check of each venue and profile. Good: 0; the portal's page *Checks* "
            "says which.",
            amber=1,
            red=1,
            empty="No check was made: lychgate selfcheck",
        ),
        stat(
            "The filter was last checked",
            'max(lychgate_checks_age_seconds{venue=~"$venue"})',
            "The venue that was checked longest ago. Good: below two days.",
            "s",
            amber=172_800,
            red=604_800,
            empty="No check was made: lychgate selfcheck",
        ),
        stat(
            "Devices that tried to get round the filter today",
            'max(lychgate_bypass_devices{period="day"})',
            "Phones count that ask by themselves. Good: steady from day to day.",
            decimals=0,
        ),
        stat(
            "Queries for ways round the filter in 30 days",
            'max(lychgate_bypass_queries{period="month"})',
            "Good: steady from month to month.",
            decimals=0,
        ),
        bars(
            "Alerts by theme",
            'sum by (theme) (lychgate_alerts{venue=~"$venue"})',
            "{{theme}}",
            "Alerts that are kept, whatever came of them. Good: none grows from month to month.",
            decimals=0,
        ),
        bars(
            "What came of them",
            'sum by (outcome) (lychgate_alerts{venue=~"$venue", state="closed"})',
            "{{outcome}}",
            "Good: most are of use to somebody. Many false positives mean that a theme or a list "
            "is too wide.",
            decimals=0,
            empty="None is closed yet",
        ),
        bars(
            "Alerts by severity and state",
            'sum by (severity, state) (lychgate_alerts{venue=~"$venue"})',
            "{{severity}}, {{state}}",
            "Good: nothing of high severity is `new`.",
            decimals=0,
        ),
        bars(
            "Looks held back as noise",
            "sum by (rule) (lychgate_alerts_held)",
            "{{rule}}",
            "What made no alert, by the rule that held it. Good: few; the portal's page *Held "
            "back* shows each.",
            decimals=0,
            empty="None was held back",
        ),
        lines(
            "Attempts to get round the filter",
            f"sum by (venue) (rate({QUERIES}"
            f'{{{BYPASS}, venue=~"$venue", category=~"$category"}}[$__rate_interval]))',
            "{{venue}}",
            "Phones and browsers ask for relays and encrypted DNS by themselves: the level says "
            "little. Good: no sudden rise.",
            "reqps",
        ),
        bars(
            "Ways round the filter",
            f"sum by (category) (increase({QUERIES}"
            f'{{{BYPASS}, venue=~"$venue", category=~"$category"}}[$__range]))',
            "{{category}}",
            "Good: little of VPN and proxies; relays of phones are no matter of anybody's conduct.",
            decimals=0,
        ),
    ),
    "now-7d",
)

VENUES: Final = Board(
    "venues",
    "Lychgate: venues compared",
    "One venue beside the other: which is busy, which blocks more, and where people ask.",
    ("venue", "profile", "category"),
    (
        lines(
            "Queries by venue",
            f"sum by (venue) (rate({QUERIES}{{{ASKED}}}[$__rate_interval]))",
            "{{venue}}",
            "Good: every venue that is open asks. A flat line at nought in opening hours: its "
            "devices use another resolver.",
            "reqps",
        ),
        bars(
            "Of all queries, blocked",
            f'sum by (venue) (increase({QUERIES}{{{ASKED}, action="block"}}[$__range]))'
            f" / sum by (venue) (increase({QUERIES}{{{HERE}}}[$__range]))",
            "{{venue}}",
            "Good: venues with the same profiles are alike.",
            "percentunit",
            decimals=1,
        ),
        bars(
            "Attempts to get round the filter",
            f"sum by (venue) (increase({QUERIES}{{{BYPASS}, {ASKED}}}[$__range]))",
            "{{venue}}",
            "Good: in proportion to the number of devices.",
            decimals=0,
        ),
        bars(
            "Alerts nobody has looked at",
            'sum by (venue) (lychgate_alerts{state="new", venue=~"$venue"})',
            "{{venue}}",
            "Good: none.",
            decimals=0,
            empty="None",
        ),
        lines(
            "Blocked by venue",
            f'sum by (venue) (rate({QUERIES}{{{ASKED}, action="block"}}[$__rate_interval]))',
            "{{venue}}",
            "Good: rises and falls with the queries above.",
            "reqps",
        ),
        bars(
            "Queries by venue and profile",
            f"sum by (venue, profile) (increase({QUERIES}{{{ASKED}}}[$__range]))",
            "{{venue}}, {{profile}}",
            "Good: learners' devices are under a learners' profile. Much under the profile for "
            "unknown devices means that rooms or devices are missing from the policy.",
            decimals=0,
        ),
        bars(
            "Different sites blocked in 30 days",
            'max by (venue) (lychgate_venue_blocked_sites{period="month", venue=~"$venue"})',
            "{{venue}}",
            "Good: venues that are alike have alike figures.",
            decimals=0,
        ),
        bars(
            "Exceptions that hold now",
            'sum by (venue, role) (lychgate_exceptions_active{venue=~"$venue|"})',
            "{{venue}} {{role}}",
            "Without a name: of everybody, or of one device. Good: back to none in the evening.",
            decimals=0,
            empty="None",
        ),
        bars(
            "Queries in 30 days, by what was decided",
            'sum by (venue, action) (lychgate_period_queries{period="month", venue=~"$venue"})',
            "{{venue}}, {{action}}",
            "Good: the same proportions at venues that are alike.",
            decimals=0,
            height=12,
        ),
        bars(
            "The filter's last check",
            'sum by (venue, outcome) (lychgate_checks{venue=~"$venue"})',
            "{{venue}}, {{outcome}}",
            "Good: all `pass`. `deviation`: the policy opens what it should not.",
            decimals=0,
            height=12,
            empty="No check was made: lychgate selfcheck",
        ),
    ),
)
