#!/bin/sh
# The part of the official image's contract that the tests use.
set -eu
[ "${1:-}" = postgres ] || exec "$@"
[ -z "${POSTGRES_PASSWORD_FILE:-}" ] || POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
: "${POSTGRES_PASSWORD:?is missing}"
user=${POSTGRES_USER:-postgres}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  secret=$(mktemp)
  printf %s "$POSTGRES_PASSWORD" > "$secret"
  initdb --username="$user" --pwfile="$secret" --auth-host=scram-sha-256 --auth-local=trust > /dev/null
  rm "$secret"
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  pg_ctl --wait --silent --options="-c listen_addresses=''" start
  [ "${POSTGRES_DB:-$user}" = "$user" ] || psql --quiet --username="$user" --dbname=postgres --command="CREATE DATABASE \"$POSTGRES_DB\""
  pg_ctl --wait --silent stop
fi
unset POSTGRES_PASSWORD
shift
exec postgres -c "listen_addresses=*" "$@"
