/* A server's certificate for tests that don't care which. */
#ifndef TESTS_SUPPORT_CERTIFICATE_H
#define TESTS_SUPPORT_CERTIFICATE_H

/* DIRECTORY/certificate.pem and key.pem for localhost, 127.0.0.1 and ::1, by
 * certs/make. tests/run makes one for all its tests: then this is a copy. */
void certificate_make(const char *directory);

#endif
