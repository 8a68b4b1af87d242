/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of upkeep.ko share: TAP, the guest's symbols and memory, requests. */
#ifndef KT_H
#define KT_H

#include <upkeep/abi.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* TAP. A case that cannot go on ends the program: kt_die(). */
void kt_ok(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
void kt_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kt_die(const char *what) __attribute__((noreturn));
int kt_done(void);

/* Whole small files, without the newline at the end. */
const char *kt_read(const char *path);
bool kt_write(const char *path, const char *text);
bool kt_reads(const char *path, const char *want);

/* The running kernel. module NULL: vmlinux. Dies if there is no such symbol. */
uint64_t kt_symbol(const char *module, const char *name);
/* Up to the next symbol. */
uint64_t kt_symbol_end(const char *module, const char *name);
/* To be called after a module came or went by other ways than kt_load() and kt_unload(). */
void kt_modules_changed(void);
void kt_memory(uint64_t addr, void *ret, size_t size);
/* Loads a module with koload: a child that does so, or its wait status. */
int kt_spawn_load(const char *name, const char *params);
int kt_load(const char *name, const char *params);
/* 0 or an errno. */
int kt_unload(const char *name);

/* A request under construction; kt_start() clears it. */
enum { KT_MAX = 16, KT_POOL = 65536 };

struct kt_request {
	struct upkeep_apply apply;
	struct upkeep_undo undo;
	struct upkeep_write writes[KT_MAX];
	struct upkeep_range ranges[KT_MAX];
	struct upkeep_module modules[KT_MAX];
	struct upkeep_function functions[KT_MAX];
	struct upkeep_blocker blockers[64];
	struct upkeep_outcome out; /* of the last call */
	uint8_t pool[KT_POOL];
};

extern int kt_device;

struct kt_request *kt_start(const char *id);
void kt_add_module(struct kt_request *req, const char *name, unsigned int role);
void kt_add_range(struct kt_request *req, unsigned int when, uint64_t start, uint64_t end,
		  const char *name);
void kt_add_write(struct kt_request *req, unsigned int kind, uint64_t addr, uint32_t len,
		  const void *old, const void *new);
/* A redirect from one function to another, with all that belongs to it. */
void kt_add_redirect(struct kt_request *req, const char *module, const char *old,
		     const char *new);
/* 0 or an errno; the request can be used again. */
int kt_apply(struct kt_request *req);
int kt_undo(struct kt_request *req, const char *id);
/* Until it is done or @seconds have passed; tries again while it is blocked. */
int kt_apply_soon(struct kt_request *req, int seconds);
int kt_undo_soon(struct kt_request *req, const char *id, int seconds);

/* Children. */
int kt_spawn_reader(const char *path); /* a child that reads a file; its pid */
int kt_spawn_reader_asleep(const char *path);
int kt_reap(int pid);
void kt_kill(int pid);

#endif
