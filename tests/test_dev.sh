#!/bin/sh
# test_dev.sh - the front door: packages, demo directories, counts, typing mistakes; and .ci/run.
#
# Each case runs a copy of ./dev in an empty folder, with a PATH that holds a few basic programs
# and fakes of the rest, so that nothing is installed, built or measured here.
#
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 1
top=$PWD
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# fake NAME: a program from standard input. Fakes have a folder of their own, for in the other lie
# links to the real programs, and writing to one would write to /usr/bin.
fake()
{
	{
		echo '#!/bin/sh'
		cat
	} >"$work/fakes/$1"
	chmod +x "$work/fakes/$1"
}

# A fresh folder with ./dev and a PATH of basics; fakes for what ./dev asks of the system. apt-get
# writes down how it was called and brings the programs.
set_up()
{
	rm -rf "$work/basics" "$work/fakes" "$work/tree"
	mkdir -p "$work/basics" "$work/fakes" "$work/tree/tests" "$work/tree/bench"
	cp "$top/dev" "$work/tree/"
	cp "$top/tests/counts.py" "$work/tree/tests/"
	for name in sh awk basename cat chmod cp cut dirname find grep ls mkdir mktemp rm sed \
		sort tail touch tr xargs; do
		ln -s "$(command -v $name)" "$work/basics/$name"
	done
	fake python3 <<-END
		PATH='$PATH' exec python3 "\$@"
	END
	fake dpkg-query <<-'END'
		exit 1
	END
	fake id <<-'END'
		echo 1000
	END
}

# All programs and packages are there.
set_up_complete()
{
	set_up
	fake dpkg-query <<-'END'
		shift 3
		for name; do echo "$name installed"; done
	END
	fake meson <<-'END'
		case $1 in
		setup)
			mkdir -p "$2/meson-info" "$2/src/cli"
			touch "$2/build.ninja"
			echo "\"source\": \"$PWD\"" >"$2/meson-info/meson-info.json"
			cp ringwalk "$2/src/cli/"
			;;
		test)
			case "$*" in
			*--list*) printf 'ringwalk:unit / err\nringwalk:unit / knob\n' ;;
			*)
				mkdir -p "$3/meson-logs"
				cp testlog.json "$3/meson-logs/"
				echo "$*" >meson-test
				;;
			esac
			;;
		esac
	END
	fake ninja <<-'END'
		exit 0
	END
	cat >"$work/tree/ringwalk" <<-'END'
		#!/bin/sh
		mkdir "$4" && echo "$*" >"$4/report.html"
		echo "report: $4/report.html"
		exit 1
	END
	chmod +x "$work/tree/ringwalk"
}

# run WORD...: ./dev WORD... ; $out has both streams, $status the status.
run()
{
	out=$(cd "${from-$work/tree}" &&
		PATH=$work/fakes:$work/basics sh "$work/tree/dev" "$@" 2>&1 </dev/null)
	status=$?
}

# check WHAT CONDITION...: one test.
check()
{
	what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'failed: %s\n  %s\n  status %s, said: %s\n' "$what" "$*" "$status" "$out"
	fi
}

# says STATUS TEXT: the last run ended so and said that.
says()
{
	case $out in
	*"$2"*) [ "$status" -eq "$1" ] ;;
	*) false ;;
	esac
}

last_line_is()
{
	[ "$(printf '%s\n' "$out" | tail -n 1)" = "$1" ]
}

same()
{
	[ "$1" = "$2" ]
}

test_words()
{
	set_up
	run help
	for name in demo test build bench lint fmt clean help; do
		check "help tells of $name" says 0 "./dev $name"
	done
	run tset
	check 'exchanged letters are understood' says 2 "dev: no command 'tset'; did you mean test?"
	run xyzzy
	check 'nothing is near' says 2 "dev: no command 'xyzzy'"
	check 'and nothing is guessed' same "$out" "dev: no command 'xyzzy'"
	run test --asn
	check 'options too' says 2 "did you mean --asan?"
	run test --asan --tsan
	check 'one sanitizer at a time' says 2 'one at a time'
	run bench flor
	check 'an unknown bench is named' says 2 "no bench 'flor'"
	touch "$work/tree/bench/floor.sh"
	run bench flor
	check 'and the nearest suggested' says 2 'did you mean floor?'
}

test_packages()
{
	set_up
	run build
	check 'without apt the packages are named' says 3 'missing, by Debian'
	check 'all of them' says 3 'names: gcc meson ninja-build pkg-config '
	check 'libraries too' says 3 'liburing-dev zlib1g-dev libyaml-dev libjansson-dev'

	fake apt-get <<-'END'
		echo "$*" >>apt-calls
	END
	run build
	check 'without root they are named' \
		says 3 'as root: apt-get install --no-install-recommends gcc'
	check 'and apt is left alone' [ ! -e "$work/tree/apt-calls" ]

	fake meson <<-'END'
		exit 0
	END
	run build
	check 'what is there by other means is not asked for' says 3 'missing: gcc ninja-build'

	fake id <<-'END'
		echo 0
	END
	fake ninja <<-'END'
		exit 0
	END
	fake apt-get <<-'END'
		echo "$DEBIAN_FRONTEND $*" >>apt-calls
	END
	run build
	check 'as root they are installed, with a word' says 0 'installing: gcc pkg-config '
	calls=$(cat "$work/tree/apt-calls")
	check 'after one update' same "$(echo "$calls" | grep -c update)" 1
	out=$calls
	check 'asking nothing' says 0 'noninteractive -qq -y --no-install-recommends'

	fake apt-get <<-'END'
		[ "$2" = update ] || { echo 'E: Unable to locate package gcc'; exit 100; }
	END
	run build
	check 'what apt says is shown when it fails' says 3 'E: Unable to locate package gcc'
	check 'with the list' says 3 'could not install: gcc'

	set_up_complete
	fake apt-get <<-'END'
		touch apt-calls
	END
	run build
	check 'when all is there apt is left alone' says 0 'configuring build'
	check 'really' [ ! -e "$work/tree/apt-calls" ]
	run build
	check 'and the second time there is nothing to say' same "$out" ''
	fake ninja <<-'END'
		echo 'x.c:1: error: no'
		exit 1
	END
	run build
	check 'a build that fails is shown' says 1 'x.c:1: error: no'
}

test_demo()
{
	set_up_complete
	run demo
	check 'the status of the sweep is passed on' [ "$status" -eq 1 ]
	check 'the report is the last line' last_line_is "report: $work/tree/demo/report.html"
	out=$(cat "$work/tree/demo/report.html")
	check 'what was run' same "$out" "sweep bench/demo.yaml -o $work/tree/demo"
	touch "$work/tree/demo/old"
	run demo
	check 'an old demo is replaced' last_line_is "report: $work/tree/demo/report.html"
	check 'wholly' [ ! -e "$work/tree/demo/old" ]
	rm "$work/tree/demo/.made-by-dev-demo"
	run demo
	check 'another folder is not' last_line_is "report: $work/tree/demo-2/report.html"
	mkdir "$work/tree/here"
	from=$work/tree/here
	run demo mine/
	unset from
	check 'a folder is meant from where one is' \
		last_line_is "report: $work/tree/here/mine/report.html"
	run demo --fast
	check 'demo has no options' says 2 "no option '--fast'"
}

test_tests()
{
	set_up_complete
	cat >"$work/tree/testlog.json" <<-'END'
		{"result": "OK", "stdout": "x\n3 passed, 0 failed, 1 skipped\n"}
		{"result": "OK", "stdout": "2 passed, 0 failed, 0 skipped\n"}
	END
	run test
	check 'counts are added' last_line_is '5 passed, 0 failed, 1 skipped'
	check 'and all is well' [ "$status" -eq 0 ]
	check 'what was skipped is named' says 0 'skipped, and why:'
	cat >>"$work/tree/testlog.json" <<-'END'
		{"result": "FAIL", "returncode": -11, "stdout": "2 passed, 0 failed, 0 skipped\n"}
	END
	run test
	check 'a crash is a failure' last_line_is '7 passed, 1 failed, 1 skipped'
	check 'with the status of one' [ "$status" -eq 1 ]
	cat >"$work/tree/testlog.json" <<-'END'
		{"result": "TIMEOUT", "stdout": "1 passed, 2 failed, 0 skipped\n"}
	END
	run test
	check 'failures are not counted twice' last_line_is '1 passed, 2 failed, 0 skipped'
	echo '{"result": "SKIP", "returncode": 77}' >"$work/tree/testlog.json"
	run test
	check 'a skip is a skip' last_line_is '0 passed, 0 failed, 1 skipped'
	: >"$work/tree/testlog.json"
	run test
	check 'nothing run is not a success' says 1 '0 passed, 0 failed, 0 skipped'
	out=$(cat "$work/tree/meson-test")
	check 'what is for the guest is left to it' says 1 '--no-suite guest'
	run test knbo
	check 'an unknown test has a suggestion' says 2 "no test 'knbo'; did you mean knob?"
	echo '{"result": "OK", "returncode": 0}' >"$work/tree/testlog.json"
	run test --asan --quick
	check 'a program without counts is one test' last_line_is '1 passed, 0 failed, 0 skipped'
	out=$(cat "$work/tree/meson-test")
	check 'sanitizers have their own folder' says 0 '-C build-asan'
	check 'quick is unit and contract' says 0 '--suite unit --suite contract'
}

test_guest()
{
	set_up_complete
	mkdir -p "$work/tree/tests/guest"
	cat >"$work/tree/tests/guest/guest.py" <<-'END'
		import pathlib, sys
		release = sys.argv[1].partition("=")[2]
		home = pathlib.Path("build-guest", release)
		home.mkdir(parents=True, exist_ok=True)
		pathlib.Path("guest-args").write_text(" ".join(sys.argv[1:]))
		log = pathlib.Path("testlog.json").read_text()
		release == "6.9" or home.joinpath("testlog.json").write_text(log)
		sys.exit(2 if "wrong" in sys.argv else 0)
	END
	cat >"$work/tree/testlog.json" <<-'END'
		{"result": "OK", "stdout": "4 passed, 0 failed, 2 skipped\n"}
	END
	run test --guest sched
	check "the guest's counts are the last line" last_line_is '4 passed, 0 failed, 2 skipped'
	check 'and all is well' [ "$status" -eq 0 ]
	out=$(cat "$work/tree/guest-args")
	check 'the kernel is 6.1' same "$out" '--kernel=6.1 build build-guest sched'
	run test --guest=6.12
	out=$(cat "$work/tree/guest-args")
	check 'or the one asked for' same "$out" '--kernel=6.12 build build-guest'
	run test --guest wrong
	check 'a mistake is a mistake' [ "$status" -eq 2 ]
	run test --guest=6.9
	check 'a harness that wrote nothing is not a success' says 1 '0 passed, 0 failed, 0 skipped'
	run test --guest --quick
	check 'the guest is not quick' says 2 'a list of its own'
	run test --asan --guest
	check 'nor sanitized' says 2 'one at a time'

	fake dpkg-query <<-'END'
		shift 3
		for name; do [ "$name" = qemu-system-x86 ] || echo "$name installed"; done
	END
	run test --guest
	check 'without QEMU the package is named' says 0 'by Debian'"'"'s names: qemu-system-x86'
	check 'and the harness counts it' last_line_is '4 passed, 0 failed, 2 skipped'
}

test_clean()
{
	set_up
	mkdir "$work/tree/build" "$work/tree/build-asan" "$work/tree/demo"
	touch "$work/tree/builder.txt"
	run clean
	check 'build folders go, nothing else' \
		same "$(cd "$work/tree" && echo *)" 'bench builder.txt demo dev tests'
	run clean up
	check 'clean takes no arguments' says 2 'clean takes no arguments'
}

# run_ci: .ci/run beside the tree's own ./dev, with everything that is installed.
run_ci()
{
	out=$("$work/tree/.ci/run" 2>&1 </dev/null)
	status=$?
}

test_ci()
{
	set_up
	mkdir "$work/tree/.ci"
	cp "$top/.ci/run" "$work/tree/.ci/"
	cat >"$work/tree/dev" <<-'END'
		#!/bin/sh
		printf 'a long log\n'
		if [ -f "broken$2" ]; then
			cat "broken$2"
			exit 3
		fi
		echo '2 passed, 0 failed, 1 skipped'
	END
	run_ci
	check 'the counts of all steps are added' last_line_is '10 passed, 0 failed, 5 skipped'
	check 'and all is well' [ "$status" -eq 0 ]
	printf 'failed:\n  x: FAIL\n1 passed, 2 failed, 0 skipped\n' >"$work/tree/broken--asan"
	run_ci
	check 'a failed step is the status' [ "$status" -eq 3 ]
	check 'its failures are counted' last_line_is '9 passed, 2 failed, 4 skipped'
	out=$(printf '%s\n' "$out" | tail -n 5)
	check 'and stand once more before it' same "$out" '== ./dev test --asan --quick: status 3
failed:
  x: FAIL
1 passed, 2 failed, 0 skipped
9 passed, 2 failed, 4 skipped'
	echo 'it does not build' >"$work/tree/broken--asan"
	run_ci
	check 'a step without counts is one failure' last_line_is '8 passed, 1 failed, 4 skipped'
	out=$(printf '%s\n' "$out" | tail -n 4)
	check 'and its last words are shown' same "$out" '== ./dev test --asan --quick: status 3
a long log
it does not build
8 passed, 1 failed, 4 skipped'
}

status=0
test_words
test_packages
test_demo
test_tests
test_guest
test_clean
test_ci
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
