// SPDX-License-Identifier: GPL-2.0-or-later
/* The jump into another kernel. */
#include "replace/jump.h"

#include "base/file.h"
#include "replace/direct.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>

/* reboot(2)'s, which glibc has no name for. */
enum { REBOOT_KEXEC = 0x45584543 };

static const char *why_not(int errnum)
{
	switch (errnum) {
	case EPERM:
		return " (kexec is switched off: kernel.kexec_load_disabled, or lockdown)";
	case EKEYREJECTED:
	case ENOKEY:
		return " (this machine takes signed kernels only, and does not know who signed it)";
	case EBUSY:
		return " (another kexec is on its way)";
	case ENOSYS:
		return " (this kernel has no kexec_file_load)";
	}
	return "";
}

static struct uk_error *load_packed(const char *vmlinuz, int ramdisk, const char *line)
{
	uk_auto_close int kernel = open(vmlinuz, O_RDONLY | O_CLOEXEC);
	if (kernel < 0)
		return uk_error_errno(errno, "open %s", vmlinuz);
	if (syscall(SYS_kexec_file_load, kernel, ramdisk, strlen(line) + 1, line, 0UL) < 0)
		return uk_error_errno(errno, "load %s for kexec%s", vmlinuz, why_not(errno));
	return NULL;
}

struct uk_error *uk_jump_load(const char *vmlinuz, int ramdisk, const char *line,
			      enum uk_jump_unpack unpack, const struct uk_sink *sink)
{
	uk_auto_error struct uk_error *err = NULL;
	if (unpack == UK_JUMP_UNPACK_AFTER)
		return load_packed(vmlinuz, ramdisk, line);
	err = uk_direct_load(vmlinuz, ramdisk, line);
	if (!err)
		return NULL;
	if (unpack == UK_JUMP_UNPACK_BEFORE)
		return uk_error_wrap(uk_take(err),
				     "load %s unpacked (--unpack=auto leaves that to itself)",
				     vmlinuz);
	uk_remark(sink, UK_LEVEL_INFO, "the new kernel unpacks itself after the jump: %s",
		  uk_error_message(err));
	return load_packed(vmlinuz, ramdisk, line);
}

void uk_jump_unload(void)
{
	syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, (unsigned long)KEXEC_FILE_UNLOAD);
}

bool uk_jump_is_loaded(void)
{
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read("/sys/kernel/kexec_loaded", 16, &text, &len);
	bool loaded = !err && *text == '1';
	uk_error_destroy(err);
	return loaded;
}

struct uk_error *uk_jump_go(void)
{
	reboot(REBOOT_KEXEC);
	return uk_error_errno(errno, "kexec");
}
