// SPDX-License-Identifier: GPL-2.0-or-later
/* The host's identity in the network. */
#include "replace/network.h"

#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"

#include <json-c/json.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { SAVED_MAX = 16 << 20 };

/* --- what there is ------------------------------------------------------------------- */

/* What `ip -j ...' says: a list. Put it when done. */
static struct uk_error *ask_ip(struct json_object **ret, const char *const *argv)
{
	uk_auto_free char *text = NULL;
	const struct uk_process process = { .argv = argv };
	struct uk_error *err = uk_process_check(&process, &text);
	if (err)
		return err;
	/* Nothing to tell is no text at all. */
	*ret = *text ? json_tokener_parse(text) : json_object_new_array();
	if (*ret && json_object_is_type(*ret, json_type_array))
		return NULL;
	json_object_put(*ret);
	*ret = NULL;
	return uk_error_create(UK_ERR_INVALID, "%s %s %s: not a list in JSON", argv[0], argv[1],
			       argv[2]);
}

/* The text of a field, or "" */
static const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value;
	if (!json_object_object_get_ex(object, key, &value) || !value)
		return "";
	return json_object_get_string(value);
}

static struct json_object *list_of(struct json_object *object, const char *key)
{
	struct json_object *value;
	bool there = json_object_object_get_ex(object, key, &value) &&
		     json_object_is_type(value, json_type_array);
	return there ? value : NULL;
}

static bool has_flag(struct json_object *object, const char *flag)
{
	struct json_object *flags = list_of(object, "flags");
	for (size_t i = 0; flags && i < json_object_array_length(flags); i++) {
		if (!strcmp(json_object_get_string(json_object_array_get_idx(flags, i)), flag))
			return true;
	}
	return false;
}

static bool is_device(const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "/sys/class/net/%s/device", name);
	return uk_file_exists(path);
}

struct uk_error *uk_network_list_devices(struct uk_network_devices *ret)
{
	char **names = NULL;
	size_t nr = 0;
	struct uk_error *err = uk_dir_list("/sys/class/net", &names, &nr);
	for (size_t i = 0; !err && i < nr; i++) {
		char *folder;
		if (!is_device(names[i]))
			continue;
		err = uk_asprintf(&folder, "/sys/class/net/%s/device", names[i]);
		if (!err && !uk_vec_push(&ret->folders, folder)) {
			free(folder);
			err = uk_error_nomem();
		}
	}
	uk_strv_destroy(names, nr);
	if (!err && !uk_vec_push(&ret->folders, NULL))
		err = uk_error_nomem();
	return err;
}

void uk_network_devices_deinit(struct uk_network_devices *devices)
{
	uk_vec_for_each(folder, &devices->folders)
		free(*folder);
	uk_vec_deinit(&devices->folders);
}

/* --- written down -------------------------------------------------------------------- */

/* " KEY VALUE" if the field is there. */
static void add_field(struct uk_strbuf *buf, struct json_object *from, const char *field,
		      const char *word)
{
	const char *value = text_of(from, field);
	if (*value)
		uk_strbuf_addf(buf, " %s %s", word, value);
}

static void add_address(struct uk_strbuf *buf, struct json_object *info, const char *link)
{
	bool six = !strcmp(text_of(info, "family"), "inet6");
	uk_strbuf_addf(buf, "address replace %s", text_of(info, "local"));
	if (*text_of(info, "address"))
		uk_strbuf_addf(buf, " peer %s", text_of(info, "address"));
	uk_strbuf_addf(buf, "/%s", text_of(info, "prefixlen"));
	add_field(buf, info, "broadcast", "broadcast");
	add_field(buf, info, "scope", "scope");
	if (*text_of(info, "label"))
		add_field(buf, info, "label", "label");
	uk_strbuf_addf(buf, " dev %s%s\n", link, six ? " nodad" : "");
}

static bool is_loopback_own(struct json_object *info)
{
	return !strcmp(text_of(info, "local"), "127.0.0.1") ||
	       !strcmp(text_of(info, "local"), "::1");
}

static struct uk_error *add_loss(uk_network_losses *losses, bool route, const char *name,
				 struct json_object *infos)
{
	uk_auto_strbuf struct uk_strbuf addresses = {};
	if (!uk_vec_push(losses, (struct uk_network_loss){ .route = route }))
		return uk_error_nomem();
	struct uk_network_loss *loss = &losses->data[losses->len - 1];
	uk_strbuf_addstr(&addresses, " ");
	for (size_t i = 0; infos && i < json_object_array_length(infos); i++)
		uk_strbuf_addf(&addresses, "%s ",
			       text_of(json_object_array_get_idx(infos, i), "local"));
	struct uk_error *err = uk_strdup(name, &loss->name);
	return err ? err : uk_strbuf_finish(&addresses, &loss->addresses);
}

static struct uk_error *add_link(struct uk_plan *plan, struct json_object *link,
				 struct uk_strbuf *buf, uk_network_losses *losses)
{
	const char *name = text_of(link, "ifname");
	bool loopback = has_flag(link, "LOOPBACK");
	struct json_object *infos = list_of(link, "addr_info");
	/* What is down and has no address came with a module, and is missed by nobody. */
	bool in_use = has_flag(link, "UP") || (infos && json_object_array_length(infos));
	if (!loopback && !is_device(name))
		return in_use ? add_loss(losses, false, name, infos) : NULL;
	if (!loopback) {
		struct uk_plan_link kept = {};
		struct uk_error *err = uk_strdup(name, &kept.name);
		if (!err)
			err = uk_strdup(text_of(link, "address"), &kept.mac);
		if (!err && !uk_vec_push(&plan->links, kept))
			err = uk_error_nomem();
		if (err)
			return err;
	}
	uk_strbuf_addf(buf, "link set dev %s mtu %s\n", name, text_of(link, "mtu"));
	for (size_t i = 0; infos && i < json_object_array_length(infos); i++) {
		struct json_object *info = json_object_array_get_idx(infos, i);
		if (!loopback || !is_loopback_own(info))
			add_address(buf, info, name);
	}
	if (has_flag(link, "UP"))
		uk_strbuf_addf(buf, "link set dev %s up\n", name);
	return NULL;
}

/* Routes that come with addresses are the kernel's own. */
static bool is_own_route(struct json_object *route)
{
	return !strcmp(text_of(route, "protocol"), "kernel") ||
	       !strcmp(text_of(route, "table"), "local");
}

static struct uk_error *add_route(struct uk_strbuf *buf, struct json_object *route,
				  const char *family, uk_network_losses *losses)
{
	struct json_object *via;
	if (list_of(route, "nexthops") || json_object_object_get_ex(route, "via", &via))
		return add_loss(losses, true, text_of(route, "dst"), NULL);
	uk_strbuf_addf(buf, "%s route replace", family);
	if (*text_of(route, "type"))
		uk_strbuf_addf(buf, " %s", text_of(route, "type"));
	uk_strbuf_addf(buf, " %s", text_of(route, "dst"));
	add_field(buf, route, "gateway", "via");
	add_field(buf, route, "dev", "dev");
	add_field(buf, route, "protocol", "proto");
	add_field(buf, route, "scope", "scope");
	add_field(buf, route, "prefsrc", "src");
	add_field(buf, route, "metric", "metric");
	add_field(buf, route, "table", "table");
	uk_strbuf_addf(buf, "%s\n", has_flag(route, "onlink") ? " onlink" : "");
	return NULL;
}

/* Those without a gateway first: they lead to the gateways. */
static struct uk_error *add_routes(struct uk_strbuf *buf, const char *family,
				   uk_network_losses *losses)
{
	struct json_object *routes = NULL;
	const char *const argv[] = { "ip", "-j", family, "route", "show", "table", "all", NULL };
	struct uk_error *err = ask_ip(&routes, argv);
	for (int gateways = 0; !err && gateways < 2; gateways++) {
		for (size_t i = 0; !err && i < json_object_array_length(routes); i++) {
			struct json_object *route = json_object_array_get_idx(routes, i);
			bool gateway = *text_of(route, "gateway");
			if (gateway == (gateways == 1) && !is_own_route(route))
				err = add_route(buf, route, family, losses);
		}
	}
	json_object_put(routes);
	return err;
}

static struct uk_error *add_neighbours(struct uk_strbuf *buf)
{
	static const char *const argv[] = { "ip", "-j", "neighbour", "show", NULL };
	struct json_object *all = NULL;
	struct uk_error *err = ask_ip(&all, argv);
	for (size_t i = 0; !err && i < json_object_array_length(all); i++) {
		struct json_object *one = json_object_array_get_idx(all, i);
		struct json_object *state = list_of(one, "state");
		bool permanent =
			state && json_object_array_length(state) &&
			!strcmp(json_object_get_string(json_object_array_get_idx(state, 0)),
				"PERMANENT");
		if (*text_of(one, "lladdr"))
			uk_strbuf_addf(buf, "neighbour replace %s lladdr %s dev %s nud %s\n",
				       text_of(one, "dst"), text_of(one, "lladdr"),
				       text_of(one, "dev"), permanent ? "permanent" : "stale");
	}
	json_object_put(all);
	return err;
}

static struct uk_error *collect(struct uk_plan *plan, struct uk_strbuf *buf,
				uk_network_losses *losses)
{
	static const char *const argv[] = { "ip", "-j", "-d", "address", "show", NULL };
	struct json_object *links = NULL;
	struct uk_error *err = ask_ip(&links, argv);
	for (size_t i = 0; !err && i < json_object_array_length(links); i++)
		err = add_link(plan, json_object_array_get_idx(links, i), buf, losses);
	json_object_put(links);
	if (!err)
		err = add_routes(buf, "-4", losses);
	if (!err)
		err = add_routes(buf, "-6", losses);
	return err ? err : add_neighbours(buf);
}

static struct uk_error *save(const char *dir, const char *name, const char *text)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", dir, name);
	return err ? err : uk_file_write(path, text, strlen(text), 0600);
}

void uk_network_losses_deinit(uk_network_losses *losses)
{
	uk_vec_for_each(loss, losses) {
		free(loss->name);
		free(loss->addresses);
	}
	uk_vec_deinit(losses);
}

struct uk_error *uk_network_list_losses(uk_network_losses *ret)
{
	uk_auto_strbuf struct uk_strbuf commands = {};
	uk_auto_plan struct uk_plan plan = {};
	return collect(&plan, &commands, ret);
}

static void remark_losses(const uk_network_losses *losses, const struct uk_sink *sink)
{
	uk_vec_for_each(loss, losses)
		uk_remark(sink, UK_LEVEL_WARNING, "%s %s is not carried over",
			  loss->route ? "the route to" : "network link", loss->name);
}

struct uk_error *uk_network_save(struct uk_plan *plan, const char *dir, const struct uk_sink *sink)
{
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_auto_free char *commands = NULL, *rules = NULL;
	uk_cleanup(uk_network_losses_deinit) uk_network_losses losses = {};
	struct uk_error *err = collect(plan, &buf, &losses);
	remark_losses(&losses, sink);
	if (!err)
		err = uk_strbuf_finish(&buf, &commands);
	if (!err)
		err = save(dir, UK_NETWORK_COMMANDS, commands);
	if (!err)
		err = uk_process_call(&rules, "nft", "list", "ruleset", NULL);
	if (!err)
		err = save(dir, UK_NETWORK_FILTER, rules);
	return uk_error_wrap(err, "the network");
}

/* --- said again ---------------------------------------------------------------------- */

/* The name that the kernel gave to the device with this address; "" if there is none. */
static struct uk_error *find_link(const char *mac, char **ret)
{
	char **names = NULL;
	size_t nr = 0;
	struct uk_error *err = uk_dir_list("/sys/class/net", &names, &nr);
	*ret = NULL;
	for (size_t i = 0; !err && !*ret && i < nr; i++) {
		uk_auto_free char *path = NULL, *address = NULL;
		size_t len;
		if (!is_device(names[i]))
			continue;
		err = uk_asprintf(&path, "/sys/class/net/%s/address", names[i]);
		if (!err)
			err = uk_file_read(path, 256, &address, &len);
		if (!err)
			address[strcspn(address, "\n")] = '\0';
		if (!err && !strcmp(address, mac))
			err = uk_strdup(names[i], ret);
	}
	uk_strv_destroy(names, nr);
	return err || *ret ? err : uk_strdup("", ret);
}

/* Through names that nobody has: two may have to change theirs with each other. */
static struct uk_error *rename_links(const struct uk_plan *plan, struct uk_strbuf *buf)
{
	uk_auto_strbuf struct uk_strbuf second = {};
	struct uk_error *err = NULL;
	for (size_t i = 0; !err && i < plan->links.len; i++) {
		const struct uk_plan_link *link = &plan->links.data[i];
		uk_auto_free char *now = NULL;
		err = find_link(link->mac, &now);
		if (err || !*now || !strcmp(now, link->name))
			continue;
		uk_strbuf_addf(buf, "link set dev %s name upkeep%zu\n", now, i);
		uk_strbuf_addf(&second, "link set dev upkeep%zu name %s\n", i, link->name);
	}
	if (!err && second.len)
		uk_strbuf_add(buf, second.data, second.len);
	return err ? err : second.failed ? uk_error_nomem() : NULL;
}

void uk_network_raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	uk_auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		ioctl(fd, SIOCSIFFLAGS, &request);
}

static struct uk_error *read_saved(const char *dir, const char *name, char **ret)
{
	uk_auto_free char *path = NULL;
	struct uk_error *err = uk_asprintf(&path, "%s/%s", dir, name);
	return err ? err : uk_file_read(path, SAVED_MAX, ret, NULL);
}

static struct uk_error *feed(const char *const *argv, const char *text)
{
	const struct uk_process process = { .argv = argv,
					    .input = text,
					    .input_len = strlen(text) };
	return uk_process_check(&process, NULL);
}

struct uk_error *uk_network_say(const char *first, const char *dir)
{
	static const char *const argv[] = { "ip", "-force", "-batch", "-", NULL };
	uk_auto_free char *commands = NULL, *all = NULL;
	struct uk_error *err = read_saved(dir, UK_NETWORK_COMMANDS, &commands);
	if (!err)
		err = uk_asprintf(&all, "%s%s", first, commands);
	return err ? err : feed(argv, all);
}

struct uk_error *uk_network_restore(const struct uk_plan *plan, const char *dir)
{
	static const char *const nft[] = { "nft", "-f", "-", NULL };
	uk_auto_strbuf struct uk_strbuf buf = {};
	uk_auto_free char *renames = NULL, *rules = NULL;
	struct uk_error *err = rename_links(plan, &buf);
	uk_strbuf_addstr(&buf, "");
	if (!err)
		err = uk_strbuf_finish(&buf, &renames);
	if (!err)
		err = uk_network_say(renames, dir);
	if (!err)
		err = read_saved(dir, UK_NETWORK_FILTER, &rules);
	if (!err && *rules)
		err = feed(nft, rules);
	return uk_error_wrap(err, "the network");
}
