#!/usr/bin/env bash
# Other gateways, to be measured in the same run as ours.
#
#     benches/peers/gateway.sh install [NAME …]                installs nginx and sglang-router, or those that are named
#     benches/peers/gateway.sh run NAME UPSTREAM_PORT PORT     one of them before http://127.0.0.1:UPSTREAM_PORT, in the foreground
#
# Names: nginx, sglang-router, tensorzero (which picks its port and prints it), portkey, litellm. They live under ${PEERS:-~/.cache/shekara/peers}. All of them
# do less than ours does: nginx passes bytes on, the others have logs and stores of their own switched off.
set -euo pipefail

peers="${PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/shekara/peers}"
mkdir -p "$peers"

missing() {
  echo "gateway.sh: $*" >&2
  exit 1
}

# A virtual environment with these packages, made once.
environment() {
  local name="$1"
  shift
  [ -e "$peers/$name/complete" ] && return
  rm -rf "${peers:?}/$name"
  python3 -m venv "$peers/$name"
  "$peers/$name/bin/pip" install --quiet --disable-pip-version-check "$@"
}

install() {
  case "$1" in
    nginx)
      command -v nginx > /dev/null && return
      [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || missing "nginx is not installed (Debian: nginx-light)"
      apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light
      ;;
    sglang-router)
      # Its own dependencies pull in a GPU stack that the router does not use.
      environment sglang-router --no-deps sglang-router==0.3.2
      "$peers/sglang-router/bin/pip" install --quiet --disable-pip-version-check setproctitle aiohttp fastapi orjson uvicorn requests
      touch "$peers/sglang-router/complete"
      ;;
    tensorzero)
      # Its HTTP server comes with the wheel.
      environment tensorzero tensorzero==2026.6.0
      touch "$peers/tensorzero/complete"
      ;;
    litellm)
      environment litellm 'litellm[proxy]==1.106.2'
      touch "$peers/litellm/complete"
      ;;
    portkey)
      command -v npm > /dev/null || missing "Node and npm are not installed"
      mkdir -p "$peers/portkey"
      # Later versions of hono do not start it.
      cat > "$peers/portkey/package.json" << 'PACKAGE'
{"name":"peers","private":true,"dependencies":{"@portkey-ai/gateway":"1.15.2","hono":"4.9.7","@hono/node-server":"1.13.5"},
 "overrides":{"hono":"4.9.7","@hono/node-server":"1.13.5"}}
PACKAGE
      (cd "$peers/portkey" && npm install --silent --no-audit --no-fund)
      ;;
    *) missing "no peer is called $1" ;;
  esac
}

run_nginx() {
  local upstream="$1" port="$2" folder="$peers/run/nginx-$2"
  mkdir -p "$folder"
  cat > "$folder/nginx.conf" << CONF
worker_processes $(nproc); daemon off; pid nginx.pid; error_log error.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path cb; proxy_temp_path pt; fastcgi_temp_path ft; uwsgi_temp_path ut; scgi_temp_path st;
  upstream mock { server 127.0.0.1:$upstream; keepalive 2048; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:$port backlog=4096; keepalive_requests 100000000; client_max_body_size 32m;
    location / {
      proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
      proxy_read_timeout 300s;
    }
  }
}
CONF
  exec nginx -e "$folder/error.log" -c "$folder/nginx.conf" -p "$folder"
}

run_tensorzero() {
  local upstream="$1" port="$2" folder="$peers/run/tensorzero-$2"
  mkdir -p "$folder"
  cat > "$folder/tensorzero.toml" << CONF
[gateway]
observability.enabled = false
disable_pseudonymous_usage_analytics = true
[models.mock]
routing = ["mock"]
[models.mock.providers.mock]
type = "openai"
model_name = "mock"
api_base = "http://127.0.0.1:$upstream/v1/"
api_key_location = "none"
CONF
  # The server that comes with the wheel picks a port of its own.
  exec "$peers/tensorzero/bin/python" - "$folder/tensorzero.toml" << 'PYTHON'
import signal, sys
from tensorzero import _start_http_gateway

gateway = _start_http_gateway(config_file=sys.argv[1], clickhouse_url=None, async_setup=False, postgres_url=None, valkey_url=None)
print("listens on", gateway.base_url, flush=True)
signal.pause()
PYTHON
}

run_litellm() {
  local upstream="$1" port="$2" folder="$peers/run/litellm-$2"
  mkdir -p "$folder"
  cat > "$folder/litellm.yaml" << CONF
model_list:
  - model_name: mock
    litellm_params: { model: openai/mock, api_base: "http://127.0.0.1:$upstream/v1", api_key: sk-mock }
litellm_settings: { callbacks: [], num_retries: 0, request_timeout: 30, telemetry: false }
general_settings: { master_key: sk-mock, disable_spend_logs: true }
CONF
  export LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_TELEMETRY=False LITELLM_MODE=PRODUCTION
  exec "$peers/litellm/bin/litellm" --config "$folder/litellm.yaml" --host 127.0.0.1 --port "$port" --num_workers 1
}

run() {
  local name="$1" upstream="$2" port="$3"
  case "$name" in
    nginx) run_nginx "$upstream" "$port" ;;
    sglang-router)
      export OPENAI_API_KEY=sk-mock
      exec "$peers/sglang-router/bin/python" -m sglang_router.launch_router --backend openai \
        --worker-urls "http://127.0.0.1:$upstream" --host 127.0.0.1 --port "$port" --prometheus-port "$((port + 1))" \
        --history-backend none --log-level warn
      ;;
    tensorzero) run_tensorzero "$upstream" "$port" ;;
    litellm) run_litellm "$upstream" "$port" ;;
    portkey) cd "$peers/portkey" && exec node node_modules/@portkey-ai/gateway/build/start-server.js --port="$port" --headless ;;
    *) missing "no peer is called $name" ;;
  esac
}

case "${1:-}" in
  install)
    shift
    [ $# -gt 0 ] || set -- nginx sglang-router
    for name in "$@"; do install "$name"; done
    ;;
  run)
    [ $# = 4 ] || missing "run NAME UPSTREAM_PORT PORT"
    run "$2" "$3" "$4"
    ;;
  *) missing "install or run" ;;
esac
