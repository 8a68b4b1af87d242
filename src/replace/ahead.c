// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory of a service, copied ahead of the freeze. */
#include "replace/ahead.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "replace/layer.h"
#include "replace/pages.h"
#include "replace/unfit.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK = 1024, BLOCK = 256 }; /* pages: looked at, and read, at a time */

/* A page that is written down. */
struct page {
	uint64_t address, frame;
	uint32_t layer, index; /* where: in the file of pages of that layer */
};

typedef UK_VEC(struct page) page_list;

/* A file of pages of one process; its content is mapped to compare with. */
struct store {
	uint8_t *content;
	uint64_t size;
	char *hash;
};

struct process {
	struct uk_pages pages;
	pid_t inner; /* its number as itself sees it */
	page_list known;
	UK_VEC(struct store) stores; /* one for each layer */
	bool left;		     /* out */
};

struct uk_ahead {
	char *images;
	struct uk_digest_key key;
	uint64_t began_us; /* of CLOCK_BOOTTIME */
	UK_VEC(struct process) processes;
	uint32_t layers;
};

/* --- what there is -------------------------------------------------------------------- */

static void store_deinit(struct store *store)
{
	if (store->content)
		munmap(store->content, store->size);
	free(store->hash);
}

static void process_deinit(struct process *process)
{
	uk_pages_close(&process->pages);
	uk_vec_for_each(store, &process->stores)
		store_deinit(store);
	uk_vec_deinit(&process->stores);
	uk_vec_deinit(&process->known);
}

void uk_ahead_destroy(struct uk_ahead *ahead)
{
	if (!ahead)
		return;
	uk_vec_for_each(process, &ahead->processes)
		process_deinit(process);
	uk_vec_deinit(&ahead->processes);
	free(ahead->images);
	sodium_memzero(&ahead->key, sizeof(ahead->key));
	free(ahead);
}

static uint64_t size_of(const struct uk_task *task)
{
	return task->kernel || task->state == 'Z' ? 0 : task->rss_kib + task->swap_kib;
}

bool uk_ahead_is_worth(const struct uk_service *service, uint64_t worth_kib)
{
	uint64_t sum = 0;
	uk_vec_for_each(task, &service->tasks)
		sum += size_of(task);
	/* A tree that is kept by its number is not frozen before criu comes. */
	return service->kind != UK_SERVICE_TREE && sum >= worth_kib;
}

static struct uk_error *add_process(struct uk_ahead *ahead, const struct uk_task *task)
{
	struct process process = { .inner = task->inner_pid };
	struct uk_error *err = uk_pages_open(task->pid, &process.pages);
	if (!err && !uk_vec_push(&ahead->processes, process))
		err = uk_error_nomem();
	if (!err)
		return NULL;
	process_deinit(&process);
	if (uk_error_kind(err) != UK_ERR_NOTHING)
		return err;
	uk_error_destroy(err);
	return NULL;
}

struct uk_error *uk_ahead_create(const struct uk_service *service, const char *images,
				 const struct uk_digest_key *key, uint64_t least_kib,
				 struct uk_ahead **ret)
{
	struct uk_ahead *ahead = calloc(1, sizeof(*ahead));
	if (!ahead)
		return uk_error_nomem();
	ahead->key = *key;
	ahead->began_us = uk_clock_read(CLOCK_BOOTTIME) / 1000;
	struct uk_error *err = uk_strdup(images, &ahead->images);
	uk_vec_for_each(task, &service->tasks) {
		if (!err && size_of(task) && size_of(task) >= least_kib)
			err = add_process(ahead, task);
	}
	if (err)
		uk_ahead_destroy(ahead);
	else
		*ret = ahead;
	return err;
}

size_t uk_ahead_count(const struct uk_ahead *ahead)
{
	size_t nr = 0;
	uk_vec_for_each(process, &ahead->processes)
		nr += !process->left;
	return ahead->layers ? nr : 0;
}

/* --- layers --------------------------------------------------------------------------- */

/* The folder of a layer: the last one lies on top, and each in the one that came after it. */
static struct uk_error *layer_path(const struct uk_ahead *ahead, const char *images, uint32_t layer,
				   char **ret)
{
	uk_auto_strbuf struct uk_strbuf path = {};
	uk_strbuf_addstr(&path, images);
	for (uint32_t i = layer; i < ahead->layers; i++)
		uk_strbuf_addstr(&path, "/" UK_LAYER_BELOW);
	return uk_strbuf_finish(&path, ret);
}

static struct uk_error *begin_layer(struct uk_ahead *ahead)
{
	uk_auto_free char *top = NULL, *next = NULL, *below = NULL;
	struct uk_error *err = uk_asprintf(&top, "%s/" UK_LAYER_BELOW, ahead->images);
	if (!err)
		err = uk_asprintf(&next, "%s/next", ahead->images);
	if (!err)
		err = uk_asprintf(&below, "%s/" UK_LAYER_BELOW, next);
	if (err)
		return err;
	if (mkdir(next, 0700) < 0 || (ahead->layers && rename(top, below) < 0) ||
	    rename(next, top) < 0)
		return uk_error_errno(errno, "%s", next);
	ahead->layers++;
	return NULL;
}

static struct uk_error *map_store(const struct uk_layer_pages *pages, struct store *store)
{
	store->size = pages->nr * UK_PAGE;
	if (!store->size)
		return NULL;
	uk_auto_close int fd = open(pages->path, O_RDONLY | O_CLOEXEC);
	void *content = fd < 0 ? MAP_FAILED : mmap(NULL, store->size, PROT_READ, MAP_SHARED, fd, 0);
	if (content == MAP_FAILED)
		return uk_error_errno(errno, "%s", pages->path);
	store->content = content;
	return NULL;
}

/* The file of pages of a process is complete, and so is its map. */
static struct uk_error *finish_layer(struct process *process, const char *dir,
				     struct uk_layer_pages *pages, const uk_layer_runs *runs)
{
	struct store store = {};
	struct uk_error *err = uk_layer_finish(pages, &store.hash);
	if (!err)
		err = map_store(pages, &store);
	if (!err)
		err = uk_layer_write_map(dir, process->inner, pages->number, runs);
	if (!err && !uk_vec_push(&process->stores, store))
		err = uk_error_nomem();
	if (err)
		store_deinit(&store);
	return err;
}

/* Nothing of it is used: criu finds no map of it in the layer on top. */
static struct uk_error *leave_out(struct uk_ahead *ahead, struct process *process)
{
	struct uk_error *err = NULL;
	process->left = true;
	for (uint32_t layer = 0; !err && layer < ahead->layers; layer++) {
		uk_auto_free char *dir = NULL, *pages = NULL, *map = NULL;
		err = layer_path(ahead, ahead->images, layer, &dir);
		if (!err)
			err = uk_asprintf(&pages, "%s/pages-%d.img", dir, process->pages.pid);
		if (!err)
			err = uk_asprintf(&map, "%s/pagemap-%d.img", dir, process->inner);
		if (!err && ((unlink(map) < 0 && errno != ENOENT) ||
			     (unlink(pages) < 0 && errno != ENOENT)))
			err = uk_error_errno(errno, "remove %s", map);
	}
	return err;
}

static struct uk_error *remove_all(struct uk_ahead *ahead)
{
	static const char *const names[] = { UK_LAYER_BELOW, "next" };
	struct uk_error *err = NULL;
	ahead->layers = 0;
	for (size_t i = 0; i < UK_ARRAY_SIZE(names); i++) {
		uk_auto_free char *path = NULL;
		if (!err)
			err = uk_asprintf(&path, "%s/%s", ahead->images, names[i]);
		if (!err)
			err = uk_tree_remove(path);
	}
	return err;
}

/* --- walking through memory ----------------------------------------------------------- */

/* One process in one round. */
struct pass {
	struct uk_ahead *ahead;
	struct process *process;
	struct uk_layer_pages out;
	uk_layer_runs runs;
	size_t at;	 /* in process->known: what is before it lies before the block */
	page_list found; /* of a round: what process->known will be */
	uint64_t *room;
	uint8_t *buffer; /* a block */
	struct uk_zeroes zeroes;
	bool frozen;
	/* What is to be done with a block of pages that has some which are kept. */
	struct uk_error *(*block)(struct pass *pass, const struct uk_area *area, uint64_t start,
				  size_t nr, const uint64_t *words);
};

static bool has_kept(const struct pass *pass, const struct uk_area *area, const uint64_t *words,
		     size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (uk_pages_is_kept(&pass->process->pages, area, words[i]))
			return true;
	}
	return false;
}

static size_t at_most(uint64_t nr, size_t most)
{
	return nr < most ? (size_t)nr : most;
}

static struct uk_error *walk_area(struct pass *pass, const struct uk_area *area)
{
	uint64_t words[LOOK];
	struct uk_error *err = NULL;
	for (uint64_t at = area->start; !err && at < area->end; at += LOOK * UK_PAGE) {
		size_t nr = at_most((area->end - at) / UK_PAGE, LOOK);
		err = uk_pages_look(&pass->process->pages, at, nr, words);
		for (size_t i = 0; !err && i < nr; i += BLOCK) {
			size_t some = at_most(nr - i, BLOCK);
			if (has_kept(pass, area, words + i, some))
				err = pass->block(pass, area, at + i * UK_PAGE, some, words + i);
		}
	}
	return err;
}

static struct uk_error *walk(struct pass *pass)
{
	uk_areas areas = {};
	struct uk_error *err = uk_pages_areas(&pass->process->pages, &areas);
	if (!err && !areas.len)
		err = uk_error_create(UK_ERR_NOTHING, "the memory of process %d is gone",
				      pass->process->pages.pid);
	if (!err && pass->frozen)
		err = uk_pages_check(&pass->process->pages, &areas);
	uk_vec_for_each(area, &areas) {
		if (!err)
			err = walk_area(pass, area);
	}
	uk_vec_deinit(&areas);
	return err;
}

/* The page that is written down of an address; addresses only ascend. */
static const struct page *find_known(struct pass *pass, uint64_t address)
{
	const page_list *known = &pass->process->known;
	while (pass->at < known->len && known->data[pass->at].address < address)
		pass->at++;
	return pass->at < known->len && known->data[pass->at].address == address
		       ? &known->data[pass->at]
		       : NULL;
}

static bool is_frame(uint64_t word, uint64_t frame)
{
	return (word & UK_PAGE_PRESENT) && frame && (word & UK_PAGE_FRAME) == frame;
}

static void pass_deinit(struct pass *pass)
{
	uk_layer_close(&pass->out);
	uk_vec_deinit(&pass->runs);
	uk_vec_deinit(&pass->found);
	free(pass->buffer);
}

/* A pass through one process; what is wrong with it leaves it out, unless the disk is full. */
static struct uk_error *run_pass(struct pass *pass, const char *dir)
{
	pass->buffer = malloc((size_t)BLOCK * UK_PAGE);
	if (!pass->buffer)
		return uk_error_nomem();
	struct uk_error *err = uk_layer_begin(dir, (uint32_t)pass->process->pages.pid,
					      &pass->ahead->key, &pass->out);
	if (!err)
		err = walk(pass);
	return err ? err : finish_layer(pass->process, dir, &pass->out, &pass->runs);
}

/* --- a round ------------------------------------------------------------------------- */

static bool is_same(const struct process *process, const struct page *page, const uint8_t *content)
{
	const struct store *store = &process->stores.data[page->layer];
	return !memcmp(store->content + (uint64_t)page->index * UK_PAGE, content, UK_PAGE);
}

/*
 * Notes a page that was read: it is written down already, or is put at the end of what this block
 * adds to the file.
 */
static struct uk_error *note_page(struct pass *pass, struct page page, const uint8_t *content,
				  size_t *new)
{
	const struct page *known = find_known(pass, page.address);
	page.layer = pass->ahead->layers - 1;
	page.index = (uint32_t)(pass->out.nr + *new);
	if (known && is_same(pass->process, known, content)) {
		page.layer = known->layer;
		page.index = known->index;
	} else {
		memmove(pass->buffer + *new *UK_PAGE, content, UK_PAGE);
		++*new;
	}
	if (!uk_vec_push(&pass->found, page))
		return uk_error_nomem();
	return uk_layer_run_add(&pass->runs, page.address, page.layer != pass->ahead->layers - 1);
}

/* A page counts if it was the same one, and there, before it was read and afterwards. */
static struct uk_error *copy_block(struct pass *pass, const struct uk_area *area, uint64_t start,
				   size_t nr, const uint64_t *words)
{
	const struct uk_pages *pages = &pass->process->pages;
	uint64_t after[BLOCK];
	bool wanted[BLOCK];
	size_t new = 0;
	for (size_t i = 0; i < nr; i++)
		wanted[i] = uk_pages_is_kept(pages, area, words[i]);
	uk_pages_read(pages, start, nr, wanted, pass->buffer);
	struct uk_error *err = uk_pages_look(pages, start, nr, after);
	for (size_t i = 0; !err && i < nr; i++) {
		const struct page page = { start + i * UK_PAGE, after[i] & UK_PAGE_FRAME, 0, 0 };
		if (wanted[i] && is_frame(words[i], page.frame) && is_frame(after[i], page.frame))
			err = note_page(pass, page, pass->buffer + i * UK_PAGE, &new);
	}
	if (!err && new *UK_PAGE > *pass->room)
		err = uk_error_create(UK_ERR_REFUSED, "there is no room for it beside the images");
	if (err)
		return err;
	*pass->room -= new *UK_PAGE;
	return uk_layer_add(&pass->out, pass->buffer, new);
}

static struct uk_error *copy_process(struct uk_ahead *ahead, struct process *process,
				     const char *dir, uint64_t *room, uint64_t *written)
{
	uk_cleanup(pass_deinit) struct pass pass = {
		.ahead = ahead, .process = process, .room = room, .block = copy_block, .out.fd = -1
	};
	/* What is written to from now on, before or after it is read, is known by the freeze. */
	struct uk_error *err = uk_pages_forget_writes(&process->pages);
	if (!err)
		err = uk_unfit_check(process->pages.pid);
	if (!err)
		err = run_pass(&pass, dir);
	if (!err)
		err = uk_layer_sync(&pass.out);
	if (err)
		return err;
	uk_vec_deinit(&process->known);
	process->known = pass.found;
	pass.found = (page_list){};
	*written += pass.out.nr * UK_PAGE;
	return NULL;
}

/* What concerns one process alone leaves it out; @err is taken. */
static struct uk_error *judge(struct uk_ahead *ahead, struct process *process, struct uk_error *err)
{
	if (!err || (uk_error_kind(err) != UK_ERR_NOTHING && uk_error_kind(err) != UK_ERR_BUSY))
		return err;
	uk_error_destroy(err);
	return leave_out(ahead, process);
}

static struct uk_error *end_round(struct uk_ahead *ahead, struct uk_error *err)
{
	if (!err && uk_ahead_count(ahead))
		return NULL;
	struct uk_error *other = remove_all(ahead);
	if (!err)
		return other;
	uk_error_destroy(other);
	return err;
}

struct uk_error *uk_ahead_copy(struct uk_ahead *ahead, uint64_t *room, uint64_t *written_ret)
{
	uk_auto_free char *dir = NULL;
	uint64_t written = 0;
	struct uk_error *err = begin_layer(ahead);
	if (!err)
		err = layer_path(ahead, ahead->images, ahead->layers - 1, &dir);
	uk_vec_for_each(process, &ahead->processes) {
		if (!err && !process->left)
			err = judge(ahead, process,
				    copy_process(ahead, process, dir, room, &written));
	}
	err = end_round(ahead, err);
	if (!err)
		*written_ret = written;
	return err;
}

/* --- frozen -------------------------------------------------------------------------- */

/* criu takes a page from the layers if the kernel says that it was not written to. */
static bool is_taken(const struct pass *pass, const struct uk_area *area, uint64_t word)
{
	return uk_pages_is_kept(&pass->process->pages, area, word) && !(word & UK_PAGE_WRITTEN);
}

/* Whether what is written down of a page is what it is: nobody wrote to it, and it is that page. */
static struct uk_error *is_known(struct pass *pass, uint64_t address, uint64_t word, bool *ret)
{
	const struct page *known = find_known(pass, address);
	bool zeroes = false;
	struct uk_error *err = NULL;
	*ret = known && is_frame(word, known->frame);
	if (*ret)
		err = uk_pages_are_zeroes(&pass->process->pages, address, known->frame,
					  &pass->zeroes, &zeroes);
	*ret &= !zeroes;
	return err;
}

static struct uk_error *settle_block(struct pass *pass, const struct uk_area *area, uint64_t start,
				     size_t nr, const uint64_t *words)
{
	bool wanted[BLOCK] = {};
	struct uk_error *err = NULL;
	size_t new = 0;
	for (size_t i = 0; !err && i < nr; i++) {
		if (!is_taken(pass, area, words[i]))
			continue;
		bool known = false;
		err = is_known(pass, start + i * UK_PAGE, words[i], &known);
		wanted[i] = !known;
		if (!err)
			err = uk_layer_run_add(&pass->runs, start + i * UK_PAGE, known);
	}
	if (err)
		return err;
	bool read[BLOCK];
	memcpy(read, wanted, sizeof(read));
	uk_pages_read(&pass->process->pages, start, nr, read, pass->buffer);
	for (size_t i = 0; i < nr; i++) {
		if (wanted[i] && !read[i])
			return uk_error_create(UK_ERR_BUSY, "process %d: memory cannot be read",
					       pass->process->pages.pid);
		if (wanted[i])
			memmove(pass->buffer + new ++*UK_PAGE, pass->buffer + i * UK_PAGE, UK_PAGE);
	}
	return uk_layer_add(&pass->out, pass->buffer, new);
}

static struct uk_error *settle_process(struct uk_ahead *ahead, struct process *process,
				       const char *dir)
{
	uk_cleanup(pass_deinit) struct pass pass = { .ahead = ahead,
						     .process = process,
						     .block = settle_block,
						     .frozen = true,
						     .out.fd = -1 };
	return run_pass(&pass, dir);
}

struct uk_error *uk_ahead_settle(struct uk_ahead *ahead)
{
	uk_auto_free char *dir = NULL;
	if (!uk_ahead_count(ahead))
		return NULL;
	struct uk_error *err = begin_layer(ahead);
	if (!err)
		err = layer_path(ahead, ahead->images, ahead->layers - 1, &dir);
	if (!err)
		err = uk_layer_write_inventory(dir, ahead->began_us);
	uk_vec_for_each(process, &ahead->processes) {
		if (!err && !process->left)
			err = judge(ahead, process, settle_process(ahead, process, dir));
	}
	return end_round(ahead, err);
}

static struct uk_error *list_process(const struct uk_ahead *ahead, const struct process *process,
				     const char *images, struct uk_plan *plan)
{
	struct uk_error *err = NULL;
	for (uint32_t layer = 0; !err && layer < process->stores.len; layer++) {
		const struct store *store = &process->stores.data[layer];
		uk_auto_free char *dir = NULL, *path = NULL;
		err = layer_path(ahead, images, layer, &dir);
		if (!err)
			err = uk_asprintf(&path, "%s/pages-%d.img", dir, process->pages.pid);
		if (!err)
			err = uk_plan_add_file(plan, path, store->size, store->hash);
	}
	return err;
}

struct uk_error *uk_ahead_list(const struct uk_ahead *ahead, const char *images,
			       struct uk_plan *plan)
{
	struct uk_error *err = NULL;
	if (!uk_ahead_count(ahead))
		return NULL;
	uk_vec_for_each(process, &ahead->processes) {
		if (!err && !process->left)
			err = list_process(ahead, process, images, plan);
	}
	return err;
}
