#!/bin/sh
# Brings the databases of Temporal's server up to its version. Safe to repeat; SQL_PASSWORD is its role's.
set -eu
versions=/etc/temporal/schema/postgresql/v12
bring_up() {
    tool() { temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u temporal --db "$1" "$2" "$3" "$4"; }
    tool "$1" setup-schema -v 0.0 || echo "$1 is not new"
    tool "$1" update-schema -d "$versions/$2/versioned"
}
bring_up temporal temporal
bring_up temporal_visibility visibility
