"""Grafana's dashboards as code, which `make docs` writes to monitoring/grafana/."""

from __future__ import annotations

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from monitoring.dashboards.data import make_data
from monitoring.dashboards.model import make_model
from monitoring.dashboards.service import make_service


def write_dashboards() -> dict[str, str]:
    """Write every dashboard as JSON, by its name."""
    made = {"service": make_service(), "model": make_model(), "data": make_data()}
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {name: f"{encoder.encode(one.build())}\n" for name, one in made.items()}
