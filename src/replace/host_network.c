// SPDX-License-Identifier: GPL-2.0-or-later
/* Preflight of the host's network: links and routes that are not carried over. */
#include "base/strbuf.h"
#include "replace/network.h"
#include "replace/preflight.h"

#include <string.h>
#include <sys/socket.h>

/* "10.0.0.1" of "10.0.0.1:80", "fe80::1" of "[fe80::1]:80"; NULL without memory. */
static char *address_of(const struct uk_socket *socket)
{
	const char *from = socket->local + (*socket->local == '[');
	const char *colon = strrchr(from, ':');
	size_t len = colon ? (size_t)(colon - from) : strlen(from);
	return strndup(from, len - (len && from[len - 1] == ']'));
}

static struct uk_error *is_address_of(const struct uk_network_loss *loss,
				      const struct uk_socket *socket, bool *ret)
{
	uk_auto_free char *address = NULL, *word = NULL;
	if (!socket || (socket->family != AF_INET && socket->family != AF_INET6))
		return NULL;
	address = address_of(socket);
	if (!address)
		return uk_error_nomem();
	struct uk_error *err = uk_asprintf(&word, " %s ", address);
	*ret |= !err && *address && strstr(loss->addresses, word);
	return err;
}

/* Whether a kept socket has an address of the link. */
static struct uk_error *is_used(const struct uk_network_loss *loss, const struct uk_survey *survey,
				bool *ret)
{
	struct uk_error *err = NULL;
	uk_vec_for_each(service, &survey->keep->services) {
		uk_vec_for_each(task, &service->tasks) {
			uk_vec_for_each(fd, &task->fds) {
				if (!err && fd->kind == UK_FD_SOCKET)
					err = is_address_of(
						loss, uk_sockets_find(survey->sockets, fd->ino),
						ret);
			}
		}
	}
	return err;
}

static struct uk_error *judge_link(const struct uk_network_loss *loss,
				   const struct uk_survey *survey, struct uk_preflight *preflight)
{
	uk_auto_free char *what = NULL;
	bool used = false;
	struct uk_error *err = is_used(loss, survey, &used);
	if (!err)
		err = uk_asprintf(
			&what,
			"this network link is no device, and is not there before services are "
			"restored%s",
			used ? "; kept connections or listeners have its address" : "");
	return err ? err
		   : uk_preflight_add_host(preflight, used ? UK_FATE_IMPOSSIBLE : UK_FATE_CHANGED,
					   "link", loss->name, uk_take(what),
					   "what set it up has to do so again",
					   "src/replace/network.h");
}

static struct uk_error *judge_route(const struct uk_network_loss *loss,
				    struct uk_preflight *preflight)
{
	return uk_preflight_add_host(
		preflight, UK_FATE_CHANGED, "route", loss->name,
		strdup("this route has several ways, or one of another family, and is "
		       "not there before services are restored"),
		"what set it up has to do so again", "src/replace/network.h");
}

struct uk_error *uk_preflight_network(const struct uk_survey *survey,
				      struct uk_preflight *preflight)
{
	uk_cleanup(uk_network_losses_deinit) uk_network_losses losses = {};
	struct uk_error *err = uk_network_list_losses(&losses);
	uk_vec_for_each(loss, &losses) {
		if (!err)
			err = loss->route ? judge_route(loss, preflight)
					  : judge_link(loss, survey, preflight);
	}
	return err;
}
