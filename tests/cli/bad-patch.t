#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What upkeep create says before it builds anything: patches, tools, room, places.
# (tests/vm/refusals has the patches of which a compiler or the source has to speak.)
set -u
. tests/cli/lib.sh

UPKEEP_DATADIR=$PWD
export UPKEEP_DATADIR
mkdir "$work/tree" "$work/cache" "$work/bin" || exit 1
touch "$work/tree/Kbuild"
compiler=$(gcc-12 --version | head -n 1)
echo "CONFIG_CC_VERSION_TEXT=\"$compiler\"" >"$work/tree/.config"
cat >"$work/fine.patch" <<-'END'
	--- a/fs/pipe.c
	+++ b/fs/pipe.c
	@@ -1,2 +1,2 @@
	 one
	-two
	+three
END

# create NAME STATUS [ARGUMENT...]: with the tree above, unsigned.
create() {
	name=$1
	wanted=$2
	shift 2
	ends "$name" "$wanted" create --source "$work/tree" --cache "$work/cache" --unsigned \
		--output "$work/out.upk" "$@"
	test ! -e "$work/out.upk"
	ok "$name: nothing was written" $?
	is "$name: no temporary file is left" "" "$(find "$work/cache/work" -mindepth 1 2>/dev/null)"
}

# patch NAME STATUS PATTERN: of $work/a.patch, which needs no tree to be judged.
patch() {
	create "$1" "$2" --patch "$work/a.patch"
	complains "$1: said so" "$3"
}

# changed NAME STATUS PATTERN SCRIPT: the fine one, changed by sed.
changed() {
	sed "$4" "$work/fine.patch" >"$work/a.patch"
	patch "$1" "$2" "$3"
}

: >"$work/a.patch"
patch "an empty patch" 1 'a\.patch: there is no change in it'
echo "Dear all, see attached." >"$work/a.patch"
patch "prose for a patch" 1 'a\.patch: there is no change in it'
changed "a patch that leaves the tree" 1 "a\.patch:[12]: path '\.\./\.\./etc/passwd' leaves the tree" \
	's,/fs/pipe.c,/../../etc/passwd,'
changed "a patch that leaves the tree deeper" 1 "a\.patch:[12]: path '.*' leaves the tree" \
	's,/fs/pipe.c,/fs/../../etc/passwd,'
changed "a patch of an absolute path" 1 "a\.patch:[12]: path '/etc/passwd' has no leading folder" \
	's,[ab]/fs/pipe.c,/etc/passwd,'
changed "a patch of a repository" 1 "a\.patch:[12]: path '\.git/config'" 's,fs/pipe.c,.git/config,'
changed "a hunk that is cut off" 1 'a\.patch:5: .*middle of a hunk' '/three/d'
printf 'diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc\n' \
	>"$work/a.patch"
patch "a patch that makes a link" 2 'a\.patch:2: mode 120000: links'
echo 'Binary files a/x and b/x differ' >"$work/a.patch"
patch "a binary patch" 2 'a\.patch:1: binary changes'
printf -- '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-\000\n+b\n' >"$work/a.patch"
patch "a patch with zeros" 1 'is not text'
truncate -s 50M "$work/a.patch"
patch "a patch of 50 MB" 2 'a\.patch: 50 MiB, and .* at most 16: split it'
create "no patch" 1 --patch "$work/none.patch"
complains "no patch: said so" 'none\.patch: No such file or directory'
create "two patches, one bad" 1 --patch "$work/fine.patch" --patch /dev/null
complains "two patches, one bad: it is named" '/dev/null: there is no change in it'

# The program's own idea of its surroundings.
fake() {
	printf '#!/bin/sh\necho "%s"\n' "$2" >"$work/bin/$1"
	chmod 755 "$work/bin/$1"
}
for tool in make gcc ld objcopy flex bison bc rsync gcc-12; do
	ln -sf "$(command -v $tool || echo /bin/true)" "$work/bin/$tool"
done
# bare NAME STATUS: with the tools of $work/bin and no others.
bare() {
	path=$PATH
	program=$(realpath "$UPKEEP")
	status=0
	PATH=$work/bin "$program" create --source "$work/tree" --cache "$work/cache" --unsigned \
		--output "$work/out.upk" --patch "$work/fine.patch" \
		>"$work/out" 2>"$work/err" </dev/null || status=$?
	PATH=$path
	is "$1: exit status" "$2" "$status"
	is "$1: no tree is begun" "" "$(find "$work/cache/trees" -mindepth 1 2>/dev/null)"
}
rm "$work/bin/flex" "$work/bin/bc"
bare "missing tools" 1
complains "missing tools: all of them, and their packages" \
	'building needs flex, bc, which is not here: apt-get install flex bc$'
ln -s /bin/true "$work/bin/flex"
ln -s /bin/true "$work/bin/bc"
rm "$work/bin/gcc-12"
bare "no compiler" 1
complains "no compiler: its name and package" \
	"was built by 'gcc-12 .*', and gcc-12 is not here: apt-get install gcc-12$"
fake gcc-12 "gcc-12 (Debian 12.1.0-1) 12.1.0"
bare "another compiler" 1
complains "another compiler: both, and the package with its version" \
	"was built by 'gcc-12 .*', and gcc-12 here is 'gcc-12 \(Debian 12\.1\.0-1\) 12\.1\.0'"
complains "another compiler: what to install" "apt-get install gcc-12=[0-9]"
echo 'CONFIG_CC_VERSION_TEXT="clang version 14"' >"$work/tree/.config"
bare "a kernel of another compiler" 2
complains "a kernel of another compiler: said so" "was built by 'clang version 14', not by gcc"
echo 'CONFIG_X=y' >"$work/tree/.config"
bare "a configuration without its compiler" 1
complains "a configuration without its compiler: said so" 'no CONFIG_CC_VERSION_TEXT'
echo "CONFIG_CC_VERSION_TEXT=\"$compiler\"" >"$work/tree/.config"

# Places.
create "no folder for the update" 1 --patch "$work/fine.patch" --output "$work/none/x.upk"
complains "no folder for the update: it is named" "write the update to $work/none/"
create "a device for the update" 1 --patch "$work/fine.patch" --output /dev/null
complains "a device for the update: said so" '--output /dev/null: .* no plain file'
test -c /dev/null
ok "the device is what it was" $?
create "a tree that is none" 1 --patch "$work/fine.patch" --source "$work/bin"
complains "a tree that is none: said so" "$work/bin: is not the source of a kernel"
create "no key" 1 --patch "$work/fine.patch" --source "$work/tree" --key "$work/none.key"
complains "no key and unsigned: said so" 'name the key that signs it'
ends "a key that is not there" 1 create --source "$work/tree" --cache "$work/cache" \
	--key "$work/none.key" --patch "$work/fine.patch"
complains "a key that is not there: it is named" 'none\.key: No such file or directory'
ends "a kernel that cannot be" 1 create --kernel ../x --cache "$work/cache" --unsigned \
	--patch "$work/fine.patch"
complains "a kernel that cannot be: said so" "'\.\./x' is not a kernel release"
ends "a kernel that apt does not know" 1 create --kernel 6.1.0-999-none --cache "$work/cache" \
	--unsigned --patch "$work/fine.patch"
complains "a kernel that apt does not know: said so" \
	'apt knows no package linux-image-6\.1\.0-999-none; .*apt-get update'

# A cache that others can write to, that is another's, that has no room.
chmod 777 "$work/cache"
create "a cache that others may write to" 1 --patch "$work/fine.patch"
complains "a cache that others may write to: what to do" "cache $work/cache .*chmod go-w"
chmod 700 "$work/cache"
chmod 755 "$work" "$work/tree"
# The checkout may lie where another user cannot go.
mkdir "$work/data"
cp -r kmod include "$work/data"
cp "$UPKEEP" "$work/upkeep"
chmod 644 "$work/fine.patch"
UPKEEP_DATADIR="$work/data"
setpriv --reuid 65534 --regid 65534 --clear-groups "$work/upkeep" create --source "$work/tree" \
	--cache "$work/cache" --unsigned --output /tmp/x.upk --patch "$work/fine.patch" 2>"$work/err"
is "another's cache: exit status" 1 $?
complains "another's cache: whose, and what to do" "$work/cache.*--cache or UPKEEP_CACHE"
setpriv --reuid 65534 --regid 65534 --clear-groups "$work/upkeep" create --source "$work/tree" \
	--cache "$work/new" --unsigned --output /tmp/x.upk --patch "$work/fine.patch" 2>"$work/err"
is "no permission for a cache: exit status" 1 $?
complains "no permission for a cache: what to do" \
	"--cache or UPKEEP_CACHE name another.*mkdir $work/new: Permission denied"
UPKEEP_DATADIR=$PWD

# full COMMAND: in a namespace with a small file system, mounted on $work/small.
mkdir "$work/small"
full() {
	# shellcheck disable=SC2016 # they are the inner shell's
	unshare -m sh -c 'mount -t tmpfs -o size=256k,mode=700 tmpfs "$0" && . "$1"' \
		"$work/small" "$work/script" >"$work/out" 2>"$work/err"
}
cat >"$work/script" <<-END
	"$UPKEEP" create --source "$work/tree" --cache "$work/small" --unsigned \
		--output "$work/out.upk" --patch "$work/fine.patch"
	status=\$?
	find "$work/small/trees" "$work/small/work" -mindepth 1
	exit \$status
END
full
is "a cache without room: exit status" 1 $?
complains "a cache without room: how much there is, how much is needed" \
	"$work/small has 0 MB free, and [0-9]+ MB are needed: make room, or .*--cache"
is "a cache without room: nothing is left in it" "" "$(cat "$work/out")"
cat >"$work/script" <<-END
	head -c 300k /dev/zero >"$work/small/big" 2>/dev/null
	"$UPKEEP" keygen "$work/small/a"
	status=\$?
	ls "$work/small"
	exit \$status
END
full
is "keys without room: exit status" 1 $?
complains "keys without room: said so" "$work/small/a\.pub: No space left on device"
is "keys without room: nothing is left" big "$(cat "$work/out")"
done_testing
