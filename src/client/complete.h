/* Completion of commands and names in the shell. */
#ifndef CLIENT_COMPLETE_H
#define CLIENT_COMPLETE_H

#include "client.h"

/* Installs the hooks of libedit; C must live as long as the shell. */
void complete_begin(struct client *c);

#endif
