"""Lists the runs: what came of each, and what it did otherwise than the one before."""

import dataclasses

from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.terminal import fail, print_json
from pipeline.verbs.options import AsJson

_STYLES = {"blessed": "green", "refused": "red"}


@with_settings(Settings)
def runs(settings: Settings, *, as_json: AsJson = False) -> int:
    """Print the runs of PIPELINE_ROOT, the newest last; return 0, or 2 where there is none."""
    import tensorflow as tf
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from pipeline.results.listing import list_runs
    from pipeline.runs import store

    tf.get_logger().setLevel("ERROR")  # TFMA reads its files in a way that TensorFlow deprecates
    try:
        listed = list_runs(store.metadata_path(settings))
    except ValueError as error:
        return fail(str(error), 2)
    if as_json:
        rows = (dataclasses.asdict(one) for one in listed)
        print_json([{**row, "duration": row["duration"].total_seconds()} for row in rows])
        return 0
    run = Column("run", no_wrap=True, min_width=max(len(one.run) for one in listed))
    table = Table(run, "verdict", "metric", "value", "took", "otherwise than before")
    for one in listed:
        table.add_row(
            one.run,
            Text(one.verdict, _STYLES.get(one.verdict, "")),
            one.metric,
            "" if one.value is None else f"{one.value:.4f}",
            f"{one.duration.total_seconds():.0f} s",
            "\n".join(one.changed),
        )
    Console().print(table)
    return 0
