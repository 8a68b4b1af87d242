/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan of a swap: what the old kernel hands to the new one. It lies beside the images in
 * the folder of the swap, and names each of their files with its size and its hash.
 *
 * It is sealed: plan.seal is a MAC over plan.json (crypto_auth of libsodium: HMAC-SHA512-256)
 * under a key that is made for this swap: the old kernel's process hands it to the new kernel
 * inside of the initramfs, and for the way home in a file for root alone (home.h), which goes when
 * the first restore begins. So an image or a plan that was changed, or one of another swap, is
 * refused.
 */
#ifndef UPKEEP_REPLACE_PLAN_H
#define UPKEEP_REPLACE_PLAN_H

#include "base/error.h"
#include "base/vec.h"
#include "replace/clock.h"
#include "replace/digest.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	UK_SWAP_KEY_LEN = UK_DIGEST_SECRET,
	UK_SWAP_ID_LEN = 16, /* hex digits */
	UK_PLAN_SCHEMA = 1,
};

/* What both kernels know of one swap. */
struct uk_swap_key {
	char id[UK_SWAP_ID_LEN + 1];
	uint8_t bytes[UK_SWAP_KEY_LEN];
};

/* A network device, found again by its hardware address. */
struct uk_plan_link {
	char *name, *mac;
};

/*
 * One mount, to be made again: a file system of its own, or a part of one that is there (a
 * bind). Later ones may lie below earlier ones.
 */
struct uk_plan_mount {
	char *point;
	char *options; /* "ro,nosuid,nodev" */
	char *from;    /* of a bind: what it shows, by its path at ... */
	bool inside;   /* ... in the same view, else on the host; NULL of a file system */
	char *type, *source, *super; /* of the file system: "tmpfs", "tmpfs", "rw,size=4096k" */
	char *content;		     /* an archive of what is in it; NULL for nothing */
};

typedef UK_VEC(struct uk_plan_mount) uk_plan_mounts;

/*
 * A file that a service has open by a mount which its own namespace does not have: systemd opens
 * /dev/null before it makes the namespace, say.
 */
struct uk_plan_outside {
	char *id;   /* criu's: "file[MOUNT:INODE]", both in hex */
	char *path; /* on the host */
	uint64_t flags, pos;
};

/* A program or library that a service has mapped: see mapped.h. */
struct uk_plan_mapped {
	char *path; /* as the service sees it */
	uint64_t ino, size, mtime_ns;
};

/* What a service writes its output to: a connection to journald. See journal.h. */
struct uk_plan_stream {
	uint64_t ino;  /* of the service's end, on the old kernel */
	bool nonblock; /* that end has O_NONBLOCK */
	char *state;   /* what journald had noted of it; NULL for nothing */
	/* The inodes of its stand-in on the new kernel; 0 as long as there is none. */
	uint64_t service_end, journal_end;
};

/*
 * A system call in which a thread slept, and which the freeze interrupted: what it has to be in
 * again. Made anew from what the kernel knew of it, so the number may be another one. See calls.h.
 */
struct uk_plan_call {
	pid_t tid;
	uint64_t number, args[6];
	uint64_t ip, sp;   /* of the thread, behind the call */
	bool limited;	   /* by a time; if not, it is made again as it was */
	uint64_t until_ns; /* of the clock that the thread sees (CLOCK_REALTIME for some futexes) */
};

struct uk_plan_service {
	char *name;    /* for people */
	char *unit;    /* of systemd, or NULL */
	char *cgroup;  /* "/system.slice/redis-server.service" */
	char *notify;  /* NotifyAccess= of the unit: "main"; NULL when not known */
	char *session; /* of a login session: what logind has noted (session.h); else NULL */
	char *images;  /* its folder, relative to that of the swap */
	pid_t main_pid;
	UK_VEC(struct uk_plan_stream) journal;
	UK_VEC(struct uk_plan_outside) outside;
	UK_VEC(struct uk_plan_mapped) mapped;
	UK_VEC(struct uk_plan_call) calls;
	uk_plan_mounts view; /* its mount namespace; empty if it has the host's */
	char *host_name;     /* in its UTS namespace; NULL if it has the host's */
	char *domain_name;   /* the same, of NIS: setdomainname(2) */
	char *trouble;	     /* why it was not restored; NULL if it was, or is not yet */
	/* While it is dumped: who stands above its processes, 0 if they are a tree; see gather.h.
	 */
	pid_t gatherer;
	char *tree;
	bool stray; /* it was, and systemd has another main process; not written down */
};

/* A name to which services send datagrams, and at which nobody of the kept receives: receiver.h. */
struct uk_plan_receiver {
	char *path;
	uint64_t ino; /* of its stand-in on the new kernel; 0 as long as there is none */
};

/* A service that is not kept by wish: its unit starts it afresh. */
struct uk_plan_afresh {
	char *name;
	char *unit; /* or NULL: nothing starts it */
};

/* A file of the images; its path is relative to the folder of the swap. */
struct uk_plan_file {
	char *path;
	uint64_t size;
	char *hash; /* 64 hex digits, see digest.h */
};

/* A moment of the swap in CLOCK_REALTIME. */
struct uk_plan_time {
	char *phase;
	uint64_t ns; /* since the epoch, at its end */
};

struct uk_plan {
	char *id;
	struct uk_digest_key files_key; /* from the key of the swap; not written down */
	char *old_release, *new_release;
	char *hostname;
	char *trouble;			/* why nothing at all was restored, or NULL */
	bool came_home;			/* restored by the way home */
	bool in_memory;			/* the images were, see store.h */
	uint64_t last_start_ns;		/* see uk_home_last_start(), at the freeze */
	uint64_t frozen_ns;		/* CLOCK_REALTIME when the first service was frozen */
	uint64_t ahead_ns, ahead_bytes; /* that copying memory took before, and of how much */
	struct uk_clock clock;		/* right before the jump */
	UK_VEC(struct uk_plan_link) links;
	uk_plan_mounts mounts;	/* of the host, that have to be there before anything is restored */
	UK_VEC(uint64_t) ports; /* of this host, that kept services have, for the gate */
	UK_VEC(struct uk_plan_receiver) receivers;
	UK_VEC(struct uk_plan_service) services;
	UK_VEC(struct uk_plan_afresh) afresh;
	UK_VEC(struct uk_plan_file) files;
	UK_VEC(struct uk_plan_time) times;
};

void uk_plan_mounts_deinit(uk_plan_mounts *mounts);
void uk_plan_deinit(struct uk_plan *plan);
/* Forgets what it says of services: them, their ports, mounts of the host. */
void uk_plan_clear_services(struct uk_plan *plan);
#define uk_auto_plan uk_cleanup(uk_plan_deinit)

/* A fresh id and key. */
void uk_swap_key_make(struct uk_swap_key *ret);
/* "ID HEX\n", as it goes through the initramfs. Free the text. */
struct uk_error *uk_swap_key_text(const struct uk_swap_key *key, char **ret) uk_must_check;
struct uk_error *uk_swap_key_parse(const char *text, struct uk_swap_key *ret) uk_must_check;

/* The end of a phase: now, or so many nanoseconds ago. */
struct uk_error *uk_plan_mark(struct uk_plan *plan, const char *phase) uk_must_check;
struct uk_error *uk_plan_mark_past(struct uk_plan *plan, const char *phase,
				   uint64_t ago_ns) uk_must_check;

/* Puts a file that lies there, and was hashed when it was written, on the list. */
struct uk_error *uk_plan_add_file(struct uk_plan *plan, const char *path, uint64_t size,
				  const char *hash) uk_must_check;

/* Lists the files below @dir in plan->files: but the plan's own, and those that are there. */
struct uk_error *uk_plan_list_files(struct uk_plan *plan, const char *dir) uk_must_check;

/* Writes plan.json and plan.seal into @dir, for root alone. */
struct uk_error *uk_plan_write(const struct uk_plan *plan, const struct uk_swap_key *key,
			       const char *dir) uk_must_check;

/*
 * Reads them: the seal first, then the plan. UK_ERR_INVALID names what does not hold. What the
 * hashes of files need comes from @key.
 * @ret needs uk_plan_deinit(), also after an error.
 */
struct uk_error *uk_plan_read(const char *dir, const struct uk_swap_key *key,
			      struct uk_plan *ret) uk_must_check;

/* Of the files of a service: criu's pages of memory, and all others. */
enum uk_plan_part {
	UK_PLAN_PAGES = 1 << 0,
	UK_PLAN_REST = 1 << 1,
};

/*
 * That the files of one service (those below its folder of images, @parts of them) are as they
 * were; with NULL those that are in no folder.
 */
struct uk_error *uk_plan_verify(const struct uk_plan *plan, const char *dir,
				const struct uk_plan_service *service,
				unsigned int parts) uk_must_check;

#endif
