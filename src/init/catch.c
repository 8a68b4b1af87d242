// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What criu runs when all processes of a service are restored and it is about to let them go
 * (criu(8), --action-script, "pre-resume"): they shall go into the freezer of their cgroup, and not
 * run a step, until upkeep lets them. criu itself was born in that cgroup, and is moved out of it.
 *
 * It runs as the service sees files, so it is linked statically, and what it writes to is named by
 * descriptors that upkeep has open (/proc/PID/fd/N); criu closes those that it might inherit.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* @name: of the variable that tells where. */
static bool tell(const char *name, const char *word)
{
	const char *path = getenv(name);
	int fd = path ? open(path, O_WRONLY | O_CLOEXEC) : -1;
	bool told = fd >= 0 && write(fd, word, strlen(word)) == (ssize_t)strlen(word);
	if (!told)
		perror(name);
	if (fd >= 0)
		close(fd);
	return told;
}

int main(void)
{
	const char *action = getenv("CRTOOLS_SCRIPT_ACTION");
	char criu[16];
	if (!action || strcmp(action, "pre-resume") != 0)
		return 0;
	snprintf(criu, sizeof(criu), "%d", getppid());
	bool frozen = tell("UPKEEP_ROOT_CGROUP", criu) && tell("UPKEEP_ROOT_CGROUP", "0") &&
		      tell("UPKEEP_FREEZER", "1");
	return frozen ? 0 : 1;
}
