// SPDX-License-Identifier: GPL-2.0-or-later
/* The file seat.img. */
#include "replace/seat_state.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <linux/vt.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 0x756b7365u /* "ukse" */

struct uk_seat_state *uk_seat_state_new(void)
{
	struct uk_seat_state *state = calloc(1, sizeof(*state));
	if (state) {
		state->magic = MAGIC;
		state->size = sizeof(*state);
	}
	return state;
}

struct uk_error *uk_seat_state_add_alias(struct uk_seat_state *state, const char *line)
{
	size_t len = strcspn(line, "\n");
	for (unsigned int i = 0; i < state->nr_aliases; i++) {
		if (strlen(state->aliases[i]) == len && !strncmp(state->aliases[i], line, len))
			return NULL;
	}
	if (len >= UK_SEAT_ALIAS || state->nr_aliases == UK_SEAT_ALIASES)
		return uk_error_create(UK_ERR_REFUSED,
				       "the devices of this seat hang on more than is foreseen");
	if (len)
		memcpy(state->aliases[state->nr_aliases++], line, len);
	return NULL;
}

struct uk_error *uk_seat_state_write(const struct uk_seat_state *state, const char *dir)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/seat.img", dir);
	return err ? err : uk_file_write(path, state, sizeof(*state), 0600);
}

static bool valid_terminal(const struct uk_seat_terminal *terminal)
{
	return terminal->number && terminal->number <= MAX_NR_CONSOLES && terminal->owner >= 0 &&
	       terminal->release_signal >= 0 && terminal->release_signal <= 64 &&
	       terminal->acquire_signal >= 0 && terminal->acquire_signal <= 64;
}

static bool valid(const struct uk_seat_state *state, size_t len)
{
	if (len != sizeof(*state) || state->magic != MAGIC || state->size != sizeof(*state) ||
	    state->nr_terminals > UK_SEAT_TERMINALS || state->nr_inputs > UK_SEAT_INPUTS ||
	    state->nr_screens > UK_SEAT_SCREENS || state->nr_aliases > UK_SEAT_ALIASES ||
	    state->active > MAX_NR_CONSOLES)
		return false;
	bool good = true;
	for (unsigned int i = 0; i < state->nr_terminals; i++)
		good = good && valid_terminal(&state->terminals[i]);
	for (unsigned int i = 0; i < state->nr_inputs; i++)
		good = good && uk_seat_input_valid(&state->inputs[i]);
	for (unsigned int i = 0; i < state->nr_screens; i++)
		good = good && uk_seat_screen_valid(&state->screens[i]);
	/* None may be taken for an option of modprobe. */
	for (unsigned int i = 0; i < state->nr_aliases; i++)
		good = good && memchr(state->aliases[i], '\0', UK_SEAT_ALIAS) &&
		       state->aliases[i][0] != '-';
	return good;
}

struct uk_error *uk_seat_state_read(const char *dir, struct uk_seat_state **ret)
{
	uk_auto_free char *path = NULL, *data = NULL;
	size_t len = 0;
	struct uk_error *err = uk_asprintf(&path, "%s/seat.img", dir);
	*ret = NULL;
	if (err || !uk_file_exists(path))
		return err;
	err = uk_file_read(path, sizeof(**ret) + 1, &data, &len);
	if (err)
		return err;
	if (!valid((const struct uk_seat_state *)data, len))
		return uk_error_create(UK_ERR_INVALID, "%s is not as this version writes it", path);
	*ret = (struct uk_seat_state *)data;
	data = NULL;
	return NULL;
}
