// SPDX-License-Identifier: GPL-2.0-or-later
/* Kinds of entities. */
#include "kbuild/shape.h"

#include "base/memory.h"

#include <ctype.h>
#include <string.h>

struct shape {
	const struct uk_tokens *tokens;
	size_t first, end; /* of the entity's tokens */
	size_t head_end;   /* of what stands before a brace, '=' or ';' at depth 0 */
	size_t name;	   /* before the one list of parameters */
	size_t lists;	   /* lists in brackets in the head, attributes aside */
	size_t words;	   /* names in the head that are no storage class or attribute */
	bool is_extern, is_static, is_inline, is_typedef, has_brace, assigned;
};

static const struct uk_token *at(const struct shape *shape, size_t i)
{
	return &shape->tokens->all.data[i];
}

static bool is_punct(const struct uk_token *token, char c)
{
	return token->kind == UK_TOKEN_PUNCT && token->len == 1 && *token->text == c;
}

static bool is_one_of(const struct uk_token *token, const char *const *words, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (uk_token_is(token, words[i]))
			return true;
	}
	return false;
}

/* Attributes that have arguments: their list is not one of parameters. */
static bool is_attribute(const struct uk_token *token)
{
	static const char *const words[] = {
		"__attribute__",   "__attribute",   "__printf",		"__scanf",
		"__acquires",	   "__releases",    "__must_hold",	"__cond_acquires",
		"__aligned",	   "__section",	    "__alloc_size",	"__malloc",
		"__nonnull",	   "__diagnose_as", "__assume_aligned", "__cold",
		"__noreturn",	   "__must_check",  "__init",		"__exit",
		"__pure",	   "__visible",	    "__weak",		"__maybe_unused",
		"__always_unused", "asmlinkage",    "notrace",		"noinstr",
		"__alias",	   "__nocfi",
	};
	return token->kind == UK_TOKEN_NAME && is_one_of(token, words, UK_ARRAY_SIZE(words));
}

static bool is_inline_word(const struct uk_token *token)
{
	static const char *const words[] = {
		"inline", "__inline", "__inline__", "__always_inline", "__gnu_inline",
	};
	return is_one_of(token, words, UK_ARRAY_SIZE(words));
}

bool uk_shape_is_if(const struct uk_token *word)
{
	static const char *const words[] = { "if", "ifdef", "ifndef" };
	return is_one_of(word, words, UK_ARRAY_SIZE(words));
}

bool uk_shape_is_conditional(const struct uk_token *word)
{
	static const char *const words[] = { "elif", "else", "endif", "elifdef", "elifndef" };
	return uk_shape_is_if(word) || is_one_of(word, words, UK_ARRAY_SIZE(words));
}

/* The index behind the bracket that closes the one at @open. */
static size_t skip_list(const struct shape *shape, size_t open)
{
	int depth = 0;
	for (size_t i = open; i < shape->end; i++) {
		const struct uk_token *token = at(shape, i);
		if (token->kind != UK_TOKEN_PUNCT || token->len != 1)
			continue;
		if (strchr("({[", *token->text))
			depth++;
		else if (strchr(")}]", *token->text) && !--depth)
			return i + 1;
	}
	return shape->end;
}

static void read_word(struct shape *shape, size_t i)
{
	const struct uk_token *token = at(shape, i);
	if (uk_token_is(token, "extern"))
		shape->is_extern = true;
	else if (uk_token_is(token, "static"))
		shape->is_static = true;
	else if (uk_token_is(token, "typedef"))
		shape->is_typedef = true;
	else if (is_inline_word(token))
		shape->is_inline = true;
	else if (!is_attribute(token))
		shape->words++;
}

/* Reads the head: everything before the first brace, '=' or ';' outside of brackets. */
static void read_head(struct shape *shape)
{
	size_t i = shape->first;
	while (i < shape->end) {
		const struct uk_token *token = at(shape, i);
		if (is_punct(token, '{') || is_punct(token, '=') || is_punct(token, ';'))
			break;
		if (is_punct(token, '(')) {
			bool attribute = i > shape->first && is_attribute(at(shape, i - 1));
			if (!attribute && !shape->lists++)
				shape->name = i > shape->first ? i - 1 : i;
			i = skip_list(shape, i);
			continue;
		}
		if (token->kind == UK_TOKEN_NAME)
			read_word(shape, i);
		i++;
	}
	shape->head_end = i;
	shape->has_brace = i < shape->end && is_punct(at(shape, i), '{');
	shape->assigned = i < shape->end && is_punct(at(shape, i), '=');
}

static void shape_init(struct shape *shape, const struct uk_tokens *tokens, size_t first,
		       size_t end)
{
	*shape = (struct shape){ .tokens = tokens, .first = first, .end = end };
	read_head(shape);
}

static bool has_lower(const struct uk_token *token)
{
	for (size_t i = 0; i < token->len; i++) {
		if (islower((unsigned char)token->text[i]))
			return true;
	}
	return false;
}

/*
 * type name(parameters): one list, a name of which at least one word stands before, and no
 * macro, whose names have no lower-case letters.
 */
static bool is_function_head(const struct shape *shape)
{
	return shape->lists == 1 && shape->words >= 2 && !shape->is_typedef &&
	       at(shape, shape->name)->kind == UK_TOKEN_NAME && has_lower(at(shape, shape->name));
}

static bool is_type_word(const struct uk_token *token)
{
	static const char *const words[] = { "struct", "union", "enum" };
	return is_one_of(token, words, UK_ARRAY_SIZE(words));
}

/* Whether the tokens begin "struct NAME ;" with nothing else. */
static bool is_forward(const struct shape *shape)
{
	return shape->end - shape->first == 3 && is_type_word(at(shape, shape->first)) &&
	       at(shape, shape->first + 1)->kind == UK_TOKEN_NAME;
}

/* enum [tag] { ... }; with at most attributes behind it. */
static bool is_plain_enum(const struct shape *shape)
{
	if (!shape->has_brace || !uk_token_is(at(shape, shape->first), "enum"))
		return false;
	size_t i = shape->first + 1;
	if (i < shape->head_end && at(shape, i)->kind == UK_TOKEN_NAME)
		i++;
	if (i != shape->head_end)
		return false;
	i = skip_list(shape, shape->head_end);
	while (i < shape->end && is_attribute(at(shape, i)))
		i++;
	return i + 1 == shape->end;
}

static bool is_type(const struct shape *shape)
{
	if (shape->is_typedef)
		return true;
	if (!shape->has_brace || !is_type_word(at(shape, shape->first)) || shape->lists)
		return false;
	size_t i = skip_list(shape, shape->head_end);
	while (i < shape->end && is_attribute(at(shape, i))) {
		i++;
		if (i < shape->end && is_punct(at(shape, i), '('))
			i = skip_list(shape, i);
	}
	return i + 1 >= shape->end;
}

/* extern type name; or name[...]: the name is the last word of the head. */
static bool find_extern_name(struct shape *shape)
{
	size_t found = shape->end;
	if (!shape->is_extern || shape->lists || shape->has_brace || shape->assigned ||
	    shape->words < 2)
		return false;
	for (size_t i = shape->first; i < shape->head_end;) {
		const struct uk_token *token = at(shape, i);
		if (is_punct(token, ','))
			return false;
		if (token->kind == UK_TOKEN_NAME)
			found = i;
		i = is_punct(token, '[') ? skip_list(shape, i) : i + 1;
	}
	/* An attribute behind the name would be taken for it. */
	if (found == shape->end || *at(shape, found)->text == '_')
		return false;
	shape->name = found;
	return true;
}

static void classify_code(const struct uk_tokens *tokens, struct uk_entity *entity)
{
	struct shape shape;
	shape_init(&shape, tokens, entity->first, entity->first + entity->nr);
	entity->kind = UK_ENTITY_OTHER;
	if (is_forward(&shape)) {
		entity->kind = UK_ENTITY_FORWARD;
	} else if (is_plain_enum(&shape)) {
		entity->kind = UK_ENTITY_ENUM;
	} else if (is_type(&shape)) {
		entity->kind = UK_ENTITY_TYPE;
	} else if (is_function_head(&shape) && !shape.assigned) {
		entity->name = shape.name;
		/* Without static or extern, code comes of it (gnu_inline), whoever calls it. */
		bool only_inline = shape.is_inline && (shape.is_static || shape.is_extern);
		entity->kind = !shape.has_brace ? UK_ENTITY_PROTOTYPE
			       : only_inline	? UK_ENTITY_INLINE
						: UK_ENTITY_FUNCTION;
	} else if (find_extern_name(&shape)) {
		entity->name = shape.name;
		entity->kind = UK_ENTITY_EXTERN;
	}
}

static void classify_directive(const struct uk_tokens *tokens, struct uk_entity *entity)
{
	const struct uk_token *word = &tokens->all.data[entity->first + 1];
	bool named = entity->nr > 3 && word[1].kind == UK_TOKEN_NAME;
	entity->kind = UK_ENTITY_OTHER;
	if (uk_token_is(word, "define") && named)
		entity->kind = UK_ENTITY_MACRO;
	else if (uk_token_is(word, "undef") && named)
		entity->kind = UK_ENTITY_UNDEF;
	else if (uk_token_is(word, "include") || uk_token_is(word, "include_next"))
		entity->kind = UK_ENTITY_INCLUDE;
	if (entity->kind == UK_ENTITY_MACRO || entity->kind == UK_ENTITY_UNDEF)
		entity->name = entity->first + 2;
}

void uk_shape_classify(const struct uk_tokens *tokens, struct uk_entity *entity)
{
	if (tokens->all.data[entity->first].kind == UK_TOKEN_HASH)
		classify_directive(tokens, entity);
	else
		classify_code(tokens, entity);
}

bool uk_shape_is_body(const struct uk_tokens *tokens, size_t start, size_t close)
{
	struct shape shape;
	shape_init(&shape, tokens, start, close + 1);
	if (!shape.has_brace || shape.is_typedef)
		return false;
	/* A list before the brace; not "struct __attribute__((packed)) {", whose does not count. */
	return shape.lists > 0;
}
