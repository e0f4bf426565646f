#!/bin/bash
# A browser without pages: answers every command on the pipe with a version. Agents that stand in for the portal channel start it
# as they start Chromium, watch it, and end it.
while IFS= read -r -d '' -u 3 call; do
  [[ $call =~ \"id\":([0-9]+) ]] || continue
  printf '{"id":%s,"result":{"protocolVersion":"1.3","product":"Chrome/0 (stand-in)","revision":"0","userAgent":"stand-in","jsVersion":"0"}}\0' "${BASH_REMATCH[1]}" >&4
done
