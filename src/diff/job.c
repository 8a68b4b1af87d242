// SPDX-License-Identifier: GPL-2.0-or-later
/* What the steps of a comparison say: findings, data, refusals. */
#include "diff/job.h"

#include "base/strbuf.h"

#include <string.h>

static struct uk_error *format(char **ret, const char *fmt, va_list args)
{
	return vasprintf(ret, fmt, args) < 0 ? uk_error_nomem() : NULL;
}

static struct uk_error *finding_fill(struct uk_finding *finding, const struct uk_diff_job *job,
				     const char *kind, const char *name)
{
	struct uk_error *err =
		uk_asprintf(&finding->name, "%s:%s:%s", kind, job->input->path, name);
	return err ? err : uk_asprintf(&finding->place, "%s: %s", job->input->path, name);
}

static bool is_known(const struct uk_diff_job *job, const char *name)
{
	uk_vec_for_each(finding, &job->result->findings)
		if (strcmp(finding->name, name) == 0)
			return true;
	return false;
}

static void finding_clear(struct uk_finding *finding)
{
	free(finding->name);
	free(finding->place);
	free(finding->text);
}

static struct uk_error *add_finding(struct uk_diff_job *job, const char *kind, const char *name,
				    bool accepted, const char *fmt, va_list args)
{
	struct uk_finding finding = { .accepted = accepted };
	struct uk_error *err = format(&finding.text, fmt, args);
	if (!err)
		err = finding_fill(&finding, job, kind, name);
	if (!err && !is_known(job, finding.name)) {
		if (uk_vec_push(&job->result->findings, finding))
			return NULL;
		err = uk_error_nomem();
	}
	finding_clear(&finding);
	return err;
}

struct uk_error *uk_job_find(struct uk_diff_job *job, const char *kind, const char *name,
			     const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	struct uk_error *err = add_finding(job, kind, name, false, fmt, args);
	va_end(args);
	return err;
}

struct uk_error *uk_job_note(struct uk_diff_job *job, const char *kind, const char *name,
			     const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	struct uk_error *err = add_finding(job, kind, name, true, fmt, args);
	va_end(args);
	return err;
}

struct uk_error *uk_job_add_datum(struct uk_diff_job *job, enum uk_datum_change change,
				  const struct uk_entity *entity)
{
	struct uk_update_datum datum = {
		.change = change,
		.object = job->input->number,
		.size = entity->size,
	};
	char buf[256];
	struct uk_error *err = uk_strdup(uk_entity_label(entity, buf, sizeof(buf)), &datum.name);
	if (err)
		return err;
	if (uk_vec_push(&job->result->data, datum))
		return NULL;
	free(datum.name);
	return uk_error_nomem();
}

struct uk_error *uk_job_refuse(const struct uk_diff_job *job, const struct uk_entity *entity,
			       const struct uk_ref *ref, const char *fmt, ...)
{
	char buf[256];
	const char *label = uk_entity_label(entity, buf, sizeof(buf));
	uk_auto_free char *text = NULL;
	va_list args;
	va_start(args, fmt);
	struct uk_error *err = format(&text, fmt, args);
	va_end(args);
	if (err)
		return err;
	if (!ref)
		return uk_error_create(UK_ERR_REFUSED, "%s: %s: %s", job->input->path, label, text);
	return uk_error_create(UK_ERR_REFUSED, "%s: %s+0x%llx: %s", job->input->path, label,
			       (unsigned long long)(ref->offset - entity->offset), text);
}
