# SPDX-License-Identifier: GPL-2.0-or-later
nothing_is_loaded() {
	! grep -q '^upkeep' /proc/modules || fail "$1: a module is loaded"
	expect old "$1"
}

# Of a module that no key vouches for, the kernel's own word.
is_unsigned() {
	[ $(($(cat /proc/sys/kernel/tainted) & 8192)) != 0 ]
}

mount -t securityfs securityfs /sys/kernel/security
grep -q '\[integrity\]' /sys/kernel/security/lockdown || fail "the kernel is not locked down"
[ "$(cat /sys/module/module/parameters/sig_enforce)" = Y ] || fail "it takes any module"
module=$(find /lib/modules -name 'dummy.ko*')
case $module in
*.xz) xzcat "$module" >/tmp/changed.ko ;;
*) cp "$module" /tmp/changed.ko ;;
esac
printf x >>/tmp/changed.ko
insmod /tmp/changed.ko
! grep -q '^dummy ' /proc/modules || fail "it took a module whose signature was spoiled"
modprobe dummy
grep -q '^dummy ' /proc/modules || fail "it did not take a module of its vendor"

upkeep_exits 2 check 1.upk
said "lockdown is 'integrity'.*--mok"
upkeep_exits 2 apply 1.upk
said "lockdown is 'integrity'.*--mok"
nothing_is_loaded "without a key"
upkeep_exits 2 apply 1.upk --mok=/keys/other.key,/keys/other.der
said "/proc/keys does not list the key 'Upkeep test, not enrolled' of /keys/other.der.*mokutil"
nothing_is_loaded "with a key that is not enrolled"
upkeep_exits 1 apply 1.upk --mok=/etc/upkeep/mok.key,/keys/other.der
said "is not the certificate of /etc/upkeep/mok.key"
chmod 644 /keys/other.key
upkeep_exits 1 apply 1.upk --mok=/keys/other.key,/keys/other.der
said "chmod 600"
nothing_is_loaded "with keys that do not fit"

upkeep_exits 0 check 1.upk --mok
nothing_is_loaded "after a check"
apply 1 --mok
expect new "signed by the enrolled key"
! is_unsigned || fail "the kernel says that an unsigned module was loaded"
upkeep_exits 3 apply 1.upk
undo 1
expect old "undone"
apply 1
expect new "again, with what is loaded"
undo 1 --purge
upkeep_exits 2 apply 1.upk
expect old "purged"
apply 1 --mok=/etc/upkeep/mok.key,/etc/upkeep/mok.der
expect new "again"
undo 1 --purge
expect old "at the end"
