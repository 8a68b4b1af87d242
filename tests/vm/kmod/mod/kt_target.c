// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module to be updated. Files in /proc/kt:
 *
 *	answer	prints what kt_answer() gives
 *	word	prints a constant string
 *	table	prints the sum of a constant table of three pages
 *	call	prints what the function gives that a writable variable points to
 *	sleep	a read sleeps in kt_sleep() until something is written to release
 *	odd	the same, called from a function that the unwinder cannot get past
 *	tail	the same, called as the last instruction of kt_tail()
 *	pair	prints 11: a 1 from kt_pair(), which sleeps, and a 1 from kt_pair_inner()
 *	spin	a read loops in kt_spin() until something is written to release; the loop calls
 *		kt_spin_inner(), and stays in it most of the time
 */

#include <asm/ibt.h>
#include <asm/linkage.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/objtool.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/wait.h>

int kt_answer(void);
int kt_sleep(void);
int kt_odd(void);
void kt_spin_inner(void);
int kt_spin(void);
int kt_pair_inner(void);
int kt_pair(void);
int kt_tail(void);
int kt_past_tail(void);

static struct proc_dir_entry *dir;
static DECLARE_WAIT_QUEUE_HEAD(wait);
static unsigned int released;

int (*kt_call)(void) = kt_answer;
int (*kt_empty_call)(void);

const char kt_word[] = "old word";
const unsigned char kt_table[3 * PAGE_SIZE] = { [0 ... 3 * PAGE_SIZE - 1] = 1 };

/* Volatile, so that the function has some length. */
static __always_inline unsigned int now_released(void)
{
	return READ_ONCE(released);
}

noinline int kt_answer(void)
{
	return READ_ONCE(released) + 1 - now_released();
}

noinline int kt_sleep(void)
{
	unsigned int before = READ_ONCE(released);

	if (wait_event_interruptible(wait, READ_ONCE(released) != before))
		return -EINTR;
	return 1;
}

noinline int kt_odd(void)
{
	int ret = kt_sleep();

	barrier();
	return ret;
}
STACK_FRAME_NON_STANDARD(kt_odd);

static noinline int kt_odd_caller(void)
{
	int ret = kt_odd();

	barrier();
	return ret;
}

/* The call is its last instruction, as that of a function that does not return would be. */
asm(".pushsection .text\n"
    "	.p2align 4\n"
    "	.globl kt_tail, kt_past_tail\n"
    "	.type kt_tail, @function\n"
    "kt_tail:\n"
    ASM_ENDBR
    "	nopl 0(%rax,%rax,1)\n"
    "	nopl 0(%rax,%rax,1)\n"
    "	push %rbp\n"
    "	mov %rsp, %rbp\n"
    "	call kt_sleep\n"
    "	.size kt_tail, . - kt_tail\n"
    "	.type kt_past_tail, @function\n"
    "kt_past_tail:\n"
    "	pop %rbp\n"
    "	" ASM_RET
    "	.size kt_past_tail, . - kt_past_tail\n"
    "	.popsection\n");
STACK_FRAME_NON_STANDARD(kt_tail);
STACK_FRAME_NON_STANDARD(kt_past_tail);

noinline void kt_spin_inner(void)
{
	unsigned int i;

	for (i = 0; i < 10000; i++)
		cpu_relax();
	/* With preempt=full it is interrupted in the loop, else it leaves the CPU here. */
	cond_resched();
	barrier();
}

noinline int kt_spin(void)
{
	unsigned int before = READ_ONCE(released);

	while (READ_ONCE(released) == before && !signal_pending(current))
		kt_spin_inner();
	return 1;
}

static int one = 1;

noinline int kt_pair_inner(void)
{
	return READ_ONCE(one);
}

noinline int kt_pair(void)
{
	int first = READ_ONCE(one);

	usleep_range(500, 1000);
	return 10 * first + kt_pair_inner();
}

static int answer_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%d\n", kt_answer());
	return 0;
}

static int word_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%s\n", (char *)READ_ONCE_NOCHECK(m->private));
	return 0;
}

static int call_pointer_show(struct seq_file *m, void *v)
{
	int (*call)(void) = READ_ONCE(kt_call), (*empty)(void) = READ_ONCE(kt_empty_call);

	seq_printf(m, "%d %d\n", call(), empty ? empty() : 0);
	return 0;
}

static int table_show(struct seq_file *m, void *v)
{
	const volatile unsigned char *at = kt_table;
	unsigned long i, sum = 0;

	for (i = 0; i < sizeof(kt_table); i++)
		sum += at[i];
	seq_printf(m, "%lu\n", sum);
	return 0;
}

static int call_show(struct seq_file *m, void *v)
{
	int (*call)(void) = m->private;
	int ret = call();

	if (ret > 0)
		seq_printf(m, "%d\n", ret);
	return ret > 0 ? 0 : ret;
}

static ssize_t release_write(struct file *file, const char __user *buf, size_t size, loff_t *pos)
{
	WRITE_ONCE(released, released + 1);
	wake_up_all(&wait);
	return size;
}

static const struct proc_ops release_ops = { .proc_write = release_write };

static int __init kt_target_init(void)
{
	dir = proc_mkdir("kt", NULL);
	if (!dir)
		return -ENOMEM;
	proc_create_single("answer", 0444, dir, answer_show);
	proc_create_single_data("word", 0444, dir, word_show, (void *)kt_word);
	proc_create_single("table", 0444, dir, table_show);
	proc_create_single("call", 0444, dir, call_pointer_show);
	proc_create_single_data("sleep", 0444, dir, call_show, kt_sleep);
	proc_create_single_data("odd", 0444, dir, call_show, kt_odd_caller);
	proc_create_single_data("tail", 0444, dir, call_show, kt_tail);
	proc_create_single_data("pair", 0444, dir, call_show, kt_pair);
	proc_create_single_data("spin", 0444, dir, call_show, kt_spin);
	proc_create("release", 0222, dir, &release_ops);
	return 0;
}

static void __exit kt_target_exit(void)
{
	proc_remove(dir);
}

module_init(kt_target_init);
module_exit(kt_target_exit);
MODULE_DESCRIPTION("A module for the tests of upkeep.ko to change");
MODULE_LICENSE("GPL");
