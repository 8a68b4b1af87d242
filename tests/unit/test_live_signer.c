// SPDX-License-Identifier: GPL-2.0-or-later
/* rooms: live match bundle elf base */
#include "live/module.h"
#include "live/signer.h"

#include "base/process.h"
#include "live_sample.h"
#include "tap.h"

#include <ctype.h>
#include <sys/stat.h>

static struct machine machine;
static char *key, *cert, *pem;

/* A key, and a certificate of it in both forms. */
static void make_keys(void)
{
	key = sample_path(machine.root, "mok.key");
	cert = sample_path(machine.root, "mok.der");
	pem = sample_path(machine.root, "mok.pem");
	ck_ok(uk_process_call(NULL, "openssl", "req", "-new", "-x509", "-newkey", "rsa:2048",
			      "-nodes", "-subj", "/CN=Owner/", "-keyout", key, "-out", pem, NULL));
	ck_ok(uk_process_call(NULL, "openssl", "x509", "-in", pem, "-outform", "DER", "-out", cert,
			      NULL));
}

static void set_up(void)
{
	machine_make(&machine);
	make_keys();
}

static void tear_down(void)
{
	machine_remove(&machine);
	free(key);
	free(cert);
	free(pem);
}

/* What the openssl program says of a signature over this text. */
static struct uk_error *verify(const uint8_t *signature, size_t len, const char *text)
{
	uk_auto_free char *file = sample_path(machine.root, "signature");
	uk_auto_free char *content = sample_path(machine.root, "content");
	ck_ok(uk_file_write(file, signature, len, 0644));
	ck_ok(uk_file_write(content, text, strlen(text), 0644));
	return uk_process_call(NULL, "openssl", "cms", "-verify", "-binary", "-inform", "DER",
			       "-in", file, "-content", content, "-certfile", pem, "-CAfile", pem,
			       "-purpose", "any", "-out", "/dev/null", NULL);
}

START_TEST(a_signature_is_what_the_kernel_reads)
{
	static const char text[] = "a module";
	enum { LEN = sizeof(text) - 1, MARK_LEN = sizeof(UK_SIGNATURE_MARK) - 1 };
	uk_auto_signer struct uk_signer *signer = NULL;
	uk_auto_free void *made = NULL;
	size_t len;
	ck_ok(uk_signer_load(key, cert, &signer));
	ck_assert_str_eq(uk_signer_name(signer), "Owner");
	ck_assert_str_eq(uk_signer_cert(signer), cert);
	ck_ok(uk_signer_sign(signer, text, LEN, &made, &len));
	const uint8_t *bytes = made, *info = bytes + len - MARK_LEN - UK_SIGNATURE_INFO_LEN;
	size_t signature = len - LEN - MARK_LEN - UK_SIGNATURE_INFO_LEN;
	ck_assert(!memcmp(bytes, text, LEN));
	ck_assert(!memcmp(bytes + len - MARK_LEN, UK_SIGNATURE_MARK, MARK_LEN));
	const uint8_t wanted[UK_SIGNATURE_INFO_LEN] = {
		0, 0, 2, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(signature >> 8), (uint8_t)signature
	};
	ck_assert(!memcmp(info, wanted, sizeof(wanted)));
	ck_ok(verify(bytes + LEN, signature, text));
	ck_fails(verify(bytes + LEN, signature, "b module"), UK_ERR_SYSTEM, "Verification failure");
}
END_TEST

START_TEST(certificates_may_be_pem_and_keys_may_have_a_pass_phrase)
{
	uk_auto_signer struct uk_signer *signer = NULL, *locked = NULL;
	uk_auto_free char *secret = sample_path(machine.root, "locked.key");
	ck_ok(uk_signer_load(key, pem, &signer));
	ck_ok(uk_process_call(NULL, "openssl", "pkcs8", "-topk8", "-in", key, "-out", secret,
			      "-passout", "pass:sesame", NULL));
	unsetenv("KBUILD_SIGN_PIN");
	ck_fails(uk_signer_load(secret, pem, &locked), UK_ERR_INVALID, "KBUILD_SIGN_PIN");
	setenv("KBUILD_SIGN_PIN", "barley", 1);
	ck_fails(uk_signer_load(secret, pem, &locked), UK_ERR_INVALID, "KBUILD_SIGN_PIN");
	setenv("KBUILD_SIGN_PIN", "sesame", 1);
	ck_ok(uk_signer_load(secret, pem, &locked));
}
END_TEST

START_TEST(keys_that_cannot_sign_are_named)
{
	uk_auto_signer struct uk_signer *signer = NULL;
	uk_auto_free char *first_key = key, *first_pem = pem, *first_cert = cert;
	uk_auto_free char *kept = sample_path(machine.root, "kept.key");
	ck_fails(uk_signer_load("/none/key", cert, &signer), UK_ERR_SYSTEM, "open /none/key");
	ck_fails(uk_signer_load(key, "/none/cert", &signer), UK_ERR_SYSTEM, "open /none/cert");
	ck_fails(uk_signer_load(machine.root, cert, &signer), UK_ERR_INVALID, "regular file");
	ck_fails(uk_signer_load(key, key, &signer), UK_ERR_INVALID,
		 "mok.key: not a certificate in DER or PEM");
	ck_assert_int_eq(chmod(key, 0640), 0);
	ck_fails(uk_signer_load(key, cert, &signer), UK_ERR_INVALID, "run chmod 600 on it");
	ck_assert_int_eq(chmod(pem, 0600), 0);
	ck_fails(uk_signer_load(pem, cert, &signer), UK_ERR_INVALID,
		 "mok.pem: not a private key in PEM");
	ck_assert_int_eq(chmod(key, 0600), 0);
	ck_ok(uk_file_copy(key, kept, 0600));
	make_keys();
	ck_fails(uk_signer_load(kept, cert, &signer), UK_ERR_INVALID,
		 "mok.der is not the certificate of");
}
END_TEST

START_TEST(a_kernel_that_knows_the_key_takes_what_it_signed)
{
	uk_auto_signer struct uk_signer *signer = NULL;
	uk_auto_free char *said = NULL, *line = NULL;
	char id[41];
	ck_ok(uk_signer_load(key, cert, &signer));
	ck_ok(uk_process_call(&said, "openssl", "x509", "-in", pem, "-noout", "-ext",
			      "subjectKeyIdentifier", NULL));
	size_t len = 0;
	for (const char *at = strchr(said, '\n'); *at && len < 40; at++) {
		if (isxdigit((unsigned char)*at))
			id[len++] = (char)tolower((unsigned char)*at);
	}
	id[len] = '\0';
	ck_assert_uint_eq(len, 40);

	machine_put(&machine, "sys/module/module/parameters/sig_enforce", "Y\n");
	ck_fails(uk_module_may_load(&machine.paths, signer), UK_ERR_SYSTEM, "proc/keys");
	machine_put(&machine, "proc/keys",
		    "1 I--- 1 perm 1f01 0 0 asymmetri Other: 00: X509.rsa\n");
	ck_fails(uk_module_may_load(&machine.paths, signer), UK_ERR_REFUSED,
		 "does not list the key 'Owner'");
	/* Neither a longer id nor a name that looks like one is the key. */
	ck_ok(uk_asprintf(&line,
			  "1 I--- 1 perm 0 0 asymmetri O: 00%s: X509.rsa 0 []\n"
			  "2 I--- 1 perm 0 0 asymmetri O: %s00: X509.rsa 0 []\n",
			  id, id));
	machine_put(&machine, "proc/keys", line);
	ck_fails(uk_module_may_load(&machine.paths, signer), UK_ERR_REFUSED, "mokutil");
	free(line);
	ck_ok(uk_asprintf(&line, "2 I--- 1 perm 0 0 asymmetri Owner: %s: X509.rsa %s []\n", id,
			  id + 32));
	machine_put(&machine, "proc/keys", line);
	ck_ok(uk_module_may_load(&machine.paths, signer));
	machine_put(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	ck_ok(uk_module_may_load(&machine.paths, signer));
	machine_put(&machine, "sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	ck_fails(uk_module_may_load(&machine.paths, signer), UK_ERR_REFUSED, "cannot be read");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("live_signer");
	TCase *tcase = tcase_create("signer");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_signature_is_what_the_kernel_reads);
	tcase_add_test(tcase, certificates_may_be_pem_and_keys_may_have_a_pass_phrase);
	tcase_add_test(tcase, keys_that_cannot_sign_are_named);
	tcase_add_test(tcase, a_kernel_that_knows_the_key_takes_what_it_signed);
	suite_add_tcase(suite, tcase);
	return tap_run(suite);
}
