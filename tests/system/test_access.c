/* Tickets and the users file. When sessions end: transcripts/server/ends-*. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/files.h"
#include "support/server_log.h"
#include "support/session.h"

static const struct server_user two[] = { { .name = "anna" },
                                          { .name = "bert" } };
static const struct server_plan plan = { .users = two, .user_count = 2 };

/* Replaces the first FROM in the users file by BY, by a rename or in place. */
static void change(const struct server *server, const char *from,
                   const char *by, bool in_place)
{
    char path[SERVER_PATH_MAX], beside[SERVER_PATH_MAX + 8], made[8192];
    struct buf text;
    const char *at;
    int n;

    snprintf(path, sizeof(path), "%s", server_path(server, "users"));
    snprintf(beside, sizeof(beside), "%s.hand", path);
    buf_init(&text, sizeof(made));
    cr_assert(files_read(path, &text) && buf_add(&text, "", 1) == 0);
    at = strstr(text.data, from);
    cr_assert(at, "%s", from);
    n = snprintf(made, sizeof(made), "%.*s%s%s", (int)(at - text.data),
                 text.data, by, at + strlen(from));
    buf_release(&text);
    files_write(in_place ? path : beside, made, (size_t)n, 0600);
    cr_assert(in_place || rename(beside, path) == 0);
}

/* Makes a transfer in a session that shows the ticket. */
static void store(struct session *s, const struct tls_session *show,
                  const char *words)
{
    struct data d;

    s->show = show;
    data_open(s, &d, "STOR f");
    data_close(&d);
    session_expect(s, words);
    s->show = NULL;
}

/* Returns the newest ticket of a session of anna. */
static struct tls_session *ticket_of(const struct server *server)
{
    struct tls_session *ticket;
    struct session s;

    session_init(&s);
    s.version = SESSION_TLS_13;
    session_open(&s, server, "anna");
    ticket = tls_client_session(s.tls);
    cr_assert(ticket);
    session_close(&s);
    return ticket;
}

/* A ticket from before a harmless change still counts. */
Test(access, tickets_of_the_row_before, .timeout = 60)
{
    struct tls_session *ticket;
    struct server server;
    struct session s;

    server_start(&server, &plan);
    ticket = ticket_of(&server);
    change(&server, "::", ":Anna, accounts:", false);
    server_log_wait(&server, "users file read: edition 2", NULL);
    session_init(&s);
    s.version = SESSION_TLS_13;
    session_open(&s, &server, "anna");
    store(&s, ticket, "226 {*}");
    session_close(&s);
    change(&server, "/anna::", "/anna::rights=lrwo", false);
    server_log_wait(&server, "users file read: edition 3", NULL);
    session_init(&s);
    s.version = SESSION_TLS_13;
    session_open(&s, &server, "anna");
    store(&s, ticket,
          "425 {*}not resumed: another user's ticket, or a changed account.");
    store(&s, NULL, "226 {*}");
    session_close(&s);
    tls_session_free(ticket);
    server_stop(&server);
}
