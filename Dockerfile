# The bridge as an image: docs/operations.md says how to build and run it.
#
# A digest names one image for good: this one is Docker Hub's python:3.13.15-slim-trixie of autumn
# 2026, as many public projects pin it; it was not pulled where this was written. For a newer one:
#   docker buildx imagetools inspect python:3.13-slim-trixie --format '{{.Manifest.Digest}}'
#   docker build --build-arg PYTHON=python:3.13-slim-trixie@sha256:... .
ARG PYTHON=python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

# A virtual environment without pip: the locked packages, then the bridge.
FROM ${PYTHON} AS build
ENV VENV=/opt/bridge \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv --without-pip "$VENV"
COPY requirements.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python "$VENV" install --require-hashes --only-binary :all: -r requirements.lock
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY config config
COPY mappings mappings
COPY bridge bridge
# Newer pips take the pin of the build backend from the second variable only.
RUN --mount=type=cache,target=/root/.cache/pip \
    PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
    pip --python "$VENV" install --no-deps .

# The base without what installs packages, as a folder of its own. What is in it stays listed in
# /var/lib/dpkg: scanners of images read that. The engine lays its own files over three of /etc.
FROM ${PYTHON} AS root
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/* \
      /usr/local/lib/python3*/ensurepip /usr/bin/apt* /usr/bin/dpkg* /usr/sbin/dpkg* /usr/lib/apt \
      /usr/lib/dpkg /usr/libexec/dpkg /etc/apt \
 && mkdir -p /image/var/lib /image/dev /image/proc /image/sys /image/run \
 && cp -a /bin /etc /lib* /sbin /usr /image/ \
 && cp -a /var/lib/dpkg /image/var/lib/ \
 && truncate -s 0 /image/etc/hosts /image/etc/hostname /image/etc/resolv.conf \
 && mkdir -m 1777 /image/tmp \
 && mkdir /data

# Nothing below: what was removed above is in no layer.
FROM scratch
LABEL org.opencontainers.image.title="beckn-ocpi-bridge" \
      org.opencontainers.image.description="A Beckn BPP on one side, an OCPI 2.2.1 eMSP on the other" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=root /image /
COPY --from=root --chown=10001:10001 /data /data
COPY --from=build /opt/bridge /opt/bridge
ENV PATH=/opt/bridge/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BRIDGE_CONFIG=/etc/bridge/bridge.yaml
# Below it lies data_dir as it is by default: ./data
WORKDIR /
VOLUME ["/data"]
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
# Whether it runs at all, for engines that replace what is unhealthy: a bridge without Redis waits.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["bridge", "health", "--live"]
ENTRYPOINT ["bridge"]
CMD ["serve"]
