// SPDX-License-Identifier: GPL-2.0-or-later
/* Golden objects: compiled from source inside the test. */
#include "golden.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "elf/object.h"
#include "tap.h"

#include <string.h>

static const char *const kernel_flags[] = {
	"-O2",
	"-std=gnu11",
	"-w",
	"-fno-pic",
	"-fno-pie",
	"-mcmodel=kernel",
	"-mno-red-zone",
	"-fno-asynchronous-unwind-tables",
	"-fno-stack-protector",
	"-fcf-protection=none",
	"-fno-strict-aliasing",
	"-fno-common",
	"-c",
	"-x",
	"c",
};

char *golden_compile_bytes(const char *source, const char *const *flags, size_t *len_ret)
{
	char path[] = "/tmp/upkeep-golden-XXXXXX";
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);

	UK_VEC(const char *) argv = {};
	ck_assert(uk_vec_push(&argv, "gcc-12"));
	for (size_t i = 0; i < UK_ARRAY_SIZE(kernel_flags); i++)
		ck_assert(uk_vec_push(&argv, kernel_flags[i]));
	for (; flags && *flags; flags++)
		ck_assert(uk_vec_push(&argv, *flags));
	ck_assert(uk_vec_push(&argv, "-o"));
	ck_assert(uk_vec_push(&argv, path));
	ck_assert(uk_vec_push(&argv, "-"));
	ck_assert(uk_vec_push(&argv, NULL));
	struct uk_process process = {
		.argv = argv.data,
		.input = source,
		.input_len = strlen(source),
	};
	ck_ok(uk_process_check(&process, NULL));
	uk_vec_deinit(&argv);

	char *data;
	ck_ok(uk_file_read(path, 1 << 26, &data, len_ret));
	unlink(path);
	return data;
}

struct uk_object *golden_compile(const char *source, const char *const *flags)
{
	size_t len;
	uk_auto_free char *data = golden_compile_bytes(source, flags, &len);
	struct uk_object *object;
	ck_ok(uk_object_parse(data, len, "golden.o", &object));
	return object;
}
