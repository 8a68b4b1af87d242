// SPDX-License-Identifier: GPL-2.0-or-later
/* elapsed NAME COMMAND...: runs a command and says "@ NAME NS", or its words if it fails. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char output[] = "/tmp/elapsed.out";

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void child(char **argv)
{
	int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

static void copy_output(void)
{
	char text[4096];
	int fd = open(output, O_RDONLY);
	ssize_t got;

	while (fd >= 0 && (got = read(fd, text, sizeof(text))) > 0)
		if (write(1, text, got) != got)
			break;
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 3)
		return 2;
	long long from = now();
	pid_t pid = fork();

	if (!pid)
		child(argv + 2);
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("elapsed");
		return 1;
	}
	if (status) {
		printf("%s: status %#x\n", argv[2], status);
		fflush(stdout);
		copy_output();
		return 1;
	}
	printf("@ %s %lld\n", argv[1], now() - from);
	return 0;
}
