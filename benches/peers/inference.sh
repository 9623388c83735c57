#!/usr/bin/env bash
# llama.cpp, to be measured in the same run as our engine, and the model files that both read.
#
#     benches/peers/inference.sh install             llama.cpp (12 minutes on 2 cores) and what make_model.py needs
#     benches/peers/inference.sh models SHAPE …      SHAPE-q4_k_m.gguf and SHAPE-q8_0.gguf: qwen3-0.6b, qwen3-1.7b, llama-1b
#     benches/peers/inference.sh path NAME           where llama-server, llama-bench, llama-quantize or models are
#
# They live under ${PEERS:-~/.cache/shekara/peers}. LLAMA_CPP_BIN names a folder of programs that are built already.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
peers="${PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/shekara/peers}"
# Its source comes whole inside the source package of its Python binding.
version=0.3.36
source="$peers/llama_cpp_python-$version/vendor/llama.cpp"
programs="${LLAMA_CPP_BIN:-$source/b/bin}"
python="$peers/inference/bin/python"
mkdir -p "$peers/models"

install_python() {
  [ -e "$peers/inference/complete" ] && return
  rm -rf "${peers:?}/inference"
  python3 -m venv "$peers/inference"
  "$python" -m pip install --quiet --disable-pip-version-check numpy gguf tokenizers cmake ninja
  touch "$peers/inference/complete"
}

install_llama_cpp() {
  [ -x "$programs/llama-server" ] && [ -x "$programs/llama-bench" ] && [ -x "$programs/llama-quantize" ] && return
  PATH="$peers/inference/bin:$PATH"
  cd "$peers"
  pip download --quiet --no-deps --no-binary llama-cpp-python "llama-cpp-python==$version"
  tar xzf "llama_cpp_python-$version.tar.gz"
  cd "$source"
  # GCC before 13 is told that a tile's configuration is eight bytes long and drops the writing of the rest: an illegal
  # instruction at the first matrix product on processors with AMX.
  sed -i 's|^    _tile_loadconfig(&tc);|    asm volatile("" : : "r"(\&tc) : "memory");\n&|' ggml/src/ggml-cpu/amx/mmq.cpp
  cmake -B b -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_UI=OFF \
    -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF
  cmake --build b -j "$(nproc)" -t llama-server llama-bench llama-batched-bench llama-quantize
}

make_models() {
  local shape="$1" whole="$peers/models/$1-f16.gguf" format output
  for format in Q4_K_M Q8_0; do
    output="$peers/models/$shape-$(echo "$format" | tr 'A-Z' 'a-z').gguf"
    [ -e "$output" ] && continue
    [ -e "$whole" ] || "$python" "$here/make_model.py" --shape "$shape" --output "$whole"
    "$programs/llama-quantize" "$whole" "$output.part" "$format" > /dev/null
    mv "$output.part" "$output"
  done
  rm -f "$whole"
}

case "${1:-}" in
  install)
    install_python
    install_llama_cpp
    ;;
  models)
    shift
    install_python
    for shape in "$@"; do make_models "$shape"; done
    ;;
  path)
    case "${2:-}" in
      models) echo "$peers/models" ;;
      *) echo "$programs/${2:?}" ;;
    esac
    ;;
  *)
    echo "inference.sh: install, models or path" >&2
    exit 1
    ;;
esac
