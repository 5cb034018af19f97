"""The dashboard of the models: what is served, what it answers, and how right it is."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitoring.dashboards.panels import Query, make_dashboard, plot, show_states

_ANSWERS = "sum by ({}) (rate(visionpipe_predicted_class_total[5m]))"
_CONFIDENCE = "sum by (model, route) (rate(visionpipe_confidence_{}[5m]))"


def make_model() -> Dashboard:
    """Make the dashboard."""
    return make_dashboard(
        "model",
        "What is served, what it answers, and how right it is. Rates are of five minutes.",
        [
            show_states(
                "Served versions",
                "Each version that is served, with the label that names it. A label that moves "
                "begins another row. If a version is missing, read the server's log.",
                Query(
                    "max by (model, version, label) (visionpipe_served_version)",
                    "{{model}} {{version}} {{label}}",
                ),
            ),
            plot(
                "Images by label",
                "suffix: images/s",
                "Images that are answered by each label that shares the traffic. The canary's and "
                "the shadow's part should be what the server was started with.",
                Query(_ANSWERS.format("model, route"), "{{model}} {{route}}"),
            ),
            plot(
                "Predicted classes",
                "percentunit",
                "Each class's share of the images, or of the pixels of masks. Compare the labels "
                "with each other. If a share moves, look at the distances on the dashboard *data*.",
                Query(
                    f"{_ANSWERS.format('model, route, class')} / on (model, route) group_left () "
                    f"{_ANSWERS.format('model, route')}",
                    "{{model}} {{route}}: {{class}}",
                ),
            ),
            plot(
                "Confidence",
                "percentunit",
                "The mean probability of the predicted class, of classifiers alone. If it falls, "
                "the images are harder or unknown: look at the newest ones in the log.",
                Query(
                    f"{_CONFIDENCE.format('sum')} / {_CONFIDENCE.format('count')}",
                    "{{model}} {{route}}",
                ),
            ),
            plot(
                "Estimated accuracy",
                "percentunit",
                "The share of right answers in the newest window, estimated without labels from "
                "calibrated probabilities, of classifiers alone. If it falls, label some of the "
                "newest images and run `visionpipe label`.",
                Query("visionpipe_monitor_estimated_accuracy", "{{model}} {{version}}"),
            ),
            show_states(
                "The estimate can be trusted",
                "No, when the images drifted or the model's probabilities were not calibrated. "
                "Then only true labels tell the accuracy.",
                Query("visionpipe_monitor_estimate_trusted", "{{model}} {{version}}"),
            ),
            plot(
                "Accuracy by true labels",
                "percentunit",
                "The share of right answers among those that `visionpipe label` scored, of "
                "classifiers alone. Labels of versions stand beside each other; the monitor's page "
                "says whether their difference is more than chance.",
                Query(
                    "visionpipe_monitor_labelled_accuracy",
                    "{{model}} {{route}} (version {{version}})",
                ),
            ),
        ],
    )
