// SPDX-License-Identifier: GPL-2.0-or-later
/* Signing modules, by libcrypto. */
#include "live/signer.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>

#define PIN "KBUILD_SIGN_PIN"

enum { FILE_MAX = 1 << 16, PKEY_ID_PKCS7 = 2 };

struct uk_signer {
	EVP_PKEY *key;
	X509 *cert;
	char *path; /* of the certificate */
	char *name; /* its subject */
	char *id;   /* what /proc/keys calls it, in hex */
};

static void cleanup_bio(BIO **bio)
{
	BIO_free(*bio);
}

static void cleanup_cms(CMS_ContentInfo **cms)
{
	CMS_ContentInfo_free(*cms);
}

/* The last complaint is the one nearest to us. */
static struct uk_error *crypto_error(const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	struct uk_error *err =
		uk_error_create(UK_ERR_INVALID, "%s: %s", what, reason ? reason : "unknown error");
	ERR_clear_error();
	return err;
}

static int give_pin(char *buf, int size, int writing, void *asked)
{
	const char *pin = getenv(PIN);
	*(bool *)asked = true;
	if (!pin || strlen(pin) > (size_t)size)
		return -1;
	memcpy(buf, pin, strlen(pin));
	return (int)strlen(pin);
}

/* Its owner and mode are checked on the very file that is read. */
static struct uk_error *open_key(const char *path, BIO **ret)
{
	uk_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return uk_error_errno(errno, "open %s", path);
	if (fstat(fd, &st) < 0)
		return uk_error_errno(errno, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return uk_error_create(UK_ERR_INVALID, "%s: not a regular file", path);
	if (st.st_mode & 077)
		return uk_error_create(UK_ERR_INVALID,
				       "%s: mode %04o lets others use the key: run chmod 600 on it",
				       path, st.st_mode & 07777);
	*ret = BIO_new_fd(fd, BIO_CLOSE);
	if (!*ret)
		return uk_error_nomem();
	(void)uk_take_fd(fd);
	return NULL;
}

static struct uk_error *load_key(const char *path, EVP_PKEY **ret)
{
	uk_cleanup(cleanup_bio) BIO *bio = NULL;
	bool asked = false;
	struct uk_error *err = open_key(path, &bio);
	if (err)
		return err;
	*ret = PEM_read_bio_PrivateKey(bio, NULL, give_pin, &asked);
	if (*ret)
		return NULL;
	err = crypto_error("not a private key in PEM");
	if (asked) {
		uk_error_destroy(err);
		err = uk_error_create(UK_ERR_INVALID, "it has a pass phrase, and that is not "
						      "what the environment has in " PIN);
	}
	return uk_error_wrap(err, "%s", path);
}

/* DER begins with a SEQUENCE whose length is written out. */
static struct uk_error *load_cert(const char *path, X509 **ret)
{
	uk_auto_free char *data = NULL;
	size_t len;
	struct uk_error *err = uk_file_read(path, FILE_MAX, &data, &len);
	if (err)
		return err;
	uk_cleanup(cleanup_bio) BIO *bio = BIO_new_mem_buf(data, (int)len);
	if (!bio)
		return uk_error_nomem();
	bool is_der = len > 2 && data[0] == 0x30 && (data[1] & 0x80);
	*ret = is_der ? d2i_X509_bio(bio, NULL) : PEM_read_bio_X509(bio, NULL, NULL, NULL);
	return *ret ? NULL
		    : uk_error_wrap(crypto_error("not a certificate in DER or PEM"), "%s", path);
}

static struct uk_error *encode(const uint8_t *bytes, size_t len, char **ret)
{
	uk_auto_strbuf struct uk_strbuf hex = {};
	for (size_t i = 0; i < len; i++)
		uk_strbuf_addf(&hex, "%02x", bytes[i]);
	return uk_strbuf_finish(&hex, ret);
}

/*
 * The kernel names a key by its subject key identifier, or by its serial number where it has
 * none (crypto/asymmetric_keys/x509_public_key.c, x509_key_preparse()).
 */
static struct uk_error *find_id(struct uk_signer *signer)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(signer->cert);
	if (!id)
		id = X509_get0_serialNumber(signer->cert);
	return encode(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id), &signer->id);
}

static struct uk_error *find_name(struct uk_signer *signer)
{
	char text[256];
	X509_NAME *subject = X509_get_subject_name(signer->cert);
	if (X509_NAME_get_text_by_NID(subject, NID_commonName, text, sizeof(text)) < 0)
		X509_NAME_oneline(subject, text, sizeof(text));
	return uk_strdup(text, &signer->name);
}

struct uk_error *uk_signer_load(const char *key, const char *cert, struct uk_signer **ret)
{
	uk_auto_signer struct uk_signer *signer = calloc(1, sizeof(*signer));
	if (!signer)
		return uk_error_nomem();
	struct uk_error *err = load_key(key, &signer->key);
	if (!err)
		err = load_cert(cert, &signer->cert);
	if (!err && !X509_check_private_key(signer->cert, signer->key)) {
		ERR_clear_error();
		err = uk_error_create(UK_ERR_INVALID, "%s is not the certificate of %s", cert, key);
	}
	if (!err)
		err = uk_strdup(cert, &signer->path);
	if (!err)
		err = find_name(signer);
	if (!err)
		err = find_id(signer);
	if (err)
		return uk_error_wrap(err, "the key to sign modules with");
	*ret = uk_take(signer);
	return NULL;
}

struct uk_error *uk_signer_find(struct uk_signer **ret)
{
	static const struct {
		const char *key, *cert;
	} places[] = {
		{ UPKEEP_SYSCONFDIR "/mok.key", UPKEEP_SYSCONFDIR "/mok.der" },
		{ "/var/lib/dkms/mok.key", "/var/lib/dkms/mok.pub" },
		{ "/var/lib/shim-signed/mok/MOK.priv", "/var/lib/shim-signed/mok/MOK.der" },
	};
	uk_auto_strbuf struct uk_strbuf looked = {};
	for (size_t i = 0; i < UK_ARRAY_SIZE(places); i++) {
		if (uk_file_exists(places[i].key))
			return uk_signer_load(places[i].key, places[i].cert, ret);
		uk_strbuf_addf(&looked, "%s%s", i ? ", " : "", places[i].key);
	}
	if (looked.failed)
		return uk_error_nomem();
	return uk_error_create(UK_ERR_INVALID,
			       "no key to sign modules with is here (%s); name one with "
			       "--mok=KEY,CERT (upkeep-apply(1) says how to make and enrol it)",
			       looked.data);
}

void uk_signer_destroy(struct uk_signer *signer)
{
	if (!signer)
		return;
	EVP_PKEY_free(signer->key);
	X509_free(signer->cert);
	free(signer->path);
	free(signer->name);
	free(signer->id);
	free(signer);
}

const char *uk_signer_cert(const struct uk_signer *signer)
{
	return signer->path;
}

const char *uk_signer_name(const struct uk_signer *signer)
{
	return signer->name;
}

/* A line of /proc/keys: "... asymmetri SUBJECT: ID: X509.rsa 12345678 []". */
bool uk_signer_is_listed(const struct uk_signer *signer, const char *keys)
{
	size_t len = strlen(signer->id);
	for (const char *at = keys; (at = strstr(at, signer->id)); at += len) {
		if (at - keys >= 2 && !memcmp(at - 2, ": ", 2) && !strncmp(at + len, ": X509", 6))
			return true;
	}
	return false;
}

/* As scripts/sign-file does it: whose it is says the issuer with the serial number. */
static CMS_ContentInfo *make_message(const struct uk_signer *signer, BIO *data)
{
	const unsigned int flags = CMS_NOCERTS | CMS_BINARY;
	uk_cleanup(cleanup_cms) CMS_ContentInfo *cms =
		CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL | CMS_DETACHED | CMS_STREAM);
	if (!cms ||
	    !CMS_add1_signer(cms, signer->cert, signer->key, EVP_sha256(),
			     flags | CMS_NOSMIMECAP | CMS_NOATTR) ||
	    CMS_final(cms, data, NULL, flags) != 1)
		return NULL;
	return uk_take(cms);
}

/* struct module_signature: of its fields only the kind and the length are in use. */
static void add_trailer(struct uk_strbuf *out, size_t len)
{
	const uint8_t info[UK_SIGNATURE_INFO_LEN] = {
		[2] = PKEY_ID_PKCS7,	    [8] = (uint8_t)(len >> 24), [9] = (uint8_t)(len >> 16),
		[10] = (uint8_t)(len >> 8), [11] = (uint8_t)len,
	};
	uk_strbuf_add(out, info, sizeof(info));
	uk_strbuf_addstr(out, UK_SIGNATURE_MARK);
}

struct uk_error *uk_signer_sign(const struct uk_signer *signer, const void *data, size_t len,
				void **ret, size_t *len_ret)
{
	if (len > INT_MAX)
		return uk_error_create(UK_ERR_INVALID, "sign: %zu bytes are too many", len);
	uk_cleanup(cleanup_bio) BIO *bio = BIO_new_mem_buf(data, (int)len);
	uk_cleanup(cleanup_cms) CMS_ContentInfo *cms = bio ? make_message(signer, bio) : NULL;
	unsigned char *der = NULL;
	int der_len = cms ? i2d_CMS_ContentInfo(cms, &der) : -1;
	if (der_len <= 0)
		return uk_error_wrap(crypto_error("sign a module"), "%s", signer->name);
	uk_auto_strbuf struct uk_strbuf out = {};
	uk_strbuf_add(&out, data, len);
	uk_strbuf_add(&out, der, (size_t)der_len);
	OPENSSL_free(der);
	add_trailer(&out, (size_t)der_len);
	char *bytes;
	struct uk_error *err = uk_strbuf_finish_len(&out, &bytes, len_ret);
	if (!err)
		*ret = bytes;
	return err;
}
