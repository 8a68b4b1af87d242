// SPDX-License-Identifier: GPL-2.0-or-later
/* The jump into another kernel. */
#include "replace/jump.h"

#include "base/file.h"
#include "base/strbuf.h"

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

struct uk_error *uk_jump_load(const char *vmlinuz, int ramdisk, const char *line)
{
	uk_auto_close int kernel = open(vmlinuz, O_RDONLY | O_CLOEXEC);
	if (kernel < 0)
		return uk_error_errno(errno, "open %s", vmlinuz);
	if (syscall(SYS_kexec_file_load, kernel, ramdisk, strlen(line) + 1, line, 0UL) < 0)
		return uk_error_errno(errno, "load %s for kexec%s", vmlinuz, why_not(errno));
	return NULL;
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

/* Whether the line has a word that begins with this one. */
static bool has_word(const char *line, const char *word)
{
	for (const char *at = line; (at = strstr(at, word)); at++) {
		if (at == line || at[-1] == ' ')
			return true;
	}
	return false;
}

struct uk_error *uk_jump_command_line(const char *old, bool reboots, char **ret)
{
	static const char *const dropped[] = { "BOOT_IMAGE=", "initrd=", "rdinit=", "init=" };
	/* kernel/panic.c, kernel/watchdog.c: reboot 10 s after a panic; what ends in one. */
	static const char *const added[][2] = { { "panic=", "10" },
						{ "oops=", "panic" },
						{ "softlockup_panic=", "1" } };
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_auto_free char *copy = NULL;
	char *save = NULL;
	struct uk_error *err = uk_strdup(old, &copy);
	if (err)
		return err;
	for (char *word = strtok_r(copy, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		bool drop = false;
		for (size_t i = 0; i < UK_ARRAY_SIZE(dropped); i++)
			drop |= uk_str_starts(word, dropped[i]);
		if (!drop)
			uk_strbuf_addf(&buf, "%s%s", buf.len ? " " : "", word);
	}
	for (size_t i = 0; reboots && i < UK_ARRAY_SIZE(added); i++) {
		if (!has_word(old, added[i][0]))
			uk_strbuf_addf(&buf, "%s%s%s", buf.len ? " " : "", added[i][0],
				       added[i][1]);
	}
	uk_strbuf_addstr(&buf, "");
	return uk_strbuf_finish(&buf, ret);
}
