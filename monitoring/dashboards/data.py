"""The dashboard of the data: how far requests are from what the model knows."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitoring.dashboards.panels import Query, make_dashboard, plot, show_states

_DISTANCE = (
    'visionpipe_monitor_distance{{kind="{kind}"}} / visionpipe_monitor_threshold{{kind="{kind}"}}'
)
_FEATURE = "{{model}} {{version}}: {{feature}}"


def make_data() -> Dashboard:
    """Make the dashboard."""
    return make_dashboard(
        "data",
        "How far the requests are from what the model knows.",
        [
            show_states(
                "Drifted",
                "Whether the newest window's images (inputs) or answers differ from the reference "
                "by more than chance. The alerts InputsDrifted and AnswersDrifted fire on a yes. "
                "Images: look at the newest ones in the log, mend the camera, or train on such "
                "images. Answers alone: go back to the version before.",
                Query(
                    "max by (model, version, kind) (visionpipe_monitor_alarm)",
                    "{{model}} {{version}}: {{kind}}",
                ),
                alarming=True,
            ),
            plot(
                "Distance of the images",
                "percentunit",
                "The newest window's distance from the reference, by feature. 100 % is the "
                "feature's threshold, which chance alone hardly exceeds. The feature above the "
                "line says what changed: the light, the focus, the camera.",
                Query(_DISTANCE.format(kind="inputs"), _FEATURE),
                line=1,
            ),
            plot(
                "Distance of the answers",
                "percentunit",
                "The same of the answers. If they are above the line while the images are not, "
                "the model answers known images in another way: look at what was served since.",
                Query(_DISTANCE.format(kind="answers"), _FEATURE),
                line=1,
            ),
            plot(
                "Compared images",
                "short",
                "How many images the monitor has compared so far. The distances above change "
                "whenever a window is full. If it stands still while requests come, read the "
                "monitor's log.",
                Query("visionpipe_monitor_images", "{{model}}"),
            ),
            plot(
                "Logged images",
                "suffix: images/s",
                "What became of the images that the server was to log. Dropped ones are not "
                "compared: the disk is full or slower than the clients. Log a smaller share, or "
                "make room.",
                Query("sum by (result) (rate(visionpipe_logged_images_total[5m]))", "{{result}}"),
            ),
        ],
    )
