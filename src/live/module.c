// SPDX-License-Identifier: GPL-2.0-or-later
/* Modules of the running kernel. */
#include "live/module.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "live/klog.h"
#include "live/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { KEYS_MAX = 1 << 22 };

struct uk_error *uk_module_state(const struct uk_live_paths *paths, const char *name,
				 enum uk_module_state *ret)
{
	uk_auto_free char *path = NULL, *text = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/module/%s/initstate", paths->sys, name);
	if (err)
		return err;
	*ret = UK_MODULE_ABSENT;
	if (!uk_file_exists(path))
		return NULL;
	err = uk_live_read_line(&text, "%s", path);
	if (err)
		return err;
	if (!strcmp(text, "live"))
		*ret = UK_MODULE_LIVE;
	else if (!strcmp(text, "coming"))
		*ret = UK_MODULE_COMING;
	else if (!strcmp(text, "going"))
		*ret = UK_MODULE_GOING;
	else
		return uk_error_create(UK_ERR_INVALID, "%s: unknown state '%s'", path, text);
	return NULL;
}

uint64_t uk_module_incarnation(const struct uk_live_paths *paths, const char *name)
{
	uk_auto_free char *path = NULL;
	struct stat st;
	if (asprintf(&path, "%s/module/%s/initstate", paths->sys, name) < 0) {
		path = NULL;
		return 0;
	}
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

static bool file_says(const char *wanted, const char *dir, const char *name)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_live_read_line(&text, "%s/%s", dir, name);
	bool same = !err && !strcmp(text, wanted);
	uk_error_destroy(err);
	return same;
}

/* The chosen word of a list such as "none [integrity] confidentiality"; NULL for none. */
static struct uk_error *read_lockdown(const struct uk_live_paths *paths, char **ret)
{
	uk_auto_free char *text = NULL;
	*ret = NULL;
	struct uk_error *err = uk_live_read_line(&text, "%s/kernel/security/lockdown", paths->sys);
	if (err) { /* a kernel without lockdown, or securityfs is not mounted */
		uk_error_destroy(err);
		return NULL;
	}
	char *word = strchr(text, '[');
	char *end = word ? strchr(word, ']') : NULL;
	if (!end)
		return NULL;
	*end = '\0';
	return strcmp(word + 1, "none") ? uk_strdup(word + 1, ret) : NULL;
}

/* What keeps foreign modules out, in the words of a message; NULL when nothing does. */
static struct uk_error *find_guard(const struct uk_live_paths *paths, const char *lockdown,
				   char **ret)
{
	if (lockdown)
		return uk_asprintf(ret,
				   "kernel lockdown is '%s' (Secure Boot, or lockdown= on the "
				   "kernel's command line)",
				   lockdown);
	if (file_says("Y", paths->sys, "module/module/parameters/sig_enforce"))
		return uk_strdup("module.sig_enforce is set", ret);
	return NULL;
}

/* Known beforehand, so that nothing has to be loaded to find out. */
static struct uk_error *check_enrolled(const struct uk_live_paths *paths, const char *guard,
				       const struct uk_signer *signer)
{
	uk_auto_free char *path = NULL, *keys = NULL;
	size_t len;
	struct uk_error *err = uk_asprintf(&path, "%s/keys", paths->proc);
	if (!err)
		err = uk_file_read(path, KEYS_MAX, &keys, &len);
	if (err || uk_signer_is_listed(signer, keys))
		return err;
	return uk_error_create(UK_ERR_REFUSED,
			       "%s, and %s does not list the key '%s' of %s: enrol it (mokutil "
			       "--import of the certificate in DER, then boot and confirm it), or "
			       "name the key that is enrolled with --mok=KEY,CERT",
			       guard, path, uk_signer_name(signer), uk_signer_cert(signer));
}

struct uk_error *uk_module_may_load(const struct uk_live_paths *paths,
				    const struct uk_signer *signer)
{
	uk_auto_free char *lockdown = NULL, *guard = NULL;
	if (file_says("1", paths->proc, "sys/kernel/modules_disabled"))
		return uk_error_create(UK_ERR_REFUSED,
				       "kernel.modules_disabled is 1: this kernel takes no modules "
				       "until it is booted again");
	struct uk_error *err = read_lockdown(paths, &lockdown);
	if (!err && lockdown && !strcmp(lockdown, "confidentiality"))
		return uk_error_create(UK_ERR_REFUSED,
				       "kernel lockdown is 'confidentiality': its memory cannot be "
				       "read, and an update is only applied to code that was "
				       "compared; boot with lockdown=integrity or none");
	if (!err)
		err = find_guard(paths, lockdown, &guard);
	if (err || !guard)
		return err;
	if (signer)
		return check_enrolled(paths, guard, signer);
	return uk_error_create(UK_ERR_REFUSED,
			       "%s: this kernel takes no module that is not signed by a key it "
			       "knows; sign with the key of this machine's owner by --mok "
			       "(upkeep-apply(1) says how to enrol one), or boot without that",
			       guard);
}

static struct uk_error *load_error(int errnum, const char *name, const struct uk_signer *signer,
				   const char *said)
{
	switch (errnum) {
	case ENOKEY:
	case EKEYREJECTED:
	case EPERM:
		if (signer)
			return uk_error_create(UK_ERR_REFUSED,
					       "load %s: %s: the kernel does not take modules that "
					       "are signed by '%s' (%s); is the key enrolled as "
					       "one for modules?",
					       name, strerror(errnum), uk_signer_name(signer),
					       uk_signer_cert(signer));
		return uk_error_create(UK_ERR_REFUSED,
				       "load %s: %s: the kernel refuses modules that its vendor "
				       "did not sign (module.sig_enforce or lockdown), or this "
				       "process may not load modules",
				       name, strerror(errnum));
	case EEXIST:
		return uk_error_create(UK_ERR_BUSY, "load %s: it is loaded already", name);
	default:
		return uk_error_errno(errnum, "load %s (%s%s)", name,
				      said[0] ? "the kernel says: " : "dmesg may say why", said);
	}
}

struct uk_error *uk_module_load(const struct uk_modfile *file, const char *name,
				const struct uk_signer *signer)
{
	uk_auto_free void *made = NULL;
	const void *image = file->data;
	size_t len = file->len;
	char said[256];
	if (signer) {
		struct uk_error *err = uk_signer_sign(signer, file->data, file->len, &made, &len);
		if (err)
			return uk_error_wrap(err, "load %s", name);
		image = made;
	}
	int log = uk_klog_open();
	int errnum = syscall(SYS_init_module, image, len, "") ? errno : 0;
	uk_klog_find(log, name, said, sizeof(said));
	return errnum ? load_error(errnum, name, signer, said) : NULL;
}

struct uk_error *uk_module_unload(const char *name)
{
	if (!syscall(SYS_delete_module, name, O_NONBLOCK))
		return NULL;
	if (errno == EWOULDBLOCK)
		return uk_error_create(UK_ERR_BUSY, "unload %s: it is in use", name);
	return uk_error_errno(errno, "unload %s", name);
}

static struct uk_error *add_section(const char *dir, const char *section, struct uk_map *ret)
{
	uk_auto_free char *text = NULL;
	char *end;
	struct uk_error *err = uk_live_read_line(&text, "%s/%s", dir, section);
	if (err)
		return err;
	errno = 0;
	uint64_t address = strtoull(text, &end, 16);
	if (errno || end == text || *end || !address)
		return uk_error_create(UK_ERR_INVALID,
				       "%s/%s: '%s' is not an address; is this process root?", dir,
				       section, text);
	struct uk_map_entry *entry = uk_map_insert_str(ret, section, NULL);
	if (!entry)
		return uk_error_nomem();
	entry->num = address;
	return NULL;
}

struct uk_error *uk_module_sections(const struct uk_live_paths *paths, const char *name,
				    struct uk_map *ret)
{
	uk_auto_free char *dir = NULL;
	char **names;
	size_t nr;
	struct uk_error *err = uk_asprintf(&dir, "%s/module/%s/sections", paths->sys, name);
	if (!err)
		err = uk_dir_list(dir, &names, &nr);
	if (err)
		return err;
	for (size_t i = 0; !err && i < nr; i++)
		err = add_section(dir, names[i], ret);
	uk_strv_destroy(names, nr);
	return err;
}

struct uk_error *uk_modules_list(const struct uk_live_paths *paths, const char *prefix, char ***ret,
				 size_t *nr_ret)
{
	uk_auto_free char *dir = NULL;
	char **names = NULL;
	size_t nr = 0, kept = 0;
	struct uk_error *err = uk_asprintf(&dir, "%s/module", paths->sys);
	/* Without sysfs (a plain chroot) no module is to be seen. */
	if (!err && uk_file_exists(dir))
		err = uk_dir_list(dir, &names, &nr);
	if (err)
		return err;
	for (size_t i = 0; i < nr; i++) {
		enum uk_module_state state = UK_MODULE_ABSENT;
		if (!err && uk_str_starts(names[i], prefix))
			err = uk_module_state(paths, names[i], &state);
		if (state != UK_MODULE_ABSENT)
			names[kept++] = names[i];
		else
			free(names[i]);
	}
	if (err) {
		uk_strv_destroy(names, kept);
		return err;
	}
	*ret = names;
	*nr_ret = kept;
	return NULL;
}
