// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The gate: a table of nf_tables, made and deleted as one transaction each. What nft(8) would be
 * told is:
 *
 *	table inet upkeep_gate {
 *		set kept { type inet_service; elements = { 80, 6379 } }
 *		chain in {
 *			type filter hook prerouting priority -400; policy drop;
 *			iif lo meta mark 0xc114 accept
 *			iif lo th dport != @kept th sport != @kept accept
 *		}
 *		chain out {
 *			type filter hook output priority -400; policy drop;
 *			oif lo ... (the same)
 *		}
 *	}
 *
 * That is before connection tracking (priority -200) and everything else, so that nothing else
 * takes notice of the packets either.
 *
 * A connection that was closed on one side, criu restores by sending it over loopback what its
 * peer had sent, a FIN or an ACK. These have the mark of libsoccr, SOCCR_MARK, which criu lets
 * through its own lock, too; nobody without CAP_NET_ADMIN can set one.
 *
 * Form of the messages: include/uapi/linux/netfilter/nf_tables.h, whose comments tell the type of
 * each attribute; kernel, net/netfilter/nfnetlink.c: nfnetlink_rcv_batch().
 */
#include "replace/gate.h"

#include "base/strbuf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#define GATE "upkeep_gate"
#define KEPT "kept"

enum {
	CRIU_MARK = 0xc114,
	LOOPBACK = 1, /* its number in every network namespace: include/net/net_namespace.h */
	PRIORITY = -400,
	INET_SERVICE = 13, /* nft's number of that type, which only it shows: datatype.h */
	PORT_SIZE = 2,
	SOURCE_PORT = 0, /* offsets in every transport header that has ports */
	DESTINATION_PORT = 2,
	PORTS_PER_MESSAGE = 1000, /* an attribute has 64 KiB at most */
};

/* --- messages ------------------------------------------------------------------------ */

/* Whole messages; each part is as long as a multiple of four. */
struct batch {
	struct uk_strbuf bytes;
	size_t message; /* where the last one begins */
};

static void put(struct batch *batch, const void *data, size_t len)
{
	static const uint8_t padding[NLA_ALIGNTO];
	uk_strbuf_add(&batch->bytes, data, len);
	uk_strbuf_add(&batch->bytes, padding, NLA_ALIGN(len) - len);
}

static void begin(struct batch *batch, int type, int flags, int family, int id)
{
	const struct nlmsghdr head = { .nlmsg_type = (__u16)type,
				       .nlmsg_flags = (__u16)(NLM_F_REQUEST | flags) };
	const struct nfgenmsg message = { .nfgen_family = (__u8)family,
					  .version = NFNETLINK_V0,
					  .res_id = htons((uint16_t)id) };
	batch->message = batch->bytes.len;
	put(batch, &head, sizeof(head));
	put(batch, &message, sizeof(message));
}

static void end(struct batch *batch)
{
	if (!batch->bytes.failed)
		((struct nlmsghdr *)(batch->bytes.data + batch->message))->nlmsg_len =
			(__u32)(batch->bytes.len - batch->message);
}

static void begin_table(struct batch *batch, int what, int flags)
{
	begin(batch, NFNL_SUBSYS_NFTABLES << 8 | what, flags, NFPROTO_INET, 0);
}

static void bracket(struct batch *batch, int type)
{
	begin(batch, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end(batch);
}

/* --- attributes ---------------------------------------------------------------------- */

static void add(struct batch *batch, int type, const void *data, size_t len)
{
	const struct nlattr head = { .nla_len = (__u16)(NLA_HDRLEN + len),
				     .nla_type = (__u16)type };
	put(batch, &head, sizeof(head));
	put(batch, data, len);
}

static void add_text(struct batch *batch, int type, const char *text)
{
	add(batch, type, text, strlen(text) + 1);
}

static void add_u32(struct batch *batch, int type, uint32_t value)
{
	const uint32_t big = htonl(value);
	add(batch, type, &big, sizeof(big));
}

/* What follows is within it, until close_nest() of what this gave. */
static size_t open_nest(struct batch *batch, int type)
{
	size_t at = batch->bytes.len;
	add(batch, type | NLA_F_NESTED, NULL, 0);
	return at;
}

static void close_nest(struct batch *batch, size_t at)
{
	if (!batch->bytes.failed)
		((struct nlattr *)(batch->bytes.data + at))->nla_len =
			(__u16)(batch->bytes.len - at);
}

static void add_value(struct batch *batch, int type, const void *data, size_t len)
{
	size_t nest = open_nest(batch, type);
	add(batch, NFTA_DATA_VALUE, data, len);
	close_nest(batch, nest);
}

/* --- what a rule does ---------------------------------------------------------------- */

struct expression {
	size_t element, data;
};

static struct expression open_expression(struct batch *batch, const char *name)
{
	struct expression opened = { .element = open_nest(batch, NFTA_LIST_ELEM) };
	add_text(batch, NFTA_EXPR_NAME, name);
	opened.data = open_nest(batch, NFTA_EXPR_DATA);
	return opened;
}

static void close_expression(struct batch *batch, struct expression opened)
{
	close_nest(batch, opened.data);
	close_nest(batch, opened.element);
}

/* @key: NFT_META_IIF and others, of 32 bits in the order of this machine. */
static void match_meta(struct batch *batch, int key, uint32_t value)
{
	struct expression load = open_expression(batch, "meta");
	add_u32(batch, NFTA_META_DREG, NFT_REG_1);
	add_u32(batch, NFTA_META_KEY, (uint32_t)key);
	close_expression(batch, load);
	struct expression compare = open_expression(batch, "cmp");
	add_u32(batch, NFTA_CMP_SREG, NFT_REG_1);
	add_u32(batch, NFTA_CMP_OP, NFT_CMP_EQ);
	add_value(batch, NFTA_CMP_DATA, &value, sizeof(value));
	close_expression(batch, compare);
}

static void match_other_port(struct batch *batch, uint32_t offset)
{
	struct expression load = open_expression(batch, "payload");
	add_u32(batch, NFTA_PAYLOAD_DREG, NFT_REG_1);
	add_u32(batch, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	add_u32(batch, NFTA_PAYLOAD_OFFSET, offset);
	add_u32(batch, NFTA_PAYLOAD_LEN, PORT_SIZE);
	close_expression(batch, load);
	struct expression look = open_expression(batch, "lookup");
	add_text(batch, NFTA_LOOKUP_SET, KEPT);
	add_u32(batch, NFTA_LOOKUP_SREG, NFT_REG_1);
	add_u32(batch, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	close_expression(batch, look);
}

static void accept_it(struct batch *batch)
{
	struct expression verdict = open_expression(batch, "immediate");
	add_u32(batch, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	size_t data = open_nest(batch, NFTA_IMMEDIATE_DATA);
	size_t nest = open_nest(batch, NFTA_DATA_VERDICT);
	add_u32(batch, NFTA_VERDICT_CODE, NF_ACCEPT);
	close_nest(batch, nest);
	close_nest(batch, data);
	close_expression(batch, verdict);
}

/* --- the table ----------------------------------------------------------------------- */

static void add_table(struct batch *batch, int what, int flags)
{
	begin_table(batch, what, flags);
	add_text(batch, NFTA_TABLE_NAME, GATE);
	end(batch);
}

static void add_set(struct batch *batch)
{
	begin_table(batch, NFT_MSG_NEWSET, NLM_F_CREATE);
	add_text(batch, NFTA_SET_TABLE, GATE);
	add_text(batch, NFTA_SET_NAME, KEPT);
	add_u32(batch, NFTA_SET_ID, 1);
	add_u32(batch, NFTA_SET_KEY_TYPE, INET_SERVICE);
	add_u32(batch, NFTA_SET_KEY_LEN, PORT_SIZE);
	end(batch);
}

static void add_ports(struct batch *batch, const uint64_t *ports, size_t nr)
{
	begin_table(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	add_text(batch, NFTA_SET_ELEM_LIST_TABLE, GATE);
	add_text(batch, NFTA_SET_ELEM_LIST_SET, KEPT);
	size_t list = open_nest(batch, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < nr; i++) {
		const uint16_t port = htons((uint16_t)ports[i]);
		size_t element = open_nest(batch, NFTA_LIST_ELEM);
		add_value(batch, NFTA_SET_ELEM_KEY, &port, sizeof(port));
		close_nest(batch, element);
	}
	close_nest(batch, list);
	end(batch);
}

/* @loopback: NFT_META_IIF or NFT_META_OIF. */
static void add_rule(struct batch *batch, const char *chain, int loopback, bool by_mark, int flags)
{
	begin_table(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | flags);
	add_text(batch, NFTA_RULE_TABLE, GATE);
	add_text(batch, NFTA_RULE_CHAIN, chain);
	size_t list = open_nest(batch, NFTA_RULE_EXPRESSIONS);
	match_meta(batch, loopback, LOOPBACK);
	if (by_mark) {
		match_meta(batch, NFT_META_MARK, CRIU_MARK);
	} else {
		match_other_port(batch, DESTINATION_PORT);
		match_other_port(batch, SOURCE_PORT);
	}
	accept_it(batch);
	close_nest(batch, list);
	end(batch);
}

static void add_chain(struct batch *batch, const char *name, uint32_t hook)
{
	begin_table(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	add_text(batch, NFTA_CHAIN_TABLE, GATE);
	add_text(batch, NFTA_CHAIN_NAME, name);
	size_t nest = open_nest(batch, NFTA_CHAIN_HOOK);
	add_u32(batch, NFTA_HOOK_HOOKNUM, hook);
	add_u32(batch, NFTA_HOOK_PRIORITY, (uint32_t)PRIORITY);
	close_nest(batch, nest);
	add_u32(batch, NFTA_CHAIN_POLICY, NF_DROP);
	add_text(batch, NFTA_CHAIN_TYPE, "filter");
	end(batch);
}

/* --- said ---------------------------------------------------------------------------- */

/*
 * One message asks for an answer, the last that does anything; any that fails has one, before that,
 * and then nothing is done.
 */
static struct uk_error *await_answer(int fd)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr what;
		char more[1024];
	} answer;
	ssize_t got = recv(fd, &answer, sizeof(answer), 0);
	if (got < 0)
		return uk_error_errno(errno, "netlink");
	if (got < (ssize_t)(sizeof(answer.head) + sizeof(answer.what)) ||
	    answer.head.nlmsg_type != NLMSG_ERROR)
		return uk_error_create(UK_ERR_SYSTEM, "netlink: an answer of another kind");
	return answer.what.error ? uk_error_errno(-answer.what.error, "nf_tables") : NULL;
}

static struct uk_error *say(struct batch *batch)
{
	if (batch->bytes.failed)
		return uk_error_nomem();
	uk_auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	if (fd < 0 || sendto(fd, batch->bytes.data, batch->bytes.len, 0,
			     (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return uk_error_errno(errno, "netlink");
	return await_answer(fd);
}

/* So that it can be deleted, whether it was there or not. */
static void add_and_delete(struct batch *batch, int flags)
{
	add_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	add_table(batch, NFT_MSG_DELTABLE, flags);
}

struct uk_error *uk_gate_shut(const struct uk_plan *plan)
{
	struct batch batch = {};
	bracket(&batch, NFNL_MSG_BATCH_BEGIN);
	add_and_delete(&batch, 0);
	add_table(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	add_set(&batch);
	for (size_t i = 0; i < plan->ports.len; i += PORTS_PER_MESSAGE) {
		size_t left = plan->ports.len - i;
		add_ports(&batch, plan->ports.data + i,
			  left < PORTS_PER_MESSAGE ? left : PORTS_PER_MESSAGE);
	}
	add_chain(&batch, "in", NF_INET_PRE_ROUTING);
	add_chain(&batch, "out", NF_INET_LOCAL_OUT);
	add_rule(&batch, "in", NFT_META_IIF, true, 0);
	add_rule(&batch, "in", NFT_META_IIF, false, 0);
	add_rule(&batch, "out", NFT_META_OIF, true, 0);
	add_rule(&batch, "out", NFT_META_OIF, false, NLM_F_ACK);
	bracket(&batch, NFNL_MSG_BATCH_END);
	struct uk_error *err = say(&batch);
	uk_strbuf_deinit(&batch.bytes);
	return uk_error_wrap(err, "shut the gate");
}

struct uk_error *uk_gate_open(void)
{
	struct batch batch = {};
	bracket(&batch, NFNL_MSG_BATCH_BEGIN);
	add_and_delete(&batch, NLM_F_ACK);
	bracket(&batch, NFNL_MSG_BATCH_END);
	struct uk_error *err = say(&batch);
	uk_strbuf_deinit(&batch.bytes);
	return uk_error_wrap(err, "open the gate");
}
