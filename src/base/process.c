// SPDX-License-Identifier: GPL-2.0-or-later
/* Running other programs and keeping what they say. */
#include "base/process.h"

#include "base/strbuf.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct pipes {
	int in[2], out[2], err[2];
};

static void close_end(int *fd)
{
	uk_cleanup_close(fd);
	*fd = -1;
}

static void close_pair(int pair[2])
{
	close_end(&pair[0]);
	close_end(&pair[1]);
}

static void pipes_deinit(struct pipes *pipes)
{
	close_pair(pipes->in);
	close_pair(pipes->out);
	close_pair(pipes->err);
}

static struct uk_error *pipes_init(struct pipes *pipes)
{
	*pipes = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (pipe2(pipes->in, O_CLOEXEC) < 0 || pipe2(pipes->out, O_CLOEXEC) < 0 ||
	    pipe2(pipes->err, O_CLOEXEC) < 0)
		return uk_error_errno(errno, "pipe");
	return NULL;
}

static void __attribute__((noreturn))
child(const struct uk_process *process, struct pipes *pipes, pid_t parent)
{
	/* Killed with us, so that it does not write where the next run begins. */
	if (!process->outlives)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(pipes->in[0], STDIN_FILENO);
	dup2(pipes->out[1], STDOUT_FILENO);
	dup2(pipes->err[1], STDERR_FILENO);
	signal(SIGPIPE, SIG_DFL);
	if (process->dir && chdir(process->dir) < 0)
		goto fail;
	for (const char *const *env = process->env; env && *env; env++)
		putenv((char *)*env);
	if (process->in_child)
		process->in_child(process->in_child_arg);
	execvp(process->argv[0], (char *const *)process->argv);
fail:
	dprintf(STDERR_FILENO, "%s: %s\n", process->argv[0], strerror(errno));
	_exit(127);
}

/* Reads what is there; closes @fd at the end of the stream. */
static void drain(int *fd, struct uk_strbuf *buf)
{
	char chunk[65536];
	ssize_t got = read(*fd, chunk, sizeof(chunk));
	if (got > 0) {
		uk_strbuf_add(buf, chunk, (size_t)got);
	} else if (!got || (errno != EINTR && errno != EAGAIN)) {
		close_end(fd);
	}
}

struct input {
	const char *data;
	size_t len, done;
};

static void feed(int *fd, struct input *input)
{
	ssize_t put = input->done < input->len
			      ? write(*fd, input->data + input->done, input->len - input->done)
			      : 0;
	if (put > 0)
		input->done += (size_t)put;
	if (input->done == input->len || (put < 0 && errno != EINTR && errno != EAGAIN))
		close_end(fd);
}

static void converse(struct uk_process_begun *begun, struct input *input, struct uk_strbuf *out,
		     struct uk_strbuf *err)
{
	fcntl(begun->in, F_SETFL, O_NONBLOCK);
	while (begun->in >= 0 || begun->out >= 0 || begun->errout >= 0) {
		struct pollfd fds[] = {
			{ .fd = begun->in, .events = POLLOUT },
			{ .fd = begun->out, .events = POLLIN },
			{ .fd = begun->errout, .events = POLLIN },
		};
		if (poll(fds, UK_ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[0].revents)
			feed(&begun->in, input);
		if (fds[1].revents)
			drain(&begun->out, out);
		if (fds[2].revents)
			drain(&begun->errout, err);
	}
}

static int wait_for(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 127;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct uk_error *uk_process_begin(const struct uk_process *process, struct uk_process_begun *ret)
{
	uk_cleanup(pipes_deinit) struct pipes pipes;
	struct uk_error *err = pipes_init(&pipes);
	if (err)
		return err;
	pid_t parent = getpid(), pid = fork();
	if (pid < 0)
		return uk_error_errno(errno, "fork for %s", process->argv[0]);
	if (!pid)
		child(process, &pipes, parent);
	*ret = (struct uk_process_begun){ pid, uk_take_fd(pipes.in[1]), uk_take_fd(pipes.out[0]),
					  uk_take_fd(pipes.err[0]) };
	return NULL;
}

struct uk_error *uk_process_finish(struct uk_process_begun *begun, const char *data, size_t len,
				   struct uk_process_result *ret)
{
	struct input input = { data, len, 0 };
	/* A program that ends without reading its input must not end us. */
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	sigaction(SIGPIPE, &ignore, &old);
	uk_auto_strbuf struct uk_strbuf out = {}, errout = {};
	converse(begun, &input, &out, &errout);
	sigaction(SIGPIPE, &old, NULL);

	struct uk_process_result result = { .status = wait_for(begun->pid) };
	struct uk_error *err = uk_strbuf_finish_len(&out, &result.out, &result.out_len);
	if (!err)
		err = uk_strbuf_finish_len(&errout, &result.errout, &result.errout_len);
	if (err) {
		uk_process_result_deinit(&result);
		return err;
	}
	*ret = result;
	return NULL;
}

void uk_process_abandon(struct uk_process_begun *begun)
{
	kill(begun->pid, SIGKILL);
	wait_for(begun->pid);
	close_end(&begun->in);
	close_end(&begun->out);
	close_end(&begun->errout);
}

struct uk_error *uk_process_run(const struct uk_process *process, struct uk_process_result *ret)
{
	struct uk_process_begun begun;
	struct uk_error *err = uk_process_begin(process, &begun);
	return err ? err : uk_process_finish(&begun, process->input, process->input_len, ret);
}

void uk_process_result_deinit(struct uk_process_result *result)
{
	free(result->out);
	free(result->errout);
	*result = (struct uk_process_result){};
}

/* The last @max bytes of a text, from the beginning of a line. */
static const char *tail(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return text;
	const char *start = text + len - max;
	const char *line = strchr(start, '\n');
	return line && line[1] ? line + 1 : start;
}

struct uk_error *uk_process_check(const struct uk_process *process, char **out_ret)
{
	uk_auto_process_result struct uk_process_result result = {};
	struct uk_error *err = uk_process_run(process, &result);
	if (err)
		return err;
	if (result.status) {
		bool quiet = !result.errout_len;
		const char *text = quiet ? result.out : result.errout;
		size_t len = quiet ? result.out_len : result.errout_len;
		return uk_error_create(UK_ERR_SYSTEM, "%s ended with status %d: %s",
				       process->argv[0], result.status, tail(text, len, 2000));
	}
	if (out_ret)
		*out_ret = uk_take(result.out);
	return NULL;
}

struct uk_error *uk_process_call(char **out_ret, const char *program, ...)
{
	UK_VEC(const char *) argv = {};
	va_list args;
	va_start(args, program);
	bool pushed = uk_vec_push(&argv, program);
	for (const char *arg; pushed && (arg = va_arg(args, const char *));)
		pushed = uk_vec_push(&argv, arg);
	va_end(args);
	pushed = pushed && uk_vec_push(&argv, NULL);
	struct uk_process process = { .argv = argv.data };
	struct uk_error *err = pushed ? uk_process_check(&process, out_ret) : uk_error_nomem();
	uk_vec_deinit(&argv);
	return err;
}
