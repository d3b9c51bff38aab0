# The server: every `steth` command but the agent's, and the console it serves. Build from the repository's folder:
#   docker build --file docker/server.Dockerfile --tag steth-server .

FROM node:24.11.0-bookworm-slim AS console
WORKDIR /build/console
COPY console/package.json console/package-lock.json console/.npmrc ./
# By the hashes of the lock, which --no-save leaves alone; not `ci`, see tools/console.sh. .npmrc lets no package run anything.
RUN npm install --no-save
COPY console ./
RUN node node_modules/vite/bin/vite.js build

FROM python:3.12.12-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/steth
COPY requirements/server.lock /build/server.lock
RUN /opt/steth/bin/python -m pip install --require-hashes --only-binary :all: --requirement /build/server.lock

FROM python:3.12.12-slim-bookworm
# 10001: docker/prepare gives the secrets to it.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin steth
COPY --from=packages /opt/steth /opt/steth
WORKDIR /app
COPY wire ./wire
COPY catalog ./catalog
# The doctor shares its findings with the agent's; the agent itself has an image of its own.
COPY agent ./agent
COPY store ./store
COPY people ./people
COPY ingest ./ingest
COPY alerts ./alerts
COPY desk ./desk
COPY remote ./remote
COPY api ./api
COPY steth ./steth
COPY --from=console /build/console/dist ./console/dist
# Compiled now: nothing is written at run time, the root file system may be read-only.
RUN /opt/steth/bin/python -m compileall -q /app
ENV PATH=/opt/steth/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 STETH_LOG=json HEALTH_PORT=9100
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['HEALTH_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m", "steth"]
CMD ["--help"]
