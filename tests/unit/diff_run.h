/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two sources compiled and compared: what the tests of src/diff share. */
#ifndef UPKEEP_TEST_DIFF_RUN_H
#define UPKEEP_TEST_DIFF_RUN_H

#include "base/strbuf.h"
#include "diff/diff.h"
#include "golden.h"
#include "tap.h"

#include <string.h>

struct diff_run {
	struct uk_object *plain, *orig, *patched;
	struct uk_diff_result *result;
};

static inline struct uk_error *diff_run(struct diff_run *run, const char *orig, const char *patched,
					const char *flag)
{
	const char *const split[] = { "-ffunction-sections", "-fdata-sections", flag, NULL };
	const char *const whole[] = { flag, NULL };
	run->plain = golden_compile(orig, whole);
	run->orig = golden_compile(orig, split);
	run->patched = golden_compile(patched, split);
	struct uk_diff_input input = {
		.number = 7,
		.path = "t.o",
		.target = "vmlinux",
		.orig = run->orig,
		.patched = run->patched,
		.plain = run->plain,
	};
	return uk_diff_object(&input, &run->result);
}

static inline void diff_run_deinit(struct diff_run *run)
{
	uk_object_destroy(run->plain);
	uk_object_destroy(run->orig);
	uk_object_destroy(run->patched);
	uk_diff_result_destroy(run->result);
}

/* One line for each thing: "changed f", "new data x", "write t+4:1", "find kind:t.o:x". */
static inline char *diff_run_text(const struct diff_run *run)
{
	static const char *const changes[] = { "changed", "new", "removed" };
	static const char *const data[] = { "new", "carried", "written", "ignored" };
	struct uk_strbuf buf = {};
	uk_vec_for_each(function, &run->result->functions)
		uk_strbuf_addf(&buf, "%s%s %s\n", changes[function->change],
			       function->change == UK_CHANGE_CHANGED && !function->redirect
				       ? " piece"
				       : "",
			       function->name);
	uk_vec_for_each(datum, &run->result->data)
		uk_strbuf_addf(&buf, "%s data %s\n", data[datum->change], datum->name);
	uk_vec_for_each(write, &run->result->writes)
		uk_strbuf_addf(&buf, "write %s+%d:%d\n", write->symbol, (int)write->offset,
			       (int)write->len);
	uk_vec_for_each(pointer, &run->result->pointers)
		uk_strbuf_addf(&buf, "pointer %s+%d\n", pointer->symbol, (int)pointer->offset);
	uk_vec_for_each(finding, &run->result->findings)
		uk_strbuf_addf(&buf, "%s %s\n", finding->accepted ? "told" : "find", finding->name);
	char *text;
	uk_strbuf_addstr(&buf, "");
	ck_ok(uk_strbuf_finish(&buf, &text));
	return text;
}

#endif
