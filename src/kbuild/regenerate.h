/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the build makes out of sources before it compiles: made again where a patch asks. */
#ifndef UPKEEP_KBUILD_REGENERATE_H
#define UPKEEP_KBUILD_REGENERATE_H

#include "kbuild/view.h"

/*
 * When @patch touches headers, makefiles or Kconfig, lets kbuild prepare the patched tree
 * anew (in an overlay of its own) and takes the generated headers that come out
 * differently into the view; and its units, when makefiles or the configuration changed.
 */
struct uk_error *uk_view_regenerate(struct uk_view *view,
				    const struct uk_patch *patch) uk_must_check;

/* Whether a change of this file can change which objects there are, or their commands. */
bool uk_path_is_makefile(const char *path);

#endif
