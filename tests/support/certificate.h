/* A server certificate for tests that need any certificate. */
#ifndef TESTS_SUPPORT_CERTIFICATE_H
#define TESTS_SUPPORT_CERTIFICATE_H

/* Writes certificate.pem and key.pem for localhost, 127.0.0.1 and ::1 to
 * DIRECTORY. Copies the pair that tests/prepare has made for all tests, or else
 * runs certs/make. */
void certificate_make(const char *directory);

#endif
