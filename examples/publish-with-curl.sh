#!/bin/sh
# Publishes from a shell, as a backend in any language may: sh publish-with-curl.sh [URL of the program]
# BAYEUXD_API_KEY holds the key that `npm start` prints.
set -eu
url=${1:-http://127.0.0.1:8000}

# The HTTP API.
curl --silent --show-error --fail-with-body "$url/api/publish" \
  --header "Authorization: Bearer $BAYEUXD_API_KEY" \
  --header 'Content-Type: application/json' --data '{"channel": "/news", "data": {"text": "by the HTTP API"}}'
echo

# A Bayeux message without a session, as Faye takes it. The program takes it with --unconnected-publish allow.
curl --silent --show-error --fail-with-body "$url/bayeux" \
  --header 'Content-Type: application/json' --data '{"channel": "/news", "data": {"text": "as a Bayeux message"}}'
echo
