/* --certificate: names of client certificates, in the form in which people copy
 * them. */
#ifndef CTL_CERTIFICATE_H
#define CTL_CERTIFICATE_H

#include "ctl.h"

/* Writes the name as a row of the users file has it. A fingerprint as
 * openssl(1) prints it ("AA:BB:…") becomes lower case without colons. A space
 * becomes \20 and a ';' \3B, with or without a backslash before it. Returns 0
 * or -ENAMETOOLONG. */
int certificate_tidy(const char *text, char out[CERTIFICATE_MAX]);

#endif
