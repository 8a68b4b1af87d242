// SPDX-License-Identifier: GPL-2.0-or-later
/* Configured trees: from source and configuration to something that compiles. */
#include "kbuild/tree.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "kbuild/config.h"
#include "kbuild/dump.h"
#include "kbuild/own.h"
#include "kbuild/symvers.h"
#include "kbuild/tools.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Raised when trees that an older Upkeep made must be made again. */
#define TREE_FORMAT "1"

/* Bytes: what configuring adds to a source; a distribution's source with its package. */
enum { CONFIGURED_SIZE = 300000000, SOURCE_SIZE = 1800000000 };

void uk_tree_close(struct uk_tree *tree)
{
	if (!tree)
		return;
	uk_cleanup_close(&tree->lock);
	uk_kernel_destroy(tree->kernel);
	uk_units_destroy(tree->units);
	uk_strv_destroy(tree->make, tree->nr_make);
	free(tree->release);
	free(tree->version);
	free(tree->banner);
	free(tree->compiler);
	free(tree->cc);
	free(tree->symvers);
	free(tree->dir);
	free(tree->id);
	free(tree);
}

/* The compiler's name becomes a word of command lines: only what such names have. */
static bool is_program_name(const char *name)
{
	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("_.+-", *c))
			return false;
	}
	return isalnum((unsigned char)*name);
}

/*
 * The same compiler, or objects would differ: CONFIG_CC_VERSION_TEXT is the first line
 * of its --version, which begins with the name it was called by.
 */
static struct uk_error *find_compiler(struct uk_tree *tree, const struct uk_config *config)
{
	uk_auto_free char *text = NULL;
	struct uk_error *err = uk_config_string(config, "CONFIG_CC_VERSION_TEXT", &text);
	if (err)
		return err;
	if (!text)
		return uk_error_create(UK_ERR_INVALID,
				       "the configuration has no CONFIG_CC_VERSION_TEXT: it does "
				       "not say which compiler built the kernel");
	tree->cc = strndup(text, strcspn(text, " "));
	if (!tree->cc)
		return uk_error_nomem();
	if (!is_program_name(tree->cc) || !strstr(tree->cc, "gcc"))
		return uk_error_create(UK_ERR_REFUSED, "the kernel was built by '%s', not by gcc",
				       text);
	err = uk_tools_check_compiler(tree->cc, text);
	if (err)
		return err;
	tree->compiler = uk_take(text);
	return NULL;
}

struct words {
	UK_VEC(char *) all;
	struct uk_error *err;
};

static void uk_printf(2, 3) add_word(struct words *words, const char *fmt, ...)
{
	char *word;
	if (words->err)
		return;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&word, fmt, args) < 0)
		word = NULL;
	va_end(args);
	if (!word || !uk_vec_push(&words->all, word)) {
		free(word);
		words->err = uk_error_nomem();
	}
}

/* Skips "#1 SMP PREEMPT_DYNAMIC ": what is left is what was given as the time. */
static const char *banner_time(const char *banner)
{
	static const char *const flags[] = { "SMP ", "PREEMPT ", "PREEMPT_DYNAMIC ",
					     "PREEMPT_RT " };
	const char *at = strchr(banner, ' ');
	at = at ? at + 1 : banner;
	for (size_t i = 0; i < UK_ARRAY_SIZE(flags); i++) {
		if (uk_str_starts(at, flags[i])) {
			at += strlen(flags[i]);
			i = (size_t)-1;
		}
	}
	return at;
}

/* The names and numbers that are compiled in: those of the real build. */
static void add_build_words(struct words *words, const struct uk_tree *tree)
{
	const struct uk_kernel *kernel = tree->kernel;
	if (tree->release)
		add_word(words, "KERNELRELEASE=%s", tree->release);
	if (!kernel) {
		add_word(words, "KBUILD_BUILD_USER=upkeep");
		add_word(words, "KBUILD_BUILD_HOST=upkeep");
		add_word(words, "KBUILD_BUILD_TIMESTAMP=upkeep");
		return;
	}
	const char *at = strchr(kernel->builder, '@');
	size_t user = at ? (size_t)(at - kernel->builder) : strlen(kernel->builder);
	add_word(words, "DISTRIBUTION_OFFICIAL_BUILD=1");
	add_word(words, "DISTRIBUTOR=Debian");
	add_word(words, "DISTRIBUTION_VERSION=%s", kernel->version);
	add_word(words, "KBUILD_BUILD_USER=%.*s", (int)user, kernel->builder);
	add_word(words, "KBUILD_BUILD_HOST=%s", at ? at + 1 : "");
	add_word(words, "KBUILD_BUILD_VERSION=%.*s", (int)strspn(kernel->banner + 1, "0123456789"),
		 kernel->banner + 1);
	add_word(words, "KBUILD_BUILD_TIMESTAMP=%s", banner_time(kernel->banner));
}

static struct uk_error *make_words(struct uk_tree *tree)
{
	struct words words = {};
	add_word(&words, "make");
	add_word(&words, "ARCH=x86_64");
	add_word(&words, "CC=%s", tree->cc);
	/* The kernels served have no Rust: one that happens to be here changes nothing. */
	add_word(&words, "RUSTC=false");
	add_word(&words, "BINDGEN=false");
	add_build_words(&words, tree);
	uk_strv_destroy(tree->make, tree->nr_make);
	tree->make = NULL;
	if (!words.err && !uk_vec_push(&words.all, NULL))
		words.err = uk_error_nomem();
	if (words.err) {
		uk_strv_destroy(words.all.data, words.all.len);
		return words.err;
	}
	tree->make = words.all.data;
	tree->nr_make = words.all.len - 1;
	return NULL;
}

/*
 * What make runs may live on when this process is killed, and goes on writing into the tree:
 * they inherit the lock on it, so that the next run waits until they are done.
 */
static void enter_with_lock(void *arg)
{
	const struct uk_tree *tree = arg;
	if (chdir(tree->dir) < 0 || fcntl(tree->lock, F_SETFD, 0) < 0)
		_exit(126);
}

static struct uk_error *make(const struct uk_tree *tree, const char *const *targets)
{
	return uk_make_run(tree->dir, tree->make, tree->nr_make, targets, enter_with_lock,
			   (void *)tree, NULL);
}

/*
 * The config as shipped, less the keys that modules were signed with. Debian leaves these
 * lines out of what it ships; the salt is the release (it is in notes only).
 */
static struct uk_error *write_config(const struct uk_tree *tree, const char *config)
{
	uk_auto_free char *text = NULL, *path = NULL;
	uk_auto_strbuf struct uk_strbuf out = {};
	size_t len;
	struct uk_error *err = uk_file_read(config, 4 << 20, &text, &len);
	if (!err)
		err = uk_asprintf(&path, "%s/.config", tree->dir);
	if (err)
		return err;
	uk_strbuf_addstr(&out, text);
	uk_strbuf_addstr(&out, "\nCONFIG_SYSTEM_TRUSTED_KEYS=\"\"\nCONFIG_MODULE_SIG_KEY=\"\"\n"
			       "# CONFIG_MODULE_SIG_ALL is not set\n");
	if (tree->kernel)
		uk_strbuf_addf(&out, "CONFIG_BUILD_SALT=\"%s\"\n", tree->release);
	return out.failed ? uk_error_nomem() : uk_file_write(path, out.data, out.len, 0600);
}

static struct uk_error *check_config(const struct uk_tree *tree, const struct uk_config *wanted)
{
	uk_auto_free char *path = NULL;
	uk_auto_config struct uk_config got = {};
	struct uk_error *err = uk_asprintf(&path, "%s/.config", tree->dir);
	if (!err)
		err = uk_config_load(path, &got);
	return err ? err : uk_config_check(wanted, &got);
}

static struct uk_error *configure(const struct uk_tree *tree, const char *config,
				  const struct uk_config *wanted)
{
	char jobs[16];
	snprintf(jobs, sizeof(jobs), "-j%u", tree->jobs);
	const char *const olddefconfig[] = { "olddefconfig", NULL };
	const char *const prepare[] = { jobs, "prepare", "modules_prepare", NULL };
	uk_progress(tree->sink, "configuring", 0, 2);
	struct uk_error *err = uk_dump_prepare(tree->dir);
	if (!err)
		err = write_config(tree, config);
	if (!err)
		err = make(tree, olddefconfig);
	if (!err)
		err = check_config(tree, wanted);
	if (err)
		return err;
	uk_progress(tree->sink, "configuring", 1, 2);
	err = make(tree, prepare);
	if (!err)
		uk_progress(tree->sink, "configuring", 2, 2);
	return err;
}

/* Hard links: the files of a source folder in the cache are never written to. */
static struct uk_error *link_source(const char *source, const char *dir)
{
	return uk_process_call(NULL, "cp", "-al", "--", source, dir, NULL);
}

/* Found out before an hour's work ends in the middle. */
static struct uk_error *check_space(const struct uk_tree *tree)
{
	unsigned long long needed = CONFIGURED_SIZE + tree->own_size;
	if (tree->kernel && !uk_kernel_has_source(tree->cache, tree->kernel))
		needed += SOURCE_SIZE;
	return uk_tools_check_space(tree->cache->root, needed);
}

static struct uk_error *make_tree(struct uk_tree *tree, const struct uk_tree_options *options,
				  const char *config, const struct uk_config *wanted)
{
	uk_auto_free char *source = NULL, *parent = NULL, *units = NULL;
	struct uk_error *err = check_space(tree);
	if (!err)
		err = uk_strdup(tree->dir, &parent);
	if (!err)
		err = uk_stamp_reset(tree->dir);
	if (err)
		return err;
	*strrchr(parent, '/') = '\0';
	err = uk_dir_make(parent, 0700);
	if (!err)
		err = uk_asprintf(&units, "%s/units", parent);
	if (!err)
		err = uk_stamp_reset(units);
	if (!err && tree->kernel) {
		err = uk_kernel_source(tree->cache, tree->kernel, tree->sink, &source);
		if (!err)
			err = link_source(source, tree->dir);
	} else if (!err) {
		err = uk_own_copy(tree, options->source);
	}
	if (!err)
		err = configure(tree, config, wanted);
	return err ? err : uk_stamp_write(tree->dir);
}

/* Whether the file that a unit is compiled from has still to be generated. */
static bool lacks_source(const struct uk_tree *tree, const struct uk_unit *unit)
{
	uk_auto_free char *path = NULL;
	return asprintf(&path, "%s/%s", tree->dir, unit->source) >= 0 && !uk_file_exists(path);
}

/*
 * Some 30 sources are generated when their objects are built: here, once and for all. So
 * is what stands for a header that patches often change (see regenerate.c).
 */
static struct uk_error *make_sources(const struct uk_tree *tree)
{
	UK_VEC(const char *) targets = {};
	char jobs[16];
	snprintf(jobs, sizeof(jobs), "-j%u", tree->jobs);
	bool ok = uk_vec_push(&targets, jobs);
	uk_vec_for_each(unit, &tree->units->all) {
		bool wanted = lacks_source(tree, unit) ||
			      !strcmp(unit->object, "arch/x86/kvm/svm/vmenter.o") ||
			      !strcmp(unit->object, "security/selinux/avc.o");
		if (ok && unit->place != UK_UNIT_APART && wanted)
			ok = uk_vec_push(&targets, unit->object);
	}
	/* for the CRC of module_layout: see uk_own_find_crc() */
	if (ok && !tree->kernel && uk_units_find(tree->units, UK_CRC_OBJECT))
		ok = uk_vec_push(&targets, UK_CRC_OBJECT);
	ok = ok && uk_vec_push(&targets, NULL);
	struct uk_error *err = ok ? NULL : uk_error_nomem();
	uk_progress(tree->sink, "generating sources", 0, 1);
	if (!err && targets.len > 2)
		err = make(tree, targets.data);
	if (!err)
		uk_progress(tree->sink, "generating sources", 1, 1);
	uk_vec_deinit(&targets);
	return err;
}

static struct uk_error *ask_units(struct uk_tree *tree, const char *path)
{
	uk_auto_free char *text = NULL;
	uk_progress(tree->sink, "asking kbuild for its objects", 0, 1);
	struct uk_error *err = uk_dump_run(tree->dir, tree->make, tree->nr_make, NULL, NULL, &text);
	if (!err)
		err = uk_units_parse(text, strlen(text), path, &tree->units);
	if (err)
		return err;
	uk_progress(tree->sink, "asking kbuild for its objects", 1, 1);
	err = make_sources(tree);
	if (!err)
		err = uk_file_write(path, text, strlen(text), 0600);
	return err ? err : uk_stamp_write(path);
}

static struct uk_error *list_units(struct uk_tree *tree)
{
	uk_auto_free char *path = NULL, *text = NULL;
	size_t len;
	struct uk_error *err = uk_asprintf(&path, "%.*s/units",
					   (int)(strrchr(tree->dir, '/') - tree->dir), tree->dir);
	if (err)
		return err;
	if (!uk_stamp_exists(path))
		return ask_units(tree, path);
	err = uk_file_read(path, 256 << 20, &text, &len);
	return err ? err : uk_units_parse(text, len, path, &tree->units);
}

static struct uk_error *find_id(struct uk_tree *tree, const char *config)
{
	uk_auto_free char *text = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(config, 4 << 20, &text, &len);
	if (err)
		return err;
	tree->id = malloc(UK_HASH_HEX_LEN + 1);
	if (!tree->id)
		return uk_error_nomem();
	struct uk_hash hash;
	uk_hash_init(&hash);
	uk_hash_addstr(&hash, "tree " TREE_FORMAT);
	uk_hash_addstr(&hash, tree->dir);
	uk_hash_addstr(&hash, tree->version ? tree->version : "");
	uk_hash_addstr(&hash, tree->compiler);
	for (size_t i = 0; i < tree->nr_make; i++)
		uk_hash_addstr(&hash, tree->make[i]);
	uk_hash_add(&hash, text, len);
	uk_hash_hex(&hash, tree->id);
	return NULL;
}

/* What a distribution's kernel says about itself. */
static struct uk_error *take_kernel(struct uk_tree *tree, const struct uk_tree_options *options)
{
	struct uk_error *err =
		uk_kernel_fetch(tree->cache, options->release, tree->sink, &tree->kernel);
	if (!err)
		err = uk_strdup(tree->kernel->release, &tree->release);
	if (!err)
		err = uk_strdup(tree->kernel->version, &tree->version);
	if (!err)
		err = uk_strdup(tree->kernel->banner, &tree->banner);
	if (!err)
		err = uk_strdup(tree->kernel->symvers, &tree->symvers);
	if (!err)
		err = uk_cache_path(tree->cache, &tree->dir, "trees/%s/linux", tree->release);
	return err;
}

static struct uk_error *open_tree(struct uk_tree *tree, const struct uk_tree_options *options)
{
	uk_auto_free char *own_config = NULL;
	uk_auto_config struct uk_config wanted = {};
	struct uk_error *err = uk_tools_check(!options->release);
	if (!err)
		err = options->release ? take_kernel(tree, options)
				       : uk_own_identify(tree, options, &own_config);
	if (err)
		return err;
	const char *config = tree->kernel ? tree->kernel->config : own_config;
	err = uk_config_load(config, &wanted);
	if (!err)
		err = find_compiler(tree, &wanted);
	if (!err)
		err = make_words(tree);
	if (!err)
		err = uk_cache_lock(tree->cache, tree->dir + strlen(tree->cache->root) + 1,
				    tree->sink, &tree->lock);
	if (!err && !uk_stamp_exists(tree->dir))
		err = make_tree(tree, options, config, &wanted);
	if (!err && !tree->kernel)
		err = uk_own_describe(tree, options);
	if (!err)
		err = make_words(tree);
	if (!err)
		err = list_units(tree);
	if (!err && !tree->symvers)
		err = uk_own_find_crc(tree);
	if (!err)
		err = find_id(tree, config);
	uk_cleanup_close(&tree->lock);
	tree->lock = -1;
	tree->modversions = uk_config_get(&wanted, "CONFIG_MODVERSIONS") != NULL;
	tree->ibt = uk_config_get(&wanted, "CONFIG_X86_KERNEL_IBT") != NULL;
	return err;
}

struct uk_error *uk_tree_open(const struct uk_cache *cache, const struct uk_tree_options *options,
			      struct uk_tree **ret)
{
	if (!options->release == !options->source)
		return uk_error_create(UK_ERR_USAGE, "name either a kernel or a source folder");
	uk_auto_tree struct uk_tree *tree = calloc(1, sizeof(*tree));
	if (!tree)
		return uk_error_nomem();
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	tree->lock = -1;
	tree->cache = cache;
	tree->sink = options->sink;
	tree->jobs = options->jobs ? options->jobs : cpus > 0 ? (unsigned int)cpus : 1;
	struct uk_error *err = open_tree(tree, options);
	if (err)
		return uk_error_wrap(err, "tree of %s",
				     options->release ? options->release : options->source);
	*ret = uk_take(tree);
	return NULL;
}
