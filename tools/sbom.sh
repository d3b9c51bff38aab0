#!/usr/bin/env bash
# What is delivered and from what: CycloneDX bills of materials of the agent, the server and the console, from their locks.
#   tools/sbom.sh [FOLDER]    default build/sbom
# Each package with its version and the hashes that it is installed by; no registry is asked or named.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${STETH_PYTHON:-.venv/bin/python}
into=${1:-build/sbom}
mkdir -p "$into"
for part in agent server; do
  # The tool warns that it knows no dependency of the main component: a lock has all of them, in one row.
  "$python" -W ignore::UserWarning -m cyclonedx_py requirements "requirements/$part.lock" --pyproject pyproject.toml \
    --index-url requirements --output-reproducible --output-file "$into/$part.cdx.json"
done
tools/console.sh sbom >"$into/console.cdx.json"
echo "made $into/agent.cdx.json, server.cdx.json and console.cdx.json"
