"""Dashboards for whoever runs Lychgate: the resolver with its recorder, and the lists."""

from __future__ import annotations

from typing import Final

from panels import Board, bars, both, lines, stat

_BEHIND: Final = "[$__rate_interval]"

RESOLVER: Final = Board(
    "resolver",
    "Lychgate: resolver operations",
    "Does it answer, how quickly, and does telemetry keep up?",
    (),
    (
        stat(
            "Answering",
            "min(lychgate_policy_source_up)",
            "1: every resolver has the policy that is in force. 0: one uses the policy kept from "
            "before; its /readyz says why.",
            amber=1,
            red=0.5,
        ),
        stat(
            "Upstreams that answer",
            "sum(lychgate_upstream_up) / count(lychgate_upstream_up)",
            "Good: 100 %.",
            "percentunit",
            amber=1,
            red=0.5,
        ),
        stat(
            "Queries that fail",
            '(sum(rate(lychgate_answers_total{rcode="SERVFAIL"}[5m])) or vector(0)) '
            "/ sum(rate(lychgate_answers_total[5m]))",
            "SERVFAIL among all answers. Good: below 1 %. When nobody asks there is no figure.",
            "percentunit",
            decimals=1,
            amber=0.01,
            red=0.05,
        ),
        stat(
            "Recorder",
            "min(lychgate_recorder_up)",
            "1 while what happened is recorded. 0: the spool holds what comes, and the log says "
            "why.",
            amber=1,
            red=0.5,
        ),
        lines(
            "Queries by how they were answered",
            f"sum by (status) (rate(lychgate_answers_total{_BEHIND}))",
            "{{status}}",
            "Good: `memo` and `hit`, which are remembered answers, are more than half; `stale` and "
            "`failed` near nought.",
            "reqps",
        ),
        lines(
            "Time to answer, 95 of 100 are quicker",
            "histogram_quantile(0.95, sum by (status, le) "
            f"(rate(lychgate_query_seconds_bucket{_BEHIND})))",
            "{{status}}",
            "Good: `hit` and `blocked` below 1 ms, `asked` as quick as the upstream.",
            "s",
        ),
        lines(
            "Upstreams: 95 of 100 answer within",
            "histogram_quantile(0.95, sum by (upstream, le) "
            f"(rate(lychgate_upstream_seconds_bucket{_BEHIND})))",
            "{{upstream}}",
            "Good: below 0.1 s.",
            "s",
        ),
        lines(
            "Questions to upstreams by what came of them",
            f"sum by (upstream, result) (rate(lychgate_upstream_exchanges_total{_BEHIND}))",
            "{{upstream}} {{result}}",
            "Good: nearly all `answered`.",
            "reqps",
        ),
        lines(
            "Questions to upstreams under way",
            "sum by (instance) (lychgate_upstream_in_flight)",
            "{{instance}}",
            "Good: tens. Hundreds: an upstream is slow.",
        ),
        both(
            "Upstreams: not asked, and answers to no question",
            "lines",
            (
                (
                    f"sum(increase(lychgate_upstream_refused_questions_total{_BEHIND}))",
                    "not asked: too many under way",
                ),
                (
                    f"sum(increase(lychgate_upstream_mismatched_replies_total{_BEHIND}))",
                    "answers to no question",
                ),
            ),
            "Good: 0, and a few late answers. Thousands of them: somebody tries to forge answers.",
        ),
        lines(
            "How late the loop is",
            "max by (instance) (lychgate_loop_lag_seconds)",
            "{{instance}}",
            "Good: below 0.02 s. Above 0.1 s for minutes: raise `server.workers`.",
            "s",
        ),
        lines(
            "Remembered answers",
            "sum by (instance) (lychgate_memo_answers)",
            "{{instance}} finished",
            "Good: thousands on a working day; nought just after a change of policy.",
        ),
        lines(
            "Answers of upstreams that are kept",
            "sum by (instance) (lychgate_cache_entries)",
            "{{instance}}",
            "Good: grows to `cache.entries_max` and stays there.",
        ),
        lines(
            "Source addresses",
            "sum by (instance) (lychgate_client_addresses)",
            "{{instance}}",
            "Good: about as many as there are devices.",
        ),
        lines(
            "Turned away",
            f"sum by (instance) (rate(lychgate_limited_queries_total{_BEHIND}))",
            "{{instance}}",
            "Queries over the limit of their network, or from one that is not served. Good: 0.",
            "reqps",
        ),
        lines(
            "Packets that were no queries",
            f"sum by (fault) (rate(lychgate_malformed_packets_total{_BEHIND}))",
            "{{fault}}",
            "By what was wrong with them. Good: near 0 on a private network.",
            "reqps",
            empty="None",
        ),
        both(
            "Answered, but missing somewhere",
            "lines",
            (
                (f"sum(increase(lychgate_events_dropped_total{_BEHIND}))", "in these figures"),
                (f"sum(increase(lychgate_telemetry_lost_total{_BEHIND}))", "in telemetry"),
                (f"sum(increase(lychgate_asked_lost_total{_BEHIND}))", "in the review queue"),
                (f"sum(increase(lychgate_dnstap_lost_total{_BEHIND}))", "at the dnstap receiver"),
            ),
            "Good: 0. A flood of random names makes thousands in the review queue.",
        ),
        both(
            "Could not be written",
            "lines",
            (
                (
                    f"sum(increase(lychgate_telemetry_write_failures_total{_BEHIND}))",
                    "batches of telemetry",
                ),
                (
                    f"sum(increase(lychgate_asked_write_failures_total{_BEHIND}))",
                    "counts for the review queue",
                ),
            ),
            "Good: 0. Otherwise the state folder is full, or may not be written.",
        ),
        lines(
            "Batches that wait for the recorder",
            "max(lychgate_recorder_backlog_batches)",
            "batches",
            "Good: below 10. When it grows the recorder is down or the database too slow.",
        ),
        lines(
            "Age of the newest recorded query",
            "max(lychgate_recorder_event_age_seconds)",
            "age",
            "Good: seconds while people browse.",
            "s",
        ),
        both(
            "The recorder's work",
            "lines",
            (
                (f"sum(rate(lychgate_recorder_details_total{_BEHIND}))", "queries noted singly"),
                (f"sum(rate(lychgate_recorder_pruned_rows_total{_BEHIND}))", "rows deleted"),
            ),
            "What is blocked, warned of, monitored or suspected is noted; it is deleted when its "
            "time is over. Good: rises and falls with the queries.",
            "reqps",
        ),
        lines(
            "Size of what waits for the recorder",
            "max(lychgate_recorder_backlog_bytes)",
            "size",
            "Good: below 1 MB; at `telemetry.spool_megabytes_max` new batches are dropped.",
            "bytes",
        ),
        stat(
            "The recorder last said something",
            "max(lychgate_recorder_age_seconds)",
            "Good: below 5 s.",
            "s",
            amber=10,
            red=60,
        ),
        stat(
            "Damaged batches, new databases",
            "sum(lychgate_recorder_damaged_batches_total) "
            "+ sum(lychgate_recorder_new_databases_total)",
            "Since the recorder was started. Good: 0; the log says what was moved aside.",
            decimals=0,
            amber=1,
            red=5,
        ),
        stat(
            "A change of policy takes",
            "max(lychgate_snapshot_build_seconds)",
            "To build, beside the loop. Good: below 2 s with 50,000 rules.",
            "s",
            amber=2,
            red=10,
        ),
        stat(
            "Names in the index",
            "min(lychgate_index_names)",
            "Good: what `lychgate index stat` says. 0 where only the starter lists are in use.",
            decimals=0,
        ),
        lines(
            "Size of the telemetry database",
            "max(lychgate_recorder_database_bytes)",
            "size",
            "Good: level after `telemetry.detail_days`.",
            "bytes",
        ),
        bars(
            "Duties of the recorder that failed",
            "sum by (duty) (lychgate_recorder_duty_failures_total)",
            "{{duty}}",
            "Since it was started. Good: 0 everywhere; the log says what went wrong.",
            decimals=0,
        ),
        bars(
            "Changes of policy or index",
            "sum by (result) (increase(lychgate_snapshot_swaps_total[$__range]))",
            "{{result}}",
            "`refused`: the policy before it stays in force, and /readyz says why. Good: `refused` "
            "is 0.",
            decimals=0,
        ),
        stat(
            "Policy: rules whose day to look again has come",
            "max(lychgate_rules_due)",
            "Good: 0; the portal's page *Rules* shows them.",
            decimals=0,
            amber=1,
            red=20,
            width=12,
            height=8,
        ),
        lines(
            "Portal: requests by what came of them",
            f"sum by (kind, status) (rate(lychgate_portal_requests_total{_BEHIND}))",
            "{{kind}} {{status}}",
            "Good: no `5xx`.",
            "reqps",
        ),
        lines(
            "Portal: 95 of 100 pages within",
            "histogram_quantile(0.95, sum by (le) "
            f"(rate(lychgate_portal_seconds_bucket{_BEHIND})))",
            "pages",
            "Good: below 0.5 s.",
            "s",
        ),
        stat(
            "People signed in",
            "sum(lychgate_portal_sessions)",
            "Sessions that are not over. Good: what you would expect at this time of day.",
            decimals=0,
        ),
        stat(
            "Sign-ins refused today",
            'max(lychgate_sign_ins{period="day", outcome="refused"})',
            "Of people with an account. Good: a few; hundreds are somebody who tries passwords.",
            decimals=0,
            amber=20,
            red=100,
        ),
        stat(
            "Figures of a day and a month are old by",
            "max(lychgate_figures_age_seconds)",
            "Good: below a minute; more where the database is large.",
            "s",
            amber=600,
            red=3_600,
        ),
        stat(
            "Working them out takes",
            "max(lychgate_figures_work_seconds)",
            "Good: below a second. Longer means less often, never more load.",
            "s",
            amber=10,
            red=60,
        ),
        both(
            "The log engine outside",
            "lines",
            (
                (f"sum(rate(lychgate_outward_sent_total{_BEHIND}))", "given, each second"),
                (f"sum(increase(lychgate_outward_failures_total{_BEHIND}))", "tries that failed"),
                (f"sum(increase(lychgate_outward_dropped_total{_BEHIND}))", "never given"),
            ),
            "What `[outward]` names. Good: none failed, none never given.",
            empty="Nothing is sent outside",
        ),
        lines(
            "Queries that wait for the log engine outside",
            "max(lychgate_outward_waiting)",
            "waiting",
            "Good: below 100.",
            empty="Nothing is sent outside",
        ),
        stat(
            "The log engine takes what it is told",
            "min(lychgate_outward_up)",
            "Good: 1. 0: the last try failed; `recorder.json` says why.",
            amber=1,
            red=0.5,
            empty="Nothing is sent outside",
        ),
        stat(
            "A receiver of dnstap is there",
            "max(lychgate_dnstap_connected)",
            "1 while there is one. Good: 0 where `[dnstap]` is not set, for it is told of "
            "everything.",
        ),
        lines(
            "Queries given to a receiver of dnstap",
            f"sum(rate(lychgate_dnstap_sent_total{_BEHIND}))",
            "given",
            "Good: as many as are answered where `[dnstap]` is set, otherwise 0.",
            "reqps",
        ),
    ),
    "now-6h",
)

LISTS: Final = Board(
    "lists",
    "Lychgate: lists",
    "Are the category lists fresh, whole and in use?",
    (),
    (
        stat(
            "Lists in use",
            "max(lychgate_list_sources)",
            "Enabled sources. Good: as many as you chose; the starter lists are not counted.",
            decimals=0,
        ),
        stat(
            "Lists that are late",
            "count(lychgate_list_checked_age_seconds > 3 * lychgate_list_refresh_seconds) "
            "or vector(0)",
            "Not refreshed for three intervals. Good: 0.",
            amber=1,
            red=3,
        ),
        stat(
            "Lists held by a gate",
            "count(lychgate_list_gate_failures == 1) or vector(0)",
            "A newer version looked wrong, and the one before stays. Good: 0; `lychgate lists "
            "diff` shows what would change.",
            amber=1,
            red=3,
        ),
        stat(
            "Lists that cannot be fetched or read",
            "sum(lychgate_list_problem) or vector(0)",
            "Good: 0; `lychgate lists status` says what is wrong.",
            amber=1,
            red=3,
        ),
        bars(
            "Entries",
            "sum by (source) (lychgate_list_entries)",
            "{{source}}",
            "Good: about what it was last week.",
            decimals=0,
            empty="No list is in use: only the starter lists",
        ),
        bars(
            "Age of the version in use",
            "max by (source) (lychgate_list_age_seconds)",
            "{{source}}",
            "Grows where a publisher has nothing new. Good: days.",
            "s",
            empty="No list is in use: only the starter lists",
        ),
        lines(
            "Entries over time",
            "sum by (source, category) (lychgate_list_entries)",
            "{{source}} {{category}}",
            "Good: no steps. A step is a publisher's change: look at what was blocked after it.",
        ),
        bars(
            "Since the publisher was last asked",
            "max by (source) (lychgate_list_checked_age_seconds)",
            "{{source}}",
            "Good: below the list's own interval of refreshing.",
            "s",
            empty="No list is in use: only the starter lists",
        ),
        bars(
            "Which gate holds which list",
            "max by (source, gate) (lychgate_list_gate_failures)",
            "{{source}}: {{gate}}",
            "Good: none.",
            decimals=0,
            empty="None is held",
        ),
        bars(
            "Queries blocked in 30 days, by list",
            'topk(20, max by (source) (lychgate_list_blocked_queries{period="month"}))',
            "{{source}}",
            "A name in two lists counts for both. Good: no list that blocks nothing, and none that "
            "blocks nearly all.",
            decimals=0,
        ),
        bars(
            "Blocked in error, by list",
            'sum by (source) (lychgate_review_list_upheld{period="month"})'
            ' / sum by (source) (lychgate_review_list_judged{period="month"})',
            "{{source}}",
            "Of the requests that were decided in 30 days. Good: below a fifth; above a half the "
            "list is worth replacing.",
            "percentunit",
            empty="None was decided",
        ),
    ),
    "now-7d",
)
