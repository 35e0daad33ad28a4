/* Makes, fills and removes the directory of a server. */
#ifndef TESTS_SUPPORT_SERVER_PRIVATE_H
#define TESTS_SUPPORT_SERVER_PRIVATE_H

#include "server.h"

/* server_folder.c */
void server_folder_make(struct server *s);
void server_folder_fill(struct server *s, const struct server_plan *plan);
void server_folder_remove(struct server *s);

#endif
