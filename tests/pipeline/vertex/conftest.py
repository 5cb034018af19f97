"""What the tests of `pipeline/vertex/` share: settings of a run on Google Cloud."""

IMAGE = "us-docker.pkg.dev/demo-project/images/pipeline@sha256:" + "a" * 64
VERTEX = {
    "pipeline_root": "gs://demo-bucket/pipeline",
    "data_root": "gs://demo-bucket/data",
    "serving_dir": "gs://demo-bucket/serving",
    "pipeline_image": IMAGE,
}
