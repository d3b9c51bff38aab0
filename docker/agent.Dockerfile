# The agent beside the equipment, without anything of the server. Build from the repository's folder:
#   docker build --file docker/agent.Dockerfile --tag steth-agent .
# Run with its configuration and a folder for its state, which it must keep, and a log that doesn't grow for ever:
#   docker run --log-driver local --ulimit core=0 --read-only --volume /etc/steth:/etc/steth:ro --volume steth-agent:/var/lib/steth steth-agent

FROM python:3.12.12-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /opt/steth
COPY requirements/agent.lock /build/agent.lock
RUN python -m pip --python /opt/steth/bin/python install --require-hashes --only-binary :all: --requirement /build/agent.lock

FROM python:3.12.12-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin steth \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/steth
COPY --from=packages /opt/steth /opt/steth
WORKDIR /app
COPY wire ./wire
COPY catalog ./catalog
COPY agent ./agent
RUN /opt/steth/bin/python -m compileall -q /app
# In its configuration [agent] health has to be 127.0.0.1:9100, and state /var/lib/steth.
ENV PATH=/opt/steth/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HEALTH_PORT=9100
USER 10001:10001
VOLUME /var/lib/steth
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['HEALTH_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m", "agent"]
CMD ["/etc/steth/agent.toml"]
