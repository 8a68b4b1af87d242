// SPDX-License-Identifier: GPL-2.0-or-later
/* Progress and remarks, handed upwards. */
#include "base/progress.h"

void uk_progress(const struct uk_sink *sink, const char *step, uint64_t done, uint64_t total)
{
	if (sink && sink->progress)
		sink->progress(sink->ctx, step, done, total);
}

void uk_remark(const struct uk_sink *sink, enum uk_level level, const char *fmt, ...)
{
	if (!sink || !sink->remark)
		return;
	va_list args;
	va_start(args, fmt);
	char *text;
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	sink->remark(sink->ctx, level, text);
	free(text);
}

void uk_remark_error(const struct uk_sink *sink, struct uk_error *err)
{
	if (err)
		uk_remark(sink, UK_LEVEL_WARNING, "%s", uk_error_message(err));
	uk_error_destroy(err);
}
