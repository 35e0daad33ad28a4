/* Recognises clients of other protocols: an attacker can send them here
 * (ALPACA), or somebody has confused two ports. */
#ifndef SALLYPORT_FTP_FOREIGN_H
#define SALLYPORT_FTP_FOREIGN_H

#include <stdbool.h>

#include "sallyport/base/slice.h"

/* Can FIRST not be the first byte of an FTP session? Examples are TLS's 0x16, a
 * bracket and NUL. A command begins with a letter, and telnet's commands with
 * 0xff. A CR may belong to an empty line. */
bool foreign_byte(char first);

/* Names the protocol of a first line that is no FTP command: HTTP, SSH, SMTP,
 * POP3, IMAP and so on. Returns NULL if it knows none. */
const char *foreign_line(struct slice line);

#endif
