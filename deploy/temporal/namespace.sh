#!/bin/sh
# Makes the namespace and the search attributes that workers need (temporal-dev/server.toml names the same). Safe to repeat.
set -eu
temporal operator namespace describe -n default >/dev/null 2>&1 ||
    temporal operator namespace create -n default --retention 720h
known=$(temporal operator search-attribute list -n default)
for each in InviteOwner=Keyword InvitePlatform=Keyword InviteState=Keyword InvitePriority=Int; do
    case $known in *"${each%=*}"*) continue ;; esac
    temporal operator search-attribute create -n default --name "${each%=*}" --type "${each#*=}"
done
