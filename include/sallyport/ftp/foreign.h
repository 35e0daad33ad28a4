/* Other protocols, whose clients somebody leads here (ALPACA), or which
 * somebody tries at a port by mistake. */
#ifndef SALLYPORT_FTP_FOREIGN_H
#define SALLYPORT_FTP_FOREIGN_H

#include <stdbool.h>

#include "sallyport/base/slice.h"

/* Can't be the first byte of a session: TLS's 0x16, a bracket, a NUL, … A
 * command begins with a letter, telnet's commands with 0xff; a CR may be that
 * of an empty line. */
bool foreign_byte(char first);

/* A first line that is no command of FTP is one of another protocol: HTTP, SSH,
 * SMTP, POP3, IMAP and the like. Its name, or NULL. */
const char *foreign_line(struct slice line);

#endif
