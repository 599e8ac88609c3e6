#include "base/cert.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

static X509 *
cert_read(Str pem, Err *err)
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *cert = in == NULL ? NULL : PEM_read_bio_X509(in, NULL, NULL, NULL);

	BIO_free(in);
	if (cert == NULL)
		err_set(err, ERR_INVALID, "it holds no certificate (PEM)");
	return cert;
}

bool
cert_ends(Str pem, TimeUs *ret, Err *err)
{
	X509 *cert = cert_read(pem, err);
	struct tm when;
	bool fine;

	if (cert == NULL)
		return false;
	fine = ASN1_TIME_to_tm(X509_get0_notAfter(cert), &when) == 1;
	X509_free(cert);
	if (!fine)
		return err_set(err, ERR_INVALID, "its end cannot be read");
	*ret = (TimeUs)timegm(&when) * US_PER_S;
	return true;
}

bool
cert_has_key(Str pem, Str key_pem, Err *err)
{
	X509 *cert = cert_read(pem, err);
	BIO *in = cert == NULL ? NULL : BIO_new_mem_buf(key_pem.p, (int)key_pem.n);
	EVP_PKEY *key = in == NULL ? NULL : PEM_read_bio_PrivateKey(in, NULL, NULL, (void *)(uintptr_t) "");
	bool fits = key != NULL && X509_check_private_key(cert, key) == 1;

	if (cert != NULL && key == NULL)
		err_set(err, ERR_INVALID, "it holds no private key (PEM), or one with a password");
	else if (cert != NULL && !fits)
		err_set(err, ERR_INVALID, "it is not the key of the certificate");
	EVP_PKEY_free(key);
	BIO_free(in);
	X509_free(cert);
	return fits;
}
