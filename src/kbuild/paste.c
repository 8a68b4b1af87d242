// SPDX-License-Identifier: GPL-2.0-or-later
/* Names that macros put together with ##. */
#include "kbuild/paste.h"

#include "base/map.h"
#include "base/strbuf.h"
#include "kbuild/call.h"

#include <ctype.h>
#include <string.h>

/* Stands for a parameter in a pattern. */
#define ANY '*'

enum { MOST_PARAMS = 8, NAME_LIMIT = 256 };

struct macro {
	char *name, *text;	 /* text is what the tokens lie in */
	struct uk_tokens tokens; /* "( params ) body" or "body" */
	struct uk_call_params params;
	size_t body;   /* first token of the body */
	bool *pasting; /* per parameter: it ends up beside ## */
	bool *tracked; /* per parameter: what is given to it is kept */
	size_t next;   /* index + 1 of the next definition of the name, or 0 */
};

/* A chain of ##, as text in which ANY stands for a parameter. */
struct pattern {
	char *text;
	size_t macro; /* index */
	size_t nr_nodes;
	uint32_t nodes[MOST_PARAMS]; /* of the parameters, in order */
};

/* A parameter that is tracked: by the macro's name and its place. */
struct node {
	UK_VEC(uint32_t) macros;  /* among what is given to it: first definitions */
	UK_VEC(uint32_t) feeders; /* parameters that are handed on to it */
	UK_VEC(uint32_t) sources; /* itself and all that feed it, when closed */
	bool closed;
	bool composite; /* what is given to it may itself be pasted */
};

/* Stands for every parameter: for what is defined in too many ways to be followed. */
enum { ANYWHERE = 0 };

/* A parameter that is called like a macro, in the body of one. */
struct indirect {
	uint32_t callee; /* its node: what is given to it names the macros */
	uint32_t arg;	 /* stands for the parameter that the argument goes to */
	size_t place;	 /* which argument of the call */
};

struct uk_paste {
	UK_VEC(struct macro) macros;
	struct uk_map by_name; /* -> index + 1 of a definition */
	UK_VEC(struct pattern) patterns;
	struct uk_map pattern_keys; /* "macro pattern": each but once */
	UK_VEC(struct node) nodes;
	struct uk_map node_keys; /* "macro place" -> node */
	struct uk_map edge_keys; /* a pair of nodes */
	struct uk_map pieces;	 /* node, text */
	UK_VEC(struct indirect) indirects;
	bool changed; /* while solving */
	bool bound;   /* indirect calls are followed */
	bool failed;  /* no memory */
};

void uk_paste_destroy(struct uk_paste *paste)
{
	if (!paste)
		return;
	uk_vec_for_each(macro, &paste->macros) {
		free(macro->name);
		free(macro->text);
		free(macro->pasting);
		free(macro->tracked);
		uk_tokens_deinit(&macro->tokens);
	}
	uk_vec_for_each(pattern, &paste->patterns)
		free(pattern->text);
	uk_vec_deinit(&paste->macros);
	uk_vec_deinit(&paste->patterns);
	uk_map_deinit(&paste->by_name);
	uk_map_deinit(&paste->pattern_keys);
	uk_vec_for_each(node, &paste->nodes) {
		uk_vec_deinit(&node->macros);
		uk_vec_deinit(&node->feeders);
		uk_vec_deinit(&node->sources);
	}
	uk_vec_deinit(&paste->nodes);
	uk_vec_deinit(&paste->indirects);
	uk_map_deinit(&paste->node_keys);
	uk_map_deinit(&paste->edge_keys);
	uk_map_deinit(&paste->pieces);
	free(paste);
}

struct uk_error *uk_paste_create(struct uk_paste **ret)
{
	struct uk_paste *paste = calloc(1, sizeof(*paste));
	const struct node anywhere = {};
	if (!paste || !uk_vec_push(&paste->nodes, anywhere)) {
		free(paste);
		return uk_error_nomem();
	}
	*ret = paste;
	return NULL;
}

static uint32_t node_of(struct uk_paste *paste, const char *macro, size_t param)
{
	uk_auto_free char *key = NULL;
	bool added = false;
	const struct node node = {};
	if (asprintf(&key, "%s %zu", macro, param) < 0)
		key = NULL;
	struct uk_map_entry *entry = key ? uk_map_insert_str(&paste->node_keys, key, &added) : NULL;
	if (!entry || (added && !uk_vec_push(&paste->nodes, node))) {
		paste->failed = true;
		return ANYWHERE;
	}
	if (added)
		entry->num = paste->nodes.len - 1;
	return (uint32_t)entry->num;
}

static void add_edge(struct uk_paste *paste, uint32_t from, uint32_t to)
{
	const uint32_t key[] = { from, to };
	bool added = false;
	if (!uk_map_insert(&paste->edge_keys, key, sizeof(key), &added) ||
	    (added && !uk_vec_push(&paste->nodes.data[to].feeders, from)))
		paste->failed = true;
	paste->changed |= added;
}

static const struct macro *find_macro(const struct uk_paste *paste, const struct uk_token *name)
{
	const struct uk_map_entry *entry = uk_map_find(&paste->by_name, name->text, name->len);
	return entry && entry->num ? &paste->macros.data[entry->num - 1] : NULL;
}

static const struct macro *next_macro(const struct uk_paste *paste, const struct macro *macro)
{
	return macro->next ? &paste->macros.data[macro->next - 1] : NULL;
}

static int param_of(const struct macro *macro, const struct uk_token *token)
{
	return token->kind == UK_TOKEN_NAME ? uk_call_param(&macro->tokens, &macro->params, token)
					    : -1;
}

static void add_operand(struct uk_paste *paste, struct pattern *pattern,
			const struct uk_token *token, struct uk_strbuf *text)
{
	struct macro *macro = &paste->macros.data[pattern->macro];
	int param = param_of(macro, token);
	if (param < 0) {
		uk_strbuf_add(text, token->text, token->len);
		return;
	}
	macro->pasting[param] = macro->tracked[param] = true;
	uk_strbuf_add(text, &(char){ ANY }, 1);
	if (pattern->nr_nodes < MOST_PARAMS)
		pattern->nodes[pattern->nr_nodes++] = node_of(paste, macro->name, (size_t)param);
	else
		paste->failed = true; /* nobody pastes that many */
}

static struct uk_error *add_pattern(struct uk_paste *paste, struct pattern pattern,
				    struct uk_strbuf *text)
{
	size_t index = pattern.macro;
	uk_auto_free char *key = NULL;
	bool added = false;
	struct uk_error *err = uk_strbuf_finish(text, &pattern.text);
	if (!err)
		err = uk_asprintf(&key, "%s %s", paste->macros.data[index].name, pattern.text);
	if (!err && !uk_map_insert_str(&paste->pattern_keys, key, &added))
		err = uk_error_nomem();
	if (!err && added && !uk_vec_push(&paste->patterns, pattern))
		err = uk_error_nomem();
	if (err || !added)
		free(pattern.text);
	return err;
}

/* Every chain a##b##c of a macro's body. */
static struct uk_error *find_patterns(struct uk_paste *paste, size_t index)
{
	const struct macro *macro = &paste->macros.data[index];
	const struct uk_token *all = macro->tokens.all.data;
	size_t end = macro->tokens.all.len;
	for (size_t i = macro->body; i + 2 < end; i++) {
		if (!uk_token_is(&all[i + 1], "##"))
			continue;
		uk_auto_strbuf struct uk_strbuf text = {};
		struct pattern pattern = { .macro = index };
		add_operand(paste, &pattern, &all[i], &text);
		while (i + 2 < end && uk_token_is(&all[i + 1], "##")) {
			add_operand(paste, &pattern, &all[i + 2], &text);
			i += 2;
		}
		struct uk_error *err = add_pattern(paste, pattern, &text);
		if (err)
			return err;
	}
	return NULL;
}

/* A macro matters if it pastes, calls something, or stands for one word. */
static bool matters(const struct macro *macro)
{
	for (size_t i = macro->body; i < macro->tokens.all.len; i++) {
		const struct uk_token *token = &macro->tokens.all.data[i];
		if (uk_token_is(token, "##") || uk_token_is(token, "("))
			return true;
	}
	return macro->tokens.all.len > macro->body &&
	       macro->tokens.all.data[macro->body].kind == UK_TOKEN_NAME;
}

static void macro_deinit(struct macro *macro)
{
	free(macro->name);
	free(macro->text);
	free(macro->pasting);
	free(macro->tracked);
	uk_tokens_deinit(&macro->tokens);
}

/* # define NAME ( params ) body NEWLINE; the bracket directly behind the name. */
static struct uk_error *macro_init(struct macro *macro, const struct uk_entities *entities,
				   const struct uk_entity *entity)
{
	const struct uk_token *all = entities->tokens.all.data;
	const struct uk_token *name = &all[entity->first + 2];
	const struct uk_token *end = &all[entity->first + entity->nr - 1];
	const char *start = name->text + name->len;
	*macro = (struct macro){ .name = strndup(name->text, name->len) };
	macro->text = strndup(start, (size_t)(end->text - start));
	if (!macro->name || !macro->text)
		return uk_error_nomem();
	struct uk_error *err = uk_tokens_scan(macro->text, &macro->tokens);
	if (err)
		return err;
	if (*macro->text == '(')
		macro->body = uk_call_read_params(&macro->tokens, &macro->params);
	macro->pasting = calloc(macro->params.nr + 1, sizeof(bool));
	macro->tracked = calloc(macro->params.nr + 1, sizeof(bool));
	return macro->pasting && macro->tracked ? NULL : uk_error_nomem();
}

static struct uk_error *add_macro(struct uk_paste *paste, const struct uk_entities *entities,
				  const struct uk_entity *entity)
{
	struct macro macro = {};
	struct uk_error *err = macro_init(&macro, entities, entity);
	if (err || !matters(&macro)) {
		macro_deinit(&macro);
		return err;
	}
	struct uk_map_entry *entry = uk_map_insert_str(&paste->by_name, macro.name, NULL);
	macro.next = entry ? entry->num : 0;
	if (!entry || !uk_vec_push(&paste->macros, macro)) {
		macro_deinit(&macro);
		return uk_error_nomem();
	}
	entry->num = paste->macros.len;
	return find_patterns(paste, paste->macros.len - 1);
}

struct uk_error *uk_paste_add_macros(struct uk_paste *paste, const struct uk_entities *entities)
{
	uk_vec_for_each(entity, &entities->all) {
		if (entity->kind != UK_ENTITY_MACRO)
			continue;
		struct uk_error *err = add_macro(paste, entities, entity);
		if (err)
			return err;
	}
	return NULL;
}

/* Follows `#define A B`, as far as it goes. */
static const struct macro *follow_alias(const struct uk_paste *paste, const struct macro *macro)
{
	for (int depth = 0; macro && depth < 8; depth++) {
		if (macro->params.is_function || macro->tokens.all.len != macro->body + 1)
			return macro;
		const struct macro *next = find_macro(paste, &macro->tokens.all.data[macro->body]);
		if (!next)
			return macro;
		macro = next;
	}
	return macro;
}

enum { MOST_TARGETS = 16 };

struct walk {
	struct uk_paste *paste;
	struct macro *inside; /* the macro whose body is walked, or NULL */
};

/* Where an argument goes. */
struct targets {
	size_t nr;
	uint32_t nodes[MOST_TARGETS];
	bool pasting; /* one of them is pasted */
};

static void add_target(struct targets *targets, uint32_t node)
{
	for (size_t i = 0; i < targets->nr; i++) {
		if (targets->nodes[i] == node)
			return;
	}
	if (targets->nr == MOST_TARGETS)
		targets->nodes[0] = ANYWHERE;
	else
		targets->nodes[targets->nr++] = node;
}

/* A call of a parameter: a node of its own stands for what is not known yet. */
static void add_indirect(struct walk *walk, int param, size_t place, struct targets *targets)
{
	struct macro *inside = walk->inside;
	uk_auto_free char *key = NULL;
	if (asprintf(&key, "%s#%d", inside->name, param) < 0) {
		walk->paste->failed = true;
		return;
	}
	struct indirect indirect = {
		.callee = node_of(walk->paste, inside->name, (size_t)param),
		.place = place,
	};
	walk->paste->changed |= !inside->tracked[param];
	inside->tracked[param] = true;
	size_t before = walk->paste->nodes.len;
	indirect.arg = node_of(walk->paste, key, place);
	if (walk->paste->nodes.len > before && !uk_vec_push(&walk->paste->indirects, indirect))
		walk->paste->failed = true;
	add_target(targets, indirect.arg);
}

static void find_targets(struct walk *walk, const struct uk_token *name, size_t arg,
			 struct targets *targets)
{
	struct uk_paste *paste = walk->paste;
	int called = walk->inside ? param_of(walk->inside, name) : -1;
	*targets = (struct targets){};
	if (called >= 0)
		add_indirect(walk, called, arg, targets);
	const struct macro *macro = follow_alias(paste, find_macro(paste, name));
	for (; macro; macro = next_macro(paste, macro)) {
		size_t nr = macro->params.nr;
		size_t param = arg < nr ? arg : nr - 1;
		if (!nr || !macro->tracked[param])
			continue;
		targets->pasting |= macro->pasting[param];
		add_target(targets, node_of(paste, macro->name, param));
	}
}

/*
 * Only the ends of an argument can be pasted to something; but where an end is the call of
 * a macro, what comes out may be made of anything in it.
 */
struct ends {
	struct uk_call_arg first, last; /* ranges of tokens */
};

static bool is_macro_call(const struct uk_paste *paste, const struct uk_tokens *tokens, size_t i)
{
	return tokens->all.data[i].kind == UK_TOKEN_NAME && i + 1 < tokens->all.len &&
	       uk_token_is(&tokens->all.data[i + 1], "(") &&
	       find_macro(paste, &tokens->all.data[i]);
}

/* The bracket that closes, or (backwards) opens, the one at @i. */
static size_t other_bracket(const struct uk_tokens *tokens, const struct uk_call_arg *arg, size_t i,
			    bool backwards)
{
	int depth = 0;
	for (;;) {
		depth += uk_token_is(&tokens->all.data[i], "(")	  ? 1
			 : uk_token_is(&tokens->all.data[i], ")") ? -1
								  : 0;
		if (!depth || i == (backwards ? arg->first : arg->end - 1))
			return i;
		i += backwards ? (size_t)-1 : 1;
	}
}

static void find_ends(const struct uk_paste *paste, const struct uk_tokens *tokens,
		      const struct uk_call_arg *arg, struct ends *ends)
{
	*ends = (struct ends){ { arg->first, arg->first }, { arg->end, arg->end } };
	if (arg->first >= arg->end)
		return;
	ends->first.end = arg->first + 1;
	ends->last.first = arg->end - 1;
	if (is_macro_call(paste, tokens, arg->first))
		ends->first.end = other_bracket(tokens, arg, arg->first + 1, false) + 1;
	if (!uk_token_is(&tokens->all.data[arg->end - 1], ")"))
		return;
	size_t open = other_bracket(tokens, arg, arg->end - 1, true);
	if (open > arg->first && is_macro_call(paste, tokens, open - 1))
		ends->last.first = open - 1;
}

/* While solving: what a parameter is handed on to, it is tracked for. */
static void hand_on(struct walk *walk, const struct uk_token *token, const struct targets *targets)
{
	struct macro *inside = walk->inside;
	int param = param_of(inside, token);
	if (param < 0)
		return;
	walk->paste->changed |=
		!inside->tracked[param] || (targets->pasting && !inside->pasting[param]);
	inside->tracked[param] = true;
	inside->pasting[param] |= targets->pasting;
	uint32_t node = node_of(walk->paste, inside->name, (size_t)param);
	for (size_t i = 0; i < targets->nr; i++)
		add_edge(walk->paste, node, targets->nodes[i]);
}

static void solve_call(void *ctx, const struct uk_tokens *tokens, const struct uk_call *call)
{
	struct walk *walk = ctx;
	struct targets targets;
	for (size_t arg = 0; arg < call->nr; arg++) {
		struct ends ends;
		find_targets(walk, &tokens->all.data[call->name], arg, &targets);
		if (!targets.nr)
			continue;
		find_ends(walk->paste, tokens, &call->args[arg], &ends);
		for (size_t i = ends.first.first; i < ends.first.end; i++)
			hand_on(walk, &tokens->all.data[i], &targets);
		for (size_t i = ends.last.first; i < ends.last.end; i++)
			hand_on(walk, &tokens->all.data[i], &targets);
	}
}

struct uk_error *uk_paste_solve(struct uk_paste *paste)
{
	do {
		paste->changed = false;
		uk_vec_for_each(macro, &paste->macros) {
			struct walk walk = { .paste = paste, .inside = macro };
			if (macro->params.nr)
				uk_call_each(&macro->tokens, macro->body, macro->tokens.all.len,
					     solve_call, &walk);
		}
	} while (paste->changed && !paste->failed);
	return paste->failed ? uk_error_nomem() : NULL;
}

/* @called: a bracket follows, so that a macro with parameters is replaced too. */
static void add_piece(struct walk *walk, uint32_t node, const struct uk_token *token, bool called,
		      int depth)
{
	struct uk_paste *paste = walk->paste;
	if (token->kind != UK_TOKEN_NAME && token->kind != UK_TOKEN_NUMBER)
		return;
	if (walk->inside && param_of(walk->inside, token) >= 0)
		return;
	uk_auto_free char *key = malloc(sizeof(node) + token->len);
	bool added = false;
	if (key) {
		memcpy(key, &node, sizeof(node));
		memcpy(key + sizeof(node), token->text, token->len);
	}
	if (!key || !uk_map_insert(&paste->pieces, key, sizeof(node) + token->len, &added))
		paste->failed = true;
	/* What is given may be a macro, whose value is then pasted. */
	const struct macro *macro = added && depth < 8 ? find_macro(paste, token) : NULL;
	if (macro && !called &&
	    !uk_vec_push(&paste->nodes.data[node].macros, (uint32_t)(macro - paste->macros.data)))
		paste->failed = true;
	for (; macro; macro = next_macro(paste, macro)) {
		size_t end = macro->tokens.all.len;
		const struct uk_token *all = macro->tokens.all.data;
		struct walk inner = { .paste = paste, .inside = (struct macro *)macro };
		if (macro->body >= end || (macro->params.is_function && !called))
			continue;
		bool calls = macro->body + 1 < end && uk_token_is(&all[macro->body + 1], "(");
		add_piece(&inner, node, &all[macro->body], calls, depth + 1);
		add_piece(&inner, node, &all[end - 1], false, depth + 1);
	}
}

static bool pastes(const struct uk_paste *paste, const struct uk_token *name)
{
	const struct macro *macro = follow_alias(paste, find_macro(paste, name));
	for (; macro; macro = next_macro(paste, macro)) {
		for (size_t i = 0; i < macro->params.nr; i++) {
			if (macro->pasting[i])
				return true;
		}
	}
	return false;
}

static void add_range(struct walk *walk, uint32_t node, const struct uk_tokens *tokens,
		      const struct uk_call_arg *range)
{
	for (size_t i = range->first; i < range->end; i++) {
		const struct uk_token *token = &tokens->all.data[i];
		bool called = is_macro_call(walk->paste, tokens, i);
		add_piece(walk, node, token, called, 0);
		if (called && pastes(walk->paste, token))
			walk->paste->nodes.data[node].composite = true;
	}
}

static void add_pieces(struct walk *walk, uint32_t node, const struct uk_tokens *tokens,
		       const struct uk_call_arg *arg)
{
	struct ends ends;
	find_ends(walk->paste, tokens, arg, &ends);
	add_range(walk, node, tokens, &ends.first);
	add_range(walk, node, tokens, &ends.last);
}

static void use_call(void *ctx, const struct uk_tokens *tokens, const struct uk_call *call)
{
	struct walk *walk = ctx;
	struct targets targets;
	for (size_t arg = 0; arg < call->nr; arg++) {
		find_targets(walk, &tokens->all.data[call->name], arg, &targets);
		for (size_t i = 0; i < targets.nr; i++)
			add_pieces(walk, targets.nodes[i], tokens, &call->args[arg]);
	}
}

static bool macro_uses(struct uk_paste *paste, const struct uk_entities *entities,
		       const struct uk_entity *entity)
{
	struct macro macro = {};
	struct uk_error *err = macro_init(&macro, entities, entity);
	struct walk walk = { .paste = paste, .inside = &macro };
	if (!err)
		uk_call_each(&macro.tokens, macro.body, macro.tokens.all.len, use_call, &walk);
	macro_deinit(&macro);
	bool ok = !err;
	uk_error_destroy(err);
	return ok;
}

struct uk_error *uk_paste_add_uses(struct uk_paste *paste, const struct uk_entities *entities)
{
	struct walk walk = { .paste = paste };
	uk_vec_for_each(entity, &entities->all) {
		if (entity->kind != UK_ENTITY_MACRO)
			uk_call_each(&entities->tokens, entity->first, entity->first + entity->nr,
				     use_call, &walk);
		else if (!macro_uses(paste, entities, entity))
			paste->failed = true;
	}
	return paste->failed ? uk_error_nomem() : NULL;
}

/* Itself, what feeds it, and what anything may get. */
static bool close_node(struct uk_paste *paste, uint32_t number)
{
	struct node *node = &paste->nodes.data[number];
	uk_auto_map struct uk_map seen = {};
	bool added;
	if (node->closed)
		return true;
	node->sources.len = 0;
	bool ok = uk_vec_push(&node->sources, number) && uk_map_insert_num(&seen, number, NULL);
	if (ok && uk_map_insert_num(&seen, ANYWHERE, &added) && added)
		ok = uk_vec_push(&node->sources, ANYWHERE);
	for (size_t i = 0; ok && i < node->sources.len; i++) {
		const struct node *source = &paste->nodes.data[node->sources.data[i]];
		node->composite |= source->composite;
		for (size_t f = 0; ok && f < source->feeders.len; f++) {
			uint32_t feeder = source->feeders.data[f];
			ok = uk_map_insert_num(&seen, feeder, &added) &&
			     (!added || uk_vec_push(&node->sources, feeder));
		}
	}
	node->closed = ok;
	return ok;
}

static bool has_piece(const struct uk_paste *paste, uint32_t number, const char *text, size_t len)
{
	const struct node *node = &paste->nodes.data[number];
	char key[sizeof(uint32_t) + NAME_LIMIT];
	if (len > NAME_LIMIT)
		return false;
	memcpy(key + sizeof(uint32_t), text, len);
	for (size_t i = 0; i < node->sources.len; i++) {
		memcpy(key, &node->sources.data[i], sizeof(uint32_t));
		if (uk_map_find(&paste->pieces, key, sizeof(uint32_t) + len))
			return true;
	}
	return false;
}

/* An indirect call of this macro: its parameter is one that the argument goes to. */
static void bind(struct uk_paste *paste, const struct indirect *indirect, const struct macro *macro)
{
	macro = follow_alias(paste, macro);
	for (; macro; macro = next_macro(paste, macro)) {
		size_t nr = macro->params.nr;
		size_t param = indirect->place < nr ? indirect->place : nr - 1;
		if (nr && macro->tracked[param])
			add_edge(paste, indirect->arg, node_of(paste, macro->name, param));
	}
}

static void bind_sources(struct uk_paste *paste, const struct indirect *indirect)
{
	const struct node *callee = &paste->nodes.data[indirect->callee];
	for (size_t i = 0; i < callee->sources.len; i++) {
		uint32_t source = callee->sources.data[i];
		/* Binding makes no nodes of tracked parameters anew. */
		for (size_t m = 0; m < paste->nodes.data[source].macros.len; m++)
			bind(paste, indirect,
			     &paste->macros.data[paste->nodes.data[source].macros.data[m]]);
		callee = &paste->nodes.data[indirect->callee];
	}
}

/* Macros that are called through parameters: which they are is known by now. */
static struct uk_error *bind_indirects(struct uk_paste *paste)
{
	do {
		paste->changed = false;
		uk_vec_for_each(node, &paste->nodes)
			node->closed = false;
		for (size_t i = 0; i < paste->indirects.len && !paste->failed; i++) {
			const struct indirect indirect = paste->indirects.data[i];
			if (!close_node(paste, indirect.callee))
				return uk_error_nomem();
			bind_sources(paste, &indirect);
		}
	} while (paste->changed && !paste->failed);
	uk_vec_for_each(node, &paste->nodes)
		node->closed = false;
	paste->bound = true;
	return paste->failed ? uk_error_nomem() : NULL;
}

static bool is_known(const struct uk_paste *paste, uint32_t number, const char *text, size_t len)
{
	size_t digits = 0;
	while (digits < len && isdigit((unsigned char)text[digits]))
		digits++;
	return digits == len || has_piece(paste, number, text, len);
}

/* What is given may have been pasted itself. */
static bool composes(const struct uk_paste *paste, uint32_t node, const char *text, size_t len,
		     int pieces)
{
	if (is_known(paste, node, text, len))
		return true;
	for (size_t first = 1; pieces > 1 && first < len; first++) {
		if (is_known(paste, node, text, first) &&
		    composes(paste, node, text + first, len - first, pieces - 1))
			return true;
	}
	return false;
}

/* A parameter that is the whole name puts nothing together: who gives it mentions it. */
static bool matches(const struct uk_paste *paste, const char *pattern, const uint32_t *nodes,
		    const char *name, size_t whole)
{
	if (!*pattern)
		return !*name;
	if (*pattern != ANY)
		return *pattern == *name && matches(paste, pattern + 1, nodes, name + 1, whole);
	int pieces = paste->nodes.data[*nodes].composite ? 2 : 1;
	for (size_t len = 0; len < whole; len++) {
		if (matches(paste, pattern + 1, nodes + 1, name + len, whole) &&
		    composes(paste, *nodes, name, len, pieces))
			return true;
		if (!name[len])
			return false;
	}
	return false;
}

struct uk_error *uk_paste_makers(struct uk_paste *paste, const char *name,
				 struct uk_error *(*each)(void *ctx, const char *macro), void *ctx)
{
	size_t len = strlen(name);
	struct uk_error *err = paste->bound ? NULL : bind_indirects(paste);
	if (err)
		return err;
	uk_vec_for_each(pattern, &paste->patterns) {
		for (size_t i = 0; i < pattern->nr_nodes; i++) {
			if (!close_node(paste, pattern->nodes[i]))
				return uk_error_nomem();
		}
		if (!matches(paste, pattern->text, pattern->nodes, name, len))
			continue;
		err = each(ctx, paste->macros.data[pattern->macro].name);
		if (err)
			return err;
	}
	return NULL;
}
