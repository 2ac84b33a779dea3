#!/usr/bin/env bash
# Makes a Python environment of the clients that PythonClientsTest runs, as far as pip finds them, and prints its interpreter; what is left out is told
# on standard error. Where there is no Python, or no environment can be made, it prints nothing, and the test is skipped.
#   .ci/python-clients.sh [FOLDER]       server-clients/target/python by default
set -uo pipefail
cd "$(dirname "$0")/.."
folder=${1:-server-clients/target/python}

if ! python3 -m venv "$folder" >&2; then
  echo 'python-clients: skipped, no Python environment can be made here' >&2
  exit 0
fi
# One by one, so that one that is not there takes no other with it.
# (numpy: huggingface_hub's embeddings want it and do not bring it.)
for client in numpy openai langchain-openai huggingface_hub langchain-huggingface cohere chromadb pillow; do
  "$folder/bin/pip" install --quiet --disable-pip-version-check --retries 0 --timeout 15 "$client" >/dev/null 2>&1 ||
    echo "python-clients: $client is not to be had here, and is skipped" >&2
done
(cd "$folder" && printf '%s/bin/python\n' "$PWD")
