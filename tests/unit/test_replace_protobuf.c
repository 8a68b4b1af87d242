// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: replace seat base */
/* Messages of protobuf: taken apart, changed, put together. */
#include "replace/protobuf.h"

#include "tap.h"

#include <string.h>

static void check_packed(const struct uk_pb *message, const char *wanted, size_t len)
{
	uk_auto_free uint8_t *data = NULL;
	size_t got = 0;
	ck_ok(uk_pb_pack(message, &data, &got));
	ck_assert_ptr_nonnull(data);
	ck_assert_uint_eq(got, len);
	ck_assert_mem_eq(data, wanted, len);
}

#define PARSE(text, ret) ck_ok(uk_pb_parse(text, sizeof(text) - 1, ret))
#define CHECK_PACKED(message, text) check_packed(message, text, sizeof(text) - 1)
#define REFUSE(text, said)                                                                         \
	do {                                                                                       \
		uk_auto_pb struct uk_pb refused = {};                                              \
		ck_fails(uk_pb_parse(text, sizeof(text) - 1, &refused), UK_ERR_INVALID, said);     \
	} while (0)

/* 1: 150, 2: "hi", 3: fixed 64, 4: fixed 32, 1000: -1 */
#define ALL                                                                                        \
	"\x08\x96\x01\x12\x02hi\x19\x01\x02\x03\x04\x05\x06\x07\x08\x25\x0a\x0b\x0c\x0d"           \
	"\xc0\x3e\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"

START_TEST(fields_of_all_types_are_read)
{
	uk_auto_pb struct uk_pb message = {};
	uint64_t value = 0;
	PARSE(ALL, &message);
	ck_assert_uint_eq(message.fields.len, 5);
	ck_assert(uk_pb_get(&message, 1, &value) && value == 150);
	ck_assert(uk_pb_get(&message, 1000, &value) && value == UINT64_MAX);
	const struct uk_pb_field *text = uk_pb_find(&message, 2, UK_PB_BYTES);
	ck_assert(text && text->len == 2 && !memcmp(text->data, "hi", 2));
	ck_assert_uint_eq(uk_pb_find(&message, 3, UK_PB_FIXED64)->value, 0x0807060504030201);
	ck_assert_uint_eq(uk_pb_find(&message, 4, UK_PB_FIXED32)->value, 0x0d0c0b0a);
	ck_assert_ptr_null(uk_pb_find(&message, 3, UK_PB_VARINT));
	ck_assert(!uk_pb_get(&message, 2, &value) && !uk_pb_get(&message, 5, &value));
	CHECK_PACKED(&message, ALL);
}
END_TEST

START_TEST(nothing_is_a_message)
{
	uk_auto_pb struct uk_pb message = {};
	PARSE("", &message);
	ck_assert_uint_eq(message.fields.len, 0);
	CHECK_PACKED(&message, "");
	ck_ok(uk_pb_set(&message, 1, 0));
	CHECK_PACKED(&message, "\x08\x00");
}
END_TEST

START_TEST(numbers_grow_and_shrink)
{
	uk_auto_pb struct uk_pb message = {};
	PARSE("\x08\x01\x10\x02", &message);
	ck_ok(uk_pb_set(&message, 1, 128));
	CHECK_PACKED(&message, "\x08\x80\x01\x10\x02");
	ck_ok(uk_pb_set(&message, 1, UINT64_MAX));
	CHECK_PACKED(&message, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x02");
	ck_ok(uk_pb_set(&message, 1, 127));
	CHECK_PACKED(&message, "\x08\x7f\x10\x02");
}
END_TEST

START_TEST(a_new_field_comes_in_order)
{
	uk_auto_pb struct uk_pb message = {};
	PARSE("\x08\x01\x28\x05", &message);
	ck_ok(uk_pb_set(&message, 3, 3));
	ck_ok(uk_pb_set_bytes(&message, 6, "x", 1));
	CHECK_PACKED(&message, "\x08\x01\x18\x03\x28\x05\x32\x01x");
	/* Where the order was another one, behind what is smaller. */
	uk_auto_pb struct uk_pb odd = {};
	PARSE("\x28\x05\x08\x01", &odd);
	ck_ok(uk_pb_set(&odd, 3, 3));
	CHECK_PACKED(&odd, "\x28\x05\x08\x01\x18\x03");
}
END_TEST

START_TEST(a_field_of_another_type_is_replaced)
{
	uk_auto_pb struct uk_pb message = {};
	PARSE("\x0a\x02hi\x10\x02", &message);
	ck_ok(uk_pb_set(&message, 1, 7));
	ck_ok(uk_pb_set_bytes(&message, 2, NULL, 0));
	CHECK_PACKED(&message, "\x08\x07\x12\x00");
	ck_assert_uint_eq(message.fields.data[0].len, 0);
	ck_assert_uint_eq(message.fields.data[1].value, 0);
}
END_TEST

START_TEST(repeated_fields_stay_and_are_not_taken_for_one)
{
	uk_auto_pb struct uk_pb message = {};
	uint64_t value = 0;
	PARSE("\x08\x01\x08\x02\x10\x03", &message);
	ck_assert(!uk_pb_get(&message, 1, &value));
	ck_fails(uk_pb_set(&message, 1, 5), UK_ERR_INVALID, "there are 2 fields 1");
	CHECK_PACKED(&message, "\x08\x01\x08\x02\x10\x03");
	uk_pb_remove(&message, 1);
	uk_pb_remove(&message, 9);
	CHECK_PACKED(&message, "\x10\x03");
}
END_TEST

START_TEST(messages_lie_in_messages)
{
	uk_auto_pb struct uk_pb message = {}, inner = {}, none = {};
	PARSE("\x0a\x02\x08\x01\x10\x02", &message);
	ck_ok(uk_pb_get_message(&message, 1, &inner));
	ck_ok(uk_pb_set(&inner, 2, 300));
	ck_ok(uk_pb_set_message(&message, 1, &inner));
	CHECK_PACKED(&message, "\x0a\x05\x08\x01\x10\xac\x02\x10\x02");
	ck_fails(uk_pb_get_message(&message, 2, &none), UK_ERR_INVALID, "no message in field 2");
}
END_TEST

START_TEST(what_is_no_message_is_refused)
{
	REFUSE("\x08", "byte 0");
	REFUSE("\x08\x80", "byte 0");
	REFUSE("\x08\x01\x80", "byte 2");
	REFUSE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "byte 0");     /* 65 bits */
	REFUSE("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", "byte 0"); /* 11 bytes */
	REFUSE("\x08\x01\x12\x02h", "byte 2");
	REFUSE("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "byte 0");
	REFUSE("\x19\x01\x02\x03\x04\x05\x06\x07", "byte 0");
	REFUSE("\x25\x0a\x0b\x0c", "byte 0");
	REFUSE("\x00\x01", "byte 0");		      /* field 0 */
	REFUSE("\x80\x80\x80\x80\x10\x01", "byte 0"); /* of 30 bits */
	REFUSE("\x0b\x08\x01\x0c", "byte 0");	      /* a group */
}
END_TEST

START_TEST(no_prefix_is_read_beyond_its_end)
{
	static const char all[] = ALL;
	for (size_t len = 0; len < sizeof(all); len++) {
		uk_auto_pb struct uk_pb message = {};
		uk_auto_free char *copy = malloc(len + 1); /* the sanitizer sees its end */
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, all, len);
		uk_auto_error struct uk_error *err = uk_pb_parse(copy, len, &message);
		if (!err)
			check_packed(&message, all, len);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("protobuf");
	TCase *tests = tcase_create("protobuf");
	tcase_add_test(tests, fields_of_all_types_are_read);
	tcase_add_test(tests, nothing_is_a_message);
	tcase_add_test(tests, numbers_grow_and_shrink);
	tcase_add_test(tests, a_new_field_comes_in_order);
	tcase_add_test(tests, a_field_of_another_type_is_replaced);
	tcase_add_test(tests, repeated_fields_stay_and_are_not_taken_for_one);
	tcase_add_test(tests, messages_lie_in_messages);
	tcase_add_test(tests, what_is_no_message_is_refused);
	tcase_add_test(tests, no_prefix_is_read_beyond_its_end);
	suite_add_tcase(suite, tests);
	return tap_run(suite);
}
