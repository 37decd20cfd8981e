#!/bin/sh
# Shows `check`, `run`, `render` and `export`. Uses $KEYFERRY, else builds the program with cargo.
set -eu
cd "$(dirname "$0")"

if [ -z "${KEYFERRY:-}" ]; then
    cargo build --quiet --package keyferry-cli
    KEYFERRY=$(cargo metadata --no-deps --format-version 1 |
        sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/keyferry
fi
keyferry() { "$KEYFERRY" --config keyferry.yaml "$@"; }
# What the backend `env` reads.
export DEMO_REGION=eu-west-1

echo '== check: everything resolves, and no value is shown'
keyferry check

echo
echo '== run: the program gets the secrets, its output does not'
# shellcheck disable=SC2016 # expanded by the program
keyferry run -- sh -c \
    'echo "the program sees a password of ${#DB_PASSWORD} characters, and shows it as $DB_PASSWORD"'

echo
echo '== render: tokens are filled in, comments and types stay'
keyferry render config.yaml

echo
echo '== export: for a shell, and for docker --env-file'
keyferry export --format shell
keyferry export --format docker
