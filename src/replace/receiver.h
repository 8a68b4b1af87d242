/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who receives what services send to a name: syslog(3) goes to /run/systemd/journal/dev-log, say.
 *
 * A connected datagram socket has the receiver by its name, and criu connects it again by that. A
 * service is restored before anybody receives there. So on the new kernel each name gets a
 * stand-in, a socket that keeps what is sent, with the credentials of who sent it. When the system
 * has started, and the real receiver has taken the name, it gets what was kept, and the
 * services' sockets are connected to it. Who sends more in between than a socket keeps waits for
 * that, as it would for a slow receiver.
 */
#ifndef UPKEEP_REPLACE_RECEIVER_H
#define UPKEEP_REPLACE_RECEIVER_H

#include "base/error.h"
#include "base/vec.h"
#include "replace/plan.h"

typedef UK_VEC(int) uk_receiver_fds;

/* One for each name of the plan, whose inodes it notes; @ret is the caller's also on error. */
struct uk_error *uk_receivers_stand_in(struct uk_plan *plan, uk_receiver_fds *ret) uk_must_check;
void uk_receiver_fds_deinit(uk_receiver_fds *fds);

/*
 * To the real ones. A stand-in that nobody holds any more is passed over. An error is the first;
 * the others are done all the same.
 */
struct uk_error *uk_receivers_hand_over(const struct uk_plan *plan) uk_must_check;

#endif
