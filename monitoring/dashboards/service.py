"""The dashboard of the server: whether it answers, how fast, and what it refuses."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitoring.dashboards.panels import Query, make_dashboard, plot, read_alert, show_states

_LATENCY = "histogram_quantile({}, sum by (le) (rate(visionpipe_request_seconds_bucket[5m])))"
_REQUESTS = 'sum by (job) (rate(visionpipe_requests_total{job="server"}[5m]))'


def make_service() -> Dashboard:
    """Make the dashboard."""
    failed, silent = read_alert("ServerErrors"), read_alert("NoRequests")
    return make_dashboard(
        "service",
        "Whether the server answers, how fast, and what it refuses. Rates are of five minutes.",
        [
            show_states(
                "Answers to Prometheus",
                "Whether the server and its monitor answer. The alerts ServerDown and MonitorDown "
                "fire where one does not: read its log and start it again.",
                Query('up{job=~"server|monitor"}', "{{job}}"),
            ),
            plot(
                "Requests by status",
                "reqps",
                "Predictions that clients ask for, by the HTTP status of the answer. 4xx are the "
                "clients' faults, 5xx the server's; *Errors by kind* says which.",
                Query("sum by (code) (rate(visionpipe_requests_total[5m]))", "{{code}}"),
            ),
            plot(
                "Failed requests",
                "percentunit",
                "The share of requests with a status of 5xx. The alert ServerErrors fires above "
                "the line: read the server's log. If it began with a new version, go back to the "
                "one before.",
                # Without a failure there is no series of 5xx.
                Query(f"{failed.expression} or 0 * {_REQUESTS}", "failed"),
                line=failed.threshold,
            ),
            plot(
                "Errors by kind",
                "reqps",
                "Requests without a prediction, by the reason. *busy*: start a second server, or "
                "have clients send fewer at a time. *model not loaded*: look at the served "
                "versions. *server failed*: read its log. The others are for the clients to mend.",
                Query("sum by (kind) (rate(visionpipe_errors_total[5m]))", "{{kind}}"),
            ),
            plot(
                "Time to an answer",
                "s",
                "From a request's headers to its answer: half, 95 % and 99 % of the requests are "
                "faster. If it grows together with *Requests at work*, the server has too much to "
                "do; if it grows alone, the images or the model became larger.",
                *(Query(_LATENCY.format(share), f"{share:.0%}") for share in (0.5, 0.95, 0.99)),
            ),
            plot(
                "Requests at work",
                "short",
                "Requests that are worked on or wait. If it stays high, the server soon refuses "
                "requests as busy: start a second one.",
                Query("sum(visionpipe_requests_at_work)", "requests"),
            ),
            plot(
                "Images in a call of the model",
                "short",
                "How many images the model gets at once: the mean, and what 95 % of the calls "
                "stay below. Batches form when requests wait; 1 is normal at low load.",
                Query(
                    "sum(rate(visionpipe_batch_images_sum[5m]))"
                    " / sum(rate(visionpipe_batch_images_count[5m]))",
                    "mean",
                ),
                Query(
                    "histogram_quantile(0.95, "
                    "sum by (le) (rate(visionpipe_batch_images_bucket[5m])))",
                    "95%",
                ),
            ),
            plot(
                "Refused images",
                "suffix: images/s",
                "Images that are no whole JPEG or PNG, or are too large. If it rises, ask the "
                "clients what they send.",
                Query("sum(rate(visionpipe_images_refused_total[5m]))", "refused"),
            ),
            plot(
                "Requests that the shadow missed",
                "reqps",
                "Requests that the shadow was not asked for want of time. What the shadow shows "
                "is then of a part of the requests: give it a smaller share.",
                Query("sum(rate(visionpipe_shadows_dropped_total[5m]))", "missed"),
            ),
            plot(
                "Time since the last request",
                "s",
                "How long ago the last logged request was answered. The alert NoRequests fires "
                "above the line: ask the clients why they are silent.",
                Query(silent.expression, "{{model}}"),
                line=silent.threshold,
            ),
            plot(
                "Memory of the server",
                "bytes",
                "What the server's process holds. It rises when a version is loaded and falls "
                "when one goes. If it only rises, restart the server and report it.",
                Query('process_resident_memory_bytes{job="server"}', "{{instance}}"),
            ),
        ],
    )
