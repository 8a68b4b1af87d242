// SPDX-License-Identifier: GPL-2.0-or-later
/* The core module. */
#include "live/core.h"

#include "live/modfile.h"
#include "live/module.h"

struct uk_error *uk_core_is_loaded(const struct uk_live_paths *paths, bool *ret)
{
	enum uk_module_state state;
	struct uk_error *err = uk_module_state(paths, UK_CORE_MODULE, &state);
	if (err)
		return err;
	if (state == UK_MODULE_COMING || state == UK_MODULE_GOING)
		return uk_error_create(UK_ERR_BUSY, "upkeep.ko is being loaded or unloaded; try "
						    "again");
	*ret = state == UK_MODULE_LIVE;
	return NULL;
}

static bool resolve(void *ctx, const char *name, uint64_t *ret)
{
	uint64_t address = uk_kallsyms_unique(ctx, name);
	if (!address)
		return false;
	*ret = address;
	return true;
}

struct uk_error *uk_core_load(const struct uk_bundle *bundle, const struct uk_kallsyms *kallsyms,
			      const struct uk_signer *signer)
{
	uk_auto_modfile struct uk_modfile *file = NULL;
	const struct uk_member *member = uk_bundle_member(bundle, uk_bundle_update(bundle)->core);
	struct uk_error *err = uk_modfile_parse(member->data, member->len, member->name, &file);
	if (!err)
		err = uk_modfile_resolve(file, resolve, (void *)kallsyms);
	if (!err)
		err = uk_module_load(file, UK_CORE_MODULE, signer);
	return err;
}
