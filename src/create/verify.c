// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The finished update against the kernel's own image: what would be refused on every
 * machine is refused here already.
 */
#include "create/work.h"

#include "base/file.h"
#include "base/strbuf.h"
#include "match/subject.h"

/*
 * An update that stands on others matches what those made of the kernel, which no image
 * shows; a tree of one's own has no image here.
 */
struct uk_error *uk_work_verify(struct uk_work *work)
{
	if (!work->tree->kernel || work->after.len)
		return NULL;
	struct uk_trust_policy policy = { .allow_untrusted = true };
	uk_auto_bundle struct uk_bundle *bundle = NULL;
	uk_auto_match struct uk_match *match = NULL;
	struct uk_error *err = uk_bundle_open(work->packed, &policy, &bundle);
	if (!err)
		err = uk_subject_match_image(bundle, work->tree->kernel->image, NULL, &match);
	return uk_error_wrap(err, "the update does not match %s", work->tree->kernel->image);
}

struct uk_error *uk_work_deliver(struct uk_work *work)
{
	uk_auto_free char *output = NULL;
	struct uk_error *err = work->options->output
				       ? uk_strdup(work->options->output, &output)
				       : uk_asprintf(&output, "%s.upk", work->update->id);
	if (!err)
		err = uk_file_copy(work->packed, output, 0644);
	if (!err)
		work->report->output = uk_take(output);
	return err;
}
