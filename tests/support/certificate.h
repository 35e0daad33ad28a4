/* A server certificate for tests that need any certificate. */
#ifndef TESTS_SUPPORT_CERTIFICATE_H
#define TESTS_SUPPORT_CERTIFICATE_H

/* Writes certificate.pem and key.pem for localhost, 127.0.0.1 and ::1 to
 * DIRECTORY, by certs/make. tests/prepare makes one pair for all its tests, and
 * this then copies it. */
void certificate_make(const char *directory);

#endif
