// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The list of objects comes from kbuild itself. Its variable `build` is what every
 * descent into a folder goes through; pointed at a makefile of ours, which includes the
 * real one and turns its recipe helpers into printers, it lists what it would have done.
 * `make -n` keeps what is left of the recipes from being run.
 */
#include "kbuild/dump.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <string.h>

static const char top_makefile[] =
	"# Lists the objects of the kernel; included behind the kernel's Makefile.\n"
	"upkeep-dump: FORCE\n"
	"\t$(info LINK|$(LD) -r $(KBUILD_LDFLAGS) $(KBUILD_LDFLAGS_MODULE) $(LDFLAGS_MODULE)"
	" -T scripts/module.lds)\n"
	"\t$(Q)$(MAKE) $(build)=$(or $(build-dir),.) need-builtin=1 need-modorder=1\n"
	"\t$(Q)$(MAKE) $(build)=upkeep need-modorder=1\n";

static const char folder_makefile[] =
	"# Stands in for scripts/Makefile.build in every folder.\n"
	"__upkeep:\n"
	"include $(srctree)/scripts/Makefile.build\n"
	"upkeep-kind = $(if $(part-of-module),m,$(if $(filter $@,$(real-obj-y)),y,"
	"$(if $(filter $@,$(lib-y)),l,$(if $(filter $@,$(extra-y)),e,x))))\n"
	"upkeep-show = $(info CMD|$@|$<|$(upkeep-kind)|$(modname)|"
	"$(if $(objtool-enabled),$(objtool-args),-)|$(strip $(cmd_$(1))))\n"
	"if_changed_rule = @:$(call upkeep-show,$(strip $(1)))\n"
	"if_changed_dep = @:$(call upkeep-show,$(strip $(1)))\n"
	"if_changed = @:\n"
	"cmd = @:\n"
	"upkeep-objs := $(sort $(filter %.o,$(filter-out $(subdir-builtin) $(subdir-modorder),"
	"$(real-obj-y) $(real-obj-m) $(lib-y) $(extra-y))))\n"
	"__upkeep: $(upkeep-objs) $(subdir-ym)\n"
	"\t@:\n";

static const struct {
	const char *name, *text;
} files[] = {
	{ "top.mk", top_makefile },
	{ "folder.mk", folder_makefile },
	{ "Makefile", "obj-m := part.o\n" },
	{ "part.c", "" },
};

/* A name without = is taken out of the environment (glibc's putenv). */
const char *const uk_build_env[] = {
	"LC_ALL=C",
	"MAKEFLAGS",
	"MFLAGS",
	"MAKELEVEL",
	"MAKEOVERRIDES",
	"KBUILD_OUTPUT",
	"KBUILD_EXTMOD",
	"KBUILD_VERBOSE",
	"KBUILD_SRC",
	"KCONFIG_CONFIG",
	"KCFLAGS",
	"KAFLAGS",
	"KCPPFLAGS",
	"CROSS_COMPILE",
	"LLVM",
	"CPATH",
	"C_INCLUDE_PATH",
	"COMPILER_PATH",
	"GCC_EXEC_PREFIX",
	"LOCALVERSION",
	"KBUILD_SIGN_PIN",
	"SOURCE_DATE_EPOCH",
	"DEPENDENCIES_OUTPUT",
	"GCC_COLORS",
	"O",
	NULL,
};

struct uk_error *uk_dump_prepare(const char *dir)
{
	uk_auto_free char *folder = NULL;
	struct uk_error *err = uk_asprintf(&folder, "%s/upkeep", dir);
	if (!err)
		err = uk_dir_make(folder, 0700);
	for (size_t i = 0; !err && i < UK_ARRAY_SIZE(files); i++) {
		uk_auto_free char *path = NULL;
		err = uk_asprintf(&path, "%s/%s", folder, files[i].name);
		if (!err)
			err = uk_file_write(path, files[i].text, strlen(files[i].text), 0600);
	}
	return err;
}

struct uk_error *uk_make_run(const char *dir, char *const *make, size_t nr,
			     const char *const *targets, void (*enter)(void *), void *enter_arg,
			     char **out_ret)
{
	UK_VEC(const char *) argv = {};
	bool ok = true;
	for (size_t i = 0; ok && i < nr; i++)
		ok = uk_vec_push(&argv, make[i]);
	for (size_t i = 0; ok && targets[i]; i++)
		ok = uk_vec_push(&argv, targets[i]);
	ok = ok && uk_vec_push(&argv, NULL);
	struct uk_process process = {
		.argv = argv.data,
		.env = uk_build_env,
		.dir = enter ? NULL : dir,
		.in_child = enter,
		.in_child_arg = enter_arg,
	};
	struct uk_error *err = ok ? uk_process_check(&process, out_ret) : uk_error_nomem();
	uk_vec_deinit(&argv);
	return err;
}

struct uk_error *uk_dump_run(const char *dir, char *const *make, size_t nr, void (*enter)(void *),
			     void *enter_arg, char **ret)
{
	uk_auto_free char *build = NULL, *top = NULL;
	struct uk_error *err = uk_asprintf(&build, "build=-f %s/upkeep/folder.mk obj", dir);
	if (!err)
		err = uk_asprintf(&top, "%s/upkeep/top.mk", dir);
	if (err)
		return err;
	/* In parallel, the lines of several processes would run into each other. */
	const char *const targets[] = { "-j1", "-n",	   "--no-print-directory",
					"-f",  "Makefile", "-f",
					top,   build,	   "upkeep-dump",
					NULL };
	err = uk_make_run(dir, make, nr, targets, enter, enter_arg, ret);
	return uk_error_wrap(err, "listing the objects of %s", dir);
}
