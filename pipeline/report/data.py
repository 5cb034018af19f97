"""What a run's data are: statistics and anomalies of its examples."""

import os
from dataclasses import dataclass

from tensorflow_data_validation.utils import anomalies_util
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import Artifact, artifact_utils

# A feature with more distinct values than this share of the examples names them, and sorts none.
_DISTINCT_SHARE = 0.5
_VALUES_SHOWN = 40
_ANOMALIES = "SchemaDiff.pb"


@dataclass(frozen=True)
class Feature:
    """A feature of the examples.

    Attributes:
        name: as in the schema.
        missing: examples without it, by split.
        distinct: number of values, by split; empty where they are encoded images, which are not
            told apart.
        mean_length: bytes of a value on average, by split.
        shares: share of a split's examples that have a value, by value and split, the most
            frequent in training first; empty when nearly every example has its own.
        more: number of values that `shares` leaves out.
    """

    name: str
    missing: dict[str, int]
    distinct: dict[str, int]
    mean_length: dict[str, float]
    shares: dict[str, dict[str, float]]
    more: int


@dataclass(frozen=True)
class Anomaly:
    """What ExampleValidator found wrong."""

    split: str
    feature: str
    severity: str
    description: str


def features(statistics: Artifact) -> list[Feature]:
    """Read StatisticsGen's artifact."""
    by_split = {
        split: stats_artifact_utils.load_statistics(statistics, split).proto().datasets[0]
        for split in artifact_utils.decode_split_names(statistics.split_names)
    }
    by_name: dict[str, dict[str, statistics_pb2.FeatureNameStatistics]] = {}
    for split, dataset in by_split.items():
        for feature in dataset.features:
            by_name.setdefault(feature.path.step[0], {})[split] = feature
    return [_feature(name, splits) for name, splits in sorted(by_name.items())]


def _feature(name: str, splits: dict[str, statistics_pb2.FeatureNameStatistics]) -> Feature:
    kept = {
        split: getattr(feature, feature.WhichOneof("stats")) for split, feature in splits.items()
    }
    strings = {
        split: stats
        for split, stats in kept.items()
        if isinstance(stats, statistics_pb2.StringStatistics)
    }
    present = {split: stats.common_stats.num_non_missing for split, stats in strings.items()}
    shares: dict[str, dict[str, float]] = {}
    if any(stats.unique <= _DISTINCT_SHARE * present[split] for split, stats in strings.items()):
        for split, stats in strings.items():
            for bucket in stats.rank_histogram.buckets:
                by_split = shares.setdefault(bucket.label, dict.fromkeys(strings, 0.0))
                by_split[split] = bucket.sample_count / present[split]
    ranked = sorted(shares.items(), key=lambda item: ([-share for share in item[1].values()], item))
    shown = dict(ranked[:_VALUES_SHOWN])
    return Feature(
        name=name,
        missing={split: stats.common_stats.num_missing for split, stats in kept.items()},
        distinct={split: stats.unique for split, stats in strings.items()},
        mean_length={
            split: stats.avg_length if split in strings else stats.avg_num_bytes
            for split, stats in kept.items()
            if not isinstance(stats, statistics_pb2.NumericStatistics)
        },
        shares=shown,
        more=len(shares) - len(shown),
    )


def anomalies(artifact: Artifact) -> list[Anomaly]:
    """Read ExampleValidator's artifact; empty when the data fit the schema."""
    found = []
    for split in artifact_utils.decode_split_names(artifact.split_names):
        folder = artifact_utils.get_split_uri([artifact], split)
        proto = anomalies_util.load_anomalies_binary(os.path.join(folder, _ANOMALIES))
        infos = {"the whole split": proto.dataset_anomaly_info} | dict(proto.anomaly_info)
        found += [
            Anomaly(
                split=split,
                feature=name,
                severity=anomalies_pb2.AnomalyInfo.Severity.Name(info.severity).lower(),
                description=f"{info.short_description}: {info.description}",
            )
            for name, info in infos.items()
            if info.severity
        ]
    return found
