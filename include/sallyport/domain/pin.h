/* Identifies a certificate by the SHA-256 of its DER form: in the users file,
 * in the proof of a handshake, and in the log. */
#ifndef SALLYPORT_DOMAIN_PIN_H
#define SALLYPORT_DOMAIN_PIN_H

#define PIN_BYTES 32

/* The text of a pin: the prefix, then the bytes as hexadecimal digits in lower
 * case. */
#define PIN_PREFIX   "sha256:"
#define PIN_TEXT_MAX 80 /* with its NUL */

#endif
