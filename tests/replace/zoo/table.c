// SPDX-License-Identifier: GPL-2.0-or-later
/* All families. */
#include "zoo.h"

ZOO_FAMILY(zoo_threads);
ZOO_FAMILY(zoo_memory);
ZOO_FAMILY(zoo_changing);
ZOO_FAMILY(zoo_files);
ZOO_FAMILY(zoo_pipes);
ZOO_FAMILY(zoo_events);
ZOO_FAMILY(zoo_timers);
ZOO_FAMILY(zoo_signals);
ZOO_FAMILY(zoo_unix);
ZOO_FAMILY(zoo_inet);
ZOO_FAMILY(zoo_process);
ZOO_FAMILY(zoo_settings);
ZOO_FAMILY(zoo_tty);
ZOO_FAMILY(zoo_ipc);
ZOO_FAMILY(zoo_ns);
ZOO_FAMILY(zoo_sleeping);
ZOO_FAMILY(zoo_blocking);

const struct zoo_case *const zoo_families[] = {
	zoo_threads, zoo_memory,  zoo_changing, zoo_files,    zoo_pipes,    zoo_events,
	zoo_timers,  zoo_signals, zoo_unix,	zoo_inet,     zoo_process,  zoo_settings,
	zoo_tty,     zoo_ipc,	  zoo_ns,	zoo_sleeping, zoo_blocking, NULL,
};
