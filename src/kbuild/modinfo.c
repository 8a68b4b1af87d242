// SPDX-License-Identifier: GPL-2.0-or-later
/* struct module, .modinfo and __versions, compiled once for all modules of a tree. */
#include "kbuild/modinfo.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "kbuild/module_command.h"
#include "kbuild/symvers.h"

#include <string.h>

/* A name from this length on is not met by chance; shorter ones are compiled with each time. */
enum { STAND_IN_MIN = 16, OBJECT_MAX = 16 << 20 };

/*
 * The kernel compares the CRC of module_layout in any case, those of other symbols when it
 * looks them up: nothing is looked up for our modules, whose symbols all have addresses when
 * they are loaded.
 */
static struct uk_error *add_versions(const struct uk_tree *tree, struct uk_strbuf *out)
{
	uk_cleanup(uk_map_deinit) struct uk_map versions = {};
	struct uk_error *err = tree->symvers ? uk_symvers_load(tree->symvers, &versions) : NULL;
	if (err)
		return err;
	const struct uk_map_entry *layout = uk_map_find_str(&versions, "module_layout");
	if (!layout)
		return uk_error_create(
			UK_ERR_REFUSED,
			"the CRC of module_layout is not known, without which %s "
			"loads no module: build the tree (Module.symvers) or install "
			"its modules",
			tree->release);
	uk_strbuf_addf(out,
		       "static const struct modversion_info versions[]\n"
		       "__used __section(\"__versions\") = {\n"
		       "\t{ 0x%08lx, \"module_layout\" },\n"
		       "};\n",
		       (long)layout->num);
	return NULL;
}

static struct uk_error *make_source(const struct uk_tree *tree, const struct uk_modinfo *info,
				    char **ret)
{
	uk_auto_strbuf struct uk_strbuf out = {};
	uk_strbuf_addstr(&out,
			 "#include <linux/module.h>\n"
			 "#define INCLUDE_VERMAGIC\n"
			 "#include <linux/vermagic.h>\n"
			 "#include <linux/compiler.h>\n"
			 "#if defined(CONFIG_UNWINDER_ORC) && __has_include(<asm/orc_header.h>)\n"
			 "#include <asm/orc_header.h>\n"
			 "ORC_HEADER;\n"
			 "#endif\n"
			 "MODULE_INFO(vermagic, VERMAGIC_STRING);\n"
			 "MODULE_INFO(name, KBUILD_MODNAME);\n"
			 "MODULE_INFO(depends, \"\");\n"
			 "#if defined(CONFIG_RETPOLINE) || defined(CONFIG_MITIGATION_RETPOLINE)\n"
			 "MODULE_INFO(retpoline, \"Y\");\n"
			 "#endif\n"
			 "__visible struct module __this_module\n"
			 "__section(\".gnu.linkonce.this_module\") = {\n"
			 "\t.name = KBUILD_MODNAME,\n"
			 "\t.arch = MODULE_ARCH_INIT,\n");
	uk_strbuf_addstr(&out, info->has_init ? "\t.init = init_module,\n" : "");
	uk_strbuf_addstr(&out, info->has_exit ? "\t.exit = cleanup_module,\n" : "");
	uk_strbuf_addstr(&out, "};\n");
	uk_strbuf_addstr(&out, info->has_license ? "" : "MODULE_LICENSE(\"GPL\");\n");
	struct uk_error *err = tree->modversions ? add_versions(tree, &out) : NULL;
	return err ? err : uk_strbuf_finish(&out, ret);
}

static struct uk_error *compile(const struct uk_tree *tree, const char *name, const char *text,
				const char *dir, const char *out)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/mod.c", dir);
	if (!err)
		err = uk_file_write(path, text, strlen(text), 0600);
	const struct uk_module_source source = {
		.module = name,
		.base = name,
		.source = path,
		.out = out,
		.map_from = dir,
		.map_to = ".",
	};
	return err ? err : uk_module_compile(tree, &source);
}

/* Where the object for this text, with the stand-in, lies in the cache. */
static struct uk_error *cached_path(const struct uk_tree *tree, const char *stand_in,
				    const char *text, char **ret)
{
	struct uk_hash hash;
	char hex[UK_HASH_HEX_LEN + 1];
	uk_auto_free char *folder = NULL;
	uk_hash_init(&hash);
	uk_hash_addstr(&hash, "modinfo 1");
	uk_hash_addstr(&hash, tree->id);
	uk_hash_addstr(&hash, stand_in);
	uk_hash_addstr(&hash, text);
	uk_hash_hex(&hash, hex);
	struct uk_error *err = uk_cache_path(tree->cache, &folder, "modinfo");
	if (!err)
		err = uk_dir_make(folder, 0700);
	return err ? err : uk_asprintf(ret, "%s/%s.o", folder, hex);
}

/* The stand-in is as long as the name: nothing in the object moves. */
static struct uk_error *put_name(const char *cached, const char *stand_in, const char *name,
				 const char *out)
{
	uk_auto_free char *data = NULL;
	size_t len, count = 0;
	struct uk_error *err = uk_file_read(cached, OBJECT_MAX, &data, &len);
	if (err)
		return err;
	char *at = data;
	while ((at = memmem(at, len - (size_t)(at - data), stand_in, strlen(stand_in)))) {
		memcpy(at, name, strlen(name));
		at += strlen(name);
		count++;
	}
	/* In .modinfo and in struct module. */
	if (count < 2)
		return uk_error_create(UK_ERR_INVALID, "%s: is damaged; remove it", cached);
	return uk_file_write(out, data, len, 0600);
}

struct uk_error *uk_modinfo_make(const struct uk_tree *tree, const struct uk_modinfo *info,
				 const char *dir, const char *out)
{
	uk_auto_free char *text = NULL, *stand_in = NULL, *cached = NULL;
	struct uk_error *err = make_source(tree, info, &text);
	if (!err)
		err = uk_strdup(info->name, &stand_in);
	if (err)
		return err;
	if (strlen(info->name) < STAND_IN_MIN)
		return compile(tree, info->name, text, dir, out);
	memset(stand_in, 'q', strlen(stand_in));
	err = cached_path(tree, stand_in, text, &cached);
	if (!err && !uk_file_exists(cached)) {
		err = compile(tree, stand_in, text, dir, out);
		if (!err)
			err = uk_file_copy(out, cached, 0600);
	}
	return err ? err : put_name(cached, stand_in, info->name, out);
}
