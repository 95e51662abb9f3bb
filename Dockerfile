# One image for every role: `up` (the default), `serve`, `work`, `migrate`, and the rest of the commands.
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements.lock .
RUN python3 -m venv /opt/pingledger
RUN /opt/pingledger/bin/pip install --quiet --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY migrations migrations
RUN /opt/pingledger/bin/pip install --quiet --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/pingledger pingledger
COPY --from=build /opt/pingledger /opt/pingledger
ENV PATH=/opt/pingledger/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PINGLEDGER_DATA_DIR=/var/lib/pingledger \
    PINGLEDGER_LISTEN__HOST=0.0.0.0
USER 10001
WORKDIR /var/lib/pingledger
VOLUME /var/lib/pingledger
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-m", "service.cli.live"]
ENTRYPOINT ["pingledger"]
CMD ["up"]
