// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: match bundle elf base */
/*
 * Proof that a match can fail: flips bits in a copy of a kernel image, at random places inside
 * what was matched but outside rewritten sites. Each flip must be refused, and the message must
 * name the function, the offset, what was expected and what was found. Reports TAP.
 *
 *	flip [-n FLIPS] [-s SEED] IMAGE OBJECT.o|UPDATE.upk...
 *
 * Objects are plain ones of vmlinux, as the kernel's build compiles them, without objtool.
 */
#include "base/strbuf.h"
#include "bundle/bundle.h"
#include "match/match.h"
#include "match/rewrites.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLIPS = 3000, SHOWN = 20, HARMLESS_ONE_IN = 500 };

struct subject {
	struct uk_object *object;
	struct uk_sites *sites;
	struct uk_match *match;
};

struct test {
	struct uk_memory *memory;
	struct uk_kallsyms *kallsyms;
	uk_version version;
	UK_VEC(struct subject) subjects;
	uint64_t random;
	unsigned int refused, missed, vague, harmless;
};

static void die(struct uk_error *err)
{
	printf("Bail out! %s\n", uk_error_message(err));
	exit(1);
}

#define must(expr)                                                                                 \
	do {                                                                                       \
		struct uk_error *must_err = (expr);                                                \
		if (must_err)                                                                      \
			die(must_err);                                                             \
	} while (0)

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators". */
static uint64_t next_random(struct test *test)
{
	test->random ^= test->random >> 12;
	test->random ^= test->random << 25;
	test->random ^= test->random >> 27;
	return test->random * 0x2545f4914f6cdd1d;
}

static struct uk_error *match_object(const struct test *test, struct uk_object *object,
				     struct uk_match **ret)
{
	struct uk_update_part part = { .target = "vmlinux" };
	struct uk_update_object touched = { .path = object->name };
	struct uk_update update = {
		.release = test->memory->identity.release,
		.parts = { &part, 1, 1 },
		.objects = { &touched, 1, 1 },
	};
	struct uk_object *const plain[] = { object };
	struct uk_match_request request = { .memory = test->memory,
					    .kallsyms = test->kallsyms,
					    .update = &update,
					    .plain = plain };
	return uk_match_run(&request, ret);
}

static void destroy_subject(struct subject *subject)
{
	uk_match_destroy(subject->match);
	uk_sites_destroy(subject->sites);
	uk_object_destroy(subject->object);
}

static void add_subject(struct test *test, struct uk_object *object)
{
	struct subject subject = { .object = object };
	must(uk_sites_collect(object, test->version, &subject.sites));
	struct uk_error *err = match_object(test, object, &subject.match);
	must(uk_error_wrap(err, "before any flip"));
	if (!uk_vec_push(&test->subjects, subject))
		must(uk_error_nomem());
	/* There may be nothing but code that is gone after boot. */
	if (!subject.match->compared)
		destroy_subject(&test->subjects.data[--test->subjects.len]);
}

static void destroy_test(struct test *test)
{
	uk_vec_for_each(subject, &test->subjects)
		destroy_subject(subject);
	uk_vec_deinit(&test->subjects);
	uk_memory_destroy(test->memory);
	uk_kallsyms_destroy(test->kallsyms);
}

static void add_bundle(struct test *test, const char *path)
{
	struct uk_trust_policy policy = { .allow_untrusted = true };
	struct uk_bundle *bundle;
	must(uk_bundle_open(path, &policy, &bundle));
	const struct uk_update *update = uk_bundle_update(bundle);
	uk_vec_for_each(touched, &update->objects) {
		if (strcmp(update->parts.data[touched->part].target, "vmlinux") != 0)
			continue;
		const struct uk_member *member = uk_bundle_member(bundle, touched->plain);
		struct uk_object *object;
		must(uk_object_parse(member->data, member->len, touched->path, &object));
		add_subject(test, object);
	}
	uk_bundle_destroy(bundle);
}

/* Compared sections of a subject, weighed by size. */
static const struct uk_match_section *pick_section(struct test *test, const struct subject *subject)
{
	uint64_t at = next_random(test) % subject->match->compared;
	uk_vec_for_each(section, &subject->match->sections) {
		if (!section->compared)
			continue;
		if (at < section->size)
			return section;
		at -= section->size;
	}
	abort();
}

struct flip {
	const struct uk_symbol *symbol; /* the function or datum around it */
	uint64_t address, offset;	/* offset from the symbol */
	uint8_t bit;
};

/* False for a place that may differ, or that belongs to nothing that has a name. */
static bool pick(struct test *test, const struct subject *subject, struct flip *ret)
{
	const struct uk_match_section *place = pick_section(test, subject);
	const struct uk_section *section = uk_object_section(subject->object, place->name);
	uint64_t offset = next_random(test) % place->size;
	const struct uk_symbol *symbol = uk_object_symbol_at(subject->object, section, offset);
	if (!symbol || uk_sites_overlap(subject->sites, section, offset, 1))
		return false;
	*ret = (struct flip){ .symbol = symbol,
			      .address = place->address + offset,
			      .offset = offset - symbol->value,
			      .bit = (uint8_t)(1u << next_random(test) % 8) };
	return true;
}

/* The place that is named must be the flipped byte or the field that it lies in. */
static bool names_place(const char *message, const struct flip *flip)
{
	uk_auto_free char *name = NULL;
	must(uk_asprintf(&name, " %s+0x", flip->symbol->name));
	for (const char *at = message; (at = strstr(at, name)); at++) {
		uint64_t offset = strtoull(at + strlen(name), NULL, 16);
		if (flip->offset >= offset && flip->offset - offset < 8)
			return strstr(message, "expected") && strstr(message, "found");
	}
	return false;
}

static void complain(struct test *test, const char *what, const struct subject *subject,
		     const struct flip *flip, const char *message)
{
	if (test->missed + test->vague <= SHOWN)
		printf("# %s: %s: %s+0x%" PRIx64 " bit %02x at 0x%" PRIx64 "%s%s\n", what,
		       subject->object->name, flip->symbol->name, flip->offset, flip->bit,
		       flip->address, message ? ": " : "", message ? message : "");
}

/*
 * A reference to a merged string or constant may be flipped so that it finds the same bytes
 * elsewhere in read-only data: such code does what it did. So does code that refers to a section
 * without a byte in it (a lock's class key where lockdep is not configured), if another such
 * key of the same name stands at the other address. It happens to one in thousands.
 */
static bool is_harmless(const struct subject *subject, const struct flip *flip)
{
	uint64_t at = flip->symbol->value + flip->offset;
	const struct uk_reloc *reloc = uk_section_reloc_at(flip->symbol->section, at);
	if (!reloc || reloc->symbol->place != UK_SYMBOL_DEFINED)
		return false;
	const struct uk_section *section = reloc->symbol->section;
	return (section->flags & SHF_MERGE) || !section->size;
}

static void try_flip(struct test *test, const struct subject *subject, const struct flip *flip)
{
	uint8_t *byte = uk_memory_bytes(test->memory, flip->address, 1);
	struct uk_match *match = NULL;
	*byte ^= flip->bit;
	uk_auto_error struct uk_error *err = match_object(test, subject->object, &match);
	*byte ^= flip->bit;
	uk_match_destroy(match);
	if (!err && is_harmless(subject, flip)) {
		test->harmless++;
		complain(test, "the same content elsewhere", subject, flip, NULL);
	} else if (!err) {
		test->missed++;
		complain(test, "not refused", subject, flip, NULL);
	} else if (uk_error_kind(err) != UK_ERR_REFUSED ||
		   !names_place(uk_error_message(err), flip)) {
		test->vague++;
		complain(test, "badly explained", subject, flip, uk_error_message(err));
	} else {
		if (test->refused++ % 500 == 0)
			printf("# for instance: %s\n", uk_error_message(err));
	}
}

static int run(struct test *test, unsigned int flips)
{
	for (unsigned int done = 0; done < flips;) {
		size_t number = next_random(test) % test->subjects.len;
		struct flip flip;
		if (!pick(test, &test->subjects.data[number], &flip))
			continue;
		try_flip(test, &test->subjects.data[number], &flip);
		done++;
	}
	printf("# %u flips in %zu objects: %u refused, %u missed, %u badly explained, %u "
	       "harmless\n",
	       flips, test->subjects.len, test->refused, test->missed, test->vague, test->harmless);
	bool missed = test->missed || test->harmless > flips / HARMLESS_ONE_IN;
	printf("1..2\n%sok 1 - every flipped bit is refused\n", missed ? "not " : "");
	printf("%sok 2 - every refusal names place, expected and found bytes\n",
	       test->vague ? "not " : "");
	return missed || test->vague;
}

int main(int argc, char **argv)
{
	struct test test = { .random = 1 };
	unsigned int flips = FLIPS;
	for (int option; (option = getopt(argc, argv, "n:s:")) != -1;) {
		if (option == 'n')
			flips = (unsigned int)strtoul(optarg, NULL, 0);
		else if (option == 's')
			test.random = strtoull(optarg, NULL, 0) | 1;
		else
			return 1;
	}
	if (argc - optind < 2) {
		fprintf(stderr, "usage: flip [-n FLIPS] [-s SEED] IMAGE OBJECT.o|UPDATE.upk...\n");
		return 1;
	}
	must(uk_memory_open_image(argv[optind], &test.memory));
	must(uk_kallsyms_open(test.memory, &test.kallsyms));
	must(uk_version_parse(test.memory->identity.release, &test.version));
	for (int i = optind + 1; i < argc; i++) {
		struct uk_object *object;
		if (uk_str_ends(argv[i], ".upk")) {
			add_bundle(&test, argv[i]);
			continue;
		}
		must(uk_object_load(argv[i], &object));
		add_subject(&test, object);
	}
	if (!test.subjects.len) {
		printf("Bail out! no object has anything to flip\n");
		return 1;
	}
	int status = run(&test, flips);
	destroy_test(&test);
	return status;
}
