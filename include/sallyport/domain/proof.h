/* A session puts its serial into its requests for client certificates, so that
 * a client's signature is valid for that session only. The rooms tls and proof
 * share these words. */
#ifndef SALLYPORT_DOMAIN_PROOF_H
#define SALLYPORT_DOMAIN_PROOF_H

#include <stdint.h>

/* An extension of CertificateRequest (RFC 8446 4.3.2), with a number for
 * private use. */
#define PROOF_EXTENSION    0xff5au
#define PROOF_SERIAL_BYTES 8

/* The session's serial, most significant byte first. */
static inline void proof_write_serial(uint64_t serial,
                                      unsigned char out[PROOF_SERIAL_BYTES])
{
    for (int i = 0; i < PROOF_SERIAL_BYTES; i++)
        out[i] = (unsigned char)(serial >> (56 - 8 * i));
}

#endif
