# Everything that `make quick` and `make paper` need. Not built by us yet. For a GPU, leave CPU out and
# run with --gpus all:
#
#   docker build --build-arg CPU=1 -t delta-loss .
#   docker run --rm -v "$PWD/results:/delta-loss/results" delta-loss make quick
FROM python:3.12-slim-bookworm

ARG CPU=
RUN apt-get update \
    && apt-get install -y --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /delta-loss
COPY Makefile ./
COPY envs envs
RUN make CPU="$CPU" .venv/.runtime
COPY . .
ENV PATH="/delta-loss/.venv/bin:$PATH"
CMD ["make", "quick"]
