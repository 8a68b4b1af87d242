# SPDX-License-Identifier: GPL-2.0-or-later
# Without the compiler of BPF, which would make code of its own.
compiler=/proc/sys/net/core/bpf_jit_enable
was=$(cat $compiler)
echo 0 >$compiler
left=$(probe filter)
echo "$was" >$compiler
case $1 in
old) [ "$left" = 15 ] ;;
new) [ "$left" = 30 ] ;;
esac
