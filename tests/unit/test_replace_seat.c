// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* What is noted of a seat: written and read, and refused if it is not as it was written. */
#include "replace/seat.h"
#include "replace/seat_state.h"

#include "base/file.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char dir[64], path[80];

static void make_dir(void)
{
	strcpy(dir, "/tmp/upkeep-seat.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/seat.img", dir);
}

static void remove_dir(void)
{
	uk_error_destroy(uk_tree_remove(dir));
}

static struct uk_seat_state *sample(void)
{
	struct uk_seat_state *state = uk_seat_state_new();
	ck_assert_ptr_nonnull(state);
	state->active = 7;
	state->nr_terminals = 1;
	state->terminals[0] = (struct uk_seat_terminal){ .number = 7,
							 .by_process = true,
							 .owner = 4711,
							 .release_signal = 10,
							 .acquire_signal = 12 };
	state->nr_inputs = 1;
	strcpy(state->inputs[0].name, "AT keyboard");
	state->nr_screens = 1;
	strcpy(state->screens[0].device, "/sys/devices/pci0000:00/0000:00:02.0");
	ck_ok(uk_seat_state_add_alias(state, "serio:ty06pr00id00ex00\n"));
	return state;
}

START_TEST(comes_back)
{
	uk_auto_free struct uk_seat_state *state = sample(), *again = NULL;
	ck_ok(uk_seat_state_write(state, dir));
	ck_ok(uk_seat_state_read(dir, &again));
	ck_assert_mem_eq(state, again, sizeof(*state));
}
END_TEST

START_TEST(a_swap_without_a_seat)
{
	struct uk_seat_state *state;
	ck_ok(uk_seat_state_read(dir, &state));
	ck_assert_ptr_null(state);
}
END_TEST

START_TEST(an_alias_is_noted_once)
{
	uk_auto_free struct uk_seat_state *state = sample();
	ck_ok(uk_seat_state_add_alias(state, "serio:ty06pr00id00ex00"));
	ck_ok(uk_seat_state_add_alias(state, "serio:ty06pr00id00ex0\n"));
	ck_ok(uk_seat_state_add_alias(state, "\n"));
	ck_assert_uint_eq(state->nr_aliases, 2);
	ck_assert_str_eq(state->aliases[1], "serio:ty06pr00id00ex0");
}
END_TEST

/* Each makes one field of a good state a bad one. */
static void wrong_magic(struct uk_seat_state *state)
{
	state->magic++;
}
static void wrong_size(struct uk_seat_state *state)
{
	state->size--;
}
static void many_terminals(struct uk_seat_state *state)
{
	state->nr_terminals = UK_SEAT_TERMINALS + 1;
}
static void many_inputs(struct uk_seat_state *state)
{
	state->nr_inputs = UK_SEAT_INPUTS + 1;
}
static void many_screens(struct uk_seat_state *state)
{
	state->nr_screens = UK_SEAT_SCREENS + 1;
}
static void many_aliases(struct uk_seat_state *state)
{
	state->nr_aliases = UK_SEAT_ALIASES + 1;
}
static void no_terminal(struct uk_seat_state *state)
{
	state->terminals[0].number = 0;
}
static void no_signal(struct uk_seat_state *state)
{
	state->terminals[0].release_signal = 65;
}
static void no_owner(struct uk_seat_state *state)
{
	state->terminals[0].owner = -1;
}
static void shown_nowhere(struct uk_seat_state *state)
{
	state->active = 64;
}
static void endless_name(struct uk_seat_state *state)
{
	memset(state->inputs[0].name, 'x', sizeof(state->inputs[0].name));
}
static void endless_device(struct uk_seat_state *state)
{
	memset(state->screens[0].device, 'x', sizeof(state->screens[0].device));
}
static void endless_alias(struct uk_seat_state *state)
{
	memset(state->aliases[0], 'x', sizeof(state->aliases[0]));
}
static void option(struct uk_seat_state *state)
{
	strcpy(state->aliases[0], "--remove");
}

static void (*const spoilers[])(struct uk_seat_state *) = {
	wrong_magic,  wrong_size,     many_terminals, many_inputs, many_screens,
	many_aliases, no_terminal,    no_signal,      no_owner,	   shown_nowhere,
	endless_name, endless_device, endless_alias,  option,
};

START_TEST(is_refused)
{
	uk_auto_free struct uk_seat_state *state = sample(), *again = NULL;
	spoilers[_i](state);
	ck_ok(uk_seat_state_write(state, dir));
	ck_fails(uk_seat_state_read(dir, &again), UK_ERR_INVALID, "not as this version");
	ck_assert_ptr_null(again);
}
END_TEST

START_TEST(one_that_is_cut_off)
{
	uk_auto_free struct uk_seat_state *state = sample(), *again = NULL;
	for (size_t len = 0; len < 64; len += 7) {
		ck_ok(uk_file_write(path, state, len, 0600));
		ck_fails(uk_seat_state_read(dir, &again), UK_ERR_INVALID, "not as this");
	}
	ck_ok(uk_file_write(path, state, sizeof(*state) - 1, 0600));
	ck_fails(uk_seat_state_read(dir, &again), UK_ERR_INVALID, "not as this version");
}
END_TEST

START_TEST(what_is_of_a_seat)
{
	struct uk_fd fd = { .kind = UK_FD_TERMINAL, .rdev = makedev(4, 7) };
	ck_assert(uk_seat_is_terminal(&fd));
	fd.rdev = makedev(4, 64); /* ttyS0 */
	ck_assert(!uk_seat_is_terminal(&fd));
	fd.rdev = makedev(4, 0); /* tty0: whichever is shown */
	ck_assert(!uk_seat_is_terminal(&fd));
	fd = (struct uk_fd){ .kind = UK_FD_DEVICE, .rdev = makedev(13, 64) };
	ck_assert(uk_seat_is_input(&fd));
	fd.rdev = makedev(13, 63); /* mice */
	ck_assert(!uk_seat_is_input(&fd));
	fd.rdev = makedev(29, 0);
	ck_assert(uk_seat_is_screen(&fd));
}
END_TEST

START_TEST(what_maps_a_screen)
{
	char first[] = "/dev/fb0", other[] = "/dev/fb0x", none[] = "/dev/fbx";
	struct uk_mapping mapping = { .kind = UK_MAPPING_DEVICE, .shared = true, .path = first };
	unsigned int number = 99;
	ck_assert(uk_seat_maps_screen(&mapping, &number));
	ck_assert_uint_eq(number, 0);
	mapping.path = other;
	ck_assert(!uk_seat_maps_screen(&mapping, &number));
	mapping.path = none;
	ck_assert(!uk_seat_maps_screen(&mapping, &number));
	mapping.path = first;
	mapping.shared = false;
	ck_assert(!uk_seat_maps_screen(&mapping, &number));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seat");
	TCase *tcase = tcase_create("state");
	tcase_add_checked_fixture(tcase, make_dir, remove_dir);
	tcase_add_test(tcase, comes_back);
	tcase_add_test(tcase, a_swap_without_a_seat);
	tcase_add_test(tcase, an_alias_is_noted_once);
	tcase_add_loop_test(tcase, is_refused, 0, UK_ARRAY_SIZE(spoilers));
	tcase_add_test(tcase, one_that_is_cut_off);
	tcase_add_test(tcase, what_is_of_a_seat);
	tcase_add_test(tcase, what_maps_a_screen);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
