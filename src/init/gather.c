// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process above others that have no common parent, while criu dumps and restores them as one
 * tree (src/replace/gather.h). It does nothing, and ends with who started it: upkeep on the old
 * kernel, criu on the new one. Its children are then those of process 1, as they were.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have ended before that. */
	if (getppid() == 1)
		return 0;
	for (;;)
		pause();
}
