// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls of real children are interrupted, left as CRIU would restore them (EINTR, and nothing that
 * the kernel remembers), and mended: they go on and end as if nothing had been.
 */
/* rooms: replace match base */
#include "replace_sample.h"

#include "replace/calls.h"
#include "replace/hold.h"
#include "replace/inject.h"
#include "replace/mend.h"
#include "replace/procclock.h"
#include "replace/witness.h"

#include <linux/futex.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <time.h>

#define MS 1000000ull

static struct page {
	volatile int done, handled;
	volatile int64_t result, errnum, took_ms;
	volatile uint64_t began_ns;
	uint32_t word;
} * page;

static uint64_t now_ns(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* --- what the children sleep in ------------------------------------------------------ */

static void begin(void)
{
	errno = 0;
	page->began_ns = now_ns(CLOCK_MONOTONIC);
}

static void end(int64_t result)
{
	page->errnum = errno;
	page->result = result;
	page->took_ms = (int64_t)((now_ns(CLOCK_MONOTONIC) - page->began_ns) / MS);
	page->done = 1;
}

static const struct timespec time_1500 = { 1, 500000000 };

static void sleep_nanosleep(void)
{
	begin();
	end(syscall(SYS_nanosleep, &time_1500, NULL));
}

static void sleep_clock(void)
{
	begin();
	end(syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, &time_1500, NULL));
}

static void sleep_poll_time(void)
{
	struct pollfd nothing = { .fd = 3, .events = POLLIN };
	begin();
	end(syscall(SYS_poll, &nothing, 1, 1500));
}

static void sleep_poll(void)
{
	struct pollfd nothing = { .fd = 3, .events = POLLIN };
	begin();
	end(syscall(SYS_poll, &nothing, 1, -1));
}

static void sleep_futex(void)
{
	begin();
	end(syscall(SYS_futex, &page->word, FUTEX_WAIT, 0, &time_1500, NULL, 0));
}

static void sleep_futex_until(void)
{
	begin();
	uint64_t until = now_ns(CLOCK_REALTIME) + 1500 * MS;
	const struct timespec time = { (time_t)(until / 1000000000), (long)(until % 1000000000) };
	end(syscall(SYS_futex, &page->word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &time,
		    NULL, 1));
}

static void handle(int number)
{
	(void)number;
	page->handled++;
}

static void sleep_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN }, found;
	int fd = epoll_create1(0);
	signal(SIGUSR1, handle);
	child_needs(!epoll_ctl(fd, EPOLL_CTL_ADD, 3, &event));
	begin();
	end(syscall(SYS_epoll_wait, fd, &found, 1, -1));
}

static void sleep_sigwait(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	begin();
	end(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8));
}

/* --- what CRIU leaves ---------------------------------------------------------------- */

struct sample {
	struct child child;
	struct uk_hold hold;
	int end; /* of the socket whose other end the child has as 3 */
};

/* It dies with the thread that starts it. */
static void start(struct sample *sample, child_fn then, long number)
{
	int ends[2];
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
	ck_assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	sample->end = ends[0];
	ck_assert(child_start(&sample->child, NULL, then, ends[1]));
	child_await(&sample->child, number);
}

/* Out of its call, of which the kernel shall say that it goes on by @code. */
static void interrupt(struct sample *sample, int code, struct uk_plan_call *ret)
{
	struct user_regs_struct registers;
	ck_ok(uk_hold_take_tree(sample->child.pid, &sample->hold));
	struct uk_held *thread = &sample->hold.threads.data[0];
	ck_ok(uk_inject_get_registers(thread, &registers));
	ck_assert_int_eq((int64_t)registers.rax, -code);
	*ret = (struct uk_plan_call){ .tid = thread->tid,
				      .number = registers.orig_rax,
				      .args = { registers.rdi, registers.rsi, registers.rdx,
						registers.r10, registers.r8, registers.r9 },
				      .ip = registers.rip,
				      .sp = registers.rsp };
	registers.rax = (uint64_t)-EINTR;
	registers.orig_rax = ~0ull;
	ck_ok(uk_inject_set_registers(thread, &registers));
}

static void freeze(struct sample *sample, child_fn then, long number, int code,
		   struct uk_plan_call *ret)
{
	start(sample, then, number);
	interrupt(sample, code, ret);
}

static void go_on(struct sample *sample)
{
	ck_ok(uk_hold_release(&sample->hold, false));
	uk_hold_deinit(&sample->hold);
}

static void await_end(const struct sample *sample)
{
	for (int i = 0; i < 2000 && !page->done; i++)
		usleep(5000);
	ck_assert_int_eq(page->done, 1);
	close(sample->end);
}

static void mend_and_go_on(struct sample *sample, const struct uk_plan_call *call)
{
	struct user_regs_struct before, after;
	struct uk_held *thread = &sample->hold.threads.data[0];
	ck_ok(uk_inject_get_registers(thread, &before));
	ck_ok(uk_mend_call(&sample->hold, call));
	ck_ok(uk_inject_get_registers(thread, &after));
	before.rax = after.rax;
	before.orig_rax = after.orig_rax;
	ck_assert_mem_eq(&before, &after, sizeof(before));
	go_on(sample);
}

/* --- with a limit -------------------------------------------------------------------- */

static const struct {
	child_fn then;
	long number, mended;
	int clock;
	int64_t result, errnum;
} limited[] = {
	{ sleep_nanosleep, SYS_nanosleep, SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, 0 },
	{ sleep_clock, SYS_clock_nanosleep, SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, 0 },
	{ sleep_poll_time, SYS_poll, SYS_poll, CLOCK_MONOTONIC, 0, 0 },
	{ sleep_futex, SYS_futex, SYS_futex, CLOCK_MONOTONIC, -1, ETIMEDOUT },
	{ sleep_futex_until, SYS_futex, SYS_futex, CLOCK_REALTIME, -1, ETIMEDOUT },
};

/* What uk_calls_freeze() makes of the kernel's own notes, which only a guest of a test shows. */
static void set_limit(struct uk_plan_call *call, int i, uint64_t since_ns)
{
	call->number = (uint64_t)limited[i].mended;
	call->limited = true;
	call->until_ns = now_ns(limited[i].clock) - now_ns(CLOCK_MONOTONIC) + since_ns + 1500 * MS;
	if (call->number == SYS_clock_nanosleep)
		memcpy(call->args, (uint64_t[6]){ (uint64_t)limited[i].clock }, sizeof(call->args));
	if (call->number == SYS_futex && limited[i].clock == CLOCK_MONOTONIC) {
		call->args[1] |= FUTEX_WAIT_BITSET;
		call->args[5] = FUTEX_BITSET_MATCH_ANY;
	}
}

START_TEST(what_had_a_limit_ends_by_it)
{
	struct sample sample = {};
	struct uk_plan_call call;
	freeze(&sample, limited[_i].then, limited[_i].number, 516, &call);
	set_limit(&call, _i, page->began_ns);
	usleep(300000);
	mend_and_go_on(&sample, &call);
	usleep(100000);
	ck_assert_int_eq(page->done, 0);
	/* It is interrupted once more, by a stop, and the kernel goes on by itself. */
	ck_assert(!kill(sample.child.pid, SIGSTOP) && !kill(sample.child.pid, SIGCONT));
	await_end(&sample);
	ck_assert_int_eq(page->result, limited[_i].result);
	ck_assert_int_eq(page->errnum, limited[_i].errnum);
	ck_assert(page->took_ms >= 1499 && page->took_ms < 3500);
	child_stop(&sample.child);
}
END_TEST

/* What was over in the time of the swap ends at once. */
START_TEST(what_is_over_ends)
{
	struct sample sample = {};
	struct uk_plan_call call;
	freeze(&sample, limited[_i].then, limited[_i].number, 516, &call);
	set_limit(&call, _i, page->began_ns - 1490 * MS);
	usleep(50000);
	mend_and_go_on(&sample, &call);
	await_end(&sample);
	ck_assert_int_eq(page->result, limited[_i].result);
	ck_assert_int_eq(page->errnum, limited[_i].errnum);
	ck_assert_int_lt(page->took_ms, 1400);
	child_stop(&sample.child);
}
END_TEST

START_TEST(a_futex_that_changed_is_noticed)
{
	struct sample sample = {};
	struct uk_plan_call call;
	freeze(&sample, limited[3].then, limited[3].number, 516, &call);
	set_limit(&call, 3, page->began_ns);
	page->word = 1;
	mend_and_go_on(&sample, &call);
	await_end(&sample);
	ck_assert_int_eq(page->errnum, EAGAIN);
	child_stop(&sample.child);
}
END_TEST

START_TEST(what_was_awaited_came_meanwhile)
{
	struct sample sample = {};
	struct uk_plan_call call;
	freeze(&sample, sleep_poll_time, SYS_poll, 516, &call);
	set_limit(&call, 2, page->began_ns);
	ck_assert_int_eq(write(sample.end, "x", 1), 1);
	mend_and_go_on(&sample, &call);
	await_end(&sample);
	ck_assert_int_eq(page->result, 1);
	child_stop(&sample.child);
}
END_TEST

/* --- without ------------------------------------------------------------------------- */

static void wake_by_byte(const struct sample *sample)
{
	ck_assert_int_eq(write(sample->end, "x", 1), 1);
}

static void wake_by_signal(const struct sample *sample)
{
	ck_assert(!kill(sample->child.pid, SIGUSR1));
}

static const struct {
	child_fn then;
	long number;
	int code;
	void (*wake)(const struct sample *sample);
	int64_t result;
} unlimited[] = {
	{ sleep_poll, SYS_poll, 516, wake_by_byte, 1 },
	{ sleep_epoll, SYS_epoll_wait, EINTR, wake_by_byte, 1 },
	{ sleep_sigwait, SYS_rt_sigtimedwait, EINTR, wake_by_signal, SIGUSR1 },
};

START_TEST(what_had_no_limit_waits_on)
{
	struct sample sample = {};
	struct uk_plan_call call;
	freeze(&sample, unlimited[_i].then, unlimited[_i].number, unlimited[_i].code, &call);
	mend_and_go_on(&sample, &call);
	child_await(&sample.child, unlimited[_i].number);
	usleep(50000);
	ck_assert_int_eq(page->done, 0);
	unlimited[_i].wake(&sample);
	await_end(&sample);
	ck_assert_int_eq(page->result, unlimited[_i].result);
	child_stop(&sample.child);
}
END_TEST

/* A program that is told something by a handler counts on its call to end by that. */
START_TEST(a_signal_that_came_meanwhile_ends_it)
{
	struct sample sample = {};
	struct uk_plan_call call;
	freeze(&sample, sleep_epoll, SYS_epoll_wait, EINTR, &call);
	ck_assert(!kill(sample.child.pid, SIGUSR1));
	mend_and_go_on(&sample, &call);
	await_end(&sample);
	ck_assert_int_eq(page->result, -1);
	ck_assert_int_eq(page->errnum, EINTR);
	ck_assert_int_eq(page->handled, 1);
	child_stop(&sample.child);
}
END_TEST

/* --- what is started for the rest of its time ---------------------------------------- */

static void sleep_epoll_time(void)
{
	struct epoll_event event = { .events = EPOLLIN }, found;
	int fd = epoll_create1(0);
	signal(SIGUSR1, handle);
	child_needs(!epoll_ctl(fd, EPOLL_CTL_ADD, 3, &event));
	begin();
	end(syscall(SYS_epoll_wait, fd, &found, 1, 1500));
}

/* Its limit lies where nobody may write, and is the same afterwards. */
static void sleep_sigwait_time(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	begin();
	int64_t got = syscall(SYS_rt_sigtimedwait, &set, NULL, &time_1500, 8);
	int error = errno;
	child_needs(time_1500.tv_sec == 1 && time_1500.tv_nsec == 500000000);
	errno = error;
	end(got);
}

static void sleep_sem_time(void)
{
	struct sembuf take = { .sem_op = -1 };
	struct timespec time = time_1500;
	int id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	child_needs(id >= 0);
	begin();
	int64_t got = syscall(SYS_semtimedop, id, &take, 1, &time);
	int error = errno;
	semctl(id, 0, IPC_RMID);
	child_needs(!memcmp(&time, &time_1500, sizeof(time)));
	errno = error;
	end(got);
}

static const struct {
	child_fn then;
	long number;
	int64_t result, errnum;
} started[] = {
	{ sleep_epoll_time, SYS_epoll_wait, 0, 0 },
	{ sleep_sigwait_time, SYS_rt_sigtimedwait, -1, EAGAIN },
	{ sleep_sem_time, SYS_semtimedop, -1, EAGAIN },
};

/* What happens between the freeze and the end of the thread that traces. */
struct trace {
	struct sample sample;
	int at;
	uint64_t sooner_ns; /* the limit is so much before it */
	int signal;	    /* that comes meanwhile; or 0 */
	bool awaited;	    /* what it waits for comes meanwhile */
};

static void *trace(void *arg)
{
	struct trace *it = arg;
	struct sample *sample = &it->sample;
	struct uk_plan_call call;
	interrupt(sample, EINTR, &call);
	call.limited = true;
	call.until_ns = page->began_ns + 1500 * MS - it->sooner_ns;
	usleep(300000);
	if (it->signal)
		ck_assert(!kill(sample->child.pid, it->signal));
	if (it->awaited)
		wake_by_byte(sample);
	ck_ok(uk_mend_call(&sample->hold, &call));
	go_on(sample);
	return NULL;
}

static void run_trace(struct trace *it)
{
	pthread_t thread;
	start(&it->sample, started[it->at].then, started[it->at].number);
	ck_assert(!pthread_create(&thread, NULL, trace, it));
	ck_assert(!pthread_join(thread, NULL));
}

START_TEST(what_is_started_ends_by_its_limit)
{
	struct trace it = { .at = _i };
	run_trace(&it);
	usleep(100000);
	ck_assert_int_eq(page->done, 0);
	await_end(&it.sample);
	ck_assert_int_eq(page->result, started[_i].result);
	ck_assert_int_eq(page->errnum, started[_i].errnum);
	ck_assert(page->took_ms >= 1499 && page->took_ms < 3500);
	child_stop(&it.sample.child);
}
END_TEST

START_TEST(what_is_started_late_ends_at_once)
{
	struct trace it = { .at = _i, .sooner_ns = 1490 * MS };
	run_trace(&it);
	await_end(&it.sample);
	ck_assert_int_eq(page->result, started[_i].result);
	ck_assert_int_eq(page->errnum, started[_i].errnum);
	ck_assert_int_lt(page->took_ms, 1400);
	child_stop(&it.sample.child);
}
END_TEST

START_TEST(what_is_started_finds_what_came)
{
	struct trace it = { .awaited = true };
	run_trace(&it);
	await_end(&it.sample);
	ck_assert_int_eq(page->result, 1);
	child_stop(&it.sample.child);
}
END_TEST

START_TEST(what_is_started_has_its_signal_first)
{
	struct trace it = { .signal = SIGUSR1 };
	run_trace(&it);
	await_end(&it.sample);
	ck_assert_int_eq(page->result, -1);
	ck_assert_int_eq(page->errnum, EINTR);
	ck_assert_int_eq(page->handled, 1);
	child_stop(&it.sample.child);
}
END_TEST

/* --- what the kernel makes again for the time that was left -------------------------- */

static void sleep_ppoll_time(void)
{
	struct timespec time = time_1500;
	begin();
	end(syscall(SYS_ppoll, NULL, 0, &time, NULL, 8));
}

static void sleep_select_time(void)
{
	struct timeval time = { 1, 500000 };
	begin();
	end(syscall(SYS_select, 0, NULL, NULL, NULL, &time));
}

static void sleep_pselect_time(void)
{
	struct timespec time = time_1500;
	begin();
	end(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, NULL));
}

static const struct {
	child_fn then;
	long number;
} repeated[] = {
	{ sleep_ppoll_time, SYS_ppoll },
	{ sleep_select_time, SYS_select },
	{ sleep_pselect_time, SYS_pselect6 },
};

/* As CRIU leaves it, before its call; or, @restored false, as the kernel has it. */
static void repeat(struct sample *sample, int at, bool restored, uint64_t sooner_ns)
{
	enum { SYSCALL_BYTES = 2 };
	struct user_regs_struct registers;
	struct uk_plan_call call;
	start(sample, repeated[at].then, repeated[at].number);
	interrupt(sample, UK_ERESTARTNOHAND, &call);
	struct uk_held *thread = &sample->hold.threads.data[0];
	ck_ok(uk_inject_get_registers(thread, &registers));
	registers.rax = restored ? call.number : (uint64_t)-UK_ERESTARTNOHAND;
	registers.orig_rax = restored ? ~0ull : call.number;
	registers.rip -= restored ? SYSCALL_BYTES : 0;
	ck_ok(uk_inject_set_registers(thread, &registers));
	call.limited = true;
	call.until_ns = page->began_ns + 1500 * MS - sooner_ns;
	usleep(100000);
	mend_and_go_on(sample, &call);
}

START_TEST(what_is_made_again_ends_by_its_limit)
{
	struct sample sample = {};
	repeat(&sample, _i, true, 0);
	await_end(&sample);
	ck_assert_int_eq(page->result, 0);
	ck_assert(page->took_ms >= 1499 && page->took_ms < 3500);
	child_stop(&sample.child);
}
END_TEST

START_TEST(what_is_made_again_late_ends_at_once)
{
	for (int restored = 0; restored < 2; restored++) {
		struct sample sample = {};
		repeat(&sample, _i, restored, 1490 * MS);
		await_end(&sample);
		ck_assert_int_eq(page->result, 0);
		ck_assert_int_lt(page->took_ms, 1400);
		child_stop(&sample.child);
	}
}
END_TEST

START_TEST(what_is_not_to_be_made_again_is_left_alone)
{
	struct sample sample = {};
	struct uk_plan_call call;
	start(&sample, sleep_select_time, SYS_select);
	interrupt(&sample, UK_ERESTARTNOHAND, &call);
	call.limited = true;
	ck_fails(uk_mend_call(&sample.hold, &call), UK_ERR_INVALID, "does not stand where");
	call.ip -= 2;
	ck_fails(uk_mend_call(&sample.hold, &call), UK_ERR_INVALID, "does not stand where");
	go_on(&sample);
	await_end(&sample);
	ck_assert_int_eq(page->errnum, EINTR);
	child_stop(&sample.child);
}
END_TEST

static __attribute__((noinline)) void pass(void)
{
	__asm__ volatile("");
}

/* Whether this machine counts breakpoints at all: some virtual ones do not. */
static bool breakpoints_count(void)
{
	uint64_t count = 0;
	struct perf_event_attr attr = { .type = PERF_TYPE_BREAKPOINT,
					.size = sizeof(attr),
					.bp_type = HW_BREAKPOINT_X,
					.bp_addr = (uintptr_t)pass,
					.bp_len = sizeof(long),
					.exclude_kernel = 1 };
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	for (int i = 0; i < 10; i++)
		pass();
	bool good = fd >= 0 && read(fd, &count, sizeof(count)) == sizeof(count) && count == 10;
	close(fd);
	return good;
}

/* Where nothing is counted nothing is said to be proved. */
START_TEST(a_witness_tells_who_left_its_call)
{
	struct sample sample = {};
	struct uk_plan_call call;
	int witness;
	uint64_t left = 1;
	freeze(&sample, sleep_epoll, SYS_epoll_wait, EINTR, &call);
	ck_ok(uk_mend_call(&sample.hold, &call));
	go_on(&sample);
	child_await(&sample.child, SYS_epoll_wait);
	if (!breakpoints_count()) {
		ck_fails(uk_witness_call(sample.child.pid, call.ip, &witness), UK_ERR_SYSTEM,
			 "no hardware breakpoints");
		child_stop(&sample.child);
		return;
	}
	ck_ok(uk_witness_call(sample.child.pid, call.ip, &witness));
	usleep(50000);
	ck_ok(uk_witness_ask(witness, &left));
	ck_assert_uint_eq(left, 0);
	wake_by_byte(&sample);
	await_end(&sample);
	ck_ok(uk_witness_ask(witness, &left));
	ck_assert_uint_ge(left, 1);
	close(witness);
	ck_fails(uk_witness_call(0x3ffffff, call.ip, &witness), UK_ERR_SYSTEM, "watch thread");
	child_stop(&sample.child);
}
END_TEST

/* --- what is refused ----------------------------------------------------------------- */

START_TEST(what_is_not_as_it_was_is_left_alone)
{
	struct sample sample = {};
	struct uk_plan_call call, other;
	freeze(&sample, sleep_epoll, SYS_epoll_wait, EINTR, &call);
	other = call;
	other.ip++;
	ck_fails(uk_mend_call(&sample.hold, &other), UK_ERR_INVALID, "does not stand where");
	other = call;
	other.sp -= 8;
	ck_fails(uk_mend_call(&sample.hold, &other), UK_ERR_INVALID, "does not stand where");
	other = call;
	other.tid = 1;
	ck_fails(uk_mend_call(&sample.hold, &other), UK_ERR_INVALID, "was not restored");
	other = call;
	other.number = SYS_reboot;
	ck_fails(uk_mend_call(&sample.hold, &other), UK_ERR_INVALID, "which is none");
	other.limited = true;
	ck_fails(uk_mend_call(&sample.hold, &other), UK_ERR_INVALID, "which is none");
	go_on(&sample);
	await_end(&sample);
	ck_assert_int_eq(page->errnum, EINTR);
	child_stop(&sample.child);
}
END_TEST

/* --- clocks -------------------------------------------------------------------------- */

START_TEST(milliseconds_are_not_passed_early)
{
	ck_assert_int_eq(uk_call_milliseconds(0), 0);
	ck_assert_int_eq(uk_call_milliseconds(1), 1);
	ck_assert_int_eq(uk_call_milliseconds(3 * MS), 3);
	ck_assert_int_eq(uk_call_milliseconds(3 * MS + 1), 4);
	ck_assert_int_eq(uk_call_milliseconds(UINT64_MAX), INT_MAX);
}
END_TEST

START_TEST(clocks_of_a_namespace_are_ahead)
{
	static const char text[] =
		"monotonic           5         7\nboottime           -3 999999999\n";
	int64_t ahead;
	ck_ok(uk_procclock_parse(text, CLOCK_MONOTONIC, &ahead));
	ck_assert_int_eq(ahead, 5000000007);
	ck_ok(uk_procclock_parse(text, CLOCK_BOOTTIME, &ahead));
	ck_assert_int_eq(ahead, -2000000001);
	ck_ok(uk_procclock_parse(text, CLOCK_REALTIME, &ahead));
	ck_assert_int_eq(ahead, 0);
	ck_fails(uk_procclock_parse("boottime 1 1\n", CLOCK_MONOTONIC, &ahead), UK_ERR_INVALID,
		 "how far ahead");
	ck_fails(uk_procclock_parse("monotonic 99999999999 1\n", CLOCK_MONOTONIC, &ahead),
		 UK_ERR_INVALID, "how far ahead");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replace_mend");
	TCase *tcase = tcase_create("mend");
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, what_had_a_limit_ends_by_it, 0, UK_ARRAY_SIZE(limited));
	tcase_add_loop_test(tcase, what_is_over_ends, 0, UK_ARRAY_SIZE(limited));
	tcase_add_test(tcase, a_futex_that_changed_is_noticed);
	tcase_add_test(tcase, what_was_awaited_came_meanwhile);
	tcase_add_loop_test(tcase, what_had_no_limit_waits_on, 0, UK_ARRAY_SIZE(unlimited));
	tcase_add_test(tcase, a_signal_that_came_meanwhile_ends_it);
	tcase_add_loop_test(tcase, what_is_started_ends_by_its_limit, 0, UK_ARRAY_SIZE(started));
	tcase_add_loop_test(tcase, what_is_started_late_ends_at_once, 0, UK_ARRAY_SIZE(started));
	tcase_add_test(tcase, what_is_started_finds_what_came);
	tcase_add_test(tcase, what_is_started_has_its_signal_first);
	tcase_add_loop_test(tcase, what_is_made_again_ends_by_its_limit, 0,
			    UK_ARRAY_SIZE(repeated));
	tcase_add_loop_test(tcase, what_is_made_again_late_ends_at_once, 0,
			    UK_ARRAY_SIZE(repeated));
	tcase_add_test(tcase, what_is_not_to_be_made_again_is_left_alone);
	tcase_add_test(tcase, a_witness_tells_who_left_its_call);
	tcase_add_test(tcase, what_is_not_as_it_was_is_left_alone);
	tcase_add_test(tcase, milliseconds_are_not_passed_early);
	tcase_add_test(tcase, clocks_of_a_namespace_are_ahead);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
