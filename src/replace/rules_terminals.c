// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules for terminals: virtual ones, serial lines, both ends of a pty. */
#include "replace/peek.h"
#include "replace/rules.h"
#include "replace/seat.h"

#include <linux/major.h>
#include <sys/sysmacros.h>

static bool is_virtual_terminal(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_TERMINAL && major(subject->fd->rdev) == TTY_MAJOR &&
	       minor(subject->fd->rdev) < 64;
}

static bool is_seat_terminal(const struct uk_rule_subject *subject)
{
	return uk_seat_is_terminal(subject->fd);
}

static bool is_terminal(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_TERMINAL;
}

static bool is_own_tty(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_OWN_TTY;
}

/* Whether a process of the service has the master of this pty. */
static bool has_master(const struct uk_rule_subject *subject)
{
	unsigned int major_number = major(subject->fd->rdev);
	int number =
		(int)(minor(subject->fd->rdev) + 256 * (major_number - UNIX98_PTY_SLAVE_MAJOR));
	uk_vec_for_each(task, &subject->service->tasks) {
		uk_vec_for_each(fd, &task->fds) {
			if (fd->kind == UK_FD_PTY_MASTER && fd->tty == number)
				return true;
		}
	}
	return false;
}

static bool is_foreign_pty(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_PTY && !has_master(subject);
}

static void tell_foreign_pty(const struct uk_rule_subject *subject, struct uk_strbuf *what)
{
	uk_strbuf_addf(what,
		       "who draws the terminal %s (sshd, tmux, a terminal's program) is not "
		       "kept with it",
		       subject->fd->link);
}

static bool is_end_of_pty(const struct uk_rule_subject *subject)
{
	return subject->fd->kind == UK_FD_PTY || subject->fd->kind == UK_FD_PTY_MASTER;
}

static bool is_hung_up(const struct uk_rule_subject *subject, bool *unread_ret)
{
	return is_end_of_pty(subject) &&
	       uk_peek_hung_up(subject->task->pid, subject->fd->number, unread_ret);
}

static bool has_last_words(const struct uk_rule_subject *subject)
{
	bool unread = false;
	return is_hung_up(subject, &unread) && unread;
}

static bool is_dead_terminal(const struct uk_rule_subject *subject)
{
	bool unread;
	return is_hung_up(subject, &unread);
}

static bool is_exclusive(const struct uk_rule_subject *subject)
{
	return is_end_of_pty(subject) && uk_peek_exclusive(subject->task->pid, subject->fd->number);
}

static const struct uk_rule rules[] = {
	{ "terminal-of-seat", UK_RESOURCE_FD, is_seat_terminal, UK_FATE_REPAIRED,
	  "a virtual terminal: text, modes, its owner and which one is shown", NULL,
	  "CRIU 3.17.1, criu/tty.c: open_simple_tty(); src/replace/seat.c" },
	{ "virtual-terminal", UK_RESOURCE_FD, is_virtual_terminal, UK_FATE_IMPOSSIBLE,
	  "a virtual terminal that is no console of this kernel's", "run it over ssh",
	  "tried: refused" },
	{ "terminal", UK_RESOURCE_FD, is_terminal, UK_FATE_IMPOSSIBLE,
	  "a serial line or the console", "run it under tmux or over ssh", "tried: refused" },
	{ "dev-tty", UK_RESOURCE_FD, is_own_tty, UK_FATE_IMPOSSIBLE,
	  "it has opened /dev/tty, which the checkpoint refuses",
	  "end the program that asks on the terminal (less, ssh, sudo)", "tried: refused" },
	{ "last-words", UK_RESOURCE_FD, has_last_words, UK_FATE_CHANGED,
	  "what programs that have ended wrote to this terminal, and nobody has read, is lost",
	  NULL, "tried: pty-left in docs/replace-criu.md" },
	{ "dead-terminal", UK_RESOURCE_FD, is_dead_terminal, UK_FATE_EXACT, NULL, NULL,
	  "tried: pty-hung-up in docs/replace-criu.md" },
	{ "foreign-pty", UK_RESOURCE_FD, is_foreign_pty, UK_FATE_IMPOSSIBLE, NULL,
	  "keep the whole session (session:N), or start the program without a terminal",
	  "CRIU 3.17.1, criu/tty.c: the master must be among what is dumped (or --shell-job)",
	  tell_foreign_pty },
	{ "exclusive-terminal", UK_RESOURCE_FD, is_exclusive, UK_FATE_CHANGED,
	  "others may open the terminal again (TIOCEXCL is lost)", NULL,
	  "tried: pty-modes in docs/replace-criu.md" },
};

const struct uk_rule_table uk_rules_terminals = { rules, UK_ARRAY_SIZE(rules) };
