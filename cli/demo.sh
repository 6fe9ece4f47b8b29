#!/bin/sh
# make demo: a daemon on a state folder of its own, a folder of photos, three searches.
#
#   PHOTOS=DIR    the photos (default: Debian's tuxpaint-stamps-default; for those the results are checked)
#   DEMO_ONCE=1   end after the searches, also on a terminal
#
# The state stays in build/demo, one folder for each PHOTOS, so that a second run finds the photos indexed.
set -eu
cd "$(dirname "$0")/.."

stamps=/usr/share/tuxpaint/stamps
photos=${PHOTOS:-$stamps}
# A search a line: the words, a tab, and what a path among the first five must match. No file and no folder of the stamps
# is named with these words: the pictures alone are found.
searches='primate	/apes/
playing in an orchestra	/string/(violin|cello)
citrus	/fruit/(orange|mandarine|lemon|sliced_)'
# What most people's photos show.
general='people outdoors
a landscape with water
an animal'

fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

[ -d "$photos" ] || fail "$photos is not a folder: name one with PHOTOS=DIR"
photos=$(cd "$photos" && pwd -P)
[ "$photos" = "$stamps" ] || searches=$general
state=$PWD/build/demo/$(printf '%s' "$photos" | cksum | cut -d ' ' -f 1)
mkdir -p "$state"
log=$state/daemon.log
# Not in the state folder: a socket's path may have 107 bytes at most.
runtime=$(mktemp -d)
VSED_SOCKET=$runtime/socket
export VSED_SOCKET

daemon=
stop_daemon() {
	[ -n "$daemon" ] || return 0
	kill "$daemon" 2>/dev/null || true
	wait "$daemon" 2>/dev/null || true
	daemon=
}
on_exit() {
	status=$?
	trap - EXIT INT TERM HUP
	stop_daemon
	rm -rf "$runtime"
	if [ "$status" != 0 ] && [ -s "$log" ]; then
		printf '\ndemo: failed; the end of the daemon'\''s log (%s):\n' "$log" >&2
		tail -n 15 "$log" >&2
	fi
	exit "$status"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

start_daemon() {
	bin/vsed run --state "$state" --folder "$photos" --socket "$VSED_SOCKET" >"$log" 2>&1 &
	daemon=$!
	tries=0
	until bin/vsectl status >/dev/null 2>&1; do
		kill -0 "$daemon" 2>/dev/null || fail "the daemon ended at once"
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || fail "the daemon did not answer within 20 s"
		sleep 0.1
	done
}

# found_paths WORDS: the paths of the first five hits, one a line.
found_paths() { bin/vsectl search --json --limit 5 "$1" | tr '{,' '[\n*]' | sed -n 's/^[[:space:]]*"path":[[:space:]]*"\(.*\)".*/\1/p'; }

search() {
	printf '\n$ bin/vsectl search --limit 5 "%s"\n' "$1"
	bin/vsectl search --limit 5 "$1" || [ $? = 1 ] # 1: no good match in these photos
	[ "$photos" = "$stamps" ] || return 0
	found_paths "$1" | grep -Eq -e "$2" || fail "none of the first five hits for \"$1\" is the expected one ($2)"
}

stay_up() {
	cat <<-EOF

	The daemon goes on; new and changed photos in $photos are found within seconds.
	In a second terminal:

	    cd '$PWD'
	    export VSED_SOCKET=$VSED_SOCKET
	    bin/vsectl search "musical instrument"
	    bin/vsectl status

	Ctrl-C stops it.
	EOF
	trap 'printf "\nStopping.\n"; exit 0' INT
	wait "$daemon" || fail "the daemon ended"
}

printf 'Photos: %s\nState:  %s\n\n' "$photos" "$state"
start_daemon
bin/vsectl status --watch
printf '%s\n' "$searches" | while IFS='	' read -r words expected; do
	search "$words" "$expected" </dev/null
done
if [ -t 0 ] && [ -t 1 ] && [ -z "${DEMO_ONCE:-}" ]; then stay_up; fi
