# lib.sh - what the examples share: starting nodes and proxies, and ending exactly those.
# shellcheck shell=bash
#
# Sourced by the run.sh of each example, which is called as
#
#	run.sh [small] [DIR]
#
# `small` only shows that all of it works, in some seconds; its figures say nothing. With DIR the
# sweeps are kept there, with their reports; else they are printed and go. Afterwards the working
# folder is a temporary one, where unix sockets may lie; all that was started ends with the script,
# also when that is told to.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
ringwalk=$(realpath "${RINGWALK:-$here/../../build/src/cli/ringwalk}")
small=
if [ "${1-}" = small ]; then
	small=yes
	shift
fi
[ $# -le 1 ] || { echo "usage: run.sh [small] [DIR]" >&2; exit 2; }
[ -x "$ringwalk" ] || { echo "run.sh: no $ringwalk; ./dev build, or RINGWALK=FILE" >&2; exit 3; }
keep=${1:+$(mkdir -p "$1" && cd "$1" && pwd)}
work=$(mktemp -d)
cd "$work"
keep=${keep:-$work}
declare -A pids
status=0

finish()
{
	local name
	for name in "${!pids[@]}"; do
		kill -CONT "${pids[$name]}" 2>/dev/null || :
		kill -TERM "${pids[$name]}" 2>/dev/null || :
	done
	wait
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 4' INT TERM HUP

# start NAME node|proxy OPTION...: in the background, until it listens; its process is
# ${pids[NAME]}, $address where it listens.
start()
{
	local name=$1 tries=0
	shift
	: >"$work/$name.log"
	"$ringwalk" "$@" >"$work/$name.log" 2>&1 &
	pids[$name]=$!
	until address=$(sed -n 's/^listening on //p' "$work/$name.log") && [ "$address" ]; do
		tries=$((tries + 1))
		if [ $tries -gt 200 ] || ! kill -0 "${pids[$name]}" 2>/dev/null; then
			echo "run.sh: $name does not listen: $(cat "$work/$name.log")" >&2
			exit 1
		fi
		sleep 0.05
	done
}

# stop NAME
stop()
{
	kill -TERM "${pids[$1]}"
	wait "${pids[$1]}" || :
	unset "pids[$1]"
}

# bounded SECONDS COMMAND...: its status. It runs in the background, so that the script can be ended
# meanwhile.
bounded()
{
	local result=0
	timeout "$@" &
	pids[bounded]=$!
	wait "${pids[bounded]}" || result=$?
	unset "pids[bounded]"
	return $result
}

# client OPTION...: says what it runs. INVALID (1) is an answer, too: it stands in what is printed.
client()
{
	local result=0
	printf '\n$ ringwalk client'
	printf " '%s'" "$@" | sed "s/'\([^' ;]*\)'/\1/g"
	echo
	bounded 120 "$ringwalk" client --sched.policy=fifo --allow-degraded "$@" || result=$?
	[ "$result" -le 1 ] || status=$result
}

# sweep NAME: of NAME.yaml; prints the table. `small` has one short block.
sweep()
{
	local file=$here/$1.yaml
	if [ "$small" ]; then
		file=$work/$1.yaml
		sed -E -e 's/^blocks:.*/blocks: 1/' -e 's/^invalid:.*/invalid: {repeat: 0}/' \
			-e 's/^primary: p99/primary: p50/' -e 's/^(  duration:).*/\1 250ms/' \
			-e 's/^(  warm-up:).*/\1 50ms/' \
			"$here/$1.yaml" >"$file"
	fi
	bounded 1200 "$ringwalk" sweep "$file" -o "$keep/$1" || status=$?
	[ "$keep" != "$work" ] || echo "        (which ends with this script; run.sh DIR keeps it)"
}
