# The container image of every step on Vertex AI, of Vertex Training and of Dataflow's workers.
# VARIANT is cpu, or gpu, which brings the libraries of CUDA.
FROM docker.io/apache/beam_python3.11_sdk:2.77.0 AS beam

FROM docker.io/library/python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b AS base

FROM base AS environment
ARG VARIANT=cpu
ENV UV_PROJECT_ENVIRONMENT=/opt/venv UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
# The lock has a package that is no wheel, but C++.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends g++ && rm -r /var/lib/apt/lists
WORKDIR /build
COPY .github/uv/requirements.txt pyproject.toml uv.lock ./
RUN python -m venv uv && uv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
# Left out: what only develops, the demo's server, TensorFlow's kernels for GPUs where there are
# none, and its C++ headers.
RUN case "$VARIANT" in \
        cpu) set -- --group cpu --no-install-package tensorflow ;; \
        gpu) set -- --group gpu ;; \
        *) echo "VARIANT=$VARIANT is neither cpu nor gpu." >&2; exit 2 ;; \
    esac \
    && uv/bin/uv sync --frozen --no-default-groups --extra keras-hub --extra pretrained --extra tracking --extra versions "$@" \
    && rm -r /opt/venv/lib/python3.11/site-packages/tensorflow/include

FROM base
COPY --from=beam /opt/apache/beam /opt/apache/beam
COPY --from=environment /opt/venv /opt/venv
# Beam's workers use the environment as it is, instead of making one of their own.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
WORKDIR /pipeline
COPY . .
# Beam's boot writes the job's options into the working directory, and fetches what is staged into a
# folder below /var/opt that Dataflow mounts for root alone. The container is the boundary.
# hadolint ignore=DL3002
USER 0
ENTRYPOINT ["/opt/apache/beam/boot"]
