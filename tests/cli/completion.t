#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion for bash: knows every verb and every option of each, and no others.
set -u
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh
# shellcheck source=completions/upkeep
. completions/upkeep

# complete_line WORD...: what completion offers for the last word, a line each, sorted.
complete_line() {
	COMP_WORDS=(upkeep "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_upkeep 2>/dev/null
	printf '%s\n' "${COMPREPLY[@]}" | sort -u
}

is "verbs" "$(verbs | sort)" "$(complete_line "")"
is "verbs that begin with c" "check create" "$(complete_line c | xargs)"
is "help takes verbs" "$(verbs | sort)" "$(complete_line help "")"
is "an option does not hide the verbs" "$(verbs | sort)" "$(complete_line --quiet "")"

for verb in $(verbs); do
	# "  -w, --wait=SECONDS  ..." as "--wait=", "--trust[=DIR]" as both.
	wanted=$("$UPKEEP" "$verb" --help | option_column |
		grep -oE -- '--[a-z-]+(\[?=)?' |
		sed -E 's/^(.*)\[=$/\1\n\1=/' | sort -u)
	is "options of $verb" "$wanted" "$(complete_line "$verb" --)"
done

mkdir "$work/sub"
touch "$work/a.upk" "$work/b.key" "$work/c.patch"
is "apply takes updates" "$work/a.upk $work/sub" "$(complete_line apply "$work/" | xargs)"
is "--key takes keys" "$work/b.key $work/sub" \
	"$(complete_line create --key = "$work/" | xargs)"
is "-p takes any file" "$work/a.upk $work/b.key $work/c.patch $work/sub" \
	"$(complete_line create -p "$work/" | xargs)"
is "-p of inspect takes none" "$work/a.upk $work/sub" \
	"$(complete_line inspect -p "$work/" | xargs)"
is "--trusted-dir takes folders" "$work/sub" \
	"$(complete_line apply --trusted-dir = "$work/" | xargs)"
_upkeep_units() { echo nginx.service; }
is "--keep takes units" "nginx.service" "$(complete_line preflight --keep = ng)"
is "--trial of preflight" "--trial" "$(complete_line preflight --tr)"
is "-K of preflight, too" "nginx.service" "$(complete_line preflight -K "")"
is "--wait takes nothing known" "" "$(complete_line apply --wait = "")"
done_testing
