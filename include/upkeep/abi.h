/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What upkeep.ko and user space say to each other over /dev/upkeep. This is the only header that
 * both of them include.
 *
 * Every request begins with struct upkeep_header. @abi must equal UPKEEP_ABI (else EPROTO; only
 * UPKEEP_INFO answers any version); @size is sizeof() of the request as the caller was compiled.
 * A newer module takes a shorter request as if the missing tail were zero; an older module takes a
 * longer one if the tail that it does not know is zero, and answers E2BIG otherwise. The ioctl
 * numbers hold the size of the header, so they never change. Pointers travel as __u64. All
 * reserved fields and unknown flags must be zero (else EINVAL). All strings are NUL-terminated
 * inside their arrays and printable ASCII without blanks and slashes.
 *
 * Opening the device and every request on it needs CAP_SYS_ADMIN and CAP_SYS_MODULE (else EPERM).
 */
#ifndef UPKEEP_ABI_H
#define UPKEEP_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define UPKEEP_ABI		1
#define UPKEEP_DEVICE		"/dev/upkeep"

#define UPKEEP_ID_LEN		65	/* lower-case hex digits, at least one, and the NUL */
#define UPKEEP_MODULE_LEN	56	/* the kernel's own MODULE_NAME_LEN on 64 bit */
#define UPKEEP_NAME_LEN		128	/* function names; cut longer ones */
#define UPKEEP_COMM_LEN		16
#define UPKEEP_FOUND_LEN	64
#define UPKEEP_VERSION_LEN	32
#define UPKEEP_REGIONS_MAX	8

struct upkeep_header {
	__u32 abi;
	__u32 size;
};

/* Each carries the header's type, not the request's: see above. */
#define UPKEEP_INFO	_IOWR('U', 0x40, struct upkeep_header)	/* struct upkeep_info */
#define UPKEEP_APPLY	_IOWR('U', 0x41, struct upkeep_header)	/* struct upkeep_apply */
#define UPKEEP_UNDO	_IOWR('U', 0x42, struct upkeep_header)	/* struct upkeep_undo */
#define UPKEEP_PROBE	_IOWR('U', 0x43, struct upkeep_header)	/* struct upkeep_probe */
#define UPKEEP_WAIT	_IOWR('U', 0x44, struct upkeep_header)	/* struct upkeep_wait */
#define UPKEEP_ANSWER	_IOWR('U', 0x45, struct upkeep_header)	/* struct upkeep_answer */

/* UPKEEP_INFO: all fields but the header are answers. */
struct upkeep_info {
	struct upkeep_header header;
	__u32 max_writes;		/* largest counts that one request may have */
	__u32 max_ranges;
	__u32 max_modules;
	__u32 max_functions;
	__u32 max_blockers;
	__u32 max_write_len;		/* bytes in one write */
	__u32 max_bytes;		/* bytes in the pool */
	__u32 applied;			/* updates applied now */
	char version[UPKEEP_VERSION_LEN];
};

/*
 * One place to be written. Its old bytes are @len bytes of the pool from @old_at, its new bytes
 * @len bytes from @new_at; slices of the pool may overlap. The write lands only if memory holds
 * exactly the old bytes at the safe moment.
 *
 * UPKEEP_TEXT: inside the text of vmlinux or of a module that the request pins. It must begin
 * inside a range that blocks on apply. UPKEEP_DATA: inside the read-only data (after-init data
 * included) of vmlinux or of a pinned module; or, in their writable data, 8 aligned bytes that hold
 * the address of code, or 0, and get one of code. No two writes of a request may overlap.
 */
enum upkeep_write_kind {
	UPKEEP_TEXT = 1,
	UPKEEP_DATA = 2,
};

struct upkeep_write {
	__u64 addr;
	__u32 len;			/* 1 .. max_write_len */
	__u32 kind;			/* enum upkeep_write_kind */
	__u32 old_at;			/* offsets into the pool */
	__u32 new_at;
};

/*
 * Code on which no task may stand: [start, end) in the text of vmlinux or of a pinned module. A
 * return address equal to @end belongs to the range too (a call as the last instruction). Ranges
 * with the same @when must not overlap. Old functions with their split-off parts block on apply,
 * new code blocks on undo; on undo the whole text of every UPKEEP_PART module blocks in any case,
 * and ranges only serve to name the function.
 */
enum upkeep_range_when {
	UPKEEP_ON_APPLY = 1,
	UPKEEP_ON_UNDO = 2,
};

struct upkeep_range {
	__u64 start;
	__u64 end;
	__u32 when;			/* enum upkeep_range_when */
	__u32 reserved;
	char name[UPKEEP_NAME_LEN];	/* shown for a blocker */
};

/* A module that must stay loaded while the update is applied. */
enum upkeep_module_role {
	UPKEEP_TARGET = 1,		/* holds code or data that the update writes to */
	UPKEEP_PART = 2,		/* carries the update's new code */
};

struct upkeep_module {
	char name[UPKEEP_MODULE_LEN];	/* as in /proc/modules */
	__u32 role;			/* enum upkeep_module_role */
	__u32 reserved;
};

/* For /sys/kernel/upkeep/ID/functions only; addresses are shown, never followed. */
struct upkeep_function {
	__u64 old_addr;
	__u64 new_addr;
	__u32 old_size;
	__u32 new_size;
	char object[UPKEEP_MODULE_LEN];	/* "vmlinux" or the module's name */
	char name[UPKEEP_NAME_LEN];
};

/* Why a request was refused; the errno of the ioctl is given beside each. */
enum upkeep_refusal {
	UPKEEP_DONE = 0,
	UPKEEP_BAD_REQUEST = 1,		/* EINVAL: malformed at @where[@index] */
	UPKEEP_BAD_ADDRESS = 2,		/* ENXIO: @where[@index] is where nothing may be written */
	UPKEEP_OVERLAP = 3,		/* EINVAL: @where[@index] overlaps another of the request */
	UPKEEP_EXISTS = 4,		/* EEXIST: an update with this id is applied */
	UPKEEP_UNKNOWN = 5,		/* ENOENT: no update with this id is applied */
	UPKEEP_NO_MODULE = 6,		/* ENODEV: modules[@index] is not loaded or on its way out */
	UPKEEP_BLOCKED = 7,		/* EBUSY: tasks stand on the code; worth a retry */
	UPKEEP_STOOD_ON = 8,		/* EBUSY: update @other must be undone first; no retry */
	UPKEEP_BYTES = 9,		/* EILSEQ: writes[@index] found other bytes in memory */
	UPKEEP_FAILED = 10,		/* any other errno, such as ENOMEM */
};

enum upkeep_where {
	UPKEEP_AT_REQUEST = 0,		/* a field of the request itself */
	UPKEEP_AT_WRITES = 1,
	UPKEEP_AT_RANGES = 2,
	UPKEEP_AT_MODULES = 3,
	UPKEEP_AT_FUNCTIONS = 4,
};

/*
 * What came of an apply or undo. Memory was changed if and only if the ioctl returned 0. Else
 * @refusal says why; only a request that was not understood at all (EPERM, EPROTO, E2BIG, ENOTTY,
 * EFAULT, EINVAL, ENOMEM) leaves it 0.
 *
 * pause_ns: from the moment at which every CPU is held until the last of them is let go.
 * stop_ns: the whole stop, with the gathering of the CPUs before it and their release. Both are 0
 * if the machine was not stopped (a blocker was already found among the sleeping tasks).
 */
struct upkeep_outcome {
	__u64 pause_ns;
	__u64 stop_ns;
	__u64 check_ns;			/* looking at sleeping tasks before the stop */
	__u32 tasks;			/* threads seen, idle tasks included */
	__u32 tasks_before;		/* stacks walked before the stop */
	__u32 tasks_inside;		/* stacks walked during the stop */
	__u32 cpus;			/* CPUs that were held */
	__u32 refusal;			/* enum upkeep_refusal */
	__u32 where;			/* enum upkeep_where */
	__u32 index;
	__u32 blockers;			/* found; the array holds the first max_blockers of them */
	/* UPKEEP_BYTES: offset in the write of the first byte that differs, and found_len bytes of
	 * memory from offset found_at of the write (0 if the whole write fits the array). */
	__u32 differs_at;
	__u32 found_at;
	__u32 found_len;
	__u8 found[UPKEEP_FOUND_LEN];
	__u32 reserved32;
	char other[UPKEEP_ID_LEN];	/* UPKEEP_STOOD_ON: the newest update in the way */
	__u8 reserved8[7];
	__u64 reserved[8];
};

enum upkeep_found_by {
	UPKEEP_UNWOUND = 1,		/* the unwinder vouches for the frame */
	UPKEEP_SCANNED = 2,		/* a word on a stack that cannot be unwound reliably */
	UPKEEP_HIDDEN = 3,		/* such a stack holds a traced return: assumed to stand */
};

struct upkeep_blocker {
	__u64 addr;			/* the address found on the stack */
	__u64 idle_ns;			/* since it was last put on a CPU; ~0 if not known */
	__s32 pid;			/* thread id; 0 for an idle task */
	__s32 tgid;
	__u32 found_by;			/* enum upkeep_found_by */
	__u32 inside;			/* 1 if found during the stop, 0 before it */
	char comm[UPKEEP_COMM_LEN];
	char name[UPKEEP_NAME_LEN];	/* of the range, or of the part module */
};

/* UPKEEP_APPLY: all writes land in one stop of the machine, or none. */
struct upkeep_apply {
	struct upkeep_header header;
	char id[UPKEEP_ID_LEN];
	__u8 reserved8[7];
	__u64 flags;			/* none are defined */
	__u64 writes;			/* struct upkeep_write[nr_writes], at least one */
	__u64 ranges;			/* struct upkeep_range[nr_ranges] */
	__u64 modules;			/* struct upkeep_module[nr_modules] */
	__u64 functions;		/* struct upkeep_function[nr_functions] */
	__u64 bytes;			/* the pool, nr_bytes long */
	__u64 blockers;			/* out: struct upkeep_blocker[max_blockers] */
	__u32 nr_writes;
	__u32 nr_ranges;
	__u32 nr_modules;
	__u32 nr_functions;
	__u32 nr_bytes;
	__u32 max_blockers;
	struct upkeep_outcome outcome;	/* out */
};

/*
 * UPKEEP_UNDO: writes the old bytes back in one stop, if the new ones are all still there and no
 * later update writes into this one's writes or undo ranges or holds one of its part modules.
 * Afterwards the update is gone from /sys/kernel/upkeep and its modules are no longer held.
 */
struct upkeep_undo {
	struct upkeep_header header;
	char id[UPKEEP_ID_LEN];
	__u8 reserved8[7];
	__u64 flags;			/* none are defined */
	__u64 blockers;			/* out: struct upkeep_blocker[max_blockers] */
	__u32 max_blockers;
	__u32 reserved32;
	struct upkeep_outcome outcome;	/* out */
};

/* UPKEEP_PROBE: an empty stop, measured as an apply measures its own; changes nothing. */
struct upkeep_probe {
	struct upkeep_header header;
	__u64 pause_ns;
	__u64 stop_ns;
	__u32 cpus;
	__u32 reserved32;
};

/*
 * UPKEEP_WAIT: from now on, until the file is closed, a load of @module halts before any of its
 * code runs (its relocations are done, its symbols are in /proc/kallsyms, /proc/modules shows it
 * as Loading, and UPKEEP_APPLY can write to it), until UPKEEP_ANSWER or the deadline. One waiter
 * per name (else EEXIST); a file may wait for several modules. The file polls readable while a
 * load is halted that was not read yet; read() gives one struct upkeep_event (EAGAIN on a
 * non-blocking file with none; EINVAL if the buffer is shorter than the event).
 *
 * When the deadline passes, or the file is closed with a load halted, the load goes on, or with
 * UPKEEP_WAIT_STRICT fails with ETIMEDOUT. Either way the kernel log says so.
 */
enum upkeep_wait_flags {
	UPKEEP_WAIT_STRICT = 1,
};

struct upkeep_wait {
	struct upkeep_header header;
	char module[UPKEEP_MODULE_LEN];
	__u32 timeout_ms;		/* 1 .. 120000 */
	__u32 flags;			/* enum upkeep_wait_flags */
	__u32 loaded;			/* out: 1 if the module is there already */
	__u32 reserved32;
};

/* UPKEEP_ANSWER: lets the halted load go on (@error 0) or fail with that (positive) errno.
 * ENOENT if no load of that name is halted on this file. */
struct upkeep_answer {
	struct upkeep_header header;
	char module[UPKEEP_MODULE_LEN];
	__u32 error;			/* 0 or 1 .. 4095 */
	__u32 reserved32;
};

enum upkeep_region_kind {
	UPKEEP_REGION_TEXT = 1,
	UPKEEP_REGION_RODATA = 2,
	UPKEEP_REGION_RO_AFTER_INIT = 3,
	UPKEEP_REGION_DATA = 4,
	UPKEEP_REGION_INIT_TEXT = 5,
	UPKEEP_REGION_INIT_DATA = 6,
	UPKEEP_REGION_INIT_RODATA = 7,
};

struct upkeep_region {
	__u64 base;
	__u32 size;
	__u32 kind;			/* enum upkeep_region_kind */
};

/* read(): a load is halted. /sys/module/NAME does not exist yet; these are its regions. */
struct upkeep_event {
	struct upkeep_header header;
	char module[UPKEEP_MODULE_LEN];
	__u32 reserved32;
	__u32 nr_regions;
	struct upkeep_region regions[UPKEEP_REGIONS_MAX];
};

#endif
